#include "cornu/kernels/table.h"

namespace cornu::kernels {

std::span<const Kernel> table() {
  static const Kernel all[] = {
      kDepthwise, kConvDirect, kConvFilterGrad, kUnary, kBinary,        kBatchNorm,
      kConcat,    kPad,        kTranspose,      kPool,  kResizeNearest,
  };
  return all;
}

}  // namespace cornu::kernels
