#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"

namespace cornu {

template <size_t N>
struct PoolingOptions {
  Ints<N> pool_size = 2;
  OptionalInts<N> strides = None;  // None: pool_size
  std::string padding = "valid";   // or "same"
  std::optional<std::string> data_format = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// The largest, or the mean, of each window over the spatial axes of (batch, *spatial, channels), or
// of (batch, channels, *spatial) with data_format = "channels_first". Cells that "same" adds never
// win and are not counted. ValueError for sizes <= 0 and where the result would be empty.
// https://keras.io/api/layers/pooling_layers/, layers.md 6.6.
CORNU_API Layer MaxPooling1D(PoolingOptions<1> o = {});
CORNU_API Layer MaxPooling2D(PoolingOptions<2> o = {});
CORNU_API Layer MaxPooling3D(PoolingOptions<3> o = {});
CORNU_API Layer AveragePooling1D(PoolingOptions<1> o = {});
CORNU_API Layer AveragePooling2D(PoolingOptions<2> o = {});
CORNU_API Layer AveragePooling3D(PoolingOptions<3> o = {});

// Keras's other names.
inline Layer MaxPool1D(PoolingOptions<1> o = {}) { return MaxPooling1D(std::move(o)); }
inline Layer MaxPool2D(PoolingOptions<2> o = {}) { return MaxPooling2D(std::move(o)); }
inline Layer MaxPool3D(PoolingOptions<3> o = {}) { return MaxPooling3D(std::move(o)); }
inline Layer AvgPool1D(PoolingOptions<1> o = {}) { return AveragePooling1D(std::move(o)); }
inline Layer AvgPool2D(PoolingOptions<2> o = {}) { return AveragePooling2D(std::move(o)); }
inline Layer AvgPool3D(PoolingOptions<3> o = {}) { return AveragePooling3D(std::move(o)); }

}  // namespace cornu
