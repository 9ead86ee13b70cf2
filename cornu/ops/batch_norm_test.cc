#include "cornu/ops/batch_norm.h"

#include <gtest/gtest.h>

#include "cornu/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT

Tensor column(std::initializer_list<float> v) { return Tensor(Shape{v.size()}, v); }

TEST(BatchNorm, ValuesOfTheSpecification) {  // layers.md 21.12, after one step of training
  const Tensor y =
      run_op(BatchNorm{.axis = 1}, {Tensor(Shape{1, 2}, {1, 2}), column({1, 1}), column({0, 0}),
                                    column({.03f, .05f}), column({1.016667f, 1.076667f})});
  EXPECT_LT(max_error(y, Tensor(Shape{1, 2}, {.961544f, 1.878419f})), 6e-7);
}

TEST(BatchNorm, EveryAxis) {
  const Tensor x = random_tensor(Shape{2, 3, 4}, 1);
  const float gamma[] = {2, 3, 4, 5}, beta[] = {-1, 0, 1, 2}, mean[] = {.5f, 0, -.5f, 1},
              variance[] = {1, 2, 3, 4};
  for (int64_t axis = 0; axis < 3; ++axis) {
    const auto n = static_cast<size_t>(x.shape()[axis]);
    const auto part = [&](const float* v) { return Tensor(Shape{n}, std::span(v, n)); };
    const Tensor y = run_op(BatchNorm{.axis = axis, .epsilon = 0.25f},
                            {x, part(gamma), part(beta), part(mean), part(variance)});
    std::vector<double> want;
    for (int64_t i = 0; i < x.size(); ++i) {
      const int64_t index[] = {i / 12, i / 4 % 3, i % 4};
      const int64_t c = index[axis];
      want.push_back((x.data()[i] - mean[c]) / std::sqrt(variance[c] + 0.25) * gamma[c] + beta[c]);
    }
    EXPECT_LT(max_error(y.values(), want), 1e-6) << "axis " << axis;
  }
}

TEST(BatchNorm, ShapeRule) {
  const Shape x{2, 3}, c{3};
  EXPECT_EQ(infer_shape(BatchNorm{.axis = 1}, {x, c, c, c, c}), x);
  EXPECT_THROW(infer_shape(BatchNorm{.axis = 0}, {x, c, c, c, c}), InternalError);
  EXPECT_THROW(infer_shape(BatchNorm{.axis = -1}, {x, c, c, c, c}), InternalError);
  EXPECT_THROW(infer_shape(BatchNorm{.axis = 2}, {x, c, c, c, c}), InternalError);
  EXPECT_THROW(infer_shape(BatchNorm{.axis = 1}, {x, c, c, c}), InternalError);
  EXPECT_THROW(infer_shape(BatchNorm{.axis = 1}, {x, c, c, c, Shape{2}}), InternalError);
}

}  // namespace
}  // namespace cornu::ops
