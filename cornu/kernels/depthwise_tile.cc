#include "cornu/kernels/depthwise_tile.h"

#include <algorithm>

#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/depthwise_tile.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cornu/kernels/load_once-inl.h"
#include "cornu/kernels/relu-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cornu::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

template <int R, int M, class F>
HWY_INLINE void for_tile(F&& f) {
#pragma GCC unroll 2
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) f(r, m);
}

// Stores M results from p on; `count` filters of them.
template <int R, int M>
HWY_INLINE void finish(const DepthTile& t, int64_t p, int64_t f, int64_t count, V (&acc)[R][M]) {
  const D d;
  if (t.relu) {
    if (is_plain(*t.relu))
      for_tile<R, M>([&](int r, int m) HWY_ATTR { acc[r][m] = positive(d, acc[r][m]); });
    else
      for_tile<R, M>([&](int r, int m) HWY_ATTR { acc[r][m] = apply(d, *t.relu, acc[r][m]); });
  }
  float* HWY_RESTRICT out = t.out + p * t.out_stride + f;
  if (count == kLanes && t.cells >= M) {
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
      if (r == t.rows) break;
      float* HWY_RESTRICT to = out + r * t.out_line;
#pragma GCC unroll 16
      for (int m = 0; m < M; ++m, to += t.out_stride) hn::StoreU(acc[r][m], d, to);
    }
    return;
  }
  HWY_ALIGN float sums[R * M * kLanes];
  for_tile<R, M>([&](int r, int m)
                     HWY_ATTR { hn::Store(acc[r][m], d, sums + (r * M + m) * kLanes); });
  for (int r = 0; r < t.rows; ++r)
    for (int m = 0; m < std::min<int64_t>(M, t.cells); ++m)
      std::copy_n(sums + (r * M + m) * kLanes, count, out + r * t.out_line + m * t.out_stride);
}

// Adds a line of K taps side by side to lines [FROM, TO) of M results, S cells apart: number j of x
// belongs to tap k of result (j - k) / S. Numbers [begin, end) exist.
template <int FROM, int TO, int M, int K, int S, bool kBorder, int R>
HWY_INLINE void add_line(const float* HWY_RESTRICT x, int64_t stride,
                         const float* HWY_RESTRICT weights, const DepthLines::Line& line,
                         int64_t begin, int64_t end, V (&acc)[R][M]) {
  const D d;
  V w[R][K];
#pragma GCC unroll 2
  for (int r = FROM; r < TO; ++r)
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) w[r][k] = hn::LoadU(d, weights + line.weights[r] + k * kLanes);
#pragma GCC unroll 32
  for (int j = 0; j < (M - 1) * S + K; ++j, x += stride) {
    if (kBorder && (j < begin || j >= end)) continue;
    const V number = load_once(d, x);
#pragma GCC unroll 2
    for (int r = FROM; r < TO; ++r)
#pragma GCC unroll 8
      for (int k = 0; k < K; ++k)
        if (j >= k && (j - k) % S == 0 && (j - k) / S < M)
          acc[r][(j - k) / S] = hn::MulAdd(number, w[r][k], acc[r][(j - k) / S]);
  }
}

// M results from p on, of R lines, of vector v, whose first filter is f. K = 0: any taps.
template <int R, int M, int K, int S, bool kBorder>
HWY_INLINE void tile(const DepthTile& t, int64_t p, int64_t v, int64_t f, int64_t x_at,
                     int64_t stride) {
  const D d;
  V acc[R][M];
  const V bias = hn::LoadU(d, t.bias + f);
  for_tile<R, M>([&](int r, int m) HWY_ATTR { acc[r][m] = bias; });
  const float* HWY_RESTRICT weights = t.weights + v * t.weights_stride;
  const int64_t begin = t.begin - p * S, end = t.end - p * S;
  const DepthLines::Line* line = t.lines->line;
  for (int i = t.lines->count; i > 0; --i, ++line) {
    const float* HWY_RESTRICT x = t.x + (line->x + x_at);
    if constexpr (K == 0) {
      const float* HWY_RESTRICT w = weights + line->weights[0];
      for (int64_t k = 0; k < t.taps; ++k, w += kLanes) {
        const float* HWY_RESTRICT from = x + t.tap_offset[k];
        const V b = hn::LoadU(d, w);
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m)
          acc[0][m] = hn::MulAdd(hn::LoadU(d, from + m * kLanes), b, acc[0][m]);
      }
    } else if constexpr (R == 1) {
      add_line<0, 1, M, K, S, kBorder>(x, stride, weights, *line, begin, end, acc);
    } else {
      if (line->weights[1] < 0)
        add_line<0, 1, M, K, S, kBorder>(x, stride, weights, *line, begin, end, acc);
      else if (line->weights[0] < 0)
        add_line<1, 2, M, K, S, kBorder>(x, stride, weights, *line, begin, end, acc);
      else
        add_line<0, 2, M, K, S, kBorder>(x, stride, weights, *line, begin, end, acc);
    }
  }
  finish<R, M>(t, p, f, std::min<int64_t>(t.filters - f, kLanes), acc);
}

