#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// AveragePool(Conv(x)) -> Conv(AveragePool(x)) for 1x1 convolutions without activation, as between
// the blocks of DenseNet: a mean of sums is the sum of means, and the convolution has fewer cells.
// Only where nobody else reads it, and where pooling other channels does not cost more. Test:
// pool_first_test.cc.
graph::Graph pool_first(graph::Graph g);

}  // namespace cornu::compile
