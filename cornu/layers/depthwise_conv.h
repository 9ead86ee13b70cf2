#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"
#include "cornu/nn/activation.h"

namespace cornu {

// The arguments of DepthwiseConv1D and DepthwiseConv2D, in Keras's order. `padding` is "valid" or
// "same"; `data_format` is "channels_last", "channels_first" or None for what keras.json says.
template <size_t N>
struct DepthwiseConvOptions {
  Ints<N> kernel_size = 0;
  Ints<N> strides = 1;
  std::string padding = "valid";
  Int depth_multiplier = 1;
  std::optional<std::string> data_format = None;
  Ints<N> dilation_rate = 1;
  ActivationFunction activation = None;
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer depthwise_regularizer = None;
  Regularizer bias_regularizer = None;
  Regularizer activity_regularizer = None;
  Constraint depthwise_constraint = None;
  Constraint bias_constraint = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// Convolves every input channel alone with depth_multiplier kernels: output channel
// c * depth_multiplier + m is channel c under its kernel m. Weights: kernel (*kernel_size,
// channels, depth_multiplier), bias (channels * depth_multiplier). Throws ValueError as Conv2D
// does; a saved configuration, unlike the constructor, may combine strides and dilation_rate.
// https://keras.io/api/layers/convolution_layers/depthwise_convolution2d/, layers.md 5.3.
CORNU_API Layer DepthwiseConv1D(DepthwiseConvOptions<1> o);
CORNU_API Layer DepthwiseConv2D(DepthwiseConvOptions<2> o);

// Another name of Keras's.
inline Layer DepthwiseConvolution2D(DepthwiseConvOptions<2> o) {
  return DepthwiseConv2D(std::move(o));
}

}  // namespace cornu
