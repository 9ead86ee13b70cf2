#include "cornu/compile/passes/pool_first.h"

#include "tests/support/pass_check.h"

namespace cornu::compile {
namespace {

using graph::Builder;
using graph::Graph;
using graph::Value;
using ops::Edge;
using testing::check_random_graphs;
using testing::expect_equal_values;

TEST(PoolFirst, KeepsTheValuesOfRandomGraphs) {
  EXPECT_GT(check_random_graphs(pool_first, 1e-5), 0);
}

struct Case {
  Shape x;
  int64_t filters;
  ops::Pool::Kind kind = ops::Pool::Kind::kAverage;
  int64_t kernel = 1, stride = 1, groups = 1;
  Edge pad = {};  // of the pool
  Edge conv_pad = {};
  bool shared = false;  // the convolution's result is an output, too
};

bool moves(const Case& c) {
  Builder g;
  const Value x = g.input(c.x);
  const auto axes = static_cast<size_t>(c.x.rank() - 2);
  Shape kernel(std::vector(axes, c.kernel));
  kernel.push_back(c.x[-1] / c.groups);
  kernel.push_back(c.filters);
  const Value y = g.add(ops::Conv{std::vector(axes, c.stride), std::vector<int64_t>(axes, 1),
                                  std::vector(axes, c.conv_pad), c.groups},
                        {x, g.constant(testing::random_tensor(kernel, 1)),
                         g.constant(testing::random_tensor({c.filters}, 2))});
  const Value pooled = g.add(ops::Pool{c.kind, std::vector<int64_t>(axes, 3),
                                       std::vector<int64_t>(axes, 2), std::vector(axes, c.pad)},
                             {y});
  std::vector<Value> outputs = {pooled};
  if (c.shared) outputs.push_back(y);
  const Graph before = std::move(g).finish(outputs), after = pool_first(before);
  expect_equal_values(before, after);
  return std::holds_alternative<ops::Conv>(after[after.outputs[0]].op);
}

TEST(PoolFirst, BeforeConvolutionsOfOneCell) {
  for (const Shape& x :
       {Shape{2, 9, 16}, Shape{2, 8, 7, 16}, Shape{1, 5, 4, 5, 16}, Shape{1, 7, 7, 17}}) {
    EXPECT_TRUE(moves({x, 17}));
    EXPECT_TRUE(moves({.x = x, .filters = 34, .pad = {1, 1}}));
  }
  EXPECT_TRUE(moves({.x = {2, 8, 7, 16}, .filters = 16, .groups = 4}));
  EXPECT_TRUE(moves({{1, 8, 8, 128}, 64}));
}

TEST(PoolFirst, NothingElse) {
  const Shape x{2, 8, 7, 16};
  EXPECT_FALSE(moves({x, 17, ops::Pool::Kind::kMax}));
  EXPECT_FALSE(moves({.x = x, .filters = 17, .kernel = 2}));
  EXPECT_FALSE(moves({.x = x, .filters = 17, .stride = 2}));
  EXPECT_FALSE(moves({.x = x, .filters = 17, .conv_pad = {1, 0}}));
  EXPECT_FALSE(moves({.x = x, .filters = 17, .shared = true}));
  EXPECT_FALSE(moves({{1, 8, 8, 128}, 4})) << "many more channels to pool";
}

}  // namespace
}  // namespace cornu::compile
