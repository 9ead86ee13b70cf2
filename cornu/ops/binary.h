#pragma once

// Elementwise functions of two operands with NumPy broadcasting.

#include <cmath>
#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

// As NumPy's maximum and minimum: NaN if either is NaN.
template <class T>
T maximum(T a, T b) {
  return a > b || std::isnan(a) ? a : b;
}
template <class T>
T minimum(T a, T b) {
  return a < b || std::isnan(a) ? a : b;
}

// "add", "multiply", …
const char* name_of(Binary::Fn fn);

Shape shape_rule(const Binary& op, const std::vector<Shape>& in);

template <class T>
void reference(const Binary& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
