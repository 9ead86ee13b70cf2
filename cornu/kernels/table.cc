#include "cornu/kernels/table.h"

namespace cornu::kernels {

std::span<const Kernel> table() {
  static const Kernel all[] = {
      kDepthwise,
      kConvDot,
      kConvFew,
      kConvWinograd,
      kConvDirect,
      kDepthwiseFilterGrad,
      kFilterGradWinograd,
      kConvFilterGrad,
      kMatMul,
      kUnary,
      kUnaryGrad,
      kBinary,
      kBroadcast,
      kReduce,
      kMoments,
      kBatchNormSums,
      kBatchNorm,
      kBatchNormGrad,
      kSoftmax,
      kSoftmaxGrad,
      kRandom,
      kConcat,
      kPad,
      kTranspose,
      kOneHot,
      kPool,
      kPoolGrad,
      kResizeNearest,
      kResize,
      kResizeGrad,
  };
  return all;
}

}  // namespace cornu::kernels
