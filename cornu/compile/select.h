#pragma once

#include <string>
#include <vector>

#include "cornu/compile/buffers.h"
#include "cornu/compile/choice.h"
#include "cornu/compile/compile.h"
#include "cornu/graph/graph.h"
#include "cornu/kernels/kernel.h"

namespace cornu::compile {

// What needs code, and no kernels.
std::vector<Choice> choose_nothing(const graph::Graph& g);
// One per node: the first kernel of the table that accepts the node, else none.
std::vector<Choice> choose_kernels(const graph::Graph& g, const Options& options);

// The code of one node; leaves, reshapes and concatenations whose parts all lie in their places
// need none (`prepared.run` is null).
struct Selected {
  kernels::Prepared prepared;
  std::string kernel, reason;
  int64_t packed_bytes = 0;  // in its state
};

// The kernels made ready for tensors that lie in these buffers; where there is no kernel, the op's
// reference loops shared among threads by rows.
std::vector<Selected> prepare_kernels(const graph::Graph& g, std::vector<Choice> choices,
                                      const Buffers& buffers);

}  // namespace cornu::compile
