#pragma once

// Helpers of the layers that work on (batch, *spatial, channels) or (batch, channels, *spatial).

#include <string>

#include "cornu/graph/builder.h"
#include "cornu/tensor/shape.h"

namespace cornu::layers {

inline bool channels_first(const std::string& data_format) {
  return data_format == "channels_first";
}
// Index of the first spatial axis, and of the channel axis of a tensor of this rank.
inline int64_t first_spatial(const std::string& data_format) {
  return channels_first(data_format) ? 2 : 1;
}
inline int64_t channel_axis(const std::string& data_format, int64_t rank) {
  return channels_first(data_format) ? 1 : rank - 1;
}

// The ops are channels-last: layers of the other kind transpose at their edges.
inline graph::Value to_channels_last(graph::Builder& g, graph::Value x,
                                     const std::string& data_format) {
  return channels_first(data_format) ? g.move_axis(x, 1, -1) : x;
}
inline graph::Value from_channels_last(graph::Builder& g, graph::Value x,
                                       const std::string& data_format) {
  return channels_first(data_format) ? g.move_axis(x, -1, 1) : x;
}

}  // namespace cornu::layers
