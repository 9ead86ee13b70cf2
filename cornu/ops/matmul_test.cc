#include "cornu/ops/matmul.h"

#include <gtest/gtest.h>

#include "cornu/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT

TEST(MatMul, Values) {
  const Tensor a(Shape{2, 1, 2}, {1, 2, 3, 4}), b(Shape{2, 2, 2}, {1, 10, 2, 20, 3, 30, 4, 40});
  EXPECT_EQ(numbers(run_op(MatMul{}, {a, b})), (std::vector<float>{5, 50, 25, 250}));
}

TEST(MatMul, IsADotProductPerCell) {
  const Tensor a = random_tensor(Shape{3, 4, 5}, 1), b = random_tensor(Shape{3, 5, 6}, 2);
  std::vector<double> want;
  for (int64_t n = 0; n < 3; ++n)
    for (int64_t i = 0; i < 4; ++i)
      for (int64_t j = 0; j < 6; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < 5; ++k)
          sum += static_cast<double>(a.data()[(n * 4 + i) * 5 + k]) *
                 static_cast<double>(b.data()[(n * 5 + k) * 6 + j]);
        want.push_back(sum);
      }
  EXPECT_LT(max_error(run_op_double(MatMul{}, {a, b}), want), 1e-15);
  EXPECT_LT(max_error(run_op(MatMul{}, {a, b}).values(), want), 1e-6);
}

TEST(MatMul, SumOfNothingIsZero) {
  EXPECT_EQ(numbers(run_op(MatMul{}, {Tensor(Shape{1, 2, 0}), Tensor(Shape{1, 0, 1})})),
            (std::vector<float>{0, 0}));
}

TEST(MatMul, ShapeRule) {
  EXPECT_EQ(infer_shape(MatMul{}, {Shape{2, 3, 4}, Shape{2, 4, 5}}), (Shape{2, 3, 5}));
  EXPECT_THROW(infer_shape(MatMul{}, {Shape{2, 3, 4}, Shape{2, 3, 5}}), InternalError);
  EXPECT_THROW(infer_shape(MatMul{}, {Shape{2, 3, 4}, Shape{1, 4, 5}}), InternalError);
  EXPECT_THROW(infer_shape(MatMul{}, {Shape{3, 4}, Shape{4, 5}}), InternalError);
  EXPECT_THROW(infer_shape(MatMul{}, {Shape{2, 3, 4}}), InternalError);
}

}  // namespace
}  // namespace cornu::ops