// Calls f(p) for tiles of M results that cover them all, the last ones twice if need be.
template <int M, class F>
HWY_INLINE void for_cells(int64_t cells, F&& f) {
  int64_t p = 0;
  for (; p + M < cells; p += M) f(p);
  f(std::max<int64_t>(cells - M, 0));
}

template <int M, int K>
void of_window(const DepthTile& t) {
  for (int64_t v = 0; v * kLanes < t.filters; ++v)
    for_cells<M>(t.cells, [&](int64_t p) HWY_ATTR {
      tile<1, M, K, 1, false>(t, p, v, v * kLanes, v * t.window_stride + p * kLanes, kLanes);
    });
}

// Where x and the results come from beyond the second-level cache, in time.
template <int M, int S>
HWY_INLINE void look_ahead(const DepthTile& t, int64_t p, int64_t f) {
  const float* x = t.x + (t.ahead + p * S * t.cell_stride + f);
  for (int64_t l = 0; l < t.ahead_lines; ++l, x += t.line_stride)
#pragma GCC unroll 16
    for (int j = 0; j < M * S; ++j) __builtin_prefetch(x + j * t.cell_stride, 0, 2);
  const float* out = t.out + (t.out_ahead + p * t.out_stride + f);
  for (int64_t r = 0; r < t.rows; ++r, out += t.out_line)
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) __builtin_prefetch(out + m * t.out_stride, 1);
}

template <int R, int K, int S>
HWY_INLINE void lines_of_x(const DepthTile& t) {
  constexpr int M = DepthTiles::kCells;
  for_cells<M>(t.cells, [&](int64_t p) HWY_ATTR {
    const bool inside = p * S >= t.begin && (p + M - 1) * S + K <= t.end;
    const int64_t vectors = (t.filters + kLanes - 1) / kLanes;
    for (int64_t v = 0; v < vectors; ++v) {
      const int64_t f = std::min(v * kLanes, t.filters - kLanes);
      const int64_t x_at = p * S * t.cell_stride + f;
      if (inside)
        tile<R, M, K, S, false>(t, p, v, f, x_at, t.cell_stride);
      else
        tile<R, M, K, S, true>(t, p, v, f, x_at, t.cell_stride);
      if (t.ahead_lines > 0) look_ahead<M, S>(t, p, f);
    }
  });
}

template <int R, int K, int S>
void of_x(const DepthTile& t) {
  t.rows == R ? lines_of_x<R, K, S>(t) : lines_of_x<1, K, S>(t);
}

// Brings the same cells of a line that will be read next.
HWY_INLINE void look_ahead(const LaneCopy& c, const float* from) {
  if (c.ahead > 0) __builtin_prefetch(from + c.ahead);
}

// N vectors from `first` on.
template <int N>
void copy_vectors(const LaneCopy& c, int64_t first) {
  const D d;
  const float* HWY_RESTRICT from = c.from + first * kLanes;
  float* HWY_RESTRICT to = c.to + first * c.to_stride;
  for (int64_t i = c.cells; i > 0; --i, from += c.from_stride, to += kLanes)
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      look_ahead(c, from + n * kLanes);
      hn::StoreU(hn::LoadU(d, from + n * kLanes), d, to + n * c.to_stride);
    }
}

