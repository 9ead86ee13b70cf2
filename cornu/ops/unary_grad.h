#pragma once

// The derivatives of the elementwise functions (layers.md part 19 at their kinks).

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

// fn'(x) in T arithmetic; NaN for NaN.
template <class T>
T derivative(const Unary& fn, T x);
// The same from y = fn(x), for the functions whose derivative y tells.
template <class T>
T derivative_from_output(const Unary& fn, T y);
bool output_tells_derivative(const Unary& fn);

extern template float derivative(const Unary&, float);
extern template double derivative(const Unary&, double);
extern template float derivative_from_output(const Unary&, float);
extern template double derivative_from_output(const Unary&, double);

Shape shape_rule(const UnaryGrad& op, const std::vector<Shape>& in);

template <class T>
void reference(const UnaryGrad& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
