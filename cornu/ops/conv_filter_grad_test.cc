#include "cornu/ops/conv_filter_grad.h"

#include <gtest/gtest.h>

#include "cornu/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using Numbers = std::vector<float>;

ConvFilterGrad line_grad(int64_t kernel, int64_t stride, int64_t dilation, int64_t before) {
  return {.kernel = {kernel}, .stride = {stride}, .dilation = {dilation}, .before = {before}};
}

TEST(ConvFilterGrad, Lines) {
  const Tensor x = line({1, 2, 3, 4});
  const auto dk = [&](const ConvFilterGrad& op, const Numbers& dy) {
    return numbers(run_op(op, {x, line(dy)}));
  };
  EXPECT_EQ(dk(line_grad(2, 1, 1, 0), {1, 10, 100}), (Numbers{321, 432}));
  EXPECT_EQ(dk(line_grad(2, 2, 1, 0), {1, 10}), (Numbers{31, 42}));
  EXPECT_EQ(dk(line_grad(2, 1, 2, 0), {1, 10}), (Numbers{21, 43}));
  EXPECT_EQ(dk(line_grad(3, 1, 1, 1), {1, 10, 100, 1000}), (Numbers{3210, 4321, 432}));
  EXPECT_EQ(dk(line_grad(1, 3, 1, 0), {1, 10}), (Numbers{41}));         // stride over kernel
  EXPECT_EQ(dk(line_grad(2, 1, 1, 4), {1, 10}), (Numbers{0, 0}));       // nothing but padding
  EXPECT_EQ(dk(line_grad(2, 4, 1, 0), {1, 10, 100}), (Numbers{1, 2}));  // windows past the end
}

TEST(ConvFilterGrad, Dense) {
  const Tensor x(Shape{2, 2}, {1, 2, 3, 4}), dy(Shape{2, 3}, {1, 10, 100, 2, 20, 200});
  EXPECT_EQ(numbers(run_op(ConvFilterGrad{}, {x, dy})), (Numbers{7, 70, 700, 10, 100, 1000}));
}

TEST(ConvFilterGrad, GroupsStayApart) {
  // Two groups of one channel in, two filters each.
  const Tensor x(Shape{1, 1, 2}, {2, 3}), dy(Shape{1, 1, 4}, {1, 10, 100, 1000});
  ConvFilterGrad op = line_grad(1, 1, 1, 0);
  op.groups = 2;
  const Tensor dk = run_op(op, {x, dy});
  EXPECT_EQ(dk.shape(), (Shape{1, 1, 4}));
  EXPECT_EQ(numbers(dk), (Numbers{2, 20, 300, 3000}));
}

// Conv is linear in its kernel, and this its transpose: <dy, conv(x, k)> = <k, grad(x, dy)>. Small
// whole numbers, so that both are exact.
TEST(ConvFilterGrad, IsTheTransposeOfConv) {
  struct Case {
    Shape x, kernel;
    Conv op;
  };
  const Case cases[] = {
      {{2, 7, 5, 3}, {3, 2, 3, 4}, {{2, 1}, {1, 2}, {{1, 2}, {0, 1}}}},
      {{1, 9, 17}, {2, 1, 17}, {{3}, {2}, {{0, 1}}, 17}},
      {{3, 5, 17}, {3, 17, 1}, {{1}, {1}, {{1, 1}}}},
      {{2, 3, 4, 5, 6}, {2, 3, 1, 3, 4}, {{1, 2, 3}, {2, 1, 1}, {{0, 2}, {1, 0}, {0, 0}}, 2}},
      {{4, 5}, {5, 3}, {}},
      {{0, 5, 2}, {3, 2, 4}, {{1}, {1}, {{0, 0}}}},
  };
  uint64_t seed = 0;
  for (const Case& c : cases) {
    SCOPED_TRACE(to_text(Op(c.op)));
    const Tensor x = random_integers(c.x, ++seed), kernel = random_integers(c.kernel, ++seed);
    const Tensor y = run_op(c.op, {x, kernel}), dy = random_integers(y.shape(), ++seed);
    ConvFilterGrad op{{}, c.op.stride, c.op.dilation, {}, c.op.groups};
    for (int64_t a = 0; a < c.kernel.rank() - 2; ++a) op.kernel.push_back(c.kernel[a]);
    for (const Edge& e : c.op.pad) op.before.push_back(e.before);
    const Tensor dk = run_op(op, {x, dy});
    ASSERT_EQ(dk.shape(), c.kernel);
    EXPECT_EQ(dot(dk, kernel), dot(dy, y));
  }
}

TEST(ConvFilterGrad, ShapeRule) {
  const ConvFilterGrad op = line_grad(3, 1, 1, 0);
  const Shape x{2, 5, 4}, dy{2, 3, 6};
  EXPECT_EQ(infer_shape(op, {x, dy}), (Shape{3, 4, 6}));
  const auto fails = [](const ConvFilterGrad& bad, std::vector<Shape> in) {
    EXPECT_THROW(infer_shape(bad, in), InternalError) << to_text(Op(bad));
  };
  fails(op, {x});
  fails(op, {x, Shape{3, 3, 6}});     // batches
  fails(op, {x, Shape{2, 3, 3, 6}});  // ranks
  fails(op, {Shape{2}, Shape{2}});
  ConvFilterGrad bad = op;
  bad.groups = 3;
  fails(bad, {x, dy});
  bad.groups = 0;
  fails(bad, {x, dy});
  for (auto list : {&ConvFilterGrad::kernel, &ConvFilterGrad::stride, &ConvFilterGrad::dilation,
                    &ConvFilterGrad::before}) {
    bad = op;
    (bad.*list)[0] = -1;
    fails(bad, {x, dy});
    (bad.*list).clear();
    fails(bad, {x, dy});
  }
}

}  // namespace
}  // namespace cornu::ops
