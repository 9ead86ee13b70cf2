#pragma once

#include <span>
#include <vector>

#include "cornu/graph/graph.h"

namespace cornu::graph {

// The reference executor: runs a graph node by node with the ops' reference loops, in T arithmetic
// (float or double), every result in memory of its own. It defines what a compiled plan must
// compute. Inputs must have the graph's input shapes (ValueError). Variables are read as they are
// now. Returns the outputs, whose shapes are the output nodes'.
template <class T>
std::vector<std::vector<T>> interpret(const Graph& g, std::span<const Tensor> inputs);

extern template std::vector<std::vector<float>> interpret<float>(const Graph&,
                                                                 std::span<const Tensor>);
extern template std::vector<std::vector<double>> interpret<double>(const Graph&,
                                                                   std::span<const Tensor>);

}  // namespace cornu::graph
