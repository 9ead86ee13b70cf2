// What cornu::codegen prints for many models has been compiled into this program: it builds the
// same models.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cornu/formats/model_test_util.h"
#include "cornu/model/network.h"
#include "tests/codegen/models.h"
#include "tests/codegen/printed_models.h"
#include "tests/support/written.h"

// What the printed C++ leaves to its user.
cornu::Layer own_layer(const std::string& class_name, const std::string& configuration) {
  return cornu::layers::layer_from_config(class_name,
                                          cornu::base::parse_json(configuration, class_name), {});
}

namespace cornu::testing {
namespace {

using base::cat;
using formats::testing_model::Folder;
using ::testing::HasSubstr;

std::string table(const Model& model) {
  return model.summary_text({.show_trainable = true, .expand_nested = true});
}

TEST(Codegen, PrintedModelsAreTheSame) {
  const std::vector<NamedModel> all = models();
  ASSERT_EQ(printed_models().size(), all.size());
  const Folder folder;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto& [name, model] = all[i];
    SCOPED_TRACE(name);
    const Model printed = printed_models()[i]();
    model.network()->loaded_training.reset();  // which is not printed
    EXPECT_EQ(table(printed), table(model));
    EXPECT_EQ(printed.to_json(), model.to_json());
    if (!model.built()) continue;
    const std::string path = folder.path("m.weights.h5");
    model.save_weights(path);
    EXPECT_TRUE(printed.load_weights(path).empty());
    expect_same_numbers(printed, model);
    expect_same_results(printed, model);
  }
}

TEST(Codegen, EveryArgumentOfEveryClassIsSaid) {
  (void)models();  // registers
  std::set<std::string> classes;
  std::map<std::pair<std::string, std::string>, bool> said;
  for (const Layer& layer : layers_with_every_argument()) {
    classes.insert(layer.class_name());
    const std::string text = codegen(Sequential({layer}));
    for (const auto& [key, value] : layer.impl()->declared_config().items())
      said[{layer.class_name(), std::string(key)}] |=
          text.find(cat(".", key, " = ")) != std::string::npos;
  }
  // These may have one value only.
  for (const char* key : {"antialias", "fill_mode", "fill_value"}) said.erase({"Resizing", key});
  for (const auto& [argument, found] : said)
    EXPECT_TRUE(found) << argument.first << " " << argument.second;
  for (const std::string& name : layers::registry().class_names())
    EXPECT_TRUE(classes.contains(name) || name == "InputLayer" || name == "TimeDistributed")
        << name;
}

TEST(Codegen, IsReadable) {
  const Layer shared = Dense({.units = 4, .name = "d"});
  const Symbol x = Input({.shape = {4}, .name = "in"});
  const Model model({.inputs = x, .outputs = shared(shared(x)), .name = "m"});
  EXPECT_EQ(codegen(model, {.function = "f"}),
            "// Made by cornu codegen. The weights are initial ones until load_weights() reads "
            "those of the\n// model's file.\n#include \"cornu/cornu.h\"\n\n"
            "cornu::Model f() {\n"
            "  using namespace cornu;\n"
            "  const Symbol in = Input({.shape = {4}, .name = \"in\"});\n"
            "  const Layer d_layer = Dense({.units = 4, .name = \"d\"});\n"
            "  const Symbol d = d_layer(in);\n"
            "  const Symbol d_2 = d_layer(d);\n"
            "  const Model m({.inputs = in, .outputs = d_2, .name = \"m\"});\n"
            "  return m;\n"
            "}\n");
}

TEST(Codegen, NamesAreCppNames) {
  const Model model = Sequential({.name = "std"});
  EXPECT_THAT(codegen(model, {.function = "std_1"}), HasSubstr("Sequential std_1_2("));
  for (const char* bad : {"", "1f", "a b", "int", "f()", "é"})
    EXPECT_THROW(codegen(model, {.function = bad}), ValueError) << bad;
}

}  // namespace
}  // namespace cornu::testing
