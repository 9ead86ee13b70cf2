#pragma once

// The ops that only move numbers: every result is a bit-exact copy.

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const Pad& op, const std::vector<Shape>& in);
Shape shape_rule(const Reshape& op, const std::vector<Shape>& in);
Shape shape_rule(const Transpose& op, const std::vector<Shape>& in);
Shape shape_rule(const Concat& op, const std::vector<Shape>& in);
Shape shape_rule(const Broadcast& op, const std::vector<Shape>& in);

template <class T>
void reference(const Pad& op, Inputs<T> in, View<T> out, Rows rows);
template <class T>
void reference(const Reshape& op, Inputs<T> in, View<T> out, Rows rows);
template <class T>
void reference(const Transpose& op, Inputs<T> in, View<T> out, Rows rows);
template <class T>
void reference(const Concat& op, Inputs<T> in, View<T> out, Rows rows);
template <class T>
void reference(const Broadcast& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
