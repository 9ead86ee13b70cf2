#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// f(Up(x)) -> Up(f(x)) for nearest upsampling that nobody else reads and what looks at each cell by
// itself: functions of single numbers, numbers per channel, batch normalization, softmax, 1x1
// convolutions. They compute fewer cells, and the upsampling meets the convolution that it folds
// into. Bits are unchanged. Test: sink_upsampling_test.cc.
graph::Graph sink_upsampling(graph::Graph g);

}  // namespace cornu::compile
