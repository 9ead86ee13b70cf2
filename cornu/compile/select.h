#pragma once

#include <string>
#include <vector>

#include "cornu/compile/compile.h"
#include "cornu/graph/graph.h"
#include "cornu/kernels/kernel.h"

namespace cornu::compile {

// The code chosen for one node; leaves and reshapes need none (`prepared.run` is null).
struct Selected {
  kernels::Prepared prepared;
  std::string kernel;
};

// One per node: the first kernel of the table that accepts the node, else the op's reference loops
// shared among threads by rows.
std::vector<Selected> select_kernels(const graph::Graph& g, const Options& options);

}  // namespace cornu::compile
