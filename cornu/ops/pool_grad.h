#pragma once

// The gradient of pooling.

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const PoolGrad& op, const std::vector<Shape>& in);

template <class T>
void reference(const PoolGrad& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
