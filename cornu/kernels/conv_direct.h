#pragma once

#include "cornu/kernels/kernel.h"

namespace cornu::kernels {

// Conv and ConvTranspose of up to three spatial axes by the inner kernel of gemm.h.
extern const Kernel kConvDirect;

}  // namespace cornu::kernels
