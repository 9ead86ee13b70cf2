#pragma once

// Labels as vectors with a single 1.

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const OneHot& op, const std::vector<Shape>& in);

template <class T>
void reference(const OneHot& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
