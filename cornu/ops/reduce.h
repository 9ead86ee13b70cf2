#pragma once

// Sums, means, maxima and minima over axes.

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const Reduce& op, const std::vector<Shape>& in);

template <class T>
void reference(const Reduce& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
