#include "cornu/ops/resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "cornu/ops/index.h"

namespace cornu::ops {

Shape shape_rule(const Resize& op, const std::vector<Shape>& in) {
  require(in.size() == 1 && in[0].rank() >= 2, "takes one x of rank >= 2", op, in);
  const Shape& x = in[0];
  const int64_t axes = x.rank() - 2;
  require(in_range(op.size, axes, 0) && in_range(spatial(x), axes, 0),
          "one size in range per spatial axis", op, in);
  Shape out{x[0]};
  for (int64_t a = 0; a < axes; ++a) {
    out.push_back(op.size[static_cast<size_t>(a)]);
    require(x[a + 1] > 0 || out[-1] == 0, "nothing cannot be enlarged", op, in);
  }
  out.push_back(x[-1]);
  return out;
}

namespace {

// Keys's cubic with a = -0.5, at distance d < 2.
double cubic(double d) {
  return d < 1 ? ((1.5 * d - 2.5) * d) * d + 1 : ((-0.5 * d + 2.5) * d - 4) * d + 2;
}

// Lanczos of the given radius, at distance d <= radius.
double lanczos(double d, int64_t radius) {
  if (d <= 1e-3) return 1;
  const double r = static_cast<double>(radius), angle = std::numbers::pi * d;
  return r * std::sin(angle) * std::sin(angle / r) / (angle * angle);
}

// The source cells of one output cell along one axis, and their weights.
struct Taps {
  static constexpr size_t kMost = 10;
  std::array<int64_t, kMost> cell{};
  std::array<double, kMost> weight{};
  int64_t count = 0;

  void add(int64_t i, double w) {
    cell[static_cast<size_t>(count)] = i;
    weight[static_cast<size_t>(count++)] = w;
  }
};

// Cells lo - radius + 1 .. lo + radius around lo + fraction; those outside are dropped, and the
// weights of the others are divided by their sum.
template <class Weight>
Taps window_taps(int64_t lo, double fraction, int64_t n, int64_t radius, Weight&& weight) {
  Taps taps;
  double sum = 0;
  for (int64_t i = std::max<int64_t>(lo - radius + 1, 0); i <= std::min(lo + radius, n - 1); ++i) {
    const double w = weight(std::fabs(static_cast<double>(i - lo) - fraction));
    sum += w;
    taps.add(i, w);
  }
  for (double& w : taps.weight) w /= sum;
  return taps;
}

// The taps of output cell i of `size` on an axis of n cells (layers.md 4.7). The source position
// is found in integers, so that no size rounds to a wrong cell.
Taps taps_of(Resize::Mode mode, int64_t i, int64_t n, int64_t size) {
  using Mode = Resize::Mode;
  const bool half_pixel = mode != Mode::kBilinearLegacy;
  // Position numerator / denominator; one whole size is added to keep the numerator positive.
  const int64_t denominator = half_pixel ? 2 * size : size;
  const int64_t numerator = half_pixel ? (2 * i + 1) * n + size : i * n + size;
  const int64_t lo = numerator / denominator - 1;
  const double fraction =
      static_cast<double>(numerator % denominator) / static_cast<double>(denominator);
  switch (mode) {
    case Mode::kNearest: {
      Taps taps;
      taps.add((2 * i + 1) * n / (2 * size), 1);
      return taps;
    }
    case Mode::kBilinear:
    case Mode::kBilinearLegacy: {
      Taps taps;
      taps.add(std::clamp<int64_t>(lo, 0, n - 1), 1 - fraction);
      taps.add(std::clamp<int64_t>(lo + 1, 0, n - 1), fraction);
      return taps;
    }
    case Mode::kBicubic:
      return window_taps(lo, fraction, n, 2, cubic);
    case Mode::kLanczos3:
      return window_taps(lo, fraction, n, 3, [](double d) { return lanczos(d, 3); });
    case Mode::kLanczos5:
      return window_taps(lo, fraction, n, 5, [](double d) { return lanczos(d, 5); });
  }
  return {};
}

}  // namespace

template <class T>
void reference(const Resize& op, Inputs<T> in, View<T> out, Rows rows) {
  const Sizes n = spatial(*in[0].shape);
  const int64_t channels = (*in[0].shape)[-1];
  std::array<Taps, kMaxRank> taps;
  Index counts{};
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Index p = unravel(row, outer(*out.shape));
    for (size_t a = 0; a < n.size(); ++a) {
      taps[a] = taps_of(op.mode, p[a + 1], n[a], op.size[a]);
      counts[a] = taps[a].count;
    }
    const Sizes grid(counts.data(), n.size());
    T* y = out.data + row * channels;
    std::fill_n(y, channels, T(0));
    for (int64_t k = 0; k < product(grid); ++k) {
      const Index q = unravel(k, grid);
      int64_t cell = p[0];
      double weight = 1;
      for (size_t a = 0; a < n.size(); ++a) {
        cell = cell * n[a] + taps[a].cell[static_cast<size_t>(q[a])];
        weight *= taps[a].weight[static_cast<size_t>(q[a])];
      }
      const T* x = in[0].data + cell * channels;
      if (op.mode == Resize::Mode::kNearest)
        std::copy_n(x, channels, y);  // keeps the sign of zero, too
      else
        for (int64_t c = 0; c < channels; ++c) y[c] += static_cast<T>(weight) * x[c];
    }
  }
}

