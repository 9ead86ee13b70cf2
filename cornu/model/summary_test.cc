#include "cornu/model/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cornu/cornu.h"

namespace cornu::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// layers.md part 17.
TEST(Summary, ColumnWidths) {
  const std::vector<double> chain = {0.45, 0.80, 1.0}, graph = {0.30, 0.56, 0.74, 1.0};
  EXPECT_THAT(column_widths(88, chain), ElementsAre(38, 29, 17));
  EXPECT_THAT(column_widths(76, chain), ElementsAre(33, 24, 15));
  EXPECT_THAT(column_widths(108, graph), ElementsAre(31, 27, 17, 28));
  EXPECT_THAT(column_widths(76, graph), ElementsAre(21, 19, 12, 19));
}

TEST(Summary, IsKerasTable) {
  clear_session();
  const ::cornu::Sequential model({
      Conv2D({.filters = 4, .kernel_size = 3, .padding = "same", .input_shape = {8, 8, 1}}),
      BatchNormalization(),
  });
  EXPECT_EQ(model.summary_text({.line_length = 76}),
            "Model: \"sequential\"\n"
            "┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓\n"
            "┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃\n"
            "┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩\n"
            "│ conv2d (Conv2D)                 │ (None, 8, 8, 4)        │            40 │\n"
            "├─────────────────────────────────┼────────────────────────┼───────────────┤\n"
            "│ batch_normalization             │ (None, 8, 8, 4)        │            16 │\n"
            "│ (BatchNormalization)            │                        │               │\n"
            "└─────────────────────────────────┴────────────────────────┴───────────────┘\n"
            " Total params: 56 (224.00 B)\n"
            " Trainable params: 48 (192.00 B)\n"
            " Non-trainable params: 8 (32.00 B)\n");
}

TEST(Summary, SaysWhatIsConnectedToWhat) {
  clear_session();
  const Symbol a = Input({.shape = {4}, .name = "a"}), b = Input({.shape = {4}, .name = "b"});
  const Layer shared = Dense({.units = 4, .name = "shared"});
  const Model model({.inputs = {a, b}, .outputs = Add({.name = "sum"})({shared(a), shared(b)})});
  const std::string text = model.summary_text();
  EXPECT_THAT(text, HasSubstr("Connected to"));
  EXPECT_THAT(text, HasSubstr("│ a (InputLayer)"));
  EXPECT_THAT(text, HasSubstr("a[0][0], b[0][0]"));
  EXPECT_THAT(text, HasSubstr("shared[0][0],"));
  EXPECT_THAT(text, HasSubstr("shared[1][0]"));
}

TEST(Summary, MarksWhatIsNotBuiltAndWhatIsFrozen) {
  clear_session();
  const ::cornu::Sequential open({Dense({.units = 4})});
  EXPECT_THAT(open.summary_text(), HasSubstr("0 (unbuilt)"));
  EXPECT_THAT(open.summary_text(), HasSubstr("│ ?  "));
  const ::cornu::Sequential model({Dense({.units = 1024, .input_shape = {1024}})});
  model.get_layer(0).set_trainable(false);
  const std::string text = model.summary_text({.show_trainable = true});
  EXPECT_THAT(text, HasSubstr("┃ Traina… ┃"));
  EXPECT_THAT(text, HasSubstr("1,049,600"));
  EXPECT_THAT(text, HasSubstr(" Total params: 1,049,600 (4.00 MB)"));
  EXPECT_THAT(text, HasSubstr("│ N "));
}

TEST(Summary, CutsLongNamesAndNests) {
  clear_session();
  const ::cornu::Sequential inner({Dense({.units = 2, .input_shape = {3}})}, {.name = "inner"});
  const ::cornu::Sequential model({inner, Dense({.units = 2, .name = std::string(120, 'x')})},
                                  {.name = "outer"});
  const std::string text = model.summary_text({.expand_nested = true});
  EXPECT_THAT(text, HasSubstr("xxx…"));
  EXPECT_THAT(text, HasSubstr("└ dense (Dense)"));
}

TEST(Summary, PrintsThroughTheSink) {
  static std::string printed;
  set_print_sink([](const std::string& text) { printed += text; });
  ::cornu::Sequential({Dense({.units = 2, .input_shape = {3}})}).summary();
  set_print_sink(nullptr);
  EXPECT_THAT(printed, HasSubstr("Total params: 8"));
}

}  // namespace
}  // namespace cornu::model
