#include "cornu/layers/core.h"

#include "cornu/layers/dense.h"
#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

TEST(Input, Shapes) {
  EXPECT_EQ(to_text(Input({.shape = {28, 28, 1}}).shape()), "(None, 28, 28, 1)");
  EXPECT_EQ(to_text(Input({.shape = {None, 3}, .batch_size = 4}).shape()), "(4, None, 3)");
  EXPECT_EQ(to_text(Input({.batch_shape = {None}}).shape()), "(None,)");
  EXPECT_EQ(to_text(Input({.shape = {0}, .batch_size = 0}).shape()), "(0, 0)");
}

TEST(Input, IsTheOnlyCallOfItsLayer) {
  const Symbol x = Input({.shape = {2}, .name = "picture"});
  EXPECT_EQ(x.call()->layer->name(), "picture");
  EXPECT_EQ(x.call()->layer->class_name(), "InputLayer");
  EXPECT_TRUE(x.call()->inputs.empty());
}

TEST(Input, Errors) {
  EXPECT_ERROR(ValueError, Input({}), "one of `shape` and `batch_shape` must be given");
  EXPECT_ERROR(ValueError, Input({.shape = {2}, .batch_shape = {None, 2}}),
               "only one of `shape` and `batch_shape`");
  EXPECT_ERROR(ValueError, Input({.batch_size = 2, .batch_shape = {None, 2}}),
               "`batch_size` cannot be given with `batch_shape`");
  EXPECT_ERROR(ValueError, Input({.shape = {-2}}),
               "`shape` must be zero or positive. Received: shape=-2");
  EXPECT_ERROR(ValueError, Input({.shape = {int64_t{1} << 40}}), "`shape` must be at most");
  EXPECT_ERROR(ValueError, Input({.shape = {2}, .batch_size = -1}), "batch_size=-1");
  EXPECT_ERROR(ValueError, Input({.shape = {2}, .name = "a/b"}), "'a/b'");
  EXPECT_ERROR(ValueError, InputLayer({.shape = {2}})(Input({.shape = {2}})), "takes no inputs");
}

TEST(InputLayer, ReadsBothKerasVersions) {
  for (
      const char* text :
      {R"({"batch_shape": [null, 4, 3], "dtype": "float32", "sparse": false, "ragged": false,
            "name": "x", "optional": false})",
       R"({"batch_input_shape": [null, 4, 3], "dtype": "float32", "sparse": false, "name": "x"})",
       R"({"batch_input_shape": {"class_name": "__tuple__", "items": [null, 4, 3]}, "name": "x"})"}) {
    const Layer layer = layers::layer_from_config("InputLayer", base::parse_json(text, "test"), {});
    EXPECT_EQ(layer.name(), "x");
    EXPECT_EQ(to_text(layer({}).shape()), "(None, 4, 3)");
    EXPECT_EQ(layer.impl()->config().dump(),
              R"({"batch_shape": [null, 4, 3], "dtype": "float32", "sparse": false, )"
              R"("ragged": false, "name": "x"})");
  }
  EXPECT_ERROR(
      ValueError,
      layers::layer_from_config(
          "InputLayer", base::parse_json(R"({"batch_shape": [1], "sparse": true})", "test"), {}),
      "sparse=true");
}

TEST(Activation, IsALayerAmongLayers) {
  const std::vector<Layer> layers = {Dense({.units = 3}), Activation("relu"),
                                     Activation({.activation = "tanh", .name = "out"})};
  EXPECT_EQ(layers[1].class_name(), "Activation");
  EXPECT_EQ(layers[2].name(), "out");
  EXPECT_EQ(to_text(Activation("relu")(Input({.shape = {5}})).shape()), "(None, 5)");
}

TEST(Activation, Contract) {
  check_layer(Activation("relu"), {.inputs = {{None, None, 3}}, .outputs = {{None, None, 3}}});
  check_layer(Activation("softmax"), {.inputs = {{None, 3}}, .outputs = {{None, 3}}});
  check_layer(Activation("glu"), {.inputs = {{None, 5, 4}}, .outputs = {{None, 5, 2}}});
  EXPECT_EQ(Activation("relu").impl()->config().dump(), R"({"activation": "relu"})");
  EXPECT_ERROR(ValueError, Activation("rleu"), "'rleu'");
}

// layers.md 21.6.
TEST(Activation, Values) {
  const Tensor x({9}, {-4, -2, -1, -0.5, 0, 0.5, 1, 2, 4});
  const struct {
    const char* name;
    Tensor want;
  } cases[] = {
      {"leaky_relu", Tensor({9}, {-.8f, -.4f, -.2f, -.1f, 0, .5f, 1, 2, 4})},
      {"elu", Tensor({9}, {-.981684f, -.864665f, -.632121f, -.393469f, 0, .5f, 1, 2, 4})},
      {"gelu", Tensor({9}, {-.000127f, -.0455f, -.158655f, -.154269f, 0, .345731f, .841345f,
                            1.9545f, 3.999873f})},
      {"silu", Tensor({9}, {-.071945f, -.238406f, -.268941f, -.18877f, 0, .31123f, .731059f,
                            1.761594f, 3.928055f})},
      {"sigmoid", Tensor({9}, {.017986f, .119203f, .268941f, .377541f, .5f, .622459f, .731059f,
                               .880797f, .982014f})},
      {"hard_sigmoid",
       Tensor({9}, {0, .166667f, .333333f, .416667f, .5f, .583333f, .666667f, .833333f, 1})},
      {"mish", Tensor({9}, {-.072592f, -.252501f, -.303401f, -.220744f, 0, .375245f, .865098f,
                            1.943959f, 3.997413f})},
      {"relu", Tensor({9}, {0, 0, 0, 0, 0, .5f, 1, 2, 4})},
      {"linear", x},
  };
  for (const auto& c : cases)
    EXPECT_LT(max_error(run_layer(Activation(c.name), x), c.want), 1e-6) << c.name;
}

TEST(Activation, HardSigmoidOfKeras2Files) {
  const base::Json config = base::parse_json(R"({"activation": "hard_sigmoid"})", "test");
  const Layer layer =
      layers::layer_from_config("Activation", config, {.keras2_hard_sigmoid = true});
  EXPECT_LT(max_error(run_layer(layer, Tensor({3}, {-4, 1, 2})), Tensor({3}, {0, .7f, .9f})), 1e-6);
}

TEST(Activation, OfYourOwn) {
  const ActivationFunction twice("twice", [](graph::Builder& g, graph::Value x) {
    return g.binary(ops::Binary::Fn::kAdd, x, x);
  });
  EXPECT_TRUE(bit_equal(run_layer(Activation(twice), Tensor({2}, {1, -3})), Tensor({2}, {2, -6})));
}

TEST(Identity, GivesWhatItTakes) {
  check_layer(Identity(), {.inputs = {{None, None, 3}}, .outputs = {{None, None, 3}}});
  const Tensor x = random_tensor({2, 3}, 1);
  EXPECT_TRUE(bit_equal(run_layer(Identity(), x), x));
}

}  // namespace
}  // namespace cornu::testing
