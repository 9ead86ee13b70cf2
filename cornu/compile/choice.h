#pragma once

#include <string>

#include "cornu/kernels/kernel.h"

namespace cornu::compile {

// What computes a node, before it is made ready. Leaves and reshapes need nothing.
struct Choice {
  bool needs_code = false;
  const kernels::Kernel* kernel = nullptr;  // null: reference loops
  kernels::Problem problem;
  std::string reason;  // for people
};

}  // namespace cornu::compile
