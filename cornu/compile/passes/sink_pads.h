#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// f(Pad(x)) -> Pad(f(x)) for functions of single numbers with f(0) = 0, where nobody else reads the
// padded x: the Pad comes to the convolution or pool that can do without it, and f to the
// convolution before. Not through batch normalization, which makes other numbers of zeros. Test:
// fold_pads_test.cc.
graph::Graph sink_pads(graph::Graph g);

}  // namespace cornu::compile
