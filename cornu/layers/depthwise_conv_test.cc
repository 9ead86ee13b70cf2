#include "cornu/layers/depthwise_conv.h"

#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

using Row = std::vector<float>;

TEST(DepthwiseConv, ShapesAndParameters) {  // layers.md S29-S31
  check_layer(DepthwiseConv2D({.kernel_size = 3, .padding = "same"}),
              {.inputs = {{None, 64, 64, 3}}, .outputs = {{None, 64, 64, 3}}, .params = 30});
  check_layer(DepthwiseConv2D({.kernel_size = 3, .strides = 2, .depth_multiplier = 2}),
              {.inputs = {{None, 10, 11, 3}}, .outputs = {{None, 4, 5, 6}}, .params = 60});
  check_layer(
      DepthwiseConv1D({.kernel_size = 3, .depth_multiplier = 2, .data_format = "channels_first"}),
      {.inputs = {{None, 3, 10}}, .outputs = {{None, 6, 8}}, .params = 24});
  check_layer(DepthwiseConv2D({.kernel_size = {3, 2}, .strides = {2, 1}, .dilation_rate = 1}),
              {.inputs = {{None, None, 9, 2}}, .outputs = {{None, None, 8, 2}}, .params = 14});
}

// Every argument in the order of Keras's signature: another order does not compile.
TEST(DepthwiseConv, AllArguments) {
  const Layer layer = DepthwiseConv2D({.kernel_size = {3, 2},
                                       .strides = 1,
                                       .padding = "SAME",
                                       .depth_multiplier = 3,
                                       .data_format = "channels_first",
                                       .dilation_rate = {2, 1},
                                       .activation = "relu",
                                       .use_bias = true,
                                       .depthwise_initializer = "he_normal",
                                       .bias_initializer = "ones",
                                       .depthwise_regularizer = "l2",
                                       .bias_regularizer = "l1",
                                       .activity_regularizer = "l2",
                                       .depthwise_constraint = "max_norm",
                                       .bias_constraint = "non_neg",
                                       .name = "mine",
                                       .trainable = false,
                                       .dtype = "float32",
                                       .input_shape = {2, 8, 8}});
  check_layer(layer, {.inputs = {{None, 2, 8, 8}}, .outputs = {{None, 6, 8, 8}}, .params = 42});
}

TEST(DepthwiseConv, ConfigurationNamesKerasFields) {
  const std::string fields =
      "depth_multiplier kernel_size strides padding data_format dilation_rate activation use_bias "
      "depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer "
      "activity_regularizer depthwise_constraint bias_constraint";
  EXPECT_EQ(config_keys(DepthwiseConv1D({.kernel_size = 1})), fields);
  EXPECT_EQ(config_keys(DepthwiseConv2D({.kernel_size = 1})), fields);
}

TEST(DepthwiseConv, Values) {  // layers.md N21
  const Layer layer = DepthwiseConv1D({.kernel_size = 2, .depth_multiplier = 2, .use_bias = false});
  const Tensor y = run_layer(layer, Tensor({1, 3, 2}, {1, 10, 2, 20, 3, 30}),
                             {Tensor({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})});
  EXPECT_EQ(numbers(y), (Row{11, 14, 170, 200, 17, 22, 270, 320}));
}

TEST(DepthwiseConv, WeightNames) {
  const Layer layer = DepthwiseConv2D({.kernel_size = {3, 4}, .depth_multiplier = 2});
  layer(symbol({None, 9, 9, 5}));
  const std::vector<Weight> weights = layer.impl()->weights();
  ASSERT_EQ(weights.size(), 2u);
  EXPECT_EQ(weights[0].variable->name(), "kernel");
  EXPECT_EQ(weights[0].variable->shape(), (Shape{3, 4, 5, 2}));
  EXPECT_EQ(weights[1].variable->name(), "bias");
  EXPECT_EQ(weights[1].variable->shape(), (Shape{10}));
}

