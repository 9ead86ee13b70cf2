#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"
#include "cornu/nn/activation.h"

namespace cornu {

// The arguments of Conv1D, Conv2D and Conv3D, in Keras's order. `padding` is "valid" or "same", for
// Conv1D also "causal"; `data_format` is "channels_last", "channels_first" or None for what
// keras.json says.
template <size_t N>
struct ConvOptions {
  Int filters = 0;
  Ints<N> kernel_size = 0;
  Ints<N> strides = 1;
  std::string padding = "valid";
  std::optional<std::string> data_format =
      N == 1 ? std::optional<std::string>("channels_last") : None;
  Ints<N> dilation_rate = 1;
  Int groups = 1;
  ActivationFunction activation = None;
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = None;
  Regularizer bias_regularizer = None;
  Regularizer activity_regularizer = None;
  Constraint kernel_constraint = None;
  Constraint bias_constraint = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// Convolution of (batch, *spatial, channels), or of (batch, channels, *spatial) with data_format =
// "channels_first": `filters` output channels, each a weighted sum over a window of kernel_size
// cells and over channels / groups input channels. Weights: kernel (*kernel_size, channels /
// groups, filters), bias (filters). Throws ValueError for sizes that are not positive, for strides
// above 1 together with a dilation above 1 and for groups that do not divide filters; when called,
// for an input of another rank, channels that are unknown, that groups do not divide or that differ
// from those of the first call, and for an input smaller than the window.
// https://keras.io/api/layers/convolution_layers/convolution2d/, layers.md 5.1.
CORNU_API Layer Conv1D(ConvOptions<1> o);
CORNU_API Layer Conv2D(ConvOptions<2> o);
CORNU_API Layer Conv3D(ConvOptions<3> o);

// Keras's other names.
inline Layer Convolution1D(ConvOptions<1> o) { return Conv1D(std::move(o)); }
inline Layer Convolution2D(ConvOptions<2> o) { return Conv2D(std::move(o)); }
inline Layer Convolution3D(ConvOptions<3> o) { return Conv3D(std::move(o)); }

}  // namespace cornu
