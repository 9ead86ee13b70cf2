#pragma once

// Elementwise functions of one operand (layers.md 6.3 and 10).

#include <span>
#include <string_view>
#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

// The scalar function, in T arithmetic. NaN gives NaN whatever the function.
template <class T>
T apply(const Unary& fn, T x);

// The same for `count` numbers in place.
template <class T>
void apply(const Unary& fn, T* x, int64_t count);

extern template float apply(const Unary&, float);
extern template double apply(const Unary&, double);
extern template void apply(const Unary&, float*, int64_t);
extern template void apply(const Unary&, double*, int64_t);

// "relu" and what its parameters a, b, c are called.
struct UnarySignature {
  const char* name = nullptr;
  std::vector<const char*> parameters = {};
};
UnarySignature signature(Unary::Fn fn);

Shape shape_rule(const Unary& op, const std::vector<Shape>& in);

template <class T>
void reference(const Unary& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
