#include "cornu/kernels/table.h"

namespace cornu::kernels {

std::span<const Kernel> table() {
  static const Kernel all[] = {
      kDepthwise, kConvDirect, kConvFilterGrad, kUnary,         kUnaryGrad, kBinary,
      kBroadcast, kReduce,     kMoments,        kBatchNormSums, kBatchNorm, kBatchNormGrad,
      kConcat,    kPad,        kTranspose,      kPool,          kPoolGrad,  kResizeNearest,
  };
  return all;
}

}  // namespace cornu::kernels
