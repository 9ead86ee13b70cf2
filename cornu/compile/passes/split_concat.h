#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// Conv(Concat(Up(a), b)) -> Conv(Up(a)) + Conv(b), as decoders of U-Nets have it: the first of the
// two then is one transposed convolution of fewer products (fold_upsampling). Only where that saves
// more than writing and adding the second sum costs: with kernels of 5, with larger factors, on
// three axes. Test: split_concat_test.cc.
graph::Graph split_concat(graph::Graph g);

}  // namespace cornu::compile
