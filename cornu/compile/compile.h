#pragma once

#include <memory>

#include "cornu/compile/plan.h"
#include "cornu/graph/graph.h"

namespace cornu::compile {

class Measured;

struct Options {
  bool strict = false;     // only kernels that round no worse than plain sums
  bool rewrite = true;     // run the passes; off: the graph as it was traced
  bool reference = false;  // no kernels: every step runs its op's reference loops
  // Off: the variables stay variable. The plan takes their numbers at each run, as further inputs
  // after the graph's own, in the order of Graph::variables.
  bool freeze = true;
  // Where several kernels accept a node: chooses by timing them. Null: by their own expectations.
  Measured* measured = nullptr;
};

// Turns the graph into a plan, by default with its variables frozen at their present values. Throws
// OutOfMemory when packing does not fit.
std::shared_ptr<const Plan> compile(graph::Graph g, const Options& options = {});

// The passes that change what is computed by which op, not how: for a graph that is to be
// differentiated, so that the gradients profit.
graph::Graph rewrite(graph::Graph g);

// The graph that compile() makes steps of: after all passes. For tests and for `--plan`.
graph::Graph optimize(graph::Graph g, const Options& options = {});

}  // namespace cornu::compile
