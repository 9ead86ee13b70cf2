#pragma once

// Resizing by interpolation (layers.md 4.7).

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const Resize& op, const std::vector<Shape>& in);

template <class T>
void reference(const Resize& op, Inputs<T> in, View<T> out, Rows rows);

Shape shape_rule(const ResizeGrad& op, const std::vector<Shape>& in);

template <class T>
void reference(const ResizeGrad& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
