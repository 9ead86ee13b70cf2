#include "cornu/layers/check.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "cornu/nn/keras_json.h"

namespace cornu::layers {

using base::cat;

std::string tuple_text(std::span<const int64_t> v) {
  std::string out;
  for (size_t i = 0; i < v.size(); ++i) out += cat(i ? ", " : "", v[i]);
  return v.size() == 1 ? out : cat("(", out, ")");
}

void check_positive(const Where& where, const char* argument, std::span<const int64_t> v,
                    bool zero_allowed) {
  const int64_t least = zero_allowed ? 0 : 1;
  std::vector<int64_t> bad;
  for (int64_t x : v)
    if (x < least || x > kMaxSize) bad.push_back(x);
  if (bad.empty()) return;
  const bool too_large = *std::min_element(bad.begin(), bad.end()) > kMaxSize;
  std::string received = tuple_text(v);
  if (v.size() > 1) received += cat(", including the values ", tuple_text(bad));
  const std::string needed = too_large      ? cat("at most ", kMaxSize)
                             : zero_allowed ? "zero or positive"
                                            : "positive";
  throw ValueError(
      where.message("`", argument, "` must be ", needed, ". Received: ", argument, "=", received));
}

void check_borders(const Where& where, const char* argument, std::span<const Pair> v) {
  for (const Pair& p : v) check_positive(where, argument, std::array{p.before, p.after}, true);
}

std::string check_word(const Where& where, const char* argument,
                       const std::optional<std::string>& word,
                       std::initializer_list<const char*> allowed) {
  if (word) {
    const std::string lower = base::lower(*word);
    for (const char* a : allowed)
      if (lower == a) return lower;
  }
  std::string list;
  for (const char* a : allowed) list += cat(list.empty() ? "" : ", ", "'", a, "'");
  throw ValueError(where.message("`", argument, "` must be one of ", list, ". Received: ", argument,
                                 "=", word ? base::quoted(*word) : "None"));
}

std::string check_data_format(const Where& where, const std::optional<std::string>& word) {
  if (!word) return image_data_format();
  return check_word(where, "data_format", word, {"channels_last", "channels_first"});
}

namespace {
void check_sizes(const Where& where, const Shape& in) {
  for (int64_t d : in)
    if (d > kMaxSize)
      throw ValueError(
          where.message("a dimension of the input is above ", kMaxSize, ". Received: ", in));
}
}  // namespace

void check_rank(const Where& where, const Shape& in, int64_t rank) {
  if (in.rank() != rank)
    throw ValueError(where.message("input is incompatible with the layer: expected ndim=", rank,
                                   ", found ndim=", in.rank(), ". Full shape received: ", in));
  check_sizes(where, in);
}

int64_t check_length(const Where& where, const Shape& in, int64_t length) {
  if (length > kMaxSize)
    throw ValueError(where.message("computed output size ", length, " is above ", kMaxSize,
                                   ". Received: input shape=", in));
  return length;
}

void check_min_rank(const Where& where, const Shape& in, int64_t rank) {
  if (in.rank() < rank)
    throw ValueError(where.message("input is incompatible with the layer: expected min_ndim=", rank,
                                   ", found ndim=", in.rank(), ". Full shape received: ", in));
  check_sizes(where, in);
}

void check_axis(const Where& where, const Shape& in, int64_t axis, int64_t expected) {
  if (in.known(axis) && in[axis] != expected)
    throw ValueError(where.message("input is incompatible with the layer: expected axis ", axis,
                                   " of the input shape to have value ", expected,
                                   ". Received: input shape=", in));
}

int64_t known_axis(const Where& where, const Shape& in, int64_t axis) {
  if (!in.known(axis))
    throw ValueError(where.message("axis ", axis,
                                   " of the input must be known when the layer is built. Received: "
                                   "input shape=",
                                   in));
  return in[axis];
}

int64_t check_axis_exists(const Where& where, const Shape& in, int64_t axis) {
  if (axis < -in.rank() || axis >= in.rank())
    throw ValueError(where.message("`axis` must be in [", -in.rank(), ", ", in.rank(),
                                   ") for an input of rank ", in.rank(), ". Received: axis=", axis,
                                   ", input shape=", in));
  return axis < 0 ? axis + in.rank() : axis;
}

std::vector<int64_t> check_axes(const Where& where, const Shape& in,
                                const std::vector<int64_t>& axes) {
  std::vector<int64_t> sorted;
  for (int64_t axis : axes) sorted.push_back(check_axis_exists(where, in, axis));
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    throw ValueError(where.message("`axis` names an axis twice for an input of shape ", in));
  return sorted;
}

void check_finite(const Where& where, const char* argument, double v) {
  if (!std::isfinite(v))
    throw ValueError(
        where.message("`", argument, "` must be finite. Received: ", argument, "=", v));
}

void check_not_negative(const Where& where, const char* argument, double v) {
  check_finite(where, argument, v);
  if (v < 0)
    throw ValueError(
        where.message("`", argument, "` must be zero or positive. Received: ", argument, "=", v));
}

int64_t window_length(const Where& where, const Shape& in, int64_t n, const WindowAxis& axis,
                      const std::string& padding) {
  if (n == Dim::kUnknown) return n;
  const int64_t effective = (axis.kernel - 1) * axis.dilation + 1;
  const int64_t span = padding == "valid" ? n - effective : n - 1;
  const int64_t out = span < 0 ? 0 : span / axis.stride + 1;
  if (out <= 0)
    throw ValueError(
        where.message("computed output size would be zero or negative. Received: input shape=", in,
                      ", kernel size=", axis.kernel, ", dilation=", axis.dilation,
                      ", strides=", axis.stride, ", padding=", base::quoted(padding)));
  return out;
}

Pair window_padding(int64_t n, const WindowAxis& axis, const std::string& padding) {
  if (padding == "valid") return {};
  const int64_t effective = (axis.kernel - 1) * axis.dilation + 1;
  if (padding == "causal") return Pair(effective - 1, 0);
  const int64_t out = (n + axis.stride - 1) / axis.stride;
  const int64_t total = std::max<int64_t>((out - 1) * axis.stride + effective - n, 0);
  return Pair(total / 2, total - total / 2);
}

}  // namespace cornu::layers
