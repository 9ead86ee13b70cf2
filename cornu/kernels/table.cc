#include "cornu/kernels/conv_direct.h"
#include "cornu/kernels/depthwise.h"
#include "cornu/kernels/kernel.h"

namespace cornu::kernels {

std::span<const Kernel> table() {
  static const Kernel all[] = {
      kDepthwise,
      kConvDirect,
  };
  return all;
}

}  // namespace cornu::kernels
