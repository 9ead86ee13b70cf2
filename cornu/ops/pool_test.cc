#include "cornu/ops/pool.h"

#include <gtest/gtest.h>

#include "cornu/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using Numbers = std::vector<float>;

Pool line_pool(Pool::Kind kind, int64_t window, int64_t stride, Edge pad) {
  return {.kind = kind, .window = {window}, .stride = {stride}, .pad = {pad}};
}

TEST(Pool, LinesOfTheSpecification) {  // layers.md 21.5
  struct Case {
    const char* name;
    int64_t window, stride;
    Edge pad;
    Numbers max, average;
  };
  const Case cases[] = {
      {"P1", 2, 2, {0, 0}, {2, 4}, {1.5, 3.5}},
      {"P2", 2, 2, {0, 1}, {2, 4, 5}, {1.5, 3.5, 5}},
      {"P3", 3, 1, {1, 1}, {2, 3, 4, 5, 5}, {1.5, 2, 3, 4, 4.5}},
      {"P4", 3, 2, {1, 1}, {2, 4, 5}, {1.5, 3, 4.5}},
      {"P5", 2, 1, {0, 1}, {2, 3, 4, 5, 5}, {1.5, 2.5, 3.5, 4.5, 5}},
      {"P6", 3, 3, {0, 1}, {3, 5}, {2, 4.5}},
  };
  const Tensor x = line({1, 2, 3, 4, 5});
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto run = [&](Pool::Kind kind) {
      return numbers(run_op(line_pool(kind, c.window, c.stride, c.pad), {x}));
    };
    EXPECT_EQ(run(Pool::Kind::kMax), c.max);
    EXPECT_EQ(run(Pool::Kind::kAverage), c.average);
  }
}

TEST(Pool, CellsOutsideNeverWin) {  // P7
  EXPECT_EQ(
      numbers(run_op(line_pool(Pool::Kind::kMax, 3, 2, {1, 1}), {line({-1, -2, -3, -4, -5})})),
      (Numbers{-1, -2, -4}));
  EXPECT_EQ(numbers(run_op(line_pool(Pool::Kind::kMax, 2, 2, {1, 0}), {line({-INFINITY, 1, 2})})),
            (Numbers{-INFINITY, 2}));
}

TEST(Pool, NanGoesThrough) {
  for (const auto kind : {Pool::Kind::kMax, Pool::Kind::kAverage}) {
    const Tensor y = run_op(line_pool(kind, 2, 2, {0, 0}), {line({NAN, 1, 2, NAN, 3, 3})});
    EXPECT_TRUE(std::isnan(y.data()[0]));
    EXPECT_TRUE(std::isnan(y.data()[1]));
    EXPECT_EQ(y.data()[2], 3);
  }
}

TEST(Pool, AxesAndChannelsAreApart) {
  // Two axes, two channels, the second channel ten times the first.
  Tensor x(Shape{1, 2, 3, 2});
  for (int64_t i = 0; i < 6; ++i) {
    x.data()[2 * i] = static_cast<float>(i + 1);
    x.data()[2 * i + 1] = static_cast<float>(10 * (i + 1));
  }
  Pool op{.window = {2, 2}, .stride = {1, 2}, .pad = {{0, 1}, {0, 1}}};
  EXPECT_EQ(numbers(run_op(op, {x})), (Numbers{5, 50, 6, 60, 5, 50, 6, 60}));
  op.kind = Pool::Kind::kAverage;
  EXPECT_EQ(numbers(run_op(op, {x})), (Numbers{3, 30, 4.5, 45, 4.5, 45, 6, 60}));
}

TEST(Pool, ThreeAxes) {
  const Tensor x = random_integers(Shape{2, 4, 6, 2, 3}, 5);
  const Pool op{.kind = Pool::Kind::kAverage,
                .window = {4, 6, 2},
                .stride = {1, 1, 1},
                .pad = {{0, 0}, {0, 0}, {0, 0}}};
  const Reduce mean{.kind = Reduce::Kind::kMean, .axes = {1, 2, 3}};
  EXPECT_TRUE(bit_equal(run_op(op, {x}), run_op(mean, {x})));
}

TEST(Pool, ShapeRule) {
  const Shape x{2, 5, 1};
  const auto shape = [&](int64_t window, int64_t stride, Edge pad) {
    return infer_shape(line_pool(Pool::Kind::kMax, window, stride, pad), {x});
  };
  EXPECT_EQ(shape(5, 1, {0, 0}), (Shape{2, 1, 1}));
  EXPECT_THROW(shape(6, 1, {0, 0}), InternalError);
  EXPECT_THROW(shape(2, 0, {0, 0}), InternalError);
  EXPECT_THROW(shape(2, 1, {2, 0}), InternalError);  // a window of nothing but padding
  EXPECT_THROW(shape(2, 1, {0, -1}), InternalError);
  EXPECT_THROW(infer_shape(Pool{}, {x}), InternalError);
}

}  // namespace
}  // namespace cornu::ops
