#include "cornu/ops/binary.h"

#include <gtest/gtest.h>

#include "cornu/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using Fn = Binary::Fn;
using Numbers = std::vector<float>;

Numbers run(Fn fn, const Tensor& a, const Tensor& b) { return numbers(run_op(Binary{fn}, {a, b})); }

TEST(Binary, Functions) {
  const Tensor a(Shape{3}, {1, -2, 8}), b(Shape{3}, {4, 2, 0.5f});
  EXPECT_EQ(run(Fn::kAdd, a, b), (Numbers{5, 0, 8.5}));
  EXPECT_EQ(run(Fn::kSubtract, a, b), (Numbers{-3, -4, 7.5}));
  EXPECT_EQ(run(Fn::kMultiply, a, b), (Numbers{4, -4, 4}));
  EXPECT_EQ(run(Fn::kDivide, a, b), (Numbers{0.25, -1, 16}));
  EXPECT_EQ(run(Fn::kMaximum, a, b), (Numbers{4, 2, 8}));
  EXPECT_EQ(run(Fn::kMinimum, a, b), (Numbers{1, -2, 0.5}));
  EXPECT_EQ(run(Fn::kPower, Tensor(Shape{2}, {2, 9}), Tensor(Shape{2}, {10, 0.5f})),
            (Numbers{1024, 3}));
}

TEST(Binary, NanWinsOnEitherSide) {
  const Tensor a(Shape{3}, {NAN, 1, NAN}), b(Shape{3}, {1, NAN, NAN});
  for (const Fn fn : {Fn::kMaximum, Fn::kMinimum, Fn::kAdd})
    for (const float v : run(fn, a, b)) EXPECT_TRUE(std::isnan(v));
}

TEST(Binary, Broadcasting) {
  const Tensor column(Shape{2, 1}, {10, 20}), row(Shape{3}, {1, 2, 3}), one(Shape{}, {100});
  EXPECT_EQ(run(Fn::kAdd, column, row), (Numbers{11, 12, 13, 21, 22, 23}));
  EXPECT_EQ(run(Fn::kSubtract, row, column), (Numbers{-9, -8, -7, -19, -18, -17}));
  EXPECT_EQ(run(Fn::kAdd, one, row), (Numbers{101, 102, 103}));
  EXPECT_EQ(run(Fn::kAdd, one, one), Numbers{200});
  const Tensor planes(Shape{2, 1, 2}, {1, 2, 3, 4}), rows(Shape{3, 1}, {10, 20, 30});
  EXPECT_EQ(run(Fn::kAdd, planes, rows), (Numbers{11, 12, 21, 22, 31, 32, 13, 14, 23, 24, 33, 34}));
}

TEST(Binary, ShapeRule) {
  const auto shape = [](Shape a, Shape b) { return infer_shape(Binary{}, {a, b}); };
  EXPECT_EQ(shape({4, 1, 3}, {5, 1}), (Shape{4, 5, 3}));
  EXPECT_EQ(shape({5, 1}, {4, 1, 3}), (Shape{4, 5, 3}));
  EXPECT_EQ(shape({}, {2}), (Shape{2}));
  EXPECT_EQ(shape({0, 3}, {1, 3}), (Shape{0, 3}));
  EXPECT_THROW(shape({2, 3}, {2}), InternalError);
  EXPECT_THROW(shape({0, 3}, {2, 3}), InternalError);
  EXPECT_THROW(infer_shape(Binary{}, {Shape{2}}), InternalError);
  EXPECT_THROW(infer_shape(Binary{}, {Shape{2}, Shape{2}, Shape{2}}), InternalError);
}

TEST(Binary, ComparisonsAreOneOrZero) {
  const Tensor a(Shape{5}, {1, 2, 3, NAN, -0.0f}), b(Shape{5}, {2, 2, 2, 1, 0});
  EXPECT_EQ(run(Fn::kGreater, a, b), (Numbers{0, 0, 1, 0, 0}));
  EXPECT_EQ(run(Fn::kGreaterEqual, a, b), (Numbers{0, 1, 1, 0, 1}));
  EXPECT_EQ(run(Fn::kEqual, a, b), (Numbers{0, 1, 0, 0, 1}));
  const Tensor nan(Shape{1}, {NAN});
  for (const Fn fn : {Fn::kGreater, Fn::kGreaterEqual, Fn::kEqual})
    EXPECT_EQ(run(fn, nan, nan), Numbers{0});
  EXPECT_EQ(run(Fn::kEqual, Tensor(Shape{2, 1}, {1, 2}), Tensor(Shape{2}, {1, 2})),
            (Numbers{1, 0, 0, 1}));
}

}  // namespace
}  // namespace cornu::ops
