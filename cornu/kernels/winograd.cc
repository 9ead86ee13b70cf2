#include "cornu/kernels/winograd.h"

#include <cmath>
#include <span>

#include "cornu/base/error.h"
#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/winograd.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cornu/kernels/relu-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cornu::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

// ---- one axis -----------------------------------------------------------------------------------

constexpr float kRoot2 = 1.41421356237309504880f;

// y = BT * x.
template <int N>
HWY_INLINE void input_axis(D d, const V (&x)[N], V (&y)[N]) {
  if constexpr (N == 1) {
    y[0] = x[0];
  } else if constexpr (N == 4) {
    y[0] = hn::Sub(x[2], x[0]);
    y[1] = hn::Add(x[2], x[1]);
    y[2] = hn::Sub(x[2], x[1]);
    y[3] = hn::Sub(x[3], x[1]);
  } else {
    const V ends = hn::Set(d, -2.5f), two = hn::Set(d, -2), half = hn::Set(d, -0.5f);
    y[0] = hn::Add(hn::MulAdd(x[2], ends, x[0]), x[4]);
    const V even1 = hn::MulAdd(x[2], two, x[4]), even2 = hn::MulAdd(x[2], half, x[4]);
    const V odd1 = hn::Mul(hn::MulAdd(x[1], two, x[3]), hn::Set(d, kRoot2 / 2));
    const V odd2 = hn::Mul(hn::MulAdd(x[1], half, x[3]), hn::Set(d, kRoot2));
    y[1] = hn::Add(even1, odd1);
    y[2] = hn::Sub(even1, odd1);
    y[3] = hn::Add(even2, odd2);
    y[4] = hn::Sub(even2, odd2);
    y[5] = hn::Add(hn::MulAdd(x[3], ends, x[1]), x[5]);
  }
}

// Powers of the points: 1/sqrt(2) and sqrt(2).
constexpr float kPowers1[] = {1, kRoot2 / 2, 0.5f, kRoot2 / 4, 0.25f};
constexpr float kPowers2[] = {1, kRoot2, 2, 2 * kRoot2, 4};

// y = AT * x: powers of the points times the numbers at +point and -point, taken together.
template <int N, int M>
HWY_INLINE void output_axis(D d, const V (&x)[N], V (&y)[M]) {
  if constexpr (N == 1) {
    y[0] = x[0];
  } else if constexpr (N == 4) {
    const V even = hn::Add(x[1], x[2]), odd = hn::Sub(x[1], x[2]);
    y[0] = hn::Add(x[0], even);
    if constexpr (M > 2) y[1] = odd, y[2] = hn::Add(even, x[3]);
    if constexpr (M == 2) y[1] = hn::Add(odd, x[3]);
  } else {
    const V even1 = hn::Add(x[1], x[2]), odd1 = hn::Sub(x[1], x[2]);
    const V even2 = hn::Add(x[3], x[4]), odd2 = hn::Sub(x[3], x[4]);
    y[0] = hn::Add(x[0], hn::Add(even1, even2));
#pragma GCC unroll 5
    for (int i = 1; i < M; ++i) {
      const V first = hn::Mul(i % 2 ? odd1 : even1, hn::Set(d, kPowers1[i]));
      y[i] = hn::MulAdd(i % 2 ? odd2 : even2, hn::Set(d, kPowers2[i]), first);
    }
    y[M - 1] = hn::Add(y[M - 1], x[5]);
  }
}

// The sum of every second one of x, from `first` on, times the powers of a point.
template <int M>
HWY_INLINE V every_second(D d, const V (&x)[M], int first, const float* powers) {
  V sum = first == 0 ? x[0] : hn::Mul(x[1], hn::Set(d, powers[1]));
#pragma GCC unroll 3
  for (int i = first + 2; i < M; i += 2) sum = hn::MulAdd(x[i], hn::Set(d, powers[i]), sum);
  return sum;
}

// y = A * x.
template <int N, int M>
HWY_INLINE void grad_axis(D d, const V (&x)[M], V (&y)[N]) {
  y[0] = x[0];
  if constexpr (N == 4) {
    V even = x[0];
    if constexpr (M == 3) even = hn::Add(x[0], x[2]);
    y[1] = hn::Add(even, x[1]);
    y[2] = hn::Sub(even, x[1]);
  } else if constexpr (N == 6) {
    const V even1 = every_second(d, x, 0, kPowers1), odd1 = every_second(d, x, 1, kPowers1);
    const V even2 = every_second(d, x, 0, kPowers2), odd2 = every_second(d, x, 1, kPowers2);
    y[1] = hn::Add(even1, odd1);
    y[2] = hn::Sub(even1, odd1);
    y[3] = hn::Add(even2, odd2);
    y[4] = hn::Sub(even2, odd2);
  }
  if constexpr (N > 1) y[N - 1] = x[M - 1];
}

// ---- two axes -----------------------------------------------------------------------------------

