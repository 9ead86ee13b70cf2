#pragma once

// What a file with per-target code includes before <hwy/foreach_target.h>, and how it picks the
// function of the target in use. Kernels look a function up once, when a problem is prepared.

// With a sanitizer only the best target and the plainest are tested, and compiling takes long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CORNU_SKIPPED_TARGETS HWY_SSE4
#else
#define CORNU_SKIPPED_TARGETS 0
#endif

// Vectors whose length is not known to the compiler cannot be kept in arrays. Processors with SSSE3
// and without SSE4.1 are as old as 2006: they run the portable code.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3 | CORNU_SKIPPED_TARGETS)
#endif

#include <hwy/targets.h>

namespace cornu::kernels {

// The target in use. The library keeps its own choice: Highway's belongs to the whole process.
// Throws ValueError when CORNU_CPU names none.
const hwy::ChosenTarget& chosen_target();

}  // namespace cornu::kernels

// After HWY_EXPORT(f): the f of the target in use.
#define CORNU_CHOOSE(f)                                                                \
  (HWY_DISPATCH_TABLE(f)[::cornu::kernels::table_index(sizeof(HWY_DISPATCH_TABLE(f)) / \
                                                       sizeof(HWY_DISPATCH_TABLE(f)[0]))])

namespace cornu::kernels {
// A build with a single target has a table of one entry.
inline size_t table_index(size_t entries) { return entries == 1 ? 0 : chosen_target().GetIndex(); }
}  // namespace cornu::kernels
