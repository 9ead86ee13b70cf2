#include "cornu/kernels/activation.h"

#include <algorithm>
#include <limits>

#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/activation.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format off: this one comes last
#include <hwy/contrib/math/math-inl.h>
// clang-format on

#include "cornu/kernels/relu-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cornu::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

HWY_INLINE V set(float v) { return hn::Set(D(), v); }

// exp(x) of 0 and below; 0 where it would be denormal. x = n ln 2 + r, and of exp(r) the polynomial
// of Cephes (https://netlib.org/cephes, expf.c).
HWY_INLINE V exp_down(V x) {
  const V v = hn::Max(x, set(-87.3f)), n = hn::Round(hn::Mul(v, set(1.44269504088896341f)));
  const V r = hn::NegMulAdd(n, set(-2.12194440e-4f), hn::NegMulAdd(n, set(0.693359375f), v));
  V p = set(1.9875691500e-4f);
  for (float c :
       {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = hn::MulAdd(p, r, set(c));
  p = hn::MulAdd(hn::Mul(r, r), p, hn::Add(r, set(1)));
  const hn::RebindToSigned<D> di;
  const auto power = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127)));
  return hn::IfThenElseZero(hn::Ge(x, set(-87.3f)), hn::Mul(p, hn::BitCast(D(), power)));
}
// exp(x) - 1 of 0 and below.
HWY_INLINE V expm1_down(V x) {
  // Beyond these the result is -1 to the last bit.
  return hn::Expm1(D(), hn::Max(x, set(-40)));
}

HWY_INLINE V sigmoid(V x) {
  const V e = exp_down(hn::Neg(hn::Abs(x)));
  return hn::Div(hn::IfThenElse(hn::Lt(x, set(0)), e, set(1)), hn::Add(e, set(1)));
}
HWY_INLINE V softplus(V x) {
  const V e = exp_down(hn::Neg(hn::Abs(x)));
  return hn::Add(hn::Max(x, set(0)), hn::Log1p(D(), e));
}
// A quotient of polynomials, of which the one above is odd: Eigen's
// (https://gitlab.com/libeigen/eigen, MathFunctionsImpl.h). 1 from 7.9 on; tiny x are themselves.
HWY_INLINE V tanh(V x) {
  const V v = hn::Clamp(x, set(-7.90531110763549805f), set(7.90531110763549805f));
  const V square = hn::Mul(v, v);
  V above = set(-2.76076847742355e-16f), below = set(1.19825839466702e-06f);
  for (float c : {2.00018790482477e-13f, -8.60467152213735e-11f, 5.12229709037114e-08f,
                  1.48572235717979e-05f, 6.37261928875436e-04f, 4.89352455891786e-03f})
    above = hn::MulAdd(above, square, set(c));
  for (float c : {1.18534705686654e-04f, 2.26843463243900e-03f, 4.89352518554385e-03f})
    below = hn::MulAdd(below, square, set(c));
  const V y = hn::Div(hn::Mul(v, above), below);
  return hn::IfThenElse(hn::Lt(hn::Abs(x), set(0.0004f)), x, y);
}
HWY_INLINE V elu(V x, V alpha) {
  return hn::IfThenElse(hn::Gt(x, set(0)), x, hn::Mul(alpha, expm1_down(hn::Min(x, set(0)))));
}
// Within 1.2e-7 of the true value, relatively: Press et al., Numerical Recipes, 6.2.
HWY_INLINE V erfc(V x) {
  const V z = hn::Abs(x), t = hn::Div(set(1), hn::MulAdd(z, set(0.5f), set(1)));
  V p = set(0.17087277f);
  for (float c : {-0.82215223f, 1.48851587f, -1.13520398f, 0.27886807f, -0.18628806f, 0.09678418f,
                  0.37409196f, 1.00002368f, -1.26551223f})
    p = hn::MulAdd(p, t, set(c));
  const V y = hn::Mul(t, exp_down(hn::NegMulAdd(z, z, p)));
  return hn::IfThenElse(hn::Lt(x, set(0)), hn::Sub(set(2), y), y);
}

template <class F>
void each(const float* x, float* y, int64_t count, F&& f) {
  const D d;
  // A NaN goes through every function.
  const auto step = [&](const float* from, float* to) HWY_ATTR {
    const V v = hn::LoadU(d, from);
    hn::StoreU(hn::IfThenElse(hn::IsNaN(v), v, f(v)), d, to);
  };
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) step(x + i, y + i);
  if (i == count) return;
  float last[kLanes] = {};
  std::copy(x + i, x + count, last);
  step(last, last);
  std::copy(last, last + (count - i), y + i);
}

