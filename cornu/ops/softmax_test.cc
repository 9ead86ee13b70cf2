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

TEST(SoftmaxGrad, FollowsTheFormulas) {
  const Tensor x(Shape{2, 3}, {1, 2, 3, -1, 0, 0.5f}), dy(Shape{2, 3}, {1, -2, 0.5f, 3, 1, -1});
  const Tensor y = run_op(kSoft, {x});
  std::vector<double> soft, log;
  for (size_t row = 0; row < 2; ++row)
    for (size_t i = 0; i < 3; ++i) {
      double of_soft = 0, of_log = 0;  // sum over j of dy_j dy_j/dx_i
      for (size_t j = 0; j < 3; ++j) {
        const double p = y.values()[row * 3 + i], q = y.values()[row * 3 + j];
        const double flow = dy.values()[row * 3 + j], same = i == j ? 1 : 0;
        of_soft += flow * q * (same - p);
        of_log += flow * (same - p);
      }
      soft.push_back(of_soft);
      log.push_back(of_log);
    }
  EXPECT_LT(max_error(run_op(SoftmaxGrad{Kind::kSoftmax}, {y, dy}).values(), soft), 1e-6);
  EXPECT_LT(
      max_error(run_op(SoftmaxGrad{Kind::kLogSoftmax}, {run_op(kLog, {x}), dy}).values(), log),
      1e-6);
}

TEST(SoftmaxGrad, LongRowsAndSingleNumbers) {
  for (const Kind kind : {Kind::kSoftmax, Kind::kLogSoftmax}) {
    const Tensor y = run_op(Softmax{kind}, {random_tensor(Shape{3, 1000}, 1, -9, 9)});
    const Tensor dx = run_op(SoftmaxGrad{kind}, {y, random_tensor(Shape{3, 1000}, 2)});
    for (int64_t row = 0; row < 3; ++row)  // shifting all inputs changes nothing
      EXPECT_NEAR(std::accumulate(dx.data() + 1000 * row, dx.data() + 1000 * (row + 1), 0.0), 0,
                  2e-4);
    EXPECT_EQ(numbers(run_op(SoftmaxGrad{kind}, {run_op(Softmax{kind}, {Tensor(Shape{1}, {3})}),
                                                 Tensor(Shape{1}, {5})})),
              std::vector<float>{0});
  }
}

TEST(SoftmaxGrad, SparsemaxCountsPartialSums) {
  const auto grad = [](const Tensor& x, const Tensor& dy) {
    return numbers(run_op(SoftmaxGrad{Kind::kSparsemax}, {x, dy}));
  };
  // One number alone passes: its tau is itself less 1.
  EXPECT_EQ(grad(kX, Tensor(Shape{3}, {1, 10, 100})), (std::vector<float>{0, 0, 0}));
  // All three support: tau = (3 z1 + 2 z2 + z3 - 1) / 3, and z3 is below it.
  EXPECT_LT(max_error(grad(Tensor(Shape{3}, {.1f, .2f, .3f}), Tensor(Shape{3}, {1, 10, 100})),
                      std::vector<double>{-110 / 3.0, 10 - 110 * 2 / 3.0, 100 - 110.0}),
            1e-6);
  // Equal numbers rank as they stand.
  EXPECT_LT(max_error(grad(Tensor(Shape{2}, {.2f, .2f}), Tensor(Shape{2}, {1, 10})),
                      std::vector<double>{1 - 11.0, 10 - 11 / 2.0}),
            1e-6);
}

TEST(SoftmaxGrad, NanGoesThrough) {
  const Tensor x(Shape{2, 3}, {1, NAN, 3, 1, 2, 3}), dy = Tensor::full(Shape{2, 3}, 1);
  for (const Softmax op : {kSoft, kLog, kSparse}) {
    const Tensor y = op.kind == Kind::kSparsemax ? x : run_op(op, {x});
    const Tensor dx = run_op(SoftmaxGrad{op.kind}, {y, dy});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(std::isnan(dx.data()[i])) << name_of(op);
    for (int i = 3; i < 6; ++i) EXPECT_FALSE(std::isnan(dx.data()[i])) << name_of(op);
  }
}

TEST(SoftmaxGrad, ShapeRule) {
  const SoftmaxGrad op;
  EXPECT_EQ(infer_shape(op, {Shape{2, 3}, Shape{2, 3}}), (Shape{2, 3}));
  EXPECT_THROW(infer_shape(op, {Shape{2, 3}}), InternalError);
  EXPECT_THROW(infer_shape(op, {Shape{2, 3}, Shape{3}}), InternalError);
  EXPECT_THROW(infer_shape(op, {Shape{}, Shape{}}), InternalError);
}

}  // namespace
}  // namespace cornu::ops
