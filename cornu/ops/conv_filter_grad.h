#pragma once

// The gradient of a convolution in its kernel.

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const ConvFilterGrad& op, const std::vector<Shape>& in);

template <class T>
void reference(const ConvFilterGrad& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
