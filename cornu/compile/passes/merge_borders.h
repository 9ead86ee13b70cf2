#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// Borders that follow each other become one: a Pad of a Pad adds up, or cancels, where no cell that
// the first removes would come back; nearest upsampling of nearest upsampling multiplies. Ops that
// change nothing go: such Pads and Resizes, windows of one cell, the identity, a Concat of one.
// Bits are unchanged. Test: merge_borders_test.cc.
graph::Graph merge_borders(graph::Graph g);

}  // namespace cornu::compile