Shape shape_rule(const ResizeGrad& op, const std::vector<Shape>& in) {
  require(in.size() == 1 && in[0].rank() >= 2, "takes one dy of rank >= 2", op, in);
  Shape out{in[0][0]};
  for (int64_t n : op.size) out.push_back(n);
  out.push_back(in[0][-1]);
  require(out.rank() == in[0].rank(), "one size per spatial axis", op, in);
  Resize resize{op.mode, {}};
  for (int64_t n : spatial(in[0])) resize.size.push_back(n);
  require(shape_rule(resize, {out}) == in[0], "dy of Resize's shape", op, in);
  return out;
}

namespace {

// What output cell i of `size` takes of source cell `cell`.
double weight_of(Resize::Mode mode, int64_t i, int64_t n, int64_t size, int64_t cell) {
  const Taps taps = taps_of(mode, i, n, size);
  double weight = 0;
  for (int64_t t = 0; t < taps.count; ++t)
    if (taps.cell[static_cast<size_t>(t)] == cell) weight += taps.weight[static_cast<size_t>(t)];
  return weight;
}

// The output cells that may take something of source cell `cell`: no mode reaches farther than 6
// source cells.
struct Reach {
  int64_t begin, end;
};
Reach reach_of(int64_t cell, int64_t n, int64_t size) {
  return {std::max<int64_t>((cell - 7) * size / n - 1, 0),
          std::min((cell + 8) * size / n + 2, size)};
}

}  // namespace

template <class T>
void reference(const ResizeGrad& op, Inputs<T> in, View<T> out, Rows rows) {
  const Sizes n = spatial(*out.shape), m = spatial(*in[0].shape);
  const int64_t channels = (*out.shape)[-1];
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Index p = unravel(row, outer(*out.shape));
    std::array<Reach, kMaxRank> reach;
    Index counts{};
    for (size_t a = 0; a < n.size(); ++a) {
      reach[a] = reach_of(p[a + 1], n[a], m[a]);
      counts[a] = std::max<int64_t>(reach[a].end - reach[a].begin, 0);
    }
    const Sizes grid(counts.data(), n.size());
    T* dx = out.data + row * channels;
    std::fill_n(dx, channels, T(0));
    for (int64_t k = 0; k < product(grid); ++k) {
      const Index q = unravel(k, grid);
      int64_t cell = p[0];
      double weight = 1;
      for (size_t a = 0; a < n.size() && weight != 0; ++a) {
        const int64_t i = reach[a].begin + q[a];
        cell = cell * m[a] + i;
        weight *= weight_of(op.mode, i, n[a], m[a], p[a + 1]);
      }
      if (weight == 0) continue;
      const T* dy = in[0].data + cell * channels;
      for (int64_t c = 0; c < channels; ++c) dx[c] += static_cast<T>(weight) * dy[c];
    }
  }
}

template void reference(const ResizeGrad&, Inputs<float>, View<float>, Rows);
template void reference(const ResizeGrad&, Inputs<double>, View<double>, Rows);
template void reference(const Resize&, Inputs<float>, View<float>, Rows);
template void reference(const Resize&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
