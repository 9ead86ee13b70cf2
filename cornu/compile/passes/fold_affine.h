#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// What multiplies and adds fixed numbers per channel (batch normalization, Rescaling, a constant
// operand) goes into the weights and the bias of the convolution beside it, computed in double:
// of the one before it, where it has no activation; else of the one behind it, where nothing is
// added or the convolution has no zero padding, which would stay 0. Only where nobody else reads
// what is in between. Test: fold_affine_test.cc.
graph::Graph fold_affine(graph::Graph g);

}  // namespace cornu::compile
