#include "cornu/layers/wrappers.h"

#include "cornu/layers/dense.h"
#include "cornu/layers/merging.h"
#include "cornu/layers/pooling.h"
#include "cornu/layers/reshaping.h"
#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

Layer read(const std::string& text) {
  return layers::layer_from_config("TimeDistributed", base::parse_json(text, "test"), {});
}

TEST(TimeDistributed, Contract) {
  check_layer(TimeDistributed(Dense({.units = 4})),
              {.inputs = {{None, None, 3}}, .outputs = {{None, None, 4}}, .params = 16});
  check_layer(TimeDistributed({.layer = MaxPooling2D(), .name = "steps"}),
              {.inputs = {{None, 5, 6, 6, 2}}, .outputs = {{None, 5, 3, 3, 2}}});
  check_layer(TimeDistributed(Flatten()),
              {.inputs = {{None, 2, 3, 4}}, .outputs = {{None, 2, 12}}});
  check_layer(TimeDistributed(TimeDistributed(Dense({.units = 2}))),
              {.inputs = {{None, 2, 3, 4}}, .outputs = {{None, 2, 3, 2}}, .params = 10});
}

TEST(TimeDistributed, EachStepAlone) {
  const Layer pool = MaxPooling1D();
  const Tensor x = random_tensor({2, 3, 4, 5}, 3);
  EXPECT_TRUE(bit_equal(run_layer(TimeDistributed(pool), x),
                        run_layer(pool, x.reshaped({6, 4, 5})).reshaped({2, 3, 2, 5})));
}

TEST(TimeDistributed, SharesItsLayer) {
  const Layer dense = Dense({.units = 2});
  const Layer steps = TimeDistributed(dense);
  steps(symbol({None, 3, 4}));
  EXPECT_TRUE(dense.built());
  EXPECT_EQ(steps.impl()->weights()[0].variable, dense.impl()->weights()[0].variable);
  EXPECT_EQ(steps.impl()->inner_layers().at(0), dense);
  steps.set_trainable(false);
  EXPECT_FALSE(dense.trainable());
}

TEST(TimeDistributed, ReadsFiles) {
  const Layer keras3 = read(
      R"({"name": "td", "trainable": true, "dtype": "float32",
          "layer": {"module": "keras.layers", "class_name": "Dense",
                    "config": {"name": "inner", "units": 3}, "registered_name": null}})");
  EXPECT_EQ(keras3.impl()->inner_layers().at(0).name(), "inner");
  EXPECT_EQ(to_text(keras3(symbol({None, 2, 5})).shape()), "(None, 2, 3)");
  const Layer keras2 =
      read(R"({"name": "td", "layer": {"class_name": "Dense", "config": {"units": 3}}})");
  EXPECT_EQ(to_text(keras2(symbol({None, 2, 5})).shape()), "(None, 2, 3)");
}

TEST(TimeDistributed, LayersOfYourOwn) {
  register_layer("here>Twice", [](const base::Json&) { return Dense({.units = 7}); });
  const Layer layer = read(
      R"({"layer": {"module": null, "class_name": "Twice", "config": {},
                    "registered_name": "here>Twice"}})");
  EXPECT_EQ(to_text(layer(symbol({None, 2, 5})).shape()), "(None, 2, 7)");
}

// Models are made above layers: the reader of a file brings what makes them.
TEST(TimeDistributed, ModelsComeFromTheReader) {
  const std::string text =
      R"({"layer": {"class_name": "Functional", "config": {"units": 7}, "registered_name": "Functional"}})";
  layers::Dialect dialect;
  dialect.held = [](const base::Json& object) {
    EXPECT_EQ(object.at("class_name").as_string(), "Functional");
    return Dense({.units = object.at("config").at("units").as_int()});
  };
  EXPECT_EQ(to_text(layer_from("TimeDistributed", text, dialect)(symbol({None, 2, 5})).shape()),
            "(None, 2, 7)");
  EXPECT_ERROR(ValueError, layer_from("TimeDistributed", text), "unknown class 'Functional'");
}

TEST(TimeDistributed, Errors) {
  EXPECT_ERROR(ValueError, TimeDistributed(TimeDistributedOptions{}), "`layer` must be given");
  EXPECT_ERROR(ValueError, TimeDistributed(Dense({.units = 1}))(symbol({None, 3})),
               "expected min_ndim=3");
  EXPECT_ERROR(ValueError, TimeDistributed(Add())(symbol({None, 2, 3})), "at least 2 inputs");
  EXPECT_ERROR(ValueError, read("{}"), "`layer` is missing");
  EXPECT_ERROR(ValueError, read(R"({"layer": 3})"), "an object with a class_name");
  EXPECT_ERROR(ValueError, read(R"({"layer": {"class_name": "Dance", "config": {}}})"), "'Dance'");
  EXPECT_ERROR(ValueError, read(R"({"layer": {"class_name": "Lambda", "config": {}}})"),
               "Python code");
  std::string deep = R"({"units": 1})";
  std::string class_name = "Dense";
  for (int i = 0; i < 20; ++i) {
    deep = R"({"layer": {"class_name": ")" + class_name + R"(", "config": )" + deep + "}}";
    class_name = "TimeDistributed";
  }
  EXPECT_ERROR(ValueError, read(deep), "`layer` nests 20 layers; at most 8");
}

}  // namespace
}  // namespace cornu::testing
