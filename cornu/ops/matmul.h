#pragma once

// Batched matrix product.

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const MatMul& op, const std::vector<Shape>& in);

template <class T>
void reference(const MatMul& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
