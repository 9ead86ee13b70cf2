#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// Replaces every variable by a constant with its present value (which it shares, not copies).
// Inference only: training reads live variables.
graph::Graph freeze_variables(graph::Graph g);

// Turns every variable into one more input, in order; those that nothing uses any more, too.
graph::Graph variables_to_inputs(graph::Graph g);

// Computes once what depends on constants alone: a depthwise kernel seen under another shape, the
// ones that stand for a missing gamma. Test: fold_constants_test.cc.
graph::Graph fold_constants(graph::Graph g);

}  // namespace cornu::compile
