#pragma once

#include "cornu/kernels/kernel.h"

namespace cornu::compile {

// What computes a node, before it is made ready. Leaves and reshapes need nothing.
struct Choice {
  bool needs_code = false;
  const kernels::Kernel* kernel = nullptr;  // null: reference loops
  kernels::Problem problem;
};

}  // namespace cornu::compile
