#pragma once

// Helpers of the layers that work on (batch, *spatial, channels) or (batch, channels, *spatial).

#include <span>
#include <string>
#include <vector>

#include "cornu/graph/builder.h"
#include "cornu/layers/arguments.h"
#include "cornu/tensor/shape.h"

namespace cornu::layers {

inline bool channels_first(const std::string& data_format) {
  return data_format == "channels_first";
}
// Of a layer's options; those of some 1D layers have none.
template <class Options>
std::string data_format_of(const Options& o) {
  if constexpr (requires { o.data_format; })
    return *o.data_format;
  else
    return "channels_last";
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

// What the word of an `interpolation` argument means; it is a checked one.
inline ops::Resize::Mode resize_mode(const std::string& word) {
  using Mode = ops::Resize::Mode;
  if (word == "bilinear") return Mode::kBilinear;
  if (word == "bicubic") return Mode::kBicubic;
  if (word == "lanczos3") return Mode::kLanczos3;
  return word == "lanczos5" ? Mode::kLanczos5 : Mode::kNearest;
}

// Borders added to the spatial axes (sign 1) or taken off (sign -1): the shape, and the op.
inline Shape bordered_shape(const Shape& in, std::span<const Pair> borders,
                            const std::string& data_format, int64_t sign) {
  Shape out = in;
  for (size_t i = 0; i < borders.size(); ++i) {
    const int64_t axis = first_spatial(data_format) + static_cast<int64_t>(i);
    if (out.known(axis)) out[axis] += sign * (borders[i].before + borders[i].after);
  }
  return out;
}
inline graph::Value bordered(graph::Builder& g, graph::Value x, std::span<const Pair> borders,
                             const std::string& data_format, int64_t sign) {
  std::vector<ops::Edge> edges(borders.size() + 2);
  for (size_t i = 0; i < borders.size(); ++i)
    edges[static_cast<size_t>(first_spatial(data_format)) + i] = {sign * borders[i].before,
                                                                  sign * borders[i].after};
  return g.pad(x, std::move(edges));
}

}  // namespace cornu::layers
