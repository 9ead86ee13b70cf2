#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"
#include "cornu/nn/activation.h"

namespace cornu {

// The arguments of Conv1DTranspose, Conv2DTranspose and Conv3DTranspose, in Keras's order.
// `padding` is "valid" or "same"; `output_padding` None or, on every axis, less than the stride;
// `data_format` is "channels_last", "channels_first" or None for what keras.json says.
template <size_t N>
struct ConvTransposeOptions {
  Int filters = 0;
  Ints<N> kernel_size = 0;
  Ints<N> strides = 1;
  std::string padding = "valid";
  OptionalInts<N> output_padding = None;
  std::optional<std::string> data_format = None;
  Ints<N> dilation_rate = 1;
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

// The transpose of a convolution (sometimes called deconvolution): each input cell spreads
// kernel_size cells, `strides` apart, into the output. An axis of n cells becomes
//   (n - 1) * strides + kernel_size - 2 * padding + output_padding,
// padding being 0 for "valid" and kernel_size / 2 (rounded down) for "same"; with output_padding =
// None, n * strides + max(kernel_size - strides, 0) and n * strides. kernel_size is the dilated
// one. Weights: kernel (*kernel_size, filters, channels), bias (filters). Throws ValueError as
// Conv2D does, and for an output_padding that is not less than the stride.
// https://keras.io/api/layers/convolution_layers/convolution2d_transpose/, layers.md 5.2, 4.6.
CORNU_API Layer Conv1DTranspose(ConvTransposeOptions<1> o);
CORNU_API Layer Conv2DTranspose(ConvTransposeOptions<2> o);
CORNU_API Layer Conv3DTranspose(ConvTransposeOptions<3> o);

// Keras's other names.
inline Layer Convolution1DTranspose(ConvTransposeOptions<1> o) {
  return Conv1DTranspose(std::move(o));
}
inline Layer Convolution2DTranspose(ConvTransposeOptions<2> o) {
  return Conv2DTranspose(std::move(o));
}
inline Layer Convolution3DTranspose(ConvTransposeOptions<3> o) {
  return Conv3DTranspose(std::move(o));
}
inline Layer Deconvolution2D(ConvTransposeOptions<2> o) { return Conv2DTranspose(std::move(o)); }
inline Layer Deconvolution3D(ConvTransposeOptions<3> o) { return Conv3DTranspose(std::move(o)); }

}  // namespace cornu
