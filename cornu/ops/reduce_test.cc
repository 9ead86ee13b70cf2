#include "cornu/ops/reduce.h"

#include <gtest/gtest.h>

#include "cornu/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using Kind = Reduce::Kind;
using Numbers = std::vector<float>;

Numbers run(Kind kind, std::vector<int64_t> axes, const Tensor& x) {
  return numbers(run_op(Reduce{kind, std::move(axes)}, {x}));
}

TEST(Reduce, KindsAndAxes) {
  const Tensor x(Shape{2, 3}, {1, 5, 3, 4, -2, 6});
  EXPECT_EQ(run(Kind::kSum, {0}, x), (Numbers{5, 3, 9}));
  EXPECT_EQ(run(Kind::kSum, {1}, x), (Numbers{9, 8}));
  EXPECT_EQ(run(Kind::kSum, {0, 1}, x), Numbers{17});
  EXPECT_EQ(run(Kind::kMean, {0}, x), (Numbers{2.5, 1.5, 4.5}));
  EXPECT_EQ(run(Kind::kMax, {1}, x), (Numbers{5, 6}));
  EXPECT_EQ(run(Kind::kMin, {1}, x), (Numbers{1, -2}));
  EXPECT_EQ(run(Kind::kMax, {0, 1}, x), Numbers{6});
  EXPECT_EQ(run(Kind::kSum, {}, x), numbers(x));
}

TEST(Reduce, InnerAndOuterAxes) {
  const Tensor x = random_integers(Shape{2, 3, 4, 5}, 1);
  Numbers want;
  for (int64_t b = 0; b < 3; ++b)
    for (int64_t d = 0; d < 5; ++d) {
      float sum = 0;
      for (int64_t a = 0; a < 2; ++a)
        for (int64_t c = 0; c < 4; ++c) sum += x.data()[((a * 3 + b) * 4 + c) * 5 + d];
      want.push_back(sum);
    }
  EXPECT_EQ(run(Kind::kSum, {0, 2}, x), want);
  EXPECT_EQ(infer_shape(Reduce{Kind::kSum, {0, 2}}, {x.shape()}), (Shape{1, 3, 1, 5}));
}

TEST(Reduce, NanGoesThrough) {
  for (const Kind kind : {Kind::kSum, Kind::kMean, Kind::kMax, Kind::kMin})
    for (const float v : run(kind, {1}, Tensor(Shape{2, 3}, {NAN, 1, 2, 1, 2, NAN})))
      EXPECT_TRUE(std::isnan(v));
}

TEST(Reduce, OfNothing) {
  const Tensor x(Shape{2, 0, 1});
  EXPECT_EQ(run(Kind::kSum, {1}, x), (Numbers{0, 0}));
  EXPECT_EQ(run(Kind::kMax, {1}, x), (Numbers{-INFINITY, -INFINITY}));
  EXPECT_EQ(run(Kind::kMin, {1}, x), (Numbers{INFINITY, INFINITY}));
  for (const float v : run(Kind::kMean, {1}, x)) EXPECT_TRUE(std::isnan(v));
}

TEST(Reduce, ShapeRule) {
  const Shape x{2, 3};
  EXPECT_THROW(infer_shape(Reduce{Kind::kSum, {2}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Reduce{Kind::kSum, {-1}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Reduce{Kind::kSum, {1, 0}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Reduce{Kind::kSum, {0, 0}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Reduce{}, {}), InternalError);
}

}  // namespace
}  // namespace cornu::ops
