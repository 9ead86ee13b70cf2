#pragma once

#include <cstdint>

#include "cornu/ops/op.h"

namespace cornu::kernels {

// y[i] = fn(x[i]) as ops::apply means it, many numbers at a time; y may be x.
using ActivationFn = void (*)(const ops::Unary& fn, const float* x, float* y, int64_t count);

// Of the target in use; null for functions that loops over single numbers compute well enough.
ActivationFn activation_fn(const ops::Unary& fn);

}  // namespace cornu::kernels