// Files may hold what the constructor refuses: strides and dilation at once (layers.md D4, N23).
TEST(DepthwiseConvFromFile, StrideWithDilation) {
  const auto run = [](const std::string& padding) {
    const Layer layer =
        layer_from("DepthwiseConv1D", R"({"kernel_size": [3], "strides": [2], "dilation_rate": [2],
                               "use_bias": false, "padding": ")" +
                                          padding + "\"}");
    return numbers(
        run_layer(layer, steps({1, 2, 3, 4, 5, 6, 7}), {Tensor({3, 1, 1}, {1, 10, 100})}));
  };
  EXPECT_EQ(run("same"), (Row{310, 531, 753, 75}));
  EXPECT_EQ(run("valid"), (Row{531, 753}));
}

TEST(DepthwiseConvFromFile, OtherNamesAndKeysOfOlderWriters) {
  EXPECT_EQ(layer_from("DepthwiseConvolution2D", R"({"kernel_size": 3})").class_name(),
            "DepthwiseConv2D");
  const Layer layer = layer_from("DepthwiseConv2D", R"({
      "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "depth_multiplier": 1,
      "data_format": "channels_last", "groups": 1, "rank": 2, "activation": "linear",
      "use_bias": false, "kernel_regularizer": null, "kernel_constraint": null,
      "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": null}},
      "depthwise_initializer": {"class_name": "GlorotUniform", "config": {"seed": null}}})");
  EXPECT_EQ(layer(symbol({None, 4, 4, 2})).shape(), (Shape{None, 4, 4, 2}));
  EXPECT_EQ(layer.impl()->config().find("kernel_initializer"), std::nullopt);
  EXPECT_ERROR(ValueError, layer_from("DepthwiseConv2D", R"({"kernel_size": 3, "groups": 2})"),
               "unknown argument 'groups'");
}

TEST(DepthwiseConvErrors, All) {
  EXPECT_ERROR(ValueError, DepthwiseConv2D({.kernel_size = 3, .depth_multiplier = 0, .name = "d"}),
               "DepthwiseConv2D 'd': `depth_multiplier` must be positive. Received: "
               "depth_multiplier=0");
  EXPECT_ERROR(ValueError, DepthwiseConv1D({}), "`kernel_size` must be positive");
  EXPECT_ERROR(ValueError, DepthwiseConv1D({.kernel_size = 3, .padding = "causal"}),
               "`padding` must be one of 'valid', 'same'. Received: padding='causal'");
  EXPECT_ERROR(ValueError, DepthwiseConv2D({.kernel_size = 3, .strides = 2, .dilation_rate = 2}),
               "cannot be combined");
  EXPECT_ERROR(ValueError, DepthwiseConv2D({.kernel_size = 3, .depthwise_initializer = "glorot"}),
               "unknown initializer 'glorot'");
  EXPECT_ERROR(ValueError, DepthwiseConv2D({.kernel_size = 3, .depthwise_regularizer = "l3"}),
               "unknown regularizer 'l3'");
  EXPECT_ERROR(ValueError, DepthwiseConv2D({.kernel_size = 3, .depthwise_constraint = "norm"}),
               "unknown constraint 'norm'");
  const Layer layer = DepthwiseConv2D({.kernel_size = 3});
  EXPECT_ERROR(ValueError, layer(symbol({None, 8, 8})), "expected ndim=4, found ndim=3");
  EXPECT_ERROR(ValueError, layer(symbol({None, 8, 8, None})), "must be known");
  EXPECT_ERROR(ValueError, layer(symbol({None, 2, 8, 1})), "output size would be zero or negative");
  layer(symbol({None, 8, 8, 3}));
  EXPECT_ERROR(ValueError, layer(symbol({None, 8, 8, 4})), "expected axis 3");
}

}  // namespace
}  // namespace cornu::testing