template <int N>
void permute_vectors(const LaneCopy& c, int64_t first) {
  const D d;
  const float* HWY_RESTRICT from = c.from;
  float* HWY_RESTRICT to = c.to + first * c.to_stride;
  using Table = decltype(hn::SetTableIndices(d, c.table));
  Table table[N];
#pragma GCC unroll 4
  for (int n = 0; n < N; ++n) table[n] = hn::SetTableIndices(d, c.table + (first + n) * kLanes);
  for (int64_t i = c.cells; i > 0; --i, from += c.from_stride, to += kLanes) {
    const V v = hn::LoadU(d, from);
    if (first == 0) look_ahead(c, from);
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n)
      hn::StoreU(hn::TableLookupLanes(v, table[n]), d, to + n * c.to_stride);
  }
}

template <void (*kFour)(const LaneCopy&, int64_t), void (*kTwo)(const LaneCopy&, int64_t),
          void (*kOne)(const LaneCopy&, int64_t)>
HWY_INLINE void by_vectors(const LaneCopy& c) {
  int64_t v = 0;
  for (; v + 4 <= c.vectors; v += 4) kFour(c, v);
  for (; v + 2 <= c.vectors; v += 2) kTwo(c, v);
  if (v < c.vectors) kOne(c, v);
}

void copy(const LaneCopy& c) { by_vectors<copy_vectors<4>, copy_vectors<2>, copy_vectors<1>>(c); }

void permute(const LaneCopy& c) {
  by_vectors<permute_vectors<4>, permute_vectors<2>, permute_vectors<1>>(c);
}

void add_lanes(const LaneCopy& c) {
  const D d;
  const float* HWY_RESTRICT from = c.from;
  float* HWY_RESTRICT to = c.to;
  const auto table = hn::SetTableIndices(d, c.table);
  const auto keep = hn::FirstN(d, static_cast<size_t>(c.keep));
  for (int64_t i = c.cells; i > 0; --i, from += c.from_stride, to += kLanes) {
    const V v = hn::TableLookupLanes(hn::LoadU(d, from), table);
    look_ahead(c, from);
    hn::StoreU(hn::IfThenElse(keep, hn::LoadU(d, to), v), d, to);
  }
}

void gather(const LaneCopy& c) {
  const float* HWY_RESTRICT from = c.from;
  float* HWY_RESTRICT to = c.to;
  for (int64_t i = c.cells; i > 0; --i, from += c.from_stride, to += kLanes)
    for (int l = 0; l < kLanes; ++l) to[l] = from[c.table[l]];
}

#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int kRows = 2, kWidths[] = {14, 10, 7, 4};
#else
constexpr int kRows = 1, kWidths[] = {8, 7, 6, 4};
#endif

template <int K>
void fill(DepthTileFn (&tiles)[DepthTiles::kWidths]) {
  tiles[0] = of_window<kWidths[0], K>;
  tiles[1] = of_window<kWidths[1], K>;
  tiles[2] = of_window<kWidths[2], K>;
  tiles[3] = of_window<kWidths[3], K>;
}

const DepthTiles* target_depth_tiles() {
  static const DepthTiles all = [] {
    DepthTiles t{
        hwy::TargetName(HWY_TARGET), kLanes, kRows, {}, {}, {}, copy, permute, add_lanes, gather};
    std::copy_n(kWidths, DepthTiles::kWidths, t.widths);
    fill<0>(t.of_window[0]);
    fill<3>(t.of_window[1]);
    fill<5>(t.of_window[2]);
    fill<7>(t.of_window[3]);
    t.of_x[0][1] = of_x<kRows, 1, 1>;
    t.of_x[0][2] = of_x<kRows, 2, 1>;
    t.of_x[0][3] = of_x<kRows, 3, 1>;
    t.of_x[0][5] = of_x<kRows, 5, 1>;
    t.of_x[0][7] = of_x<kRows, 7, 1>;
    t.of_x[1][3] = of_x<kRows, 3, 2>;
    t.of_x[1][5] = of_x<kRows, 5, 2>;
    return t;
  }();
  return &all;
}

}  // namespace
}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cornu::kernels {
HWY_EXPORT(target_depth_tiles);
const DepthTiles& depth_tiles() { return *CORNU_CHOOSE(target_depth_tiles)(); }

DepthTileFn DepthTiles::best(int kind, int64_t cells) const {
  // A tile costs about as much beside its results as one result more.
  const auto cost = [&](int width) { return (cells + width - 1) / width * (width + 1); };
  int least = 0;
  for (int i = 1; i < kWidths; ++i)
    if (cost(widths[i]) < cost(widths[least])) least = i;
  return of_window[kind][least];
}
}  // namespace cornu::kernels
#endif
