#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// MaxPool(Pad(x)) -> MaxPool(x) with wider borders, where x is a relu's result or moved from such:
// cells outside never win, and zeros do not win against numbers that are not negative. Windows of
// zeros alone need the Pad. Gradients are the same, as relu lets nothing pass where it gives 0.
// Test: fold_pads_test.cc.
graph::Graph fold_pad_into_pool(graph::Graph g);

}  // namespace cornu::compile
