#include "cornu/kernels/pool_rows.h"

#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/pool_rows.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cornu::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

struct Maximum {
  const float* HWY_RESTRICT x;
  float* HWY_RESTRICT y;
  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    const auto a = hn::LoadU(d, y + i), b = hn::LoadU(d, x + i);
    hn::StoreU(hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b), d, y + i);
  }
};

struct FirstMaximum {
  const float* HWY_RESTRICT x;
  float index;
  float *HWY_RESTRICT best, *HWY_RESTRICT at;
  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    const auto v = hn::LoadU(d, x + i), old = hn::LoadU(d, best + i);
    const auto more = hn::Or(hn::Gt(v, old), hn::AndNot(hn::IsNaN(old), hn::IsNaN(v)));
    hn::StoreU(hn::IfThenElse(more, v, old), d, best + i);
    hn::StoreU(hn::IfThenElse(more, hn::Set(d, index), hn::LoadU(d, at + i)), d, at + i);
  }
};

struct AddWhere {
  const float *HWY_RESTRICT dy, *HWY_RESTRICT at;
  float index;
  float* HWY_RESTRICT dx;
  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    const auto own = hn::Eq(hn::LoadU(d, at + i), hn::Set(d, index));
    const auto flow = hn::IfThenElseZero(own, hn::LoadU(d, dy + i));
    hn::StoreU(hn::Add(hn::LoadU(d, dx + i), flow), d, dx + i);
  }
};

struct MaximumOf {
  const float* const* x;
  int cells;
  float* y;
  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    auto best = hn::LoadU(d, x[0] + i);
    for (int k = 1; k < cells; ++k) {
      const auto v = hn::LoadU(d, x[k] + i);
      best = hn::IfThenElse(hn::Or(hn::Gt(best, v), hn::IsNaN(best)), best, v);
    }
    hn::StoreU(best, d, y + i);
  }
};

struct Give {
  const float* const* x;
  float* const* dx;
  int cells;
  const float* dy;
  bool fresh;
  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    auto best = hn::LoadU(d, x[0] + i), at = hn::Zero(d);
    for (int k = 1; k < cells; ++k) {
      const auto v = hn::LoadU(d, x[k] + i);
      const auto more = hn::Or(hn::Gt(v, best), hn::AndNot(hn::IsNaN(best), hn::IsNaN(v)));
      best = hn::IfThenElse(more, v, best);
      at = hn::IfThenElse(more, hn::Set(d, static_cast<float>(k)), at);
    }
    const auto flow = hn::LoadU(d, dy + i);
    for (int k = 0; k < cells; ++k) {
      if (!dx[k]) continue;
      auto own = hn::IfThenElseZero(hn::Eq(at, hn::Set(d, static_cast<float>(k))), flow);
      if (!fresh) own = hn::Add(hn::LoadU(d, dx[k] + i), own);
      hn::StoreU(own, d, dx[k] + i);
    }
  }
};

template <class F>
HWY_INLINE void for_all(int64_t count, const F& f) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) f(d, i);
  for (; i < count; ++i) f(one, i);
}

void maximum(const float* x, float* y, int64_t count) { for_all(count, Maximum{x, y}); }
void first_maximum(const float* x, float index, float* best, float* at, int64_t count) {
  for_all(count, FirstMaximum{x, index, best, at});
}
void add_where(const float* dy, const float* at, float index, float* dx, int64_t count) {
  for_all(count, AddWhere{dy, at, index, dx});
}
void maximum_of(const float* const* x, int cells, float* y, int64_t count) {
  for_all(count, MaximumOf{x, cells, y});
}
void give(const float* const* x, float* const* dx, int cells, const float* dy, bool fresh,
          int64_t count) {
  for_all(count, Give{x, dx, cells, dy, fresh});
}

const PoolRows* target_rows() {
  static const PoolRows all{maximum, first_maximum, add_where, maximum_of, give};
  return &all;
}

}  // namespace
}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cornu::kernels {
HWY_EXPORT(target_rows);
const PoolRows& pool_rows() { return *CORNU_CHOOSE(target_rows)(); }
}  // namespace cornu::kernels
#endif
