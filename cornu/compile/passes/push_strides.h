#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// Where only every s-th cell of a result is read, by 1x1 convolutions or pools with a stride, only
// those are computed: the stride moves back through what looks at each cell by itself into the
// convolution or pool before, as at the end of ResNet's stages. What others need whole is thinned
// by a pool of one cell. Every number that is left is computed as before. Test:
// push_strides_test.cc.
graph::Graph push_strides(graph::Graph g);

}  // namespace cornu::compile
