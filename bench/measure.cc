#include "bench/measure.h"

#include <ctime>

namespace cornu::bench {

double seconds(Clock clock) {
  constexpr clockid_t kIds[] = {CLOCK_MONOTONIC, CLOCK_THREAD_CPUTIME_ID, CLOCK_PROCESS_CPUTIME_ID};
  timespec now;
  clock_gettime(kIds[static_cast<int>(clock)], &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

#if defined(__x86_64__)
namespace {

constexpr int kChains = 12;  // independent sums, so that latency does not show

#define CORNU_PEAK(NAME, TARGET, BYTES)                                                        \
  __attribute__((target(TARGET), noinline)) float NAME(int64_t rounds) {                       \
    typedef float V __attribute__((vector_size(BYTES)));                                       \
    const V b = V{} + 0.5f, c = V{} + 0.25f;                                                   \
    V x0 = b, x1 = b, x2 = b, x3 = b, x4 = b, x5 = b, x6 = b, x7 = b, x8 = b, x9 = b, x10 = b, \
      x11 = b;                                                                                 \
    const auto step = [&](V & x) __attribute__((target(TARGET), always_inline)) {              \
      asm("vfmadd213ps %2, %1, %0" : "+v"(x) : "v"(b), "v"(c));                                \
    };                                                                                         \
    for (int64_t i = 0; i < rounds; ++i) {                                                     \
      step(x0), step(x1), step(x2), step(x3), step(x4), step(x5);                              \
      step(x6), step(x7), step(x8), step(x9), step(x10), step(x11);                            \
    }                                                                                          \
    return (x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + x10 + x11)[0];                   \
  }
CORNU_PEAK(multiply_512, "avx512f", 64)
CORNU_PEAK(multiply_256, "avx2,fma", 32)

}  // namespace

double multiply_add(int64_t rounds) {
  const bool wide = __builtin_cpu_supports("avx512f"), fma = __builtin_cpu_supports("fma");
  if (!fma) return 0;
  volatile float kept = wide ? multiply_512(rounds) : multiply_256(rounds);
  (void)kept;
  return 2.0 * kChains * (wide ? 16 : 8) * static_cast<double>(rounds);
}
#else
double multiply_add(int64_t) { return 0; }
#endif

}  // namespace cornu::bench
