#pragma once

// Softmax, log_softmax and sparsemax over the last axis (layers.md 10).

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const Softmax& op, const std::vector<Shape>& in);

template <class T>
void reference(const Softmax& op, Inputs<T> in, View<T> out, Rows rows);

Shape shape_rule(const SoftmaxGrad& op, const std::vector<Shape>& in);

template <class T>
void reference(const SoftmaxGrad& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
