#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"

namespace cornu {

struct GlobalPoolingOptions {
  std::optional<std::string> data_format = None;
  bool keepdims = false;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// The mean, or the largest, over all spatial axes of (batch, *spatial, channels), or of
// (batch, channels, *spatial) with data_format = "channels_first": (batch, channels), or the input
// with spatial axes of 1 with keepdims. https://keras.io/api/layers/pooling_layers/, layers.md 6.6.
CORNU_API Layer GlobalAveragePooling1D(GlobalPoolingOptions o = {});
CORNU_API Layer GlobalAveragePooling2D(GlobalPoolingOptions o = {});
CORNU_API Layer GlobalAveragePooling3D(GlobalPoolingOptions o = {});
CORNU_API Layer GlobalMaxPooling1D(GlobalPoolingOptions o = {});
CORNU_API Layer GlobalMaxPooling2D(GlobalPoolingOptions o = {});
CORNU_API Layer GlobalMaxPooling3D(GlobalPoolingOptions o = {});

// Keras's other names.
inline Layer GlobalAvgPool1D(GlobalPoolingOptions o = {}) { return GlobalAveragePooling1D(o); }
inline Layer GlobalAvgPool2D(GlobalPoolingOptions o = {}) { return GlobalAveragePooling2D(o); }
inline Layer GlobalAvgPool3D(GlobalPoolingOptions o = {}) { return GlobalAveragePooling3D(o); }
inline Layer GlobalMaxPool1D(GlobalPoolingOptions o = {}) { return GlobalMaxPooling1D(o); }
inline Layer GlobalMaxPool2D(GlobalPoolingOptions o = {}) { return GlobalMaxPooling2D(o); }
inline Layer GlobalMaxPool3D(GlobalPoolingOptions o = {}) { return GlobalMaxPooling3D(o); }

}  // namespace cornu
