#include "cornu/kernels/gemm.h"

#include <algorithm>
#include <utility>

#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/gemm.cc"
#include <hwy/cache_control.h>
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

// Weights are read once, in order: so many numbers ahead they are on their way from the third-level
// cache.
constexpr int kAhead = 1024;
// The same of the rows of an outer product, which lie apart.
constexpr int kRowsAhead = 16;

template <int M, int N, class F>
HWY_INLINE void each(F&& f) {
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) f(m, n);
}

template <int M, int N>
HWY_INLINE void store(const Tile& t, V (&acc)[M][N]) {
  const D d;
  float* const* const out = t.out;
  const int64_t shift = t.out_shift;
  if (t.columns == N * kLanes) {
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) {
      float* const to = out[m] + shift;
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) hn::StoreU(acc[m][n], d, to + n * kLanes);
    }
    return;
  }
#if HWY_TARGET <= HWY_AVX2
  const auto left = static_cast<size_t>(t.columns);
  each<M, N>([&](int m, int n) HWY_ATTR {
    const auto first = static_cast<size_t>(n * kLanes);
    if (first < left)
      hn::BlendedStore(acc[m][n], hn::FirstN(d, left - first), d, t.out[m] + t.out_shift + first);
  });
#else  // a blended store writes the whole vector
  HWY_ALIGN float row[M][N * kLanes];
  each<M, N>([&](int m, int n) HWY_ATTR { hn::Store(acc[m][n], d, row[m] + n * kLanes); });
  for (int m = 0; m < M; ++m) std::copy_n(row[m], t.columns, t.out[m] + t.out_shift);
#endif
}

// U steps of the sum per round: a divisor of t.length.
template <int M, int N, int U>
void tile_by(const Tile& t) {
  const D d;
  V acc[M][N];
  each<M, N>([&](int m, int n)
                 HWY_ATTR { acc[m][n] = hn::LoadU(d, t.start + m * t.start_stride + n * kLanes); });
  const float* const* HWY_RESTRICT rows = t.rows;
  const float* ahead = t.ahead;
  for (int64_t run = 0; run < t.runs; ++run, rows += M) {
    const float* HWY_RESTRICT w = t.weights + int64_t{t.first[run]} * (N * kLanes);
    const float* p[M];
    for (int m = 0; m < M; ++m) p[m] = rows[m] + t.rows_shift;
    for (int64_t k = 0; k < t.length; k += U) {
      if (t.far)
        each<U, N>([&](int u, int n)
                       HWY_ATTR { hwy::Prefetch(w + (u * N + n) * kLanes + kAhead); });
      if (ahead) {
        each<U, 1>([&](int u, int) HWY_ATTR { __builtin_prefetch(ahead + u * kLine, 0, 2); });
        ahead += U * kLine;
      }
#pragma GCC unroll 3
      for (int u = 0; u < U; ++u) {
        V b[N];
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) b[n] = hn::Load(d, w + (u * N + n) * kLanes);
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m) {
          const V a = hn::Set(d, p[m][k + u]);
#pragma GCC unroll 4
          for (int n = 0; n < N; ++n) acc[m][n] = hn::MulAdd(a, b[n], acc[m][n]);
        }
      }
      w += U * N * kLanes;
    }
  }
  if (t.relu && is_plain(*t.relu))
    each<M, N>([&](int m, int n) HWY_ATTR { acc[m][n] = positive(d, acc[m][n]); });
  else if (t.relu)
    each<M, N>([&](int m, int n) HWY_ATTR { acc[m][n] = apply(d, *t.relu, acc[m][n]); });
  store<M, N>(t, acc);
}

template <int M, int N>
void tile(const Tile& t) {
  if (t.length % 2 == 0)
    tile_by<M, N, 2>(t);
  else
    t.length % 3 == 0 ? tile_by<M, N, 3>(t) : tile_by<M, N, 1>(t);
}

template <int M, int N>
void outer(const OuterTile& t) {
  const D d;
  V acc[M][N];
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) acc[m][n] = hn::Zero(d);
  const int64_t a_stride = t.a_stride, b_stride = t.b_stride;
  const float* ahead = t.ahead;
  for (const Segment* s = t.segments; s != t.segments + t.segment_count; ++s) {
    const float* HWY_RESTRICT a = t.a + s->a;
    const float* HWY_RESTRICT b = t.b + s->b * b_stride;
    const float* soon = ahead ? ahead : a + kRowsAhead * a_stride;
    const int64_t soon_stride = ahead ? kLine : a_stride;
    if (ahead) ahead += s->count * kLine;
    for (int64_t p = s->count; p > 0; --p, a += a_stride, b += b_stride, soon += soon_stride) {
      V row[N];
#pragma GCC unroll 2
      for (int n = 0; n < N; ++n) {
        row[n] = hn::LoadU(d, b + n * kLanes);
        hwy::Prefetch(b + kRowsAhead * b_stride + n * kLanes);
      }
      __builtin_prefetch(soon, 0, 2);  // to the second-level cache
#pragma GCC unroll 16
      for (int m = 0; m < M; ++m) {
        const V x = hn::Set(d, a[m]);
#pragma GCC unroll 2
        for (int n = 0; n < N; ++n) acc[m][n] = hn::MulAdd(x, row[n], acc[m][n]);
      }
    }
  }
  float* HWY_RESTRICT sums = t.sums;
  const int64_t stride = t.sums_stride;
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) {
      float* HWY_RESTRICT sum = sums + m * stride + n * kLanes;
      hn::StoreU(hn::Add(hn::LoadU(d, sum), acc[m][n]), d, sum);
    }
}

// As many accumulators as the registers hold beside N weights and one broadcast; 8 rows of three
// vectors are quicker than the 9 that would fit.
#if HWY_TARGET <= HWY_AVX3
constexpr int kRows[] = {14, 14, 8, 6};
#elif HWY_TARGET <= HWY_AVX2
constexpr int kRows[] = {12, 6, 0, 0};
#elif HWY_TARGET == HWY_NEON
constexpr int kRows[] = {12, 12, 0, 0};
#else
constexpr int kRows[] = {8, 4, 0, 0};
#endif

template <int N, int... I>
constexpr void fill(Gemm& g, std::integer_sequence<int, I...>) {
  ((g.tile[N - 1][I] = tile<I + 1, N>), ...);
  if constexpr (N <= 2) ((g.outer[N - 1][I] = outer<I + 1, N>), ...);
}
template <int N>
constexpr void fill(Gemm& g) {
  g.rows[N - 1] = kRows[N - 1];
  fill<N>(g, std::make_integer_sequence<int, kRows[N - 1]>());
}

const Gemm* target_gemm() {
  static const Gemm all = [] {
    Gemm g{hwy::TargetName(HWY_TARGET), kLanes, {}, {}, {}};
    fill<1>(g), fill<2>(g), fill<3>(g), fill<4>(g);
    return g;
  }();
  return &all;
}

}  // namespace
}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cornu::kernels {
HWY_EXPORT(target_gemm);
const Gemm& gemm() { return *CORNU_CHOOSE(target_gemm)(); }
}  // namespace cornu::kernels
#endif
