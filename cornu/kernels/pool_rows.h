#pragma once

#include <cstdint>

namespace cornu::kernels {

// What pooling does with the channels of one cell, `count` of them, on one target.
struct PoolRows {
  // y = maximum(y, x); NaN wins.
  void (*maximum)(const float* x, float* y, int64_t count);
  // Where x is more than `best`, NaN being more than anything else, best = x and at = index.
  void (*first_maximum)(const float* x, float index, float* best, float* at, int64_t count);
  // Where at is index, dx += dy; or dx = dy, and 0 elsewhere.
  void (*add_where)(const float* dy, const float* at, float index, float* dx, int64_t count);
  void (*put_where)(const float* dy, const float* at, float index, float* dx, int64_t count);
};
const PoolRows& pool_rows();

}  // namespace cornu::kernels
