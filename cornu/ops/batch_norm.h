#pragma once

// Batch normalization with fixed statistics (layers.md 6.4).

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const BatchNorm& op, const std::vector<Shape>& in);

template <class T>
void reference(const BatchNorm& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
