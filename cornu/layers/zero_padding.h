#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"

namespace cornu {

// `padding` as a dictionary (layers.md D8): .padding = Pads1D{.left_pad = 1, .right_pad = 2}.
struct Pads1D {
  int64_t left_pad = 0, right_pad = 0;
  constexpr std::array<Pair, 1> pairs() const { return {Pair(left_pad, right_pad)}; }
};
struct Pads2D {
  int64_t top_pad = 0, bottom_pad = 0, left_pad = 0, right_pad = 0;
  constexpr std::array<Pair, 2> pairs() const {
    return {Pair(top_pad, bottom_pad), Pair(left_pad, right_pad)};
  }
};

struct ZeroPadding1DOptions {
  Borders<1> padding = 1;
  std::optional<std::string> data_format = "channels_last";
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
template <size_t N>
struct ZeroPaddingOptions {
  Borders<N> padding = 1;
  std::optional<std::string> data_format = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// Adds zeros before and after each spatial axis of (batch, *spatial, channels), or of
// (batch, channels, *spatial) with data_format = "channels_first". Throws ValueError for a negative
// amount. https://keras.io/api/layers/reshaping_layers/zero_padding2d/, layers.md 5.7.
CORNU_API Layer ZeroPadding1D(ZeroPadding1DOptions o = {});
CORNU_API Layer ZeroPadding2D(ZeroPaddingOptions<2> o = {});
CORNU_API Layer ZeroPadding3D(ZeroPaddingOptions<3> o = {});

}  // namespace cornu