// What input and grad tiles share: XR x XC cells become R x C positions, each axis by its function.
template <int XR, int R, int XC, int C, class T, class Rows, class Columns>
HWY_INLINE void spread_channels(const T& t, int64_t c, Rows&& along_rows, Columns&& along_columns) {
  const D d;
  V rows[C][XR];  // by columns of the tile
#pragma GCC unroll 6
  for (int i = 0; i < XR; ++i) {
    V x[XC], y[C];
#pragma GCC unroll 6
    for (int j = 0; j < XC; ++j) x[j] = hn::LoadU(d, t.cells[i * XC + j] + c);
    along_columns(x, y);
#pragma GCC unroll 6
    for (int j = 0; j < C; ++j) rows[j][i] = y[j];
  }
#pragma GCC unroll 6
  for (int j = 0; j < C; ++j) {
    V y[R];
    along_rows(rows[j], y);
#pragma GCC unroll 6
    for (int i = 0; i < R; ++i) hn::StoreU(y[i], d, t.out + (i * C + j) * t.out_stride + c);
  }
}

template <class F>
HWY_INLINE void each_vector(int64_t channels, F&& f) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) f(c);
  // The last channels together with some that were done already.
  if (c < channels) f(channels - kLanes);
}

template <int R, int C>
void input(const InputTile& t) {
  each_vector(t.channels, [&](int64_t c) HWY_ATTR {
    spread_channels<R, R, C, C>(
        t, c, [](const V(&x)[R], V(&y)[R]) HWY_ATTR { input_axis<R>(D(), x, y); },
        [](const V(&x)[C], V(&y)[C]) HWY_ATTR { input_axis<C>(D(), x, y); });
  });
}

template <int R, int MR, int C, int MC>
void grad(const GradTile& t) {
  each_vector(t.channels, [&](int64_t c) HWY_ATTR {
    spread_channels<MR, R, MC, C>(
        t, c, [](const V(&x)[MR], V(&y)[R]) HWY_ATTR { grad_axis<R, MR>(D(), x, y); },
        [](const V(&x)[MC], V(&y)[C]) HWY_ATTR { grad_axis<C, MC>(D(), x, y); });
  });
}

void kernel(const KernelTile& t) {
  const hn::ScalableTag<double> d;
  using W = hn::Vec<decltype(d)>;
  const Winograd &rows = t.rows, &columns = t.columns;
  const auto sum = [&](const double* factors, int64_t taps, const W* terms) HWY_ATTR {
    W all = hn::Mul(hn::Set(d, factors[0]), terms[0]);
    for (int64_t i = 1; i < taps; ++i) all = hn::MulAdd(hn::Set(d, factors[i]), terms[i], all);
    return all;
  };
  for (int64_t n = 0; n < t.panel; n += static_cast<int64_t>(hn::Lanes(d))) {
    W half[6][5];  // by column of points and row of taps
    for (int64_t a = 0; a < t.row_taps; ++a) {
      W cells[5];
      for (int64_t b = 0; b < t.column_taps; ++b)
        cells[b] = hn::LoadU(d, t.cells + (a * t.column_taps + b) * t.panel + n);
      for (int q = 0; q < columns.points; ++q)
        half[q][a] = sum(t.column_factors + q * columns.taps(), t.column_taps, cells);
    }
    float* to = t.out + n;
    for (int o = 0; o < rows.points; ++o)
      for (int q = 0; q < columns.points; ++q, to += t.out_stride) {
        const W all = sum(t.row_factors + o * rows.taps(), t.row_taps, half[q]);
        const hn::Rebind<float, decltype(d)> narrow;
        hn::StoreU(hn::DemoteTo(narrow, all), narrow, to);
      }
  }
}

void kernel_grad(const KernelGradTile& t) {
  const D d;
  const Winograd &rows = t.rows, &columns = t.columns;
  each_vector(t.channels, [&](int64_t c) HWY_ATTR {
    V half[5][6];  // by row of taps and column of points
    for (int j = 0; j < columns.points; ++j)
      for (int a = 0; a < t.row_taps; ++a) {
        V sum = hn::Zero(d);
        for (int i = 0; i < rows.points; ++i) {
          const float* from = t.sums + (i * columns.points + j) * t.sums_stride + c;
          sum = hn::MulAdd(hn::Set(d, t.row_factors[i * rows.taps() + a]), hn::LoadU(d, from), sum);
        }
        half[a][j] = sum;
      }
    for (int a = 0; a < t.row_taps; ++a)
      for (int b = 0; b < t.column_taps; ++b) {
        V sum = hn::Zero(d);
        for (int j = 0; j < columns.points; ++j)
          sum = hn::MulAdd(hn::Set(d, t.column_factors[j * columns.taps() + b]), half[a][j], sum);
        hn::StoreU(sum, d, t.out + (a * t.column_taps + b) * t.out_stride + c);
      }
  });
}

