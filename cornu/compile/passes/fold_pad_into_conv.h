#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// Conv(Pad(x)) -> Conv(x) with wider borders, so that the padded copy is never made. Only added
// zeros fold: where a Pad also crops, the convolution must see zeros and not the cropped cells.
// Zeros before a transposed convolution are cells it adds nothing for: its result starts later,
// which it can only do where it crops as much. Test: passes_test.cc, fold_pads_test.cc.
graph::Graph fold_pad_into_conv(graph::Graph g);

}  // namespace cornu::compile
