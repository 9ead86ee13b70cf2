#include "cornu/model/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cornu/cornu.h"

namespace cornu::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

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
  EXPECT_THAT(text, HasSubstr("│    N    │"));
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

// These tables are what rich, which prints Keras's, makes of the same cells.
TEST(Summary, TwoInputsAndWhatIsTrainable) {
  const Symbol left = Input({.shape = {4}, .name = "left"});
  const Symbol right = Input({.shape = {4}, .name = "right"});
  const Layer shared = Dense({.units = 4, .name = "shared", .trainable = false});
  const Model model({.inputs = {left, right},
                     .outputs = Add({.name = "sum"})({shared(left), shared(right)}),
                     .name = "two"});
  EXPECT_EQ(model.summary_text({.line_length = 80, .show_trainable = true}),
            "Model: \"two\"\n"
            "┏━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━┓\n"
            "┃ Layer (type)       ┃ Output Shape     ┃    Param # ┃ Connected to    ┃ Trai… ┃\n"
            "┡━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━┩\n"
            "│ left (InputLayer)  │ (None, 4)        │          0 │ -               │   -   │\n"
            "├────────────────────┼──────────────────┼────────────┼─────────────────┼───────┤\n"
            "│ right (InputLayer) │ (None, 4)        │          0 │ -               │   -   │\n"
            "├────────────────────┼──────────────────┼────────────┼─────────────────┼───────┤\n"
            "│ shared (Dense)     │ (None, 4)        │         20 │ left[0][0],     │   N   │\n"
            "│                    │                  │            │ right[0][0]     │       │\n"
            "├────────────────────┼──────────────────┼────────────┼─────────────────┼───────┤\n"
            "│ sum (Add)          │ (None, 4)        │          0 │ shared[0][0],   │   -   │\n"
            "│                    │                  │            │ shared[1][0]    │       │\n"
            "└────────────────────┴──────────────────┴────────────┴─────────────────┴───────┘\n"
            " Total params: 20 (80.00 B)\n"
            " Trainable params: 0 (0.00 B)\n"
            " Non-trainable params: 20 (80.00 B)\n");
}

// Nested layers are indented; in a narrow table a header's short cells stand at the bottom.
TEST(Summary, NestedAndNarrow) {
  const ::cornu::Sequential inner({Dense({.units = 2, .name = "first", .input_shape = {3}}),
                                   Dense({.units = 2, .name = "a_layer_with_a_long_name"})},
                                  {.name = "inner"});
  const ::cornu::Sequential model({inner, Dense({.units = 2, .name = "last"})}, {.name = "outer"});
  EXPECT_EQ(model.summary_text({.line_length = 44, .expand_nested = true}),
            "Model: \"outer\"\n"
            "┏━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━┓\n"
            "┃                  ┃              ┃  Param ┃\n"
            "┃ Layer (type)     ┃ Output Shape ┃      # ┃\n"
            "┡━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━┩\n"
            "│ inner            │ (None, 2)    │     14 │\n"
            "│ (Sequential)     │              │        │\n"
            "├──────────────────┼──────────────┼────────┤\n"
            "│    └ first       │ (None, 2)    │      8 │\n"
            "│ (Dense)          │              │        │\n"
            "├──────────────────┼──────────────┼────────┤\n"
            "│    └             │ (None, 2)    │      6 │\n"
            "│ a_layer_with_a_… │              │        │\n"
            "│ (Dense)          │              │        │\n"
            "├──────────────────┼──────────────┼────────┤\n"
            "│ last (Dense)     │ (None, 2)    │      6 │\n"
            "└──────────────────┴──────────────┴────────┘\n"
            " Total params: 20 (80.00 B)\n"
            " Trainable params: 20 (80.00 B)\n"
            " Non-trainable params: 0 (0.00 B)\n");
}

TEST(Summary, NestedAndNotBuilt) {
  const ::cornu::Sequential block({Dense({.units = 2, .name = "dense"})}, {.name = "block"});
  const ::cornu::Sequential model({block}, {.name = "open"});
  EXPECT_EQ(model.summary_text({.line_length = 60, .expand_nested = true}),
            "Model: \"open\"\n"
            "┏━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━┓\n"
            "┃ Layer (type)             ┃ Output Shape      ┃   Param # ┃\n"
            "┡━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━┩\n"
            "│ block (Sequential)       │ ?                 │         0 │\n"
            "│                          │                   │ (unbuilt) │\n"
            "├──────────────────────────┼───────────────────┼───────────┤\n"
            "│    └ dense (Dense)       │ ?                 │         0 │\n"
            "│                          │                   │ (unbuilt) │\n"
            "└──────────────────────────┴───────────────────┴───────────┘\n"
            " Total params: 0 (0.00 B)\n"
            " Trainable params: 0 (0.00 B)\n"
            " Non-trainable params: 0 (0.00 B)\n");
}

// What is nested is not said to be connected, as in Keras.
TEST(Summary, ConnectionsOfTheOuterModelAlone) {
  const Symbol a = Input({.shape = {4}, .name = "a"});
  const Symbol b = Dense({.units = 2, .name = "b"})(a), c = Dense({.units = 2, .name = "c"})(a);
  const Model inner({.inputs = a, .outputs = Add({.name = "sum"})({b, c}), .name = "inner"});
  const Symbol x = Input({.shape = {4}, .name = "x"});
  const Model outer({.inputs = x, .outputs = Concatenate({.name = "both"})({inner(x), inner(x)})});
  const std::string text = outer.summary_text({.expand_nested = true});
  EXPECT_THAT(text, HasSubstr("x[0][0], x[0][0]"));
  EXPECT_THAT(text, HasSubstr("inner[0][0], inner[1][0]"));
  EXPECT_THAT(text, HasSubstr("   └ sum (Add)"));
  EXPECT_THAT(text, Not(HasSubstr("a[0][0]")));
  EXPECT_THAT(text, Not(HasSubstr("b[0][0]")));
}

// A row of layers with outputs on the way is still one.
TEST(Summary, Chains) {
  const auto is_chain = [](const Symbol& x, const Symbols& y) {
    const Model model({.inputs = x, .outputs = y});
    return model.summary_text().find("Connected to") == std::string::npos;
  };
  const Symbol x = Input({.shape = {4}});
  const Symbol b = Dense({.units = 4})(x), c = Dense({.units = 4})(b);
  EXPECT_TRUE(is_chain(x, c));
  EXPECT_TRUE(is_chain(x, {b, c}));
  EXPECT_FALSE(is_chain(x, Add()({b, c})));
  EXPECT_FALSE(is_chain(x, Add()({c, c})));
  EXPECT_FALSE(is_chain(x, {b, Dense({.units = 4})(x)}));
  const Layer twice = Dense({.units = 4});
  EXPECT_FALSE(is_chain(x, twice(twice(x))));
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
