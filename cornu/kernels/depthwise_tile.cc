#include "cornu/kernels/depthwise_tile.h"

#include <algorithm>
#include <utility>

#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/depthwise_tile.cc"
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

template <int M, int N>
HWY_INLINE void finish(const DepthTile& t, int64_t f, V (&acc)[M][N]) {
  const D d;
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) {
      if (t.relu) acc[m][n] = apply(d, *t.relu, acc[m][n]);
      hn::StoreU(acc[m][n], d, t.out[m] + t.out_shift + f + n * kLanes);
    }
}

// Filters f .. f + N vectors of a multiplier of 1.
template <int M, int N>
HWY_INLINE void block(const DepthTile& t, int64_t f) {
  const D d;
  V acc[M][N];
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) acc[m][n] = hn::LoadU(d, t.bias + f + n * kLanes);
  const float* const* HWY_RESTRICT rows = t.rows;
  const int64_t from = t.rows_shift + f;
  for (int64_t run = 0; run < t.runs; ++run, rows += M) {
    const float* HWY_RESTRICT w = t.weights + t.first[run] * t.filters + f;
    V b[N];
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) b[n] = hn::LoadU(d, w + n * kLanes);
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 2
      for (int n = 0; n < N; ++n)
        acc[m][n] = hn::MulAdd(hn::LoadU(d, rows[m] + from + n * kLanes), b[n], acc[m][n]);
  }
  finish<M, N>(t, f, acc);
}

// M cells side by side, K taps to a line: number j of a line of x belongs to tap t of cell j - t.
template <int M, int K, int N>
HWY_INLINE void line_block(const DepthTile& t, int64_t f) {
  const D d;
  V acc[M][N];
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) acc[m][n] = hn::LoadU(d, t.bias + f + n * kLanes);
  for (int64_t run = 0; run < t.runs; run += K) {
    const float* HWY_RESTRICT x = t.rows[run * M] + t.rows_shift + f;
    V w[K][N];
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k)
#pragma GCC unroll 2
      for (int n = 0; n < N; ++n)
        w[k][n] = hn::LoadU(d, t.weights + t.first[run + k] * t.filters + f + n * kLanes);
#pragma GCC unroll 16
    for (int j = 0; j < M + K - 1; ++j, x += t.cell_stride) {
#pragma GCC unroll 2
      for (int n = 0; n < N; ++n) {
        const V number = hn::LoadU(d, x + n * kLanes);
#pragma GCC unroll 8
        for (int k = 0; k < K; ++k)
          if (j - k >= 0 && j - k < M) acc[j - k][n] = hn::MulAdd(number, w[k][n], acc[j - k][n]);
      }
    }
  }
  finish<M, N>(t, f, acc);
}

template <int M, int K>
void side_by_side(const DepthTile& t) {
  constexpr int N = K == 3 ? 2 : 1;  // as many as the registers hold
  int64_t f = 0;
  for (; f + N * kLanes <= t.filters; f += N * kLanes) line_block<M, K, N>(t, f);
  for (; f + kLanes <= t.filters; f += kLanes) line_block<M, K, 1>(t, f);
  if (f < t.filters) line_block<M, K, 1>(t, t.filters - kLanes);
}

// Fewer filters than a vector has lanes.
template <int M>
void few(const DepthTile& t) {
  const hn::CappedTag<float, 1> d;
  for (int m = 0; m < M; ++m)
    for (int64_t f = 0; f < t.filters; ++f) {
      auto sum = hn::Set(d, t.bias[f]);
      for (int64_t run = 0; run < t.runs; ++run)
        sum = hn::MulAdd(hn::Set(d, t.rows[run * M + m][t.rows_shift + f]),
                         hn::Set(d, t.weights[t.first[run] * t.filters + f]), sum);
      if (t.relu) sum = apply(d, *t.relu, sum);
      t.out[m][t.out_shift + f] = hn::GetLane(sum);
    }
}

template <int M>
void one(const DepthTile& t) {
  if (t.filters < kLanes) return few<M>(t);
  int64_t f = 0;
  for (; f + 2 * kLanes <= t.filters; f += 2 * kLanes) block<M, 2>(t, f);
  for (; f + kLanes <= t.filters; f += kLanes) block<M, 1>(t, f);
  if (f < t.filters) block<M, 1>(t, t.filters - kLanes);  // some of them once more
}

template <int M>
void many(const DepthTile& t) {
  const D d;
  for (int64_t at = 0, i = 0; at < t.filters; at += kLanes, ++i) {
    const int64_t f = std::min(at, t.filters - kLanes);
    const auto lanes = hn::SetTableIndices(d, t.lane_channel + i * kLanes);
    V acc[M][1];
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) acc[m][0] = hn::LoadU(d, t.bias + f);
    const float* const* HWY_RESTRICT rows = t.rows;
    const int64_t from = t.rows_shift + t.block_channel[i];
    for (int64_t run = 0; run < t.runs; ++run, rows += M) {
      const V b = hn::LoadU(d, t.weights + t.first[run] * t.filters + f);
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        const V x = hn::LoadU(d, rows[m] + from);
        acc[m][0] = hn::MulAdd(hn::TableLookupLanes(x, lanes), b, acc[m][0]);
      }
    }
    finish<M, 1>(t, f, acc);
  }
}

#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int kRows = 8;
#elif HWY_TARGET <= HWY_AVX2
constexpr int kRows = 6;
#else
constexpr int kRows = 4;
#endif

template <int... I>
constexpr void fill(DepthTiles& all, std::integer_sequence<int, I...>) {
  ((all.one[I] = one<I + 1>, all.many[I] = many<I + 1>), ...);
}

const DepthTiles* target_depth_tiles() {
  static const DepthTiles all = [] {
    DepthTiles t{hwy::TargetName(HWY_TARGET), kLanes, kRows, {}, {}, {}};
    fill(t, std::make_integer_sequence<int, kRows>());
    t.side_by_side[0] = side_by_side<kRows, 3>;
    t.side_by_side[1] = side_by_side<kRows, 5>;
    t.side_by_side[2] = side_by_side<kRows, 7>;
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

FilterPlaces place_filters(int64_t lanes, int64_t channels, int64_t multiplier) {
  FilterPlaces places;
  const int64_t filters = channels * multiplier;
  for (int64_t at = 0; at < filters; at += lanes) {
    const int64_t f = std::min(at, filters - lanes);
    const int64_t channel = std::min(f / multiplier, channels - lanes);
    places.block_channel.push_back(static_cast<int32_t>(channel));
    for (int64_t i = 0; i < lanes; ++i)
      places.lane_channel.push_back(static_cast<int32_t>((f + i) / multiplier - channel));
  }
  return places;
}
}  // namespace cornu::kernels
#endif
