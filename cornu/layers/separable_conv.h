#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"
#include "cornu/nn/activation.h"

namespace cornu {

// The arguments of SeparableConv1D and SeparableConv2D, in Keras's order. `padding` is "valid" or
// "same"; `data_format` is "channels_last", "channels_first" or None for what keras.json says.
template <size_t N>
struct SeparableConvOptions {
  Int filters = 0;
  Ints<N> kernel_size = 0;
  Ints<N> strides = 1;
  std::string padding = "valid";
  std::optional<std::string> data_format =
      N == 1 ? std::optional<std::string>("channels_last") : None;
  Ints<N> dilation_rate = 1;
  Int depth_multiplier = 1;
  ActivationFunction activation = None;
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform";
  Initializer pointwise_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer depthwise_regularizer = None;
  Regularizer pointwise_regularizer = None;
  Regularizer bias_regularizer = None;
  Regularizer activity_regularizer = None;
  Constraint depthwise_constraint = None;
  Constraint pointwise_constraint = None;
  Constraint bias_constraint = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// A depthwise convolution (strides, padding and dilation are its own; no bias, no activation), then
// a convolution with windows of one cell that mixes its channels into `filters`, bias, activation.
// Weights: depthwise_kernel (*kernel_size, channels, depth_multiplier), pointwise_kernel (1, …, 1,
// channels * depth_multiplier, filters), bias (filters). Throws ValueError as Conv2D does; a saved
// configuration, unlike the constructor, may combine strides and dilation_rate, and that of a
// SeparableConv1D may have "causal" padding.
// https://keras.io/api/layers/convolution_layers/separable_convolution2d/, layers.md 5.4.
CORNU_API Layer SeparableConv1D(SeparableConvOptions<1> o);
CORNU_API Layer SeparableConv2D(SeparableConvOptions<2> o);

// Keras's other names.
inline Layer SeparableConvolution1D(SeparableConvOptions<1> o) {
  return SeparableConv1D(std::move(o));
}
inline Layer SeparableConvolution2D(SeparableConvOptions<2> o) {
  return SeparableConv2D(std::move(o));
}

}  // namespace cornu
