#pragma once

// The numbers behind the random initializers (layers.md part 7): each depends on the key and on its
// place in the tensor alone.

#include <cstdint>

#include "cornu/base/export.h"
#include "cornu/tensor/tensor.h"

namespace cornu::nn {

// How many inputs and outputs a weight of this shape joins (layers.md 7.1). Every dimension must be
// known.
struct Fans {
  double in = 1, out = 1;
};
CORNU_API Fans fans(const Shape& shape);

// Uniform in [low, high).
void fill_uniform(Tensor* t, uint64_t key, double low, double high);
void fill_normal(Tensor* t, uint64_t key, double mean, double stddev);
// Normal, given that it lies within two deviations of the mean.
void fill_truncated(Tensor* t, uint64_t key, double mean, double stddev);
// The tensor seen as a matrix (all but the last axis, last axis), rank >= 2: its columns are
// orthonormal up to `gain`, its rows where those are fewer. Throws OutOfMemory.
void fill_orthogonal(Tensor* t, uint64_t key, double gain);

}  // namespace cornu::nn
