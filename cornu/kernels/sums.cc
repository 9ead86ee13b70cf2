#include "cornu/kernels/sums.h"

#include <limits>
#include <utility>

#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/sums.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cornu::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::ScalableTag<double>;
using One = hn::CappedTag<double, 1>;
constexpr int64_t kWide = static_cast<int64_t>(hn::MaxLanes(Wide()));

// The sums of one term so far.
template <Term T, class D>
struct Sum {
  using V = hn::Vec<D>;
  static constexpr bool kTwo = T == Term::kMoments || T == Term::kNormalized;
  static constexpr bool kMean = T == Term::kNormalized;
  V first, second;

  // Implicit constructors would not be compiled for the target.
  HWY_INLINE Sum() {}
  HWY_INLINE Sum(V a, V b) : first(a), second(b) {}

  HWY_INLINE void start() {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    first = hn::Set(D(), T == Term::kMax ? -kInfinity : T == Term::kMin ? kInfinity : 0.0);
    second = hn::Zero(D());
  }
  static HWY_INLINE V load(const float* at) {
    return hn::PromoteTo(D(), hn::LoadU(hn::Rebind<float, D>(), at));
  }
  // The numbers from index i on.
  HWY_INLINE void add(const Block& b, int64_t i, V mean) {
    const V x = load(b.x + i);
    if constexpr (T == Term::kNormalized) {
      const V dy = load(b.dy + i);
      first = hn::Add(first, dy);
      second = hn::MulAdd(dy, hn::Sub(x, mean), second);
    } else {
      join(first, x);
      if constexpr (kTwo) second = hn::MulAdd(x, x, second);
    }
  }
  static HWY_INLINE void join(V& a, V b) {
    if constexpr (T == Term::kMax)
      a = hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b);
    else if constexpr (T == Term::kMin)
      a = hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b);
    else
      a = hn::Add(a, b);
  }
  HWY_INLINE void join(const Sum& other) {
    join(first, other.first);
    if constexpr (kTwo) join(second, other.second);
  }
  HWY_INLINE void store(const Block& b, int64_t i) const {
    hn::StoreU(first, D(), b.first + i);
    if constexpr (kTwo) hn::StoreU(second, D(), b.second + i);
  }
};

// Columns c .. c + N vectors.
template <Term T, class D, int N>
HWY_INLINE void add_columns(const Block& b, int64_t c) {
  constexpr auto kLanes = static_cast<int64_t>(hn::MaxLanes(D()));
  Sum<T, D> sum[N];
  hn::Vec<D> mean[N];
  for (int n = 0; n < N; ++n) {
    sum[n].start();
    mean[n] = hn::Zero(D());
    if constexpr (Sum<T, D>::kMean) mean[n] = Sum<T, D>::load(b.mean + c + n * kLanes);
  }
  for (int64_t row = 0; row < b.rows; ++row)
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) sum[n].add(b, row * b.stride + c + n * kLanes, mean[n]);
  for (int n = 0; n < N; ++n) sum[n].store(b, c + n * kLanes);
}

template <Term T>
void columns(const Block& b) {
  int64_t c = 0;
  for (; c + 4 * kWide <= b.columns; c += 4 * kWide) add_columns<T, Wide, 4>(b, c);
  for (; c + kWide <= b.columns; c += kWide) add_columns<T, Wide, 1>(b, c);
  for (; c < b.columns; ++c) add_columns<T, One, 1>(b, c);
}

// All lanes of a sum as one.
template <Term T>
Sum<T, One> joined(const Sum<T, Wide>& sum) {
  HWY_ALIGN double first[kWide], second[kWide];
  hn::Store(sum.first, Wide(), first);
  hn::Store(sum.second, Wide(), second);
  Sum<T, One> all;
  all.start();
  for (int64_t i = 0; i < kWide; ++i)
    all.join(Sum<T, One>(hn::Set(One(), first[i]), hn::Set(One(), second[i])));
  return all;
}

template <Term T>
void lines(const Block& b) {
  for (int64_t row = 0; row < b.rows; ++row) {
    const float* mean = Sum<T, Wide>::kMean ? b.mean + row : nullptr;
    const auto wide_mean = hn::Set(Wide(), mean ? static_cast<double>(*mean) : 0.0);
    const int64_t end = row * b.stride + b.columns;
    Sum<T, Wide> sum[4];
    for (auto& s : sum) s.start();
    int64_t i = row * b.stride;
    for (; i + 4 * kWide <= end; i += 4 * kWide)
#pragma GCC unroll 4
      for (int n = 0; n < 4; ++n) sum[n].add(b, i + n * kWide, wide_mean);
    for (; i + kWide <= end; i += kWide) sum[0].add(b, i, wide_mean);
    sum[0].join(sum[1]);
    sum[2].join(sum[3]);
    sum[0].join(sum[2]);
    Sum<T, One> all = joined(sum[0]);
    for (; i < end; ++i) all.add(b, i, hn::Set(One(), mean ? static_cast<double>(*mean) : 0.0));
    all.store(b, row);
  }
}

template <int... T>
constexpr Sums all_terms(std::integer_sequence<int, T...>) {
  return {{columns<static_cast<Term>(T)>...}, {lines<static_cast<Term>(T)>...}};
}

const Sums* target_sums() {
  static const Sums all = all_terms(std::make_integer_sequence<int, kTerms>());
  return &all;
}

}  // namespace
}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cornu::kernels {
HWY_EXPORT(target_sums);
const Sums& sums() { return *CORNU_CHOOSE(target_sums)(); }
}  // namespace cornu::kernels
#endif
