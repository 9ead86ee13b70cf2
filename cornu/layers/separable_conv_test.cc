#include "cornu/layers/separable_conv.h"

#include "cornu/layers/conv.h"
#include "cornu/layers/depthwise_conv.h"
#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

using Row = std::vector<float>;

TEST(SeparableConv, ShapesAndParameters) {  // layers.md S32, S33
  check_layer(SeparableConv1D({.filters = 8, .kernel_size = 3, .depth_multiplier = 2}),
              {.inputs = {{None, 10, 4}}, .outputs = {{None, 8, 8}}, .params = 96});
  check_layer(
      SeparableConv2D(
          {.filters = 8, .kernel_size = 3, .strides = 2, .padding = "same", .depth_multiplier = 2}),
      {.inputs = {{None, 13, 14, 4}}, .outputs = {{None, 7, 7, 8}}, .params = 144});
  check_layer(SeparableConv2D({.filters = 2, .kernel_size = {2, 3}, .depth_multiplier = 3}),
              {.inputs = {{None, None, 6, 3}}, .outputs = {{None, None, 4, 2}}, .params = 74});
}

// Every argument in the order of Keras's signature: another order does not compile.
TEST(SeparableConv, AllArguments) {
  const Layer layer = SeparableConv2D({.filters = 4,
                                       .kernel_size = {3, 2},
                                       .strides = 1,
                                       .padding = "same",
                                       .data_format = "channels_first",
                                       .dilation_rate = {2, 1},
                                       .depth_multiplier = 3,
                                       .activation = "relu",
                                       .use_bias = true,
                                       .depthwise_initializer = "he_normal",
                                       .pointwise_initializer = "he_uniform",
                                       .bias_initializer = "ones",
                                       .depthwise_regularizer = "l2",
                                       .pointwise_regularizer = "l2",
                                       .bias_regularizer = "l1",
                                       .activity_regularizer = "l2",
                                       .depthwise_constraint = "max_norm",
                                       .pointwise_constraint = "unit_norm",
                                       .bias_constraint = "non_neg",
                                       .name = "mine",
                                       .trainable = false,
                                       .dtype = "float32",
                                       .input_shape = {2, 8, 8}});
  check_layer(layer, {.inputs = {{None, 2, 8, 8}}, .outputs = {{None, 4, 8, 8}}, .params = 64});
}

TEST(SeparableConv, ConfigurationNamesKerasFields) {
  const std::string fields =
      "depth_multiplier filters kernel_size strides padding data_format dilation_rate activation "
      "use_bias depthwise_initializer pointwise_initializer bias_initializer depthwise_regularizer "
      "pointwise_regularizer bias_regularizer activity_regularizer depthwise_constraint "
      "pointwise_constraint bias_constraint";
  EXPECT_EQ(config_keys(SeparableConv1D({.filters = 1, .kernel_size = 1})), fields);
  EXPECT_EQ(config_keys(SeparableConv2D({.filters = 1, .kernel_size = 1})), fields);
}

TEST(SeparableConv, Values) {  // layers.md N22
  const Layer layer = SeparableConv1D(
      {.filters = 1, .kernel_size = 2, .depth_multiplier = 2, .activation = "relu"});
  const Tensor y = run_layer(layer, Tensor({1, 3, 2}, {1, 10, 2, 20, 3, 30}),
                             {Tensor({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}),
                              Tensor({1, 4, 1}, {1, -1, 0.1f, 0.2f}), Tensor({1}, {-50})});
  ASSERT_EQ(y.size(), 2);
  EXPECT_NEAR(y.data()[0], 4, 1e-4);
  EXPECT_NEAR(y.data()[1], 36, 1e-4);
}

TEST(SeparableConv, IsDepthwiseThenPointwise) {
  const Layer layer = SeparableConv2D({.filters = 5,
                                       .kernel_size = 3,
                                       .strides = 2,
                                       .padding = "same",
                                       .depth_multiplier = 2,
                                       .activation = "tanh"});
  layer(symbol({None, 7, 8, 3}));
  randomize_weights(layer);
  const std::vector<Tensor> w = layer.get_weights();
  const Tensor x = random_tensor({2, 7, 8, 3}, 5);
  const Layer depthwise = DepthwiseConv2D({.kernel_size = 3,
                                           .strides = 2,
                                           .padding = "same",
                                           .depth_multiplier = 2,
                                           .use_bias = false});
  const Layer pointwise = Conv2D({.filters = 5, .kernel_size = 1, .activation = "tanh"});
  const Tensor two = run_layer(pointwise, run_layer(depthwise, x, {w[0]}), {w[1], w[2]});
  EXPECT_TRUE(bit_equal(run_layer(layer, x), two));
}

