#include "cornu/ops/pool_grad.h"

#include <gtest/gtest.h>

#include "cornu/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using Numbers = std::vector<float>;

PoolGrad line_grad(Pool::Kind kind, int64_t window, int64_t stride, Edge pad) {
  return {{.kind = kind, .window = {window}, .stride = {stride}, .pad = {pad}}};
}

Numbers run(const PoolGrad& op, const Numbers& x, const Numbers& dy) {
  return numbers(run_op(op, {line(x), line(dy)}));
}

TEST(PoolGrad, TheFirstMaximumTakesAll) {  // layers.md part 19
  const auto max = [](int64_t window, int64_t stride, Edge pad) {
    return line_grad(Pool::Kind::kMax, window, stride, pad);
  };
  EXPECT_EQ(run(max(2, 2, {0, 0}), {1, 3, 3, 3}, {1, 10}), (Numbers{0, 1, 10, 0}));
  EXPECT_EQ(run(max(3, 1, {1, 1}), {0, 0, 0}, {1, 10, 100}), (Numbers{11, 100, 0}));
  EXPECT_EQ(run(max(2, 1, {0, 0}), {1, 5, 2}, {1, 10}), (Numbers{0, 11, 0}));
  EXPECT_EQ(run(max(1, 3, {0, 0}), {1, 2, 3, 4}, {1, 10}), (Numbers{1, 0, 0, 10}));
  // Padded cells never win, and infinities are numbers like others.
  EXPECT_EQ(run(max(2, 2, {1, 0}), {-INFINITY, -1, -2}, {1, 10}), (Numbers{1, 10, 0}));
  // -0 and 0 are equal.
  EXPECT_EQ(run(max(2, 2, {0, 0}), {-0.0f, 0}, {1}), (Numbers{1, 0}));
}

TEST(PoolGrad, TheFirstNanIsTheMaximum) {
  const PoolGrad op = line_grad(Pool::Kind::kMax, 3, 3, {0, 0});
  EXPECT_EQ(run(op, {1, NAN, 7, NAN, 2, NAN}, {1, 10}), (Numbers{0, 1, 0, 10, 0, 0}));
}

TEST(PoolGrad, AveragesSpreadOverTheCellsThatCount) {
  const auto average = [](int64_t window, int64_t stride, Edge pad) {
    return line_grad(Pool::Kind::kAverage, window, stride, pad);
  };
  EXPECT_EQ(run(average(2, 2, {0, 0}), {1, 3, 3, 3}, {2, 20}), (Numbers{1, 1, 10, 10}));
  EXPECT_EQ(run(average(2, 2, {0, 1}), {1, 2, 3}, {2, 20}), (Numbers{1, 1, 20}));
  EXPECT_EQ(run(average(4, 1, {1, 2}), {1, 2, 3, 4}, {3, 4, 6, 2}), (Numbers{2, 4, 5, 4}));
  EXPECT_EQ(run(average(1, 3, {0, 0}), {1, 2, 3, 4}, {1, 10}), (Numbers{1, 0, 0, 10}));
}

TEST(PoolGrad, SamplesAndChannelsAreApart) {
  const Pool pool{Pool::Kind::kMax, {2, 3}, {1, 2}, {{1, 0}, {0, 1}}};
  const Shape shape{3, 4, 5, 17};
  const Tensor x = random_integers(shape, 1, -2, 2);
  const Tensor dy = random_integers(infer_shape(pool, {shape}), 2);
  for (const auto kind : {Pool::Kind::kMax, Pool::Kind::kAverage}) {
    Pool op = pool;
    op.kind = kind;
    const Tensor dx = run_op(PoolGrad{op}, {x, dy});
    for (int64_t n = 0; n < 3; ++n)
      for (int64_t c = 0; c < 17; ++c) {
        const auto one = [&](const Tensor& t) {
          const Shape s = t.shape();
          return run_op(Pad{{{-n, n - 2}, {0, 0}, {0, 0}, {-c, c - 16}}}, {t});
        };
        EXPECT_TRUE(bit_equal(run_op(PoolGrad{op}, {one(x), one(dy)}), one(dx)));
      }
  }
}

// Average pooling is linear, and this its transpose. Windows of 1, 2 and 4 cells are exact.
TEST(PoolGrad, IsTheTransposeOfAveraging) {
  uint64_t seed = 0;
  for (const Edge pad : {Edge{0, 0}, Edge{1, 1}, Edge{0, 1}})
    for (const int64_t stride : {1, 2, 3}) {
      const Pool op{Pool::Kind::kAverage, {2, 2}, {stride, 1}, {pad, {0, 0}}};
      const Tensor x = random_integers(Shape{2, 5, 4, 3}, ++seed);
      const Tensor y = run_op(op, {x}), dy = random_integers(y.shape(), ++seed);
      EXPECT_EQ(dot(run_op(PoolGrad{op}, {x, dy}), x), dot(dy, y));
    }
}

TEST(PoolGrad, ShapeRule) {
  const PoolGrad op = line_grad(Pool::Kind::kMax, 2, 2, {0, 0});
  const Shape x{2, 5, 3}, dy{2, 2, 3};
  EXPECT_EQ(infer_shape(op, {x, dy}), x);
  EXPECT_THROW(infer_shape(op, {x}), InternalError);
  EXPECT_THROW(infer_shape(op, {x, x}), InternalError);
  EXPECT_THROW(infer_shape(op, {x, dy, dy}), InternalError);
  EXPECT_THROW(infer_shape(line_grad(Pool::Kind::kMax, 6, 1, {0, 0}), {x, dy}), InternalError);
  EXPECT_THROW(infer_shape(PoolGrad{}, {x, dy}), InternalError);
}

}  // namespace
}  // namespace cornu::ops
