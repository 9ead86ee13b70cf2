#include "cornu/kernels/dot.h"

#include <utility>

#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/dot.cc"
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

// The sums of four vectors side by side.
#if HWY_TARGET == HWY_SCALAR
constexpr int kSide = 1;
using Side = D;
HWY_INLINE hn::Vec<Side> sums(const V* HWY_RESTRICT v) { return v[0]; }
#else
constexpr int kSide = 4;
using Side = hn::CappedTag<float, 4>;

template <class Tag>
HWY_INLINE hn::Vec<Side> fold(Tag d, hn::Vec<Tag> v) {
  if constexpr (hn::MaxLanes(Tag()) > 4) {
    const hn::Half<Tag> half;
    return fold(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    (void)d;
    return v;
  }
}

HWY_INLINE hn::Vec<Side> sums(const V* HWY_RESTRICT v) {
  const D d;
  const hn::Repartition<double, D> pairs;
  const V ab = hn::Add(hn::InterleaveLower(d, v[0], v[1]), hn::InterleaveUpper(d, v[0], v[1]));
  const V cd = hn::Add(hn::InterleaveLower(d, v[2], v[3]), hn::InterleaveUpper(d, v[2], v[3]));
  const auto ab2 = hn::BitCast(pairs, ab), cd2 = hn::BitCast(pairs, cd);
  return fold(d, hn::Add(hn::BitCast(d, hn::InterleaveLower(pairs, ab2, cd2)),
                         hn::BitCast(d, hn::InterleaveUpper(pairs, ab2, cd2))));
}
#endif

// U vectors of every row, times those of the weights.
template <int M, int N, int U>
HWY_INLINE void step(const float* const (&p)[M], const float* HWY_RESTRICT w, int64_t stride,
                     int64_t k, V (&acc)[M * N]) {
  const D d;
#pragma GCC unroll 4
  for (int u = 0; u < U; ++u, k += kLanes) {
    V b[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) b[n] = hn::LoadU(d, w + n * stride + k);
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) {
      const V x = N > 1 ? load_once(d, p[m] + k) : hn::LoadU(d, p[m] + k);
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) acc[m * N + n] = hn::MulAdd(x, b[n], acc[m * N + n]);
    }
  }
}

template <int M, int N>
void tile(const DotTile& t) {
  const D d;
  constexpr int kSums = (M * N + kSide - 1) / kSide * kSide;
  V acc[M * N];
#pragma GCC unroll 32
  for (V& sum : acc) sum = hn::Zero(d);
  const float* const* HWY_RESTRICT rows = t.rows;
  for (int64_t run = 0; run < t.runs; ++run, rows += M) {
    const float* HWY_RESTRICT w = t.weights + t.first[run];
    const float* p[M];
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) p[m] = rows[m] + t.rows_shift;
    int64_t k = 0;
    for (; k + 3 * kLanes <= t.length; k += 3 * kLanes)
      step<M, N, 3>(p, w, t.weights_stride, k, acc);
    for (; k < t.length; k += kLanes) step<M, N, 1>(p, w, t.weights_stride, k, acc);
  }
  const Side side;
  HWY_ALIGN float results[kSums];
#pragma GCC unroll 32
  for (int i = 0; i < kSums; i += kSide) {
    V some[kSide];
#pragma GCC unroll 4
    for (int j = 0; j < kSide; ++j) some[j] = acc[i + j < M * N ? i + j : 0];
    auto sum = hn::Add(sums(some), hn::LoadU(side, t.bias + i));
    if (t.relu) sum = apply(side, *t.relu, sum);
    hn::Store(sum, side, results + i);
  }
  for (int m = 0; m < M; ++m)
    for (int n = 0; n < N; ++n) t.out[m][t.out_shift + n] = results[m * N + n];
}

// As many sums as the registers hold beside N weights and a number.
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int kRows[] = {16, 12, 8, 6};
#else
constexpr int kRows[] = {12, 6, 4, 2};
#endif

template <int N, int... I>
constexpr void fill(DotTiles& all, std::integer_sequence<int, I...>) {
  all.rows[N - 1] = kRows[N - 1];
  ((all.tile[N - 1][I] = tile<I + 1, N>), ...);
}

const DotTiles* target_dot_tiles() {
  static const DotTiles all = [] {
    DotTiles t{hwy::TargetName(HWY_TARGET), kLanes, {}, {}};
    fill<1>(t, std::make_integer_sequence<int, kRows[0]>());
    fill<2>(t, std::make_integer_sequence<int, kRows[1]>());
    fill<3>(t, std::make_integer_sequence<int, kRows[2]>());
    fill<4>(t, std::make_integer_sequence<int, kRows[3]>());
    return t;
  }();
  return &all;
}

}  // namespace
}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cornu::kernels {
HWY_EXPORT(target_dot_tiles);
const DotTiles& dot_tiles() { return *CORNU_CHOOSE(target_dot_tiles)(); }
}  // namespace cornu::kernels
#endif
