#pragma once

#include "cornu/kernels/kernel.h"

namespace cornu::kernels {

// Conv with one input channel per group and any multiplier, up to three spatial axes.
extern const Kernel kDepthwise;

}  // namespace cornu::kernels
