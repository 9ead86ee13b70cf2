#pragma once

// Transposed convolution (layers.md 4.6).

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const ConvTranspose& op, const std::vector<Shape>& in);

template <class T>
void reference(const ConvTranspose& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
