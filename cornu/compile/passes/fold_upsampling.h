#pragma once

#include "cornu/graph/graph.h"

namespace cornu::compile {

// Nearest upsampling by whole factors and then a convolution is one transposed convolution, whose
// stride is the factor and whose kernel sums the cells that meet the same input: of factor 2 and a
// kernel of 3, four products per axis and input cell instead of six, and no enlarged picture. Where
// the kernel is fixed, and stride and dilation are 1.
graph::Graph fold_upsampling(graph::Graph g);

// The factors, one per spatial axis, where upsampling x and a convolution with a kernel of this
// shape are to be one; else empty.
std::vector<int64_t> foldable_factors(const ops::Resize& resize, const Shape& x,
                                      const ops::Conv& conv, const Shape& kernel);

}  // namespace cornu::compile
