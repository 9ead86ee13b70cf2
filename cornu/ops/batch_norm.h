#pragma once

// Batch normalization, its statistics and its gradient (layers.md 6.4).

#include <vector>

#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

Shape shape_rule(const BatchNorm& op, const std::vector<Shape>& in);

template <class T>
void reference(const BatchNorm& op, Inputs<T> in, View<T> out, Rows rows);

Shape shape_rule(const Moments& op, const std::vector<Shape>& in);
Shape shape_rule(const BatchNormSums& op, const std::vector<Shape>& in);
Shape shape_rule(const BatchNormGrad& op, const std::vector<Shape>& in);

Shape shape_rule(const ReplicaMean& op, const std::vector<Shape>& in);

template <class T>
void reference(const Moments& op, Inputs<T> in, View<T> out, Rows rows);

template <class T>
void reference(const ReplicaMean& op, Inputs<T> in, View<T> out, Rows rows);

template <class T>
void reference(const BatchNormSums& op, Inputs<T> in, View<T> out, Rows rows);

template <class T>
void reference(const BatchNormGrad& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
