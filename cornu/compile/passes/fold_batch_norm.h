#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// conv -> batch_norm with fixed numbers becomes a convolution with other weights and bias, computed
// in double. Only where the convolution has no other user and no activation.
graph::Graph fold_batch_norm(graph::Graph g);

}  // namespace cornu::compile
