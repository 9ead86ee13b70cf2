#pragma once

#include <vector>

#include "cornu/ops/evaluate.h"

namespace cornu::testing {

// (1, n, 1): one channel along one spatial axis.
inline Tensor line(const std::vector<float>& values) {
  return Tensor(Shape{1, values.size(), 1}, std::span<const float>(values));
}

// The numbers of a tensor, for EXPECT_EQ where they must be exact.
inline std::vector<float> numbers(const Tensor& t) {
  return {t.values().begin(), t.values().end()};
}

// The reference result of one op in float.
inline Tensor run_op(const ops::Op& op, const std::vector<Tensor>& in) {
  std::vector<Shape> shapes;
  std::vector<ops::View<const float>> views;
  for (const Tensor& t : in) {
    shapes.push_back(t.shape());
    views.push_back({&t.shape(), t.data()});
  }
  Tensor out = Tensor::full(ops::infer_shape(op, shapes), -77);  // what no op may leave behind
  ops::evaluate<float>(op, views, {&out.shape(), out.data()}, {0, ops::row_count(out.shape())});
  return out;
}

// The same in double: operands widened, the numbers alone.
inline std::vector<double> run_op_double(const ops::Op& op, const std::vector<Tensor>& in) {
  std::vector<Shape> shapes;
  std::vector<std::vector<double>> wide;
  for (const Tensor& t : in) {
    shapes.push_back(t.shape());
    wide.emplace_back(t.values().begin(), t.values().end());
  }
  std::vector<ops::View<const double>> views;
  for (size_t i = 0; i < in.size(); ++i) views.push_back({&shapes[i], wide[i].data()});
  const Shape shape = ops::infer_shape(op, shapes);
  std::vector<double> out(static_cast<size_t>(shape.size()), -77);
  ops::evaluate<double>(op, views, {&shape, out.data()}, {0, ops::row_count(shape)});
  return out;
}

}  // namespace cornu::testing
