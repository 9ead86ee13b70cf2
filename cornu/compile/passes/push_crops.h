#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// What later ops crop away is not computed: from the outputs back, each op computes the box of its
// result that others need (part.h), as long as cropping operands for it does not cost more. Crops
// move towards the inputs and vanish in paddings, transposed convolutions and other crops. Every
// number that is left is computed as before. Test: push_crops_test.cc.
graph::Graph push_crops(graph::Graph g);

}  // namespace cornu::compile
