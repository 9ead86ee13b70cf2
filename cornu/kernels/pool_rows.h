#pragma once

#include <cstdint>

namespace cornu::kernels {

// What pooling does with the channels of cells, `count` of them, on one target. NaN wins every
// comparison.
struct PoolRows {
  // y = maximum(y, x).
  void (*maximum)(const float* x, float* y, int64_t count);
  // Where x is more than `best`, best = x and at = index.
  void (*first_maximum)(const float* x, float index, float* best, float* at, int64_t count);
  // Where at is index, dx += dy.
  void (*add_where)(const float* dy, const float* at, float index, float* dx, int64_t count);

  // All of this for the cells of one window, at least one.
  static constexpr int kMostCells = 16;
  void (*maximum_of)(const float* const* x, int cells, float* y, int64_t count);
  // To dx of the first cell that holds the maximum dy is added, or, where `fresh`, dx becomes dy
  // there and 0 in the other cells. Cells whose dx is null are left out.
  void (*give)(const float* const* x, float* const* dx, int cells, const float* dy, bool fresh,
               int64_t count);
};
const PoolRows& pool_rows();

}  // namespace cornu::kernels
