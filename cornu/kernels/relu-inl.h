// Relu on vectors, for every file with per-target code: no include guard, but one per target.

#if defined(CORNU_KERNELS_RELU_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef CORNU_KERNELS_RELU_INL
#undef CORNU_KERNELS_RELU_INL
#else
#define CORNU_KERNELS_RELU_INL
#endif

#include <hwy/highway.h>

#include <limits>

#include "cornu/kernels/epilogue.h"

HWY_BEFORE_NAMESPACE();
namespace cornu::kernels::HWY_NAMESPACE {

// As ops::apply: NaN stays NaN, and a slope of 0 gives 0 even for -inf.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V apply(D d, const Relu& r, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V threshold = hn::Set(d, r.threshold), max = hn::Set(d, r.max);
  V below = hn::Zero(d);
  if (r.slope != 0) below = hn::Mul(hn::Set(d, r.slope), hn::Sub(x, threshold));
  const V above = hn::IfThenElse(hn::Gt(x, max), max, x);
  return hn::IfThenElse(hn::Le(x, threshold), below, above);
}

// Relu as most layers have it: positive(x).
inline bool is_plain(const Relu& r) {
  return r.threshold == 0 && r.slope == 0 && r.max == std::numeric_limits<float>::infinity();
}

// The same as apply() of a plain one, in fewer instructions.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V positive(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3
  return hn::Max(hn::Zero(d), x);  // the second one where either is NaN
#else
  return hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), x);
#endif
}

}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
