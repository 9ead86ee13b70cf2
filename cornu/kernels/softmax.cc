// Softmax and its logarithm over the last axis, and their gradients.

#include <algorithm>
#include <cmath>
#include <limits>

#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"
#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/softmax.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format off: this one comes last
#include <hwy/contrib/math/math-inl.h>
// clang-format on

#ifndef CORNU_KERNELS_SOFTMAX_ROWS
#define CORNU_KERNELS_SOFTMAX_ROWS
namespace cornu::kernels {

struct SoftmaxRow {
  const float *x, *dy;  // of a gradient x is softmax's result, or its logarithm
  float* out;
  int64_t count;
};
using SoftmaxFn = void (*)(const SoftmaxRow&);
struct SoftmaxFns {  // [0] for the values themselves, [1] for their logarithms
  SoftmaxFn forward[2], backward[2];
};

}  // namespace cornu::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace cornu::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr auto kLanes = static_cast<int64_t>(hn::MaxLanes(D()));

// Calls f(i, count) for every vector of the row: its first number and how many it has.
template <class F>
HWY_INLINE void for_vectors(int64_t count, F&& f) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) f(i, kLanes);
  if (i < count) f(i, count - i);
}

// The lanes that the row does not have hold `rest`.
HWY_INLINE V load(const float* from, int64_t count, float rest) {
  if (count == kLanes) return hn::LoadU(D(), from);
  HWY_ALIGN float lanes[kLanes];
  for (int64_t i = 0; i < kLanes; ++i) lanes[i] = i < count ? from[i] : rest;
  return hn::Load(D(), lanes);
}
HWY_INLINE void store(V v, float* to, int64_t count) {
  if (count == kLanes) return hn::StoreU(v, D(), to);
  HWY_ALIGN float lanes[kLanes];
  hn::Store(v, D(), lanes);
  for (int64_t i = 0; i < count; ++i) to[i] = lanes[i];
}

// The sum of f(i, count) over the row's vectors. Long sums are made of short ones.
template <class F>
HWY_INLINE float sum_over(int64_t count, F&& f) {
  constexpr int64_t kShort = 8 * 16;
  double total = 0;
  for (int64_t begin = 0; begin < count; begin += kShort) {
    V sum = hn::Zero(D());
    for_vectors(std::min(kShort, count - begin),
                [&](int64_t i, int64_t n) HWY_ATTR { sum = hn::Add(sum, f(begin + i, n)); });
    HWY_ALIGN float lanes[kLanes];
    hn::Store(sum, D(), lanes);
    for (float lane : lanes) total += static_cast<double>(lane);
  }
  return static_cast<float>(total);
}

// NaN wins.
float maximum_of(const SoftmaxRow& row) {
  constexpr float kLeast = -std::numeric_limits<float>::infinity();
  V top = hn::Set(D(), kLeast);
  for_vectors(row.count, [&](int64_t i, int64_t count) HWY_ATTR {
    const V x = load(row.x + i, count, kLeast);
    top = hn::IfThenElse(hn::Or(hn::Gt(top, x), hn::IsNaN(top)), top, x);
  });
  HWY_ALIGN float lanes[kLanes];
  hn::Store(top, D(), lanes);
  float most = kLeast;
  for (float lane : lanes) most = most > lane || std::isnan(most) ? most : lane;
  return most;
}

// A NaN, or an infinity that is the maximum, makes the sum 0 and with it the whole row NaN.
template <bool kLog>
void forward(const SoftmaxRow& row) {
  constexpr float kLeast = -std::numeric_limits<float>::infinity();
  const V top = hn::Set(D(), maximum_of(row));
  const float sum = sum_over(row.count, [&](int64_t i, int64_t count) HWY_ATTR {
    const V e = hn::Exp(D(), hn::Sub(load(row.x + i, count, kLeast), top));
    if constexpr (!kLog) store(e, row.out + i, count);
    return e;
  });
  const V divisor = hn::Set(D(), sum), log = hn::Set(D(), std::log(sum));
  for_vectors(row.count, [&](int64_t i, int64_t count) HWY_ATTR {
    if constexpr (kLog)
      store(hn::Sub(hn::Sub(load(row.x + i, count, 0), top), log), row.out + i, count);
    else
      store(hn::Div(load(row.out + i, count, 0), divisor), row.out + i, count);
  });
}

template <bool kLog>
void backward(const SoftmaxRow& row) {
  const V sum = hn::Set(D(), sum_over(row.count, [&](int64_t i, int64_t count) HWY_ATTR {
                          const V dy = load(row.dy + i, count, 0);
                          return kLog ? dy : hn::Mul(dy, load(row.x + i, count, 0));
                        }));
  for_vectors(row.count, [&](int64_t i, int64_t count) HWY_ATTR {
    const V y = load(row.x + i, count, 0), dy = load(row.dy + i, count, 0);
    if constexpr (kLog) {
      const V e = hn::IfThenElse(hn::IsNaN(y), y, hn::Exp(D(), y));
      store(hn::NegMulAdd(e, sum, dy), row.out + i, count);
    } else {
      store(hn::Mul(y, hn::Sub(dy, sum)), row.out + i, count);
    }
  });
}

const SoftmaxFns* target_softmax() {
  static const SoftmaxFns all{{forward<false>, forward<true>}, {backward<false>, backward<true>}};
  return &all;
}

}  // namespace
}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cornu::kernels {
HWY_EXPORT(target_softmax);
namespace {

constexpr int64_t kWorthSharing = 4 * 1024;  // numbers per task at least

struct State {
  int64_t rows, count;
  SoftmaxFn row;
};

void run(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  split(*call.pool, s.rows, kWorthSharing / std::max<int64_t>(s.count, 1) + 1, [&](Range r) {
    for (int64_t i = r.begin * s.count; i < r.end * s.count; i += s.count)
      s.row({call.in[0] + i, call.in.size() > 1 ? call.in[1] + i : nullptr, call.out + i, s.count});
  });
}

template <class Op>
bool accepts(const Problem& p) {
  const auto* op = std::get_if<Op>(p.op);
  return op && op->kind != ops::Softmax::Kind::kSparsemax && p.out.size() > 0;
}

template <class Op>
Prepared prepare(const Problem& p) {
  const SoftmaxFns& fns = *CORNU_CHOOSE(target_softmax)();
  const bool log = std::get<Op>(*p.op).kind == ops::Softmax::Kind::kLogSoftmax;
  const int64_t count = p.out[-1];
  const auto& row = std::is_same_v<Op, ops::Softmax> ? fns.forward : fns.backward;
  return prepared_with(State{p.out.size() / count, count, row[log]}, run, p);
}

}  // namespace

const Kernel kSoftmax{"softmax", accepts<ops::Softmax>, prepare<ops::Softmax>};
const Kernel kSoftmaxGrad{"softmax grad", accepts<ops::SoftmaxGrad>, prepare<ops::SoftmaxGrad>};

}  // namespace cornu::kernels
#endif
