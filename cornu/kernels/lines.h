#pragma once

#include <cstdint>

namespace cornu::kernels {

constexpr int64_t kLine = 16;  // numbers of a cache line

// At least so many numbers, an odd number of cache lines: rows so far apart do not compete for the
// same ones.
constexpr int64_t odd_lines(int64_t numbers) {
  return (numbers + kLine - 1) / (2 * kLine) * (2 * kLine) + kLine;
}

}  // namespace cornu::kernels
