#pragma once

// Families of convolution, pooling and resizing, along one to three axes (a convolution also along
// none: Dense).

#include "tests/gradients/trial.h"

namespace cornu::testing {

enum class Border { kNone, kSame, kCausal, kWide };

// The `same` split of layers.md 4.2.
inline ops::Edge same_edge(int64_t n, int64_t extent, int64_t stride) {
  const int64_t out = (n + stride - 1) / stride;
  const int64_t total = std::max<int64_t>((out - 1) * stride + extent - n, 0);
  return {total / 2, total - total / 2};
}

inline ops::Edge edge_of(Border border, int64_t n, int64_t extent, int64_t stride) {
  switch (border) {
    case Border::kNone:
      return {0, 0};
    case Border::kSame:
      return same_edge(n, extent, stride);
    case Border::kCausal:
      return {extent - 1, 0};
    case Border::kWide:  // windows that see nothing but zeros
      return {extent, extent + 1};
  }
  return {};
}

// x (N, *n, channels).
inline Shape image(int64_t batch, const std::vector<int64_t>& n, int64_t channels) {
  Shape shape{batch};
  for (int64_t size : n) shape.push_back(size);
  shape.push_back(channels);
  return shape;
}

// A kernel (*k, rows, columns).
inline Shape kernel_shape(const std::vector<int64_t>& k, int64_t rows, int64_t columns) {
  Shape shape = image(0, k, rows);
  shape.erase(0);
  shape.push_back(columns);
  return shape;
}

inline graph::Value conv_family(Trial& t, Pick& pick) {
  const int64_t axes = pick({1, 2, 3, 0});
  ops::Conv op;
  std::vector<int64_t> n, kernel;
  for (int64_t a = 0; a < 3; ++a) {
    const int64_t k = pick({3, 1, 2}), stride = pick({1, 2, 3, 4}), dilation = pick({1, 2, 3});
    const auto border = pick.of({Border::kNone, Border::kSame, Border::kCausal, Border::kWide});
    const int64_t extra = pick({0, 1, 2, 4}), extent = (k - 1) * dilation + 1;
    if (a >= axes) continue;
    n.push_back(border == Border::kNone ? extent + extra : 1 + extra);
    kernel.push_back(k);
    op.stride.push_back(stride);
    op.dilation.push_back(dilation);
    op.pad.push_back(edge_of(border, n.back(), extent, stride));
  }
  op.groups = pick({1, 2, 3});
  const int64_t group_in = pick({1, 2, 5}), group_out = pick({1, 2, 3}), batch = pick({1, 2, 3});
  const int64_t filters = op.groups * group_out;
  const graph::Value x = t.input(image(batch, n, op.groups * group_in));
  std::vector<graph::Value> in = {x, t.input(kernel_shape(kernel, group_in, filters))};
  if (pick({1, 0})) in.push_back(t.input(Shape{filters}));
  return t.g.add(std::move(op), std::move(in));
}

inline graph::Value conv_transpose_family(Trial& t, Pick& pick) {
  const int64_t axes = pick({1, 2, 3, 0});
  ops::ConvTranspose op;
  std::vector<int64_t> n, kernel;
  for (int64_t a = 0; a < 3; ++a) {
    const int64_t k = pick({3, 1, 2}), stride = pick({1, 2, 3}), dilation = pick({1, 2});
    const int64_t cells = pick({2, 1, 4}), crop = pick.below(4), length = pick.below(5);
    if (a >= axes) continue;
    const int64_t extent = (k - 1) * dilation + 1, full = (cells - 1) * stride + extent;
    // None, one, `same`, and more than there is.
    const int64_t crops[] = {0, 1, std::max<int64_t>(full - cells * stride, 0) / 2, full + 1};
    op.crop.push_back(crops[crop]);
    // All, `same`, one missing, zeros beyond the end, and hardly any.
    const int64_t lengths[] = {full - op.crop.back(), cells * stride, full - 1, full + 2, 1};
    op.length.push_back(std::max<int64_t>(lengths[length], 1));
    n.push_back(cells);
    kernel.push_back(k);
    op.stride.push_back(stride);
    op.dilation.push_back(dilation);
  }
  op.groups = pick({1, 2, 3});
  const int64_t group_in = pick({1, 2, 5}), group_out = pick({1, 2, 3}), batch = pick({1, 2, 3});
  const int64_t channels = op.groups * group_in;
  const graph::Value x = t.input(image(batch, n, channels));
  std::vector<graph::Value> in = {x, t.input(kernel_shape(kernel, group_out, channels))};
  if (pick({1, 0})) in.push_back(t.input(Shape{op.groups * group_out}));
  return t.g.add(std::move(op), std::move(in));
}

inline graph::Value pool_family(Trial& t, Pick& pick) {
  ops::Pool op;
  op.kind = pick.of({ops::Pool::Kind::kMax, ops::Pool::Kind::kAverage});
  const int64_t axes = pick({1, 2, 3, 0});
  std::vector<int64_t> n;
  for (int64_t a = 0; a < 3; ++a) {
    const int64_t window = pick({2, 1, 3}), stride = pick({1, 2, 3, 4}), border = pick.below(4);
    const int64_t extra = pick({0, 1, 2, 3});
    if (a >= axes) continue;
    n.push_back(border == 0 ? window + extra : 1 + extra);
    op.window.push_back(window);
    op.stride.push_back(stride);
    const ops::Edge edges[] = {
        {0, 0}, same_edge(n.back(), window, stride), {window - 1, 0}, {window - 1, window - 1}};
    op.pad.push_back(edges[border]);
  }
  const int64_t batch = pick({1, 2, 3}), channels = pick({1, 3, 17});
  return t.g.add(std::move(op), {t.input(t.distinct(image(batch, n, channels)))});
}

inline graph::Value resize_family(Trial& t, Pick& pick) {
  ops::Resize op;
  op.mode = static_cast<ops::Resize::Mode>(pick.below(6));
  const int64_t axes = pick({1, 2, 3});
  std::vector<int64_t> n;
  for (int64_t a = 0; a < 3; ++a) {
    const int64_t cells = pick({2, 1, 3, 6}), size = pick.below(6);
    if (a >= axes) continue;
    n.push_back(cells);
    const int64_t sizes[] = {2 * cells, cells, 3 * cells, cells + 1, (cells + 1) / 2, 1};
    op.size.push_back(sizes[size]);
  }
  const int64_t batch = pick({1, 2}), channels = pick({1, 3});
  return t.g.add(std::move(op), {t.input(image(batch, n, channels))});
}

inline std::vector<Family> spatial_families() {
  return {{"Conv", 10, conv_family},
          {"ConvTranspose", 10, conv_transpose_family},
          {"Pool", 8, pool_family},
          {"Resize", 4, resize_family}};
}

}  // namespace cornu::testing
