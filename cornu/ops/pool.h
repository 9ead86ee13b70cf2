#pragma once

// Maximum and average pooling (layers.md 4.9).

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const Pool& op, const std::vector<Shape>& in);

template <class T>
void reference(const Pool& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
