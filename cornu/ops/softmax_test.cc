#include "cornu/ops/softmax.h"

#include <gtest/gtest.h>

#include <numeric>

#include "cornu/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using Kind = Softmax::Kind;

constexpr Softmax kSoft{Kind::kSoftmax}, kLog{Kind::kLogSoftmax}, kSparse{Kind::kSparsemax};
const Tensor kX(Shape{3}, {1, 2, 3});

TEST(Softmax, ValuesOfTheSpecification) {  // layers.md 21.6
  EXPECT_LT(max_error(run_op(kSoft, {kX}), Tensor(Shape{3}, {.090031f, .244728f, .665241f})), 6e-7);
  EXPECT_LT(max_error(run_op(kSparse, {kX}), Tensor(Shape{3}, {0, 0, 1})), 1e-7);
  // Keras 3 as shipped, not the projection onto the simplex.
  EXPECT_LT(max_error(run_op(kSparse, {Tensor(Shape{3}, {.1f, .2f, .3f})}),
                      Tensor(Shape{3}, {0, .066667f, .166667f})),
            6e-7);
  EXPECT_LT(max_error(run_op(kSparse, {Tensor(Shape{3}, {.3f, .1f, .2f})}),
                      Tensor(Shape{3}, {.166667f, 0, .066667f})),
            6e-7);
}

TEST(Softmax, LogSoftmaxIsItsLogarithm) {
  const Tensor x = random_tensor(Shape{4, 7}, 1, -5, 5);
  EXPECT_LT(max_error(run_op(kLog, {x}), run_op(Unary{Unary::Fn::kLog}, {run_op(kSoft, {x})})),
            1e-6);
}

TEST(Softmax, RowsSumToOneAndShiftsDoNotMatter) {
  const Tensor x = random_integers(Shape{5, 9}, 2);
  const Tensor y = run_op(kSoft, {x});
  for (int64_t row = 0; row < 5; ++row)
    EXPECT_NEAR(std::accumulate(y.data() + 9 * row, y.data() + 9 * row + 9, 0.0), 1, 1e-6);
  const Tensor far = run_op(Unary{.fn = Unary::Fn::kAffine, .a = 1, .b = 1000}, {x});
  EXPECT_TRUE(bit_equal(run_op(kSoft, {far}), y));
  EXPECT_TRUE(bit_equal(run_op(kLog, {far}), run_op(kLog, {x})));
}

TEST(Softmax, FarNumbers) {
  const Tensor x(Shape{3}, {-INFINITY, 1e30f, -1e30f});
  EXPECT_EQ(numbers(run_op(kSoft, {x})), (std::vector<float>{0, 1, 0}));
  EXPECT_EQ(numbers(run_op(kLog, {x})), (std::vector<float>{-INFINITY, 0, -2e30f}));
}

TEST(Softmax, NanGoesThrough) {
  const Tensor x(Shape{2, 3}, {1, NAN, 3, 1, 2, 3});
  for (const Softmax op : {kSoft, kLog, kSparse}) {
    const Tensor y = run_op(op, {x});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(std::isnan(y.data()[i])) << name_of(op);
    for (int i = 3; i < 6; ++i) EXPECT_FALSE(std::isnan(y.data()[i])) << name_of(op);
  }
}

TEST(Softmax, ShapeRule) {
  EXPECT_EQ(infer_shape(kSoft, {Shape{2, 3}}), (Shape{2, 3}));
  EXPECT_THROW(infer_shape(kSoft, {Shape{}}), InternalError);
  EXPECT_THROW(infer_shape(kSoft, {Shape{1}, Shape{1}}), InternalError);
}

}  // namespace
}  // namespace cornu::ops
