#pragma once

// Convolution (layers.md 4.4, 4.5), Dense included.

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const Conv& op, const std::vector<Shape>& in);

template <class T>
void reference(const Conv& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
