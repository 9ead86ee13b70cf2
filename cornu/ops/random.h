#pragma once

// Random numbers by position (base/random.h).

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const Random& op, const std::vector<Shape>& in);

template <class T>
void reference(const Random& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
