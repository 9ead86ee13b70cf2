#pragma once

#include <optional>
#include <vector>

#include "cornu/graph/builder.h"

namespace cornu::grad {

// What flows back to each operand of an op; nothing where nothing does.
using Flows = std::vector<std::optional<graph::Value>>;

// The gradient rule of each op: given dy, what flows into the result `y` of `node`, adds the ops
// that compute what flows back to those operands that are `wanted`. ValueError for an op that
// cannot be differentiated.
Flows flows_back(graph::Builder& g, const graph::Node& node, graph::Value y, graph::Value dy,
                 const std::vector<bool>& wanted);

}  // namespace cornu::grad
