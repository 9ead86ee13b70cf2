#include "cornu/compile/passes/fold_affine.h"

#include <limits>

#include "tests/support/pass_check.h"

namespace cornu::compile {
namespace {

using graph::Builder;
using graph::Graph;
using graph::Value;
using ops::Binary;
using ops::Edge;
using ops::Unary;
using testing::check_random_graphs;
using testing::count;
using testing::expect_equal_values;

TEST(FoldAffine, KeepsTheValuesOfRandomGraphs) {
  EXPECT_GT(check_random_graphs(fold_affine, 1e-4), 40);
}

struct Net : Builder {
  uint64_t seed = 0;
  Value numbers(Shape shape, float low = -1) {
    return constant(testing::random_tensor(std::move(shape), ++seed, low, 1));
  }
  Value norm(Value x) {
    const Shape c{shape(x)[-1]};
    return add(ops::BatchNorm{shape(x).rank() - 1},
               {x, numbers(c), numbers(c), numbers(c), numbers(c, 0.2f)});
  }
  Value conv(Value x, int64_t groups = 1, Edge pad = {}, bool bias = true) {
    Shape kernel;
    ops::Conv op;
    op.groups = groups;
    for (int64_t a = 0; a < shape(x).rank() - 2; ++a) {
      kernel.push_back(2 + a % 2);
      op.stride.push_back(1);
      op.dilation.push_back(1 + a);
      op.pad.push_back(pad);
    }
    kernel.push_back(shape(x)[-1] / groups);
    kernel.push_back(8);
    std::vector<Value> in = {x, numbers(kernel)};
    if (bias) in.push_back(numbers({8}));
    return add(op, in);
  }
  Value transposed(Value x, int64_t groups = 1) {
    return add(ops::ConvTranspose{{2, 1}, {1, 1}, {0, 1}, {13, 7}, groups},
               {x, numbers({3, 2, 6 / groups, shape(x)[-1]})});
  }
  Value scale(Value x, float factor) { return binary(Binary::Fn::kMultiply, scalar(factor), x); }
};

// The ops besides leaves and convolutions that are left, and the result folded.
template <class Make>
int left(Shape shape, Make&& make) {
  Net g;
  const Value y = make(g, g.input(std::move(shape)));
  const Graph before = std::move(g).finish({y}), after = fold_affine(before);
  expect_equal_values(before, after);
  return count<ops::BatchNorm>(after) + count<Unary>(after) + count<Binary>(after);
}
template <class Make>
int left(Make&& make) {
  return left({2, 6, 7, 4}, make);
}

TEST(FoldAffine, IntoTheConvolutionBehind) {
  for (int64_t groups : {1, 2, 4})
    for (bool bias : {false, true})
      EXPECT_EQ(left([&](Net& g, Value x) { return g.conv(g.norm(x), groups, Edge{}, bias); }), 0);
  EXPECT_EQ(left({2, 5}, [](Net& g, Value x) { return g.conv(g.norm(x)); }), 0);  // Dense
  EXPECT_EQ(left({1, 9, 3}, [](Net& g, Value x) { return g.conv(g.norm(x)); }), 0);
  EXPECT_EQ(left({1, 4, 6, 8, 3}, [](Net& g, Value x) { return g.conv(g.norm(x)); }), 0);
  EXPECT_EQ(left([](Net& g, Value x) {  // Rescaling, Normalization
              const Value y = g.binary(Binary::Fn::kSubtract, x, g.numbers({4}));
              return g.conv(g.unary(Unary::Fn::kAffine,
                                    g.binary(Binary::Fn::kDivide, y, g.numbers({4}, 0.5f)), 2, -1));
            }),
            0);
  // Zeros of the padding are not shifted, but scaled.
  EXPECT_EQ(left([](Net& g, Value x) { return g.conv(g.norm(x), 1, {1, 0}); }), 1);
  EXPECT_EQ(left([](Net& g, Value x) { return g.conv(g.scale(x, 0.3f), 1, {1, 0}); }), 0);
  for (int64_t groups : {1, 2}) {
    EXPECT_EQ(left([&](Net& g, Value x) { return g.transposed(g.norm(x), groups); }), 1);
    EXPECT_EQ(left([&](Net& g, Value x) { return g.transposed(g.scale(x, 3), groups); }), 0);
  }
}

TEST(FoldAffine, IntoTheConvolutionBefore) {
  for (int64_t groups : {1, 2, 4})
    EXPECT_EQ(left([&](Net& g, Value x) {
                return g.scale(g.norm(g.conv(x, groups, {1, 1}, groups == 1)), 0.2f);
              }),
              0);
  for (int64_t groups : {1, 2})
    EXPECT_EQ(left([&](Net& g, Value x) {
                const Value y = g.norm(g.transposed(x, groups));
                return g.binary(Binary::Fn::kSubtract, g.numbers({1, 1, 1, 6}),
                                g.unary(Unary::Fn::kNegate, y));
              }),
              0);
}

TEST(FoldAffine, NothingElse) {
  EXPECT_EQ(left([](Net& g, Value x) {  // an activation between
              return g.norm(g.unary(Unary::Fn::kTanh, g.conv(x)));
            }),
            2);
  EXPECT_EQ(left([](Net& g, Value x) {  // somebody else
              const Value y = g.norm(x);
              return g.add(ops::Concat{3}, {g.conv(y, 1, {1, 1}), g.conv(y, 1, {1, 1})});
            }),
            1);
  EXPECT_EQ(left([](Net& g, Value x) {
              return g.conv(g.binary(Binary::Fn::kMultiply, x, g.numbers({7, 1})));
            }),
            1)
      << "numbers per column";
  EXPECT_EQ(left([](Net& g, Value x) {
              return g.scale(g.conv(x), std::numeric_limits<float>::infinity());
            }),
            1)
      << "infinite";
  EXPECT_EQ(left([](Net& g, Value x) {
              return g.conv(g.binary(Binary::Fn::kDivide, g.numbers({4}), g.scale(x, 0.5f)));
            }),
            2);
}

// A mean of many deviations would leave few digits in sums of products.
TEST(FoldAffine, LeavesLargeMeans) {
  EXPECT_EQ(left([](Net& g, Value x) {
              const Value one = g.constant(Tensor::full({4}, 1));
              return g.conv(g.add(ops::BatchNorm{3},
                                  {x, one, one, g.constant(Tensor::full({4}, 1000)), one}));
            }),
            1);
}

}  // namespace
}  // namespace cornu::compile
