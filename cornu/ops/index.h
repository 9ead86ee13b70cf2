#pragma once

// Index arithmetic of the reference loops, and the check their shape rules share.

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cornu/ops/op.h"

namespace cornu::ops {

inline constexpr int64_t kMaxRank = 8;
using Index = std::array<int64_t, kMaxRank>;
using Sizes = std::span<const int64_t>;

inline int64_t product(Sizes sizes) {
  int64_t n = 1;
  for (int64_t s : sizes) n *= s;
  return n;
}

// The multi-index of cell `flat` of an array of these sizes.
inline Index unravel(int64_t flat, Sizes sizes) {
  Index index{};
  for (size_t a = sizes.size(); a-- > 0;) {
    index[a] = flat % sizes[a];
    flat /= sizes[a];
  }
  return index;
}

// How far apart neighbours along each axis lie in a row-major array.
inline Index strides_of(Sizes sizes) {
  Index strides{};
  int64_t step = 1;
  for (size_t a = sizes.size(); a-- > 0;) {
    strides[a] = step;
    step *= sizes[a];
  }
  return strides;
}

// Strides of `shape` seen with the axes of `out`: 0 along the axes it is repeated on.
inline Index broadcast_strides(const Shape& shape, const Shape& out) {
  const Index own = strides_of(shape.dims());
  const int64_t missing = out.rank() - shape.rank();
  Index strides{};
  for (int64_t a = 0; a < shape.rank(); ++a)
    if (shape[a] != 1) strides[static_cast<size_t>(a + missing)] = own[static_cast<size_t>(a)];
  return strides;
}

// All axes but the last: a row number counts through them.
inline Sizes outer(const Shape& shape) {
  return shape.dims().first(static_cast<size_t>(std::max<int64_t>(shape.rank() - 1, 0)));
}

// The spatial axes of x (N, *n, C) and of a kernel (*k, in, out).
inline Sizes spatial(const Shape& x) {
  return x.dims().subspan(1, static_cast<size_t>(x.rank() - 2));
}
inline Sizes kernel_spatial(const Shape& kernel) {
  return kernel.dims().first(static_cast<size_t>(kernel.rank() - 2));
}

// ---- shape rules --------------------------------------------------------------------------------

// Throws InternalError: the operands break `rule`.
[[noreturn]] void misfit(const Op& op, const std::vector<Shape>& in, std::string_view rule);

template <class X>
void require(bool holds, std::string_view rule, const X& op, const std::vector<Shape>& in) {
  if (!holds) misfit(op, in, rule);
}

// True if there are `count` numbers, all in [low, 2^31): so large that products of two still fit.
inline bool in_range(Sizes numbers, int64_t count, int64_t low) {
  return std::ssize(numbers) == count &&
         std::all_of(numbers.begin(), numbers.end(),
                     [&](int64_t n) { return n >= low && n < (int64_t{1} << 31); });
}
inline bool in_range(const std::vector<Edge>& edges, int64_t count, int64_t low) {
  return std::ssize(edges) == count && std::all_of(edges.begin(), edges.end(), [&](const Edge& e) {
           return in_range(std::array{e.before, e.after}, 2, low);
         });
}

// How many windows of `extent` cells fit on a padded axis of n cells; <= 0 if none.
inline int64_t window_count(int64_t n, int64_t extent, int64_t stride, Edge pad) {
  const int64_t room = n + pad.before + pad.after - extent;
  return room < 0 ? 0 : room / stride + 1;
}

}  // namespace cornu::ops
