#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"

namespace cornu {

struct Cropping1DOptions {
  Borders<1> cropping = 1;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
// `data_format` is "channels_last", "channels_first" or None for what keras.json says.
template <size_t N>
struct CroppingOptions {
  Borders<N> cropping = N == 2 ? 0 : 1;
  std::optional<std::string> data_format = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// Takes cells off the start and the end of each spatial axis of (batch, *spatial, channels), or of
// (batch, channels, *spatial) with data_format = "channels_first". Throws ValueError for a negative
// amount and, when called, where no cell would be left.
// https://keras.io/api/layers/reshaping_layers/cropping2d/, layers.md 5.5.
CORNU_API Layer Cropping1D(Cropping1DOptions o = {});
CORNU_API Layer Cropping2D(CroppingOptions<2> o = {});
CORNU_API Layer Cropping3D(CroppingOptions<3> o = {});

}  // namespace cornu
