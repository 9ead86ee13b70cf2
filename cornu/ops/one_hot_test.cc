#include "cornu/ops/one_hot.h"

#include <gtest/gtest.h>

#include <cmath>

#include "cornu/base/error.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using Numbers = std::vector<float>;

TEST(OneHot, Values) {
  const Tensor y = run_op(OneHot{3}, {Tensor(Shape{2, 2}, {0, 2, 1, 1})});
  EXPECT_EQ(y.shape(), (Shape{2, 2, 3}));
  EXPECT_EQ(numbers(y), (Numbers{1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0}));
  EXPECT_EQ(numbers(run_op(OneHot{2}, {Tensor(Shape{}, {1})})), (Numbers{0, 1}));
}

TEST(OneHot, LabelsThatAreNoIndexAreAllZeros) {
  for (const float label : {-1.0f, 3.0f, 0.5f, NAN, INFINITY, 1e30f})
    EXPECT_EQ(numbers(run_op(OneHot{3}, {Tensor(Shape{1}, {label})})), (Numbers{0, 0, 0})) << label;
}

TEST(OneHot, ShapeRule) {
  EXPECT_EQ(infer_shape(OneHot{4}, {Shape{0, 2}}), (Shape{0, 2, 4}));
  EXPECT_THROW(infer_shape(OneHot{0}, {Shape{2}}), InternalError);
  EXPECT_THROW(infer_shape(OneHot{2}, {}), InternalError);
  EXPECT_THROW(infer_shape(OneHot{2}, {Shape{1}, Shape{1}}), InternalError);
}

}  // namespace
}  // namespace cornu::ops
