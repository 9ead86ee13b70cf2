#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// Removes movement that undoes itself: Transpose of Transpose and Reshape of Reshape become one or
// none, a Transpose that only moves axes of size 1 becomes a Reshape, a Transpose under an
// elementwise op moves above it so that it can meet the next one. This is what makes chains of
// channels_first layers run channels-last throughout. Bits are unchanged. Test: passes_test.cc.
graph::Graph cancel_movement(graph::Graph g);

}  // namespace cornu::compile
