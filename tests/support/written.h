#pragma once

// For the tests of what is written: numbers to write, and models compared bit for bit.

#include <gtest/gtest.h>

#include <vector>

#include "cornu/model/model.h"
#include "tests/support/compare.h"

namespace cornu::testing {

inline Tensor ramp(const Shape& shape) {
  Tensor t(shape);
  for (int64_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<float>((i * 37) % 101) / 50 - 1;
  return t;
}

inline std::vector<Tensor> some_inputs(const Model& model) {
  std::vector<Tensor> inputs;
  for (Shape shape : model.input_shapes()) {
    for (int64_t i = 0; i < shape.rank(); ++i)
      if (!shape.known(i)) shape[i] = i == 0 ? 2 : 12;
    inputs.push_back(ramp(shape));
  }
  return inputs;
}

inline void expect_same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(bit_equal(a[i], b[i])) << i;
}

// Weights, and what is computed from some inputs.
inline void expect_same_numbers(const Model& a, const Model& b) {
  expect_same(a.get_weights(), b.get_weights());
}
inline void expect_same_results(const Model& a, const Model& b) {
  const std::vector<Tensor> x = some_inputs(a);
  expect_same(a.predict(x), b.predict(x));
}

}  // namespace cornu::testing
