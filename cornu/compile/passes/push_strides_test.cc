#include "cornu/compile/passes/push_strides.h"

#include "tests/support/pass_check.h"

namespace cornu::compile {
namespace {

using graph::Graph;
using graph::Value;
using ops::Unary;
using testing::check_random_graphs;
using testing::count;
using testing::expect_equal_values;

TEST(PushStrides, KeepsTheBitsOfRandomGraphs) {
  EXPECT_GT(check_random_graphs(push_strides, 0), 20);
}

struct Net : graph::Builder {
  uint64_t seed = 0;
  Value numbers(Shape shape) { return constant(testing::random_tensor(std::move(shape), ++seed)); }
  Value conv(Value x, int64_t k, int64_t stride = 1) {
    const auto axes = static_cast<size_t>(shape(x).rank() - 2);
    Shape kernel(std::vector<int64_t>(axes, k));
    kernel.push_back(shape(x)[-1]);
    kernel.push_back(4);
    const ops::Edge pad{(k - 1) / 2, k / 2};
    return add(
        ops::Conv{std::vector(axes, stride), std::vector<int64_t>(axes, 1), std::vector(axes, pad)},
        {x, numbers(kernel), numbers({4})});
  }
  Value relu(Value x) { return unary(Unary::Fn::kRelu, x, 0, 1e9f); }
};
template <class Make>
Graph pushed(Shape shape, Make&& make) {
  Net g;
  const std::vector<Value> y = make(g, g.input(std::move(shape)));
  const Graph before = std::move(g).finish(y), after = push_strides(before);
  expect_equal_values(before, after, 0);
  return after;
}
// The rows of the results of Op, in order.
template <class Op>
std::vector<int64_t> rows(const Graph& g) {
  std::vector<int64_t> all;
  for (const graph::Node& node : g.nodes)
    if (std::holds_alternative<Op>(node.op)) all.push_back(node.shape[1]);
  return all;
}
using Rows = std::vector<int64_t>;

// The end of a stage of ResNet and the beginning of the next.
TEST(PushStrides, OverTheBorderOfStages) {
  for (const Shape& shape :
       {Shape{2, 9, 4}, Shape{2, 9, 8, 4}, Shape{1, 9, 4, 5, 4}, Shape{0, 9, 8, 4}}) {
    const Graph g = pushed(shape, [](Net& n, Value x) {
      x = n.relu(n.conv(x, 1));
      const Value y = n.conv(n.relu(n.conv(n.relu(n.conv(x, 1)), 3)), 1);
      const Value end = n.relu(n.binary({}, x, y));
      return std::vector{n.binary({}, n.conv(n.relu(n.conv(end, 1, 2)), 3), n.conv(end, 1, 2))};
    });
    // All of x and its first convolution, as the 3x3 needs it; half of all else.
    EXPECT_EQ(rows<ops::Conv>(g), (Rows{9, 9, 5, 5, 5, 5, 5}));
    EXPECT_EQ(rows<ops::Pool>(g), Rows{5});  // of x, for the sum
    EXPECT_EQ(rows<ops::Binary>(g), (Rows{5, 5}));
  }
}

TEST(PushStrides, IntoPoolsAndThroughWhatLooksAtOneCell) {
  const Graph g = pushed({2, 12, 9, 4}, [](Net& n, Value x) {
    const Value c = n.numbers({4}), one = n.constant(Tensor::full({4}, 1));
    Value y = n.add(ops::Pool{ops::Pool::Kind::kAverage, {2, 3}, {1, 2}, {{}, {1, 1}}}, {x});
    y = n.add(ops::BatchNorm{3}, {y, c, c, c, one});
    y = n.add(ops::Softmax{}, {n.concat({y, n.binary({}, c, y)}, 3)});
    return std::vector{n.conv(y, 1, 3)};
  });
  EXPECT_EQ(rows<ops::Pool>(g), Rows{4});
  EXPECT_EQ(rows<ops::Conv>(g), Rows{4});
  EXPECT_EQ(std::get<ops::Conv>(g[g.outputs[0]].op).stride, (Rows{1, 1}));
}

TEST(PushStrides, OfTwoStridesTheGreatestCommonOne) {
  const Graph g = pushed({1, 13, 13, 4}, [](Net& n, Value x) {
    const Value y = n.conv(x, 3);
    return std::vector{n.conv(y, 1, 4), n.conv(y, 1, 6)};
  });
  EXPECT_EQ(rows<ops::Conv>(g), (Rows{7, 4, 3}));
}

TEST(PushStrides, NotWhereAllIsRead) {
  const auto first = [](auto&& use) {
    return rows<ops::Conv>(
        pushed({1, 12, 12, 4}, [&](Net& n, Value x) { return use(n, n.conv(x, 3)); }))[0];
  };
  EXPECT_EQ(first([](Net& n, Value y) { return std::vector{n.conv(y, 3, 2)}; }), 12);
  EXPECT_EQ(first([](Net& n, Value y) { return std::vector{n.conv(y, 1, 2), y}; }), 12);
  EXPECT_EQ(first([](Net& n, Value y) {
              return std::vector{n.conv(y, 1, 2), n.reduce({}, y, {1, 2})};
            }),
            12);
  EXPECT_EQ(first([](Net& n, Value y) {
              return std::vector{n.conv(n.binary({}, y, n.numbers({12, 1, 4})), 1, 2)};
            }),
            12)
      << "numbers per row";
  EXPECT_EQ(first([](Net& n, Value y) {
              return std::vector{n.conv(n.pad(y, {{}, {1, 0}, {}, {}}), 1, 2)};
            }),
            12);
}

}  // namespace
}  // namespace cornu::compile
