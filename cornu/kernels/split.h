#pragma once

#include <algorithm>
#include <cstdint>

#include "cornu/base/thread_pool.h"

namespace cornu::kernels {

struct Range {
  int64_t begin, end;
};

// Part i of n of [0, total), all parts of nearly equal size.
inline Range part(int64_t total, int64_t i, int64_t n) {
  return {total * i / n, total * (i + 1) / n};
}

// Runs work(Range) on the parts of [0, total): as many as suit the threads, none with less than
// `least` of the total (which is about what a thread does while another one wakes).
template <class F>
void split(base::ThreadPool& pool, int64_t total, int64_t least, F&& work) noexcept {
  if (total == 0) return;
  const int64_t wanted = pool.threads() == 1 ? 1 : 4 * int64_t{pool.threads()};
  const int64_t parts = std::clamp<int64_t>(total / std::max<int64_t>(least, 1), 1, wanted);
  pool.parallel_for(parts, [&](int64_t i) { work(part(total, i, parts)); });
}

}  // namespace cornu::kernels
