#include "cornu/kernels/blend.h"

#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/blend.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cornu::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Numbers [i, i + lanes of D) of a sum. N: how many rows, or -1 when that is not known.
template <int N, class D, class Row>
HWY_INLINE void some(D d, Row row, const float* HWY_RESTRICT weights, int64_t n, int64_t i,
                     bool add, float* HWY_RESTRICT out) {
  if (N >= 0) n = N;
  auto sum = add ? hn::LoadU(d, out + i) : hn::Zero(d);
#pragma GCC unroll 4
  for (int64_t k = 0; k < n; ++k)
    sum = hn::MulAdd(hn::Set(d, weights[k]), hn::LoadU(d, row(k) + i), sum);
  hn::StoreU(sum, d, out + i);
}

template <int N, class Row>
HWY_INLINE void all(Row row, const float* HWY_RESTRICT weights, int64_t n, int64_t count, bool add,
                    float* HWY_RESTRICT out) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) some<N>(d, row, weights, n, i, add, out);
  for (; i < count; ++i) some<N>(hn::CappedTag<float, 1>(), row, weights, n, i, add, out);
}

template <class Row>
HWY_INLINE void of_any(Row row, const float* HWY_RESTRICT weights, int64_t n, int64_t count,
                       bool add, float* HWY_RESTRICT out) {
  if (n == 1) return all<1>(row, weights, n, count, add, out);
  if (n == 2) return all<2>(row, weights, n, count, add, out);
  if (n == 4) return all<4>(row, weights, n, count, add, out);
  all<-1>(row, weights, n, count, add, out);
}

void rows(const float* const* from, const float* weights, int64_t n, int64_t count, bool add,
          float* out) {
  of_any([=](int64_t k) { return from[k]; }, weights, n, count, add, out);
}

void cells(const float* x, int64_t pitch, int64_t channels, const int64_t* begin,
           const int64_t* cell, const float* weights, int64_t count, float* out,
           int64_t out_pitch) {
  for (int64_t o = 0; o < count; ++o, out += out_pitch) {
    const int64_t* own = cell + begin[o];
    of_any([=](int64_t k) { return x + own[k] * pitch; }, weights + begin[o],
           begin[o + 1] - begin[o], channels, false, out);
  }
}

const Blend* target_blend() {
  static const Blend functions{rows, cells};
  return &functions;
}

}  // namespace
}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cornu::kernels {
HWY_EXPORT(target_blend);
const Blend& blend() { return *CORNU_CHOOSE(target_blend)(); }
}  // namespace cornu::kernels
#endif
