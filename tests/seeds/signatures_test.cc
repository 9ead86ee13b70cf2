// The signatures that the documents print (000 and 001; 004 for groups): every argument by name, in
// that order, with that default. Another order does not compile; another default changes the
// configuration.

#include "cornu/layers/conv.h"
#include "cornu/layers/conv_transpose.h"
#include "cornu/layers/cropping.h"
#include "cornu/layers/depthwise_conv.h"
#include "cornu/layers/separable_conv.h"
#include "cornu/layers/up_sampling.h"
#include "cornu/layers/zero_padding.h"
#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

void expect_same(const Layer& spelled_out, const Layer& by_default) {
  EXPECT_EQ(spelled_out.impl()->config().dump(), by_default.impl()->config().dump());
}

TEST(Signatures, Conv1D) {
  expect_same(Conv1D({.filters = 4,
                      .kernel_size = 3,
                      .strides = 1,
                      .padding = "valid",
                      .data_format = "channels_last",
                      .dilation_rate = 1,
                      .activation = None,
                      .use_bias = true,
                      .kernel_initializer = "glorot_uniform",
                      .bias_initializer = "zeros",
                      .kernel_regularizer = None,
                      .bias_regularizer = None,
                      .activity_regularizer = None,
                      .kernel_constraint = None,
                      .bias_constraint = None}),
              Conv1D({.filters = 4, .kernel_size = 3}));
}

TEST(Signatures, Conv2D) {
  expect_same(Conv2D({.filters = 4,
                      .kernel_size = 3,
                      .strides = {1, 1},
                      .padding = "valid",
                      .data_format = None,
                      .dilation_rate = {1, 1},
                      .groups = 1,
                      .activation = None,
                      .use_bias = true,
                      .kernel_initializer = "glorot_uniform",
                      .bias_initializer = "zeros",
                      .kernel_regularizer = None,
                      .bias_regularizer = None,
                      .activity_regularizer = None,
                      .kernel_constraint = None,
                      .bias_constraint = None}),
              Conv2D({.filters = 4, .kernel_size = 3}));
}

TEST(Signatures, SeparableConv1D) {
  expect_same(SeparableConv1D({.filters = 4,
                               .kernel_size = 3,
                               .strides = 1,
                               .padding = "valid",
                               .data_format = "channels_last",
                               .dilation_rate = 1,
                               .depth_multiplier = 1,
                               .activation = None,
                               .use_bias = true,
                               .depthwise_initializer = "glorot_uniform",
                               .pointwise_initializer = "glorot_uniform",
                               .bias_initializer = "zeros",
                               .depthwise_regularizer = None,
                               .pointwise_regularizer = None,
                               .bias_regularizer = None,
                               .activity_regularizer = None,
                               .depthwise_constraint = None,
                               .pointwise_constraint = None,
                               .bias_constraint = None}),
              SeparableConv1D({.filters = 4, .kernel_size = 3}));
}

TEST(Signatures, SeparableConv2D) {
  expect_same(SeparableConv2D({.filters = 4,
                               .kernel_size = 3,
                               .strides = {1, 1},
                               .padding = "valid",
                               .data_format = None,
                               .dilation_rate = {1, 1},
                               .depth_multiplier = 1,
                               .activation = None,
                               .use_bias = true,
                               .depthwise_initializer = "glorot_uniform",
                               .pointwise_initializer = "glorot_uniform",
                               .bias_initializer = "zeros",
                               .depthwise_regularizer = None,
                               .pointwise_regularizer = None,
                               .bias_regularizer = None,
                               .activity_regularizer = None,
                               .depthwise_constraint = None,
                               .pointwise_constraint = None,
                               .bias_constraint = None}),
              SeparableConv2D({.filters = 4, .kernel_size = 3}));
}

TEST(Signatures, DepthwiseConv2D) {
  expect_same(DepthwiseConv2D({.kernel_size = 3,
                               .strides = {1, 1},
                               .padding = "valid",
                               .depth_multiplier = 1,
                               .data_format = None,
                               .activation = None,
                               .use_bias = true,
                               .depthwise_initializer = "glorot_uniform",
                               .bias_initializer = "zeros",
                               .depthwise_regularizer = None,
                               .bias_regularizer = None,
                               .activity_regularizer = None,
                               .depthwise_constraint = None,
                               .bias_constraint = None}),
              DepthwiseConv2D({.kernel_size = 3}));
}

TEST(Signatures, Conv2DTranspose) {
  expect_same(Conv2DTranspose({.filters = 4,
                               .kernel_size = 3,
                               .strides = {1, 1},
                               .padding = "valid",
                               .output_padding = None,
                               .data_format = None,
                               .dilation_rate = {1, 1},
                               .activation = None,
                               .use_bias = true,
                               .kernel_initializer = "glorot_uniform",
                               .bias_initializer = "zeros",
                               .kernel_regularizer = None,
                               .bias_regularizer = None,
                               .activity_regularizer = None,
                               .kernel_constraint = None,
                               .bias_constraint = None}),
              Conv2DTranspose({.filters = 4, .kernel_size = 3}));
}

TEST(Signatures, Conv3D) {
  expect_same(Conv3D({.filters = 4,
                      .kernel_size = 3,
                      .strides = {1, 1, 1},
                      .padding = "valid",
                      .data_format = None,
                      .dilation_rate = {1, 1, 1},
                      .activation = None,
                      .use_bias = true,
                      .kernel_initializer = "glorot_uniform",
                      .bias_initializer = "zeros",
                      .kernel_regularizer = None,
                      .bias_regularizer = None,
                      .activity_regularizer = None,
                      .kernel_constraint = None,
                      .bias_constraint = None}),
              Conv3D({.filters = 4, .kernel_size = 3}));
}

TEST(Signatures, Conv3DTranspose) {
  expect_same(Conv3DTranspose({.filters = 4,
                               .kernel_size = 3,
                               .strides = {1, 1, 1},
                               .padding = "valid",
                               .output_padding = None,
                               .data_format = None,
                               .activation = None,
                               .use_bias = true,
                               .kernel_initializer = "glorot_uniform",
                               .bias_initializer = "zeros",
                               .kernel_regularizer = None,
                               .bias_regularizer = None,
                               .activity_regularizer = None,
                               .kernel_constraint = None,
                               .bias_constraint = None}),
              Conv3DTranspose({.filters = 4, .kernel_size = 3}));
}

TEST(Signatures, CroppingUpSamplingZeroPadding) {
  expect_same(Cropping1D({.cropping = {1, 1}}), Cropping1D());
  expect_same(Cropping2D({.cropping = {{0, 0}, {0, 0}}, .data_format = None}), Cropping2D());
  expect_same(Cropping3D({.cropping = {{1, 1}, {1, 1}, {1, 1}}, .data_format = None}),
              Cropping3D());
  expect_same(UpSampling1D({.size = 2}), UpSampling1D());
  expect_same(UpSampling2D({.size = {2, 2}, .data_format = None, .interpolation = "nearest"}),
              UpSampling2D());
  expect_same(UpSampling3D({.size = {2, 2, 2}, .data_format = None}), UpSampling3D());
  expect_same(ZeroPadding1D({.padding = 1}), ZeroPadding1D());
  expect_same(ZeroPadding2D({.padding = {1, 1}, .data_format = None}), ZeroPadding2D());
  expect_same(ZeroPadding3D({.padding = {1, 1, 1}, .data_format = None}), ZeroPadding3D());
}

}  // namespace
}  // namespace cornu::testing
