#pragma once

#include <memory>

#include "cornu/compile/plan.h"
#include "cornu/graph/graph.h"

namespace cornu::compile {

struct Options {
  bool strict = false;     // only kernels that round no worse than plain sums
  bool rewrite = true;     // run the passes; off: the graph as it was traced
  bool reference = false;  // no kernels: every step runs its op's reference loops
};

// Freezes the graph's variables at their present values and turns it into a plan. Throws
// OutOfMemory when packing does not fit.
std::shared_ptr<const Plan> compile(graph::Graph g, const Options& options = {});

// The graph that compile() makes steps of: after all passes. For tests and for `--plan`.
graph::Graph optimize(graph::Graph g, const Options& options = {});

}  // namespace cornu::compile
