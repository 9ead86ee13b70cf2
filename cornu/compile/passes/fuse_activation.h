#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// Unary(Conv(x)) -> Conv(x) with that activation, where nobody else needs the convolution's own
// result. Also for ConvTranspose and BatchNorm. The numbers are the same bits. Test:
// passes_test.cc.
graph::Graph fuse_activation(graph::Graph g);

}  // namespace cornu::compile
