#pragma once

#include <vector>

#include "cornu/graph/builder.h"

namespace cornu::grad {

// Adds to `g` the ops that compute the gradient of the scalar `y` with respect to each of `wrt`,
// and returns them, in order, each of its variable's shape (zeros where y does not depend on it).
// Every op that a layer lowers to can be differentiated; the gradient ops themselves cannot, and
// throw ValueError. What comes back is part of the graph like anything else: the passes, kernels
// and plans know no difference.
std::vector<graph::Value> differentiate(graph::Builder& g, graph::Value y,
                                        const std::vector<graph::Value>& wrt);

// The same for s = sum over i of sum(cotangents[i] * ys[i]), shapes equal pairwise.
std::vector<graph::Value> differentiate(graph::Builder& g, const std::vector<graph::Value>& ys,
                                        const std::vector<graph::Value>& cotangents,
                                        const std::vector<graph::Value>& wrt);

}  // namespace cornu::grad