template <int R, int MR, int C, int MC>
HWY_INLINE void output_vector(const OutputTile& t, int64_t channel) {
  const D d;
  V rows[MR][C];
#pragma GCC unroll 6
  for (int j = 0; j < C; ++j) {
    V x[R], y[MR];
#pragma GCC unroll 6
    for (int i = 0; i < R; ++i) x[i] = hn::LoadU(d, t.sums + (i * C + j) * t.panel + channel);
    output_axis<R, MR>(d, x, y);
#pragma GCC unroll 6
    for (int i = 0; i < MR; ++i) rows[i][j] = y[i];
  }
  const V bias = hn::LoadU(d, t.bias + channel);
  const int64_t columns = t.columns - channel;
#pragma GCC unroll 6
  for (int i = 0; i < MR; ++i) {
    V y[MC];
    output_axis<C, MC>(d, rows[i], y);
#pragma GCC unroll 6
    for (int j = 0; j < MC; ++j) {
      float* to = t.out[i * MC + j];
      if (!to) continue;
      V v = hn::Add(y[j], bias);
      if (t.relu) v = apply(d, *t.relu, v);
      to += channel;
      if (columns >= kLanes) {
        hn::StoreU(v, d, to);
      } else {
        HWY_ALIGN float all[kLanes];
        hn::Store(v, d, all);
        for (int64_t k = 0; k < columns; ++k) to[k] = all[k];
      }
    }
  }
}

template <int R, int MR, int C, int MC>
void output(const OutputTile& t) {
  for (int64_t channel = 0; channel < t.panel; channel += kLanes)
    output_vector<R, MR, C, MC>(t, channel);
}

InputFn input_fn(const Winograd& rows, const Winograd& columns) {
  const auto has = [&](int r, int c) { return rows.points == r && columns.points == c; };
  if (has(1, 1)) return input<1, 1>;
  if (has(1, 4)) return input<1, 4>;
  if (has(1, 6)) return input<1, 6>;
  if (has(4, 1)) return input<4, 1>;
  if (has(4, 4)) return input<4, 4>;
  if (has(6, 1)) return input<6, 1>;
  if (has(6, 6)) return input<6, 6>;
  return nullptr;
}

// M results of N points, along one axis or both.
template <int N, int M>
OutputFn output_of(const Winograd& rows, const Winograd& columns) {
  const Winograd w{N, M}, none;
  if (rows == w && columns == w) return output<N, M, N, M>;
  if (rows == w && columns == none) return output<N, M, 1, 1>;
  if (rows == none && columns == w) return output<1, 1, N, M>;
  return nullptr;
}

OutputFn output_fn(const Winograd& rows, const Winograd& columns) {
  for (OutputFn fn : {output_of<1, 1>(rows, columns), output_of<4, 2>(rows, columns),
                      output_of<4, 3>(rows, columns), output_of<6, 2>(rows, columns),
                      output_of<6, 3>(rows, columns), output_of<6, 4>(rows, columns),
                      output_of<6, 5>(rows, columns)})
    if (fn) return fn;
  return nullptr;
}

template <int N, int M>
GradFn grad_of(const Winograd& rows, const Winograd& columns) {
  const Winograd w{N, M}, none;
  if (rows == w && columns == w) return grad<N, M, N, M>;
  if (rows == w && columns == none) return grad<N, M, 1, 1>;
  if (rows == none && columns == w) return grad<1, 1, N, M>;
  return nullptr;
}

GradFn grad_fn(const Winograd& rows, const Winograd& columns) {
  for (GradFn fn :
       {grad_of<4, 2>(rows, columns), grad_of<4, 3>(rows, columns), grad_of<6, 2>(rows, columns),
        grad_of<6, 3>(rows, columns), grad_of<6, 4>(rows, columns), grad_of<6, 5>(rows, columns)})
    if (fn) return fn;
  return nullptr;
}

const WinogradTransforms* target_winograd() {
  static const WinogradTransforms all{kLanes, kernel, input_fn, output_fn, grad_fn, kernel_grad};
  return &all;
}

}  // namespace
}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cornu::kernels {
HWY_EXPORT(target_winograd);
const WinogradTransforms& winograd_transforms() { return *CORNU_CHOOSE(target_winograd)(); }

KernelTransform kernel_transform(const Winograd& w) {
  if (w.points == 1) return {1};
  const double root = std::sqrt(2.0);
  // Of each finite point p: the row (1, p, p^2, …), divided by the product of its distances to the
  // other points.
  const double four[] = {0, 1, -1}, six[] = {0, 1 / root, -1 / root, root, -root};
  const std::span<const double> points = w.points == 6 ? std::span<const double>(six) : four;
  CORNU_CHECK(w.points == std::ssize(points) + 1);
  const auto taps = static_cast<size_t>(w.taps());
  KernelTransform g{};
  for (size_t i = 0; i < points.size(); ++i) {
    double product = 1;
    for (size_t k = 0; k < points.size(); ++k)
      if (k != i) product *= points[i] - points[k];
    for (size_t t = 0; t < taps; ++t)
      g[i * taps + t] = std::pow(points[i], static_cast<int>(t)) / product;
  }
  g[points.size() * taps + taps - 1] = 1;  // infinity: the last tap alone
  return g;
}

}  // namespace cornu::kernels
#endif