void activation(const ops::Unary& fn, const float* x, float* y, int64_t count) {
  using Fn = ops::Unary::Fn;
  const V a = set(fn.a), b = set(fn.b);
  const auto all = [&](auto&& f) { each(x, y, count, f); };
  switch (fn.fn) {
    case Fn::kElu:
      return all([=](V v) HWY_ATTR { return elu(v, a); });
    case Fn::kCelu:
      return all([=](V v) HWY_ATTR {
        const V below = hn::Mul(a, expm1_down(hn::Min(hn::Div(v, a), set(0))));
        return hn::IfThenElse(hn::Gt(v, set(0)), v, below);
      });
    case Fn::kSelu:
      return all([](V v) HWY_ATTR {
        return hn::Mul(set(1.0507009873554805f), elu(v, set(1.6732632423543772f)));
      });
    case Fn::kGelu:
      return all([](V v) HWY_ATTR {
        return hn::Mul(hn::Mul(v, set(0.5f)), erfc(hn::Mul(v, set(-0.70710678118654752f))));
      });
    case Fn::kGeluTanh:
      return all([](V v) HWY_ATTR {
        const V cube = hn::Mul(hn::Mul(v, v), hn::Mul(v, set(0.044715f)));
        // (1 + tanh(u)) / 2 = sigmoid(2u), without the cancellation below 0.
        return hn::Mul(v, sigmoid(hn::Mul(hn::Add(v, cube), set(2 * 0.79788456080286536f))));
      });
    case Fn::kSilu:
      return all([](V v) HWY_ATTR { return hn::Mul(v, sigmoid(v)); });
    case Fn::kSigmoid:
      return all([](V v) HWY_ATTR { return sigmoid(v); });
    case Fn::kTanh:
      return all([](V v) HWY_ATTR { return tanh(v); });
    case Fn::kExp:
      return all([](V v) HWY_ATTR {
        const V e = hn::Exp(D(), hn::Min(v, set(88.8f)));
        return hn::IfThenElse(hn::Gt(v, set(88.722839f)),
                              set(std::numeric_limits<float>::infinity()), e);
      });
    case Fn::kSoftplus:
      return all([](V v) HWY_ATTR { return softplus(v); });
    case Fn::kLogSigmoid:
      return all([](V v) HWY_ATTR { return hn::Neg(softplus(hn::Neg(v))); });
    case Fn::kMish:
      return all([](V v) HWY_ATTR { return hn::Mul(v, tanh(softplus(v))); });
    case Fn::kAffine:
      return all([=](V v) HWY_ATTR { return hn::Add(hn::Mul(v, a), b); });
    case Fn::kHardSigmoid:
      return all([=](V v) HWY_ATTR {
        return hn::Min(hn::Max(hn::Add(hn::Mul(v, a), b), set(0)), set(1));
      });
    case Fn::kHardSilu:
      return all([](V v) HWY_ATTR {
        const V gate = hn::Min(hn::Max(hn::Add(v, set(3)), set(0)), set(6));
        return hn::Mul(v, hn::Div(gate, set(6)));
      });
    case Fn::kSoftsign:
      return all([](V v) HWY_ATTR { return hn::Div(v, hn::Add(hn::Abs(v), set(1))); });
    default:
      return;
  }
}

ActivationFn target_activation() { return activation; }

template <class F>
void add_each(const AddedRows& a, F&& f) {
  const D d;
  const auto step = [&](const float* x, const float* y, float* to) HWY_ATTR {
    hn::StoreU(f(hn::Add(hn::LoadU(d, x), hn::LoadU(d, y))), d, to);
  };
  for (int64_t r = 0; r < a.count; ++r) {
    if (!a.rows[r]) continue;
    float* HWY_RESTRICT y = a.rows[r] + a.row_shift;
    int64_t at = y - a.result;
    if (a.added_pitch != a.result_pitch)
      at = at / a.result_pitch * a.added_pitch + at % a.result_pitch;
    const float* HWY_RESTRICT x = a.added + at;
    int64_t i = 0;
    for (; i + kLanes <= a.length; i += kLanes) step(y + i, x + i, y + i);
    if (i == a.length) continue;
    float last[kLanes] = {}, added[kLanes] = {};
    std::copy(y + i, y + a.length, last);
    std::copy(x + i, x + a.length, added);
    step(last, added, last);
    std::copy(last, last + (a.length - i), y + i);
  }
}

void add(const AddedRows& a) {
  if (!a.relu) return add_each(a, [](V v) HWY_ATTR { return v; });
  if (is_plain(*a.relu)) return add_each(a, [](V v) HWY_ATTR { return positive(D(), v); });
  const Relu relu = *a.relu;
  add_each(a, [relu](V v) HWY_ATTR { return apply(D(), relu, v); });
}

AddFn target_add() { return add; }

}  // namespace
}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cornu::kernels {
HWY_EXPORT(target_activation);
HWY_EXPORT(target_add);

AddFn add_fn() { return CORNU_CHOOSE(target_add)(); }

ActivationFn activation_fn(const ops::Unary& fn) {
  using Fn = ops::Unary::Fn;
  switch (fn.fn) {
    case Fn::kElu:
    case Fn::kCelu:
    case Fn::kSelu:
    case Fn::kGelu:
    case Fn::kGeluTanh:
    case Fn::kSilu:
    case Fn::kSigmoid:
    case Fn::kTanh:
    case Fn::kExp:
    case Fn::kSoftplus:
    case Fn::kLogSigmoid:
    case Fn::kMish:
    case Fn::kAffine:
    case Fn::kHardSigmoid:
    case Fn::kHardSilu:
    case Fn::kSoftsign:
      return CORNU_CHOOSE(target_activation)();
    default:
      return nullptr;
  }
}

}  // namespace cornu::kernels
#endif
