#pragma once

// For the tests of what is written: numbers to write, and models compared bit for bit.

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
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
// The same for a format that says some layers with others: the weights of these may be in another
// place, with further axes of size 1.
inline std::multiset<std::string> bytes_of_weights(const Model& model) {
  std::multiset<std::string> all;
  for (const Tensor& t : model.get_weights())
    all.emplace(reinterpret_cast<const char*>(t.data()),
                static_cast<size_t>(t.size()) * sizeof(float));
  return all;
}
inline void expect_same_numbers_somewhere(const Model& a, const Model& b) {
  EXPECT_TRUE(bytes_of_weights(a) == bytes_of_weights(b));
}
// Within 1e-5 of the largest number; NaN where there is NaN.
inline void expect_close(const std::vector<Tensor>& got, const std::vector<Tensor>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_EQ(got[i].shape(), want[i].shape()) << i;
    float largest = 1;
    for (float v : want[i].values())
      if (std::isfinite(v)) largest = std::max(largest, std::abs(v));
    for (size_t k = 0; k < want[i].values().size(); ++k) {
      const float g = got[i].values()[k], w = want[i].values()[k];
      ASSERT_TRUE(std::isfinite(w) ? std::abs(g - w) <= 1e-5f * largest : !std::isfinite(g))
          << i << " " << k << ": " << g << ", not " << w;
    }
  }
}
inline void expect_same_results(const Model& a, const Model& b) {
  const std::vector<Tensor> x = some_inputs(a);
  expect_same(a.predict(x), b.predict(x));
}

}  // namespace cornu::testing
