#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// Add(Conv(x), y) -> Conv(x) that adds y to its result, where nobody else needs the convolution's
// own result: of residual blocks. After all passes that look at convolutions, and before the one
// that gives them activations. The numbers are the same bits. Test: fuse_add_test.cc.
graph::Graph fuse_add(graph::Graph g);

}  // namespace cornu::compile