TEST(SeparableConv, WeightNames) {
  const Layer layer = SeparableConv2D({.filters = 7, .kernel_size = {3, 4}, .depth_multiplier = 2});
  layer(symbol({None, 9, 9, 5}));
  const std::vector<Weight> weights = layer.impl()->weights();
  ASSERT_EQ(weights.size(), 3u);
  EXPECT_EQ(weights[0].variable->name(), "depthwise_kernel");
  EXPECT_EQ(weights[0].variable->shape(), (Shape{3, 4, 5, 2}));
  EXPECT_EQ(weights[1].variable->name(), "pointwise_kernel");
  EXPECT_EQ(weights[1].variable->shape(), (Shape{1, 1, 10, 7}));
  EXPECT_EQ(weights[2].variable->name(), "bias");
  EXPECT_EQ(weights[2].variable->shape(), (Shape{7}));
}

// Files may hold what the constructor refuses (layers.md D4, D5).
TEST(SeparableConvFromFile, StrideWithDilationAndCausal) {
  const Layer strided = layer_from("SeparableConv2D", R"({"filters": 2, "kernel_size": 3,
      "strides": 2, "dilation_rate": 2, "padding": "same"})");
  check_layer(strided, {.inputs = {{None, 9, 8, 1}}, .outputs = {{None, 5, 4, 2}}, .params = 13});

  const Layer causal = layer_from("SeparableConvolution1D", R"({"filters": 1, "kernel_size": [3],
      "padding": "causal", "use_bias": false, "kernel_initializer": null})");
  EXPECT_EQ(causal.class_name(), "SeparableConv1D");
  EXPECT_EQ(numbers(run_layer(causal, steps({1, 2, 3, 4, 5}),
                              {Tensor({3, 1, 1}, {1, 10, 100}), Tensor({1, 1, 1}, {1})})),
            (Row{100, 210, 321, 432, 543}));
  EXPECT_ERROR(
      ValueError,
      layer_from("SeparableConv2D", R"({"filters": 1, "kernel_size": 3, "padding": "causal"})"),
      "padding='causal'");
  EXPECT_EQ(layer_from("SeparableConvolution2D", R"({"filters": 1, "kernel_size": 3, "groups": 1,
      "kernel_initializer": {"class_name": "GlorotUniform", "config": {}}})")
                .class_name(),
            "SeparableConv2D");
}

TEST(SeparableConvErrors, All) {
  EXPECT_ERROR(ValueError, SeparableConv2D({.filters = 0, .kernel_size = 3, .name = "s"}),
               "SeparableConv2D 's': `filters` must be positive. Received: filters=0");
  EXPECT_ERROR(ValueError,
               SeparableConv2D({.filters = 1, .kernel_size = 3, .depth_multiplier = -2}),
               "`depth_multiplier` must be positive. Received: depth_multiplier=-2");
  EXPECT_ERROR(ValueError, SeparableConv1D({.filters = 1, .kernel_size = 3, .padding = "causal"}),
               "`padding` must be one of 'valid', 'same'. Received: padding='causal'");
  EXPECT_ERROR(ValueError,
               SeparableConv2D({.filters = 1, .kernel_size = 3, .strides = 2, .dilation_rate = 2}),
               "cannot be combined");
  EXPECT_ERROR(ValueError,
               SeparableConv2D({.filters = 1, .kernel_size = 3, .pointwise_initializer = "glorot"}),
               "unknown initializer 'glorot'");
  EXPECT_ERROR(ValueError,
               SeparableConv2D({.filters = 1, .kernel_size = 3, .pointwise_regularizer = "l3"}),
               "unknown regularizer 'l3'");
  EXPECT_ERROR(ValueError,
               SeparableConv2D({.filters = 1, .kernel_size = 3, .pointwise_constraint = "norm"}),
               "unknown constraint 'norm'");
  const Layer layer = SeparableConv1D({.filters = 1, .kernel_size = 3});
  EXPECT_ERROR(ValueError, layer(symbol({None, 8, 8, 3})), "expected ndim=3, found ndim=4");
  EXPECT_ERROR(ValueError, layer(symbol({None, 2, 1})), "output size would be zero or negative");
  EXPECT_ERROR(ValueError, layer(symbol({None, 4, None})), "must be known");
  layer(symbol({None, 8, 3}));
  EXPECT_ERROR(ValueError, layer(symbol({None, 8, 4})), "expected axis 2");
}

}  // namespace
}  // namespace cornu::testing
