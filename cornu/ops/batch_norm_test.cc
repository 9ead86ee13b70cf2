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

TEST(Moments, ValuesOfTheSpecification) {  // layers.md 21.12: the batch [1,2],[3,4],[5,9]
  const Tensor x(Shape{3, 2}, {1, 2, 3, 4, 5, 9});
  const Tensor m = run_op(Moments{.axis = 1}, {x});
  EXPECT_LT(max_error(m, Tensor(Shape{2, 2}, {3, 5, 8 / 3.f, 26 / 3.f})), 1e-6);
  const Tensor mean = column({3, 5}), variance = column({8 / 3.f, 26 / 3.f});
  const Tensor y = run_op(BatchNorm{.axis = 1, .of_batch = true},
                          {x, column({1, 1}), column({0, 0}), mean, variance});
  EXPECT_LT(max_error(y, Tensor(Shape{3, 2},
                                {-1.224515f, -1.01899f, 0, -.339663f, 1.224515f, 1.358654f})),
            2e-6);
}

TEST(Moments, EveryAxis) {
  const Tensor x = random_tensor(Shape{2, 3, 17}, 1);
  for (int64_t axis = 0; axis < 3; ++axis) {
    const int64_t channels = x.shape()[axis];
    std::vector<int64_t> others;
    for (int64_t a = 0; a < 3; ++a)
      if (a != axis) others.push_back(a);
    const Tensor m = run_op(Moments{.axis = axis}, {x});
    const Reduce mean{Reduce::Kind::kMean, others};
    const Tensor average = run_op(mean, {x});
    const Tensor centred = run_op(Binary{Binary::Fn::kSubtract}, {x, average});
    const Tensor spread = run_op(mean, {run_op(Unary{Unary::Fn::kSquare}, {centred})});
    const Tensor want = run_op(
        Concat{0}, {average.reshaped(Shape{1, channels}), spread.reshaped(Shape{1, channels})});
    EXPECT_LT(max_error(m, want), 1e-6) << "axis " << axis;
  }
}

TEST(Moments, FewNumbersAndFarOnes) {
  EXPECT_EQ(numbers(run_op(Moments{.axis = 1}, {Tensor(Shape{1, 2}, {7, -3})})),
            (std::vector<float>{7, -3, 0, 0}));
  for (const float v : numbers(run_op(Moments{.axis = 1}, {Tensor(Shape{0, 2})})))
    EXPECT_TRUE(std::isnan(v));
  EXPECT_TRUE(numbers(run_op(Moments{.axis = 1}, {Tensor(Shape{3, 0})})).empty());
  // Squares of such numbers have no room for the spread.
  EXPECT_EQ(numbers(run_op(Moments{.axis = 1}, {Tensor(Shape{2, 1}, {100000, 100001})}))[1], .25f);
}

TEST(Moments, ShapeRule) {
  EXPECT_EQ(infer_shape(Moments{.axis = 1}, {Shape{2, 3, 4}}), (Shape{2, 3}));
  EXPECT_THROW(infer_shape(Moments{.axis = 3}, {Shape{2, 3, 4}}), InternalError);
  EXPECT_THROW(infer_shape(Moments{.axis = -1}, {Shape{2, 3, 4}}), InternalError);
  EXPECT_THROW(infer_shape(Moments{.axis = 0}, {}), InternalError);
}

// The formulas of op.h, number by number in double.
TEST(BatchNormGrad, FollowsTheFormulas) {
  const Tensor x = random_tensor(Shape{2, 3, 17}, 1), dy = random_tensor(Shape{2, 3, 17}, 2);
  constexpr double kEpsilon = 0.25;
  for (int64_t axis = 0; axis < 3; ++axis) {
    const int64_t channels = x.shape()[axis];
    const Tensor gamma = random_tensor(Shape{channels}, 3),
                 mean = random_tensor(Shape{channels}, 4),
                 variance = random_tensor(Shape{channels}, 5, 0.5, 2);
    std::vector<double> sums(2 * static_cast<size_t>(channels)), dx;
    const auto each = [&](auto&& f) {
      for (int64_t i = 0; i < x.size(); ++i) {
        const int64_t index[] = {i / 51, i / 17 % 3, i % 17};
        const auto c = static_cast<size_t>(index[axis]);
        f(c, (x.data()[i] - mean.data()[c]) / std::sqrt(variance.data()[c] + kEpsilon),
          static_cast<double>(dy.data()[i]));
      }
    };
    const auto second = static_cast<size_t>(channels);
    each([&](size_t c, double h, double flow) {
      sums[c] += flow;
      sums[second + c] += flow * h;
    });
    const double n = 102.0 / static_cast<double>(channels);
    each([&](size_t c, double h, double flow) {
      dx.push_back(gamma.data()[c] / std::sqrt(variance.data()[c] + kEpsilon) *
                   (flow - sums[c] / n - h * sums[second + c] / n));
    });
    const Tensor got =
        run_op(BatchNormSums{.axis = axis, .epsilon = kEpsilon}, {x, mean, variance, dy});
    EXPECT_LT(max_error(got.values(), sums), 1e-5) << "axis " << axis;
    EXPECT_LT(max_error(run_op(BatchNormGrad{.axis = axis, .epsilon = kEpsilon},
                               {x, gamma, mean, variance, dy, got})
                            .values(),
                        dx),
              1e-5)
        << "axis " << axis;
  }
}

TEST(BatchNormGrad, OfNothing) {
  const Tensor x(Shape{0, 2}), c(Shape{2});
  EXPECT_EQ(numbers(run_op(BatchNormSums{.axis = 1}, {x, c, c, x})),
            (std::vector<float>{0, 0, 0, 0}));
  EXPECT_EQ(run_op(BatchNormGrad{.axis = 1}, {x, c, c, c, x, Tensor(Shape{2, 2})}).size(), 0);
}

TEST(BatchNormGrad, ShapeRules) {
  const Shape x{2, 3}, c{3}, sums{2, 3};
  const auto sums_fail = [](int64_t axis, std::vector<Shape> in) {
    EXPECT_THROW(infer_shape(BatchNormSums{.axis = axis}, in), InternalError);
  };
  EXPECT_EQ(infer_shape(BatchNormSums{.axis = 1}, {x, c, c, x}), sums);
  sums_fail(2, {x, c, c, x});
  sums_fail(0, {x, c, c, x});
  sums_fail(1, {x, c, c});
  sums_fail(1, {x, c, Shape{2}, x});
  sums_fail(1, {x, c, c, Shape{3, 3}});
  const auto grad_fails = [](int64_t axis, std::vector<Shape> in) {
    EXPECT_THROW(infer_shape(BatchNormGrad{.axis = axis}, in), InternalError);
  };
  EXPECT_EQ(infer_shape(BatchNormGrad{.axis = 1}, {x, c, c, c, x, sums}), x);
  grad_fails(-1, {x, c, c, c, x, sums});
  grad_fails(0, {x, c, c, c, x, sums});
  grad_fails(1, {x, c, c, c, x});
  grad_fails(1, {x, c, c, c, Shape{3}, sums});
  grad_fails(1, {x, c, c, c, x, Shape{3, 2}});
  grad_fails(1, {x, Shape{1}, c, c, x, sums});
}

}  // namespace
}  // namespace cornu::ops
