#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"

namespace cornu {

struct UpSampling1DOptions {
  Int size = 2;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
// `data_format` is "channels_last", "channels_first" or None for what keras.json says;
// `interpolation` "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
struct UpSampling2DOptions {
  Ints<2> size = 2;
  std::optional<std::string> data_format = None;
  std::string interpolation = "nearest";
  // Not of Keras: "bilinear" samples at i / size, as Keras 2.0-2.3 and TensorFlow.js do, rather
  // than at pixel centres (layers.md D9). Set for files of those Keras versions; written to a
  // configuration only where it is true.
  bool legacy_bilinear = false;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct UpSampling3DOptions {
  Ints<3> size = 2;
  std::optional<std::string> data_format = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// Makes each spatial axis of (batch, *spatial, channels), or of (batch, channels, *spatial) with
// data_format = "channels_first", `size` times as long: by repeating every cell, or for
// UpSampling2D by interpolation. Throws ValueError for a size that is not positive and for an
// unknown interpolation.
// https://keras.io/api/layers/reshaping_layers/up_sampling2d/, layers.md 5.6, 4.7.
CORNU_API Layer UpSampling1D(UpSampling1DOptions o = {});
CORNU_API Layer UpSampling2D(UpSampling2DOptions o = {});
CORNU_API Layer UpSampling3D(UpSampling3DOptions o = {});

}  // namespace cornu
