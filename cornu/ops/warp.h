#pragma once

// Images turned, zoomed and moved: what random augmentation is made of.

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const Warp& op, const std::vector<Shape>& in);

template <class T>
void reference(const Warp& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
