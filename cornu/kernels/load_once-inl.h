// For files with per-target code: no include guard, but one per target.

#if defined(CORNU_KERNELS_LOAD_ONCE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef CORNU_KERNELS_LOAD_ONCE_INL
#undef CORNU_KERNELS_LOAD_ONCE_INL
#else
#define CORNU_KERNELS_LOAD_ONCE_INL
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cornu::kernels::HWY_NAMESPACE {

// Loads a vector that several multiplications share. GCC would rather give each of them its own
// load from memory, and loads cost as much as multiplications do.
template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> load_once(D d, const float* HWY_RESTRICT from) {
  auto v = hwy::HWY_NAMESPACE::LoadU(d, from);
#if HWY_ARCH_X86 && HWY_COMPILER_GCC
  asm("" : "+v"(v.raw));
#endif
  return v;
}

}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
