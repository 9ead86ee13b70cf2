#include "cornu/compile/passes/fuse_add.h"

#include "cornu/compile/passes/rebuild.h"
#include "tests/support/pass_check.h"

namespace cornu::compile {
namespace {

using graph::Builder;
using graph::Graph;
using graph::Value;
using ops::Binary;
using testing::check_random_graphs;
using testing::count;

// Something of its shape is added to every convolution: an earlier value, or numbers.
Graph with_sums(Graph g) {
  Rebuild to(g);
  for (const graph::Node& old : g.nodes) {
    graph::Node node = to.next_node();
    const graph::NodeId now = to.add(node);
    if (!std::holds_alternative<ops::Conv>(old.op)) {
      to.replace(now);
      continue;
    }
    graph::NodeId other = 0;
    while (other < now && to[other].shape != node.shape) ++other;
    if (other == now) other = to.constant(testing::random_tensor(node.shape, 1), "");
    to.replace(to.add({Binary{}, {now, other}, node.shape, node.layer}));
  }
  return std::move(to).finish();
}

TEST(FuseAdd, KeepsTheBitsOfRandomGraphs) {
  EXPECT_GT(check_random_graphs(with_sums, fuse_add, 0), 300);
}

Value conv(Builder& g, Value x, bool bias, uint64_t seed) {
  const int64_t c = g.shape(x)[-1];
  std::vector<Value> in = {x, g.constant(testing::random_tensor({3, 3, c, c}, seed))};
  if (bias) in.push_back(g.constant(testing::random_tensor({c}, seed + 1)));
  return g.add(ops::Conv{.stride = {1, 1}, .dilation = {1, 1}, .pad = {{1, 1}, {1, 1}}}, in);
}

// How many additions are left, of: the sum of x or a second convolution and a first one.
int left(bool bias, bool of_two, bool shared) {
  Builder g;
  const Value x = g.input({2, 5, 4, 3}), y = conv(g, x, bias, 1);
  const Value sum = g.binary(Binary::Fn::kAdd, y, of_two ? conv(g, y, bias, 3) : x);
  std::vector<Value> outputs = {sum};
  if (shared) outputs.push_back(y);
  const Graph before = std::move(g).finish(outputs), after = fuse_add(before);
  testing::expect_equal_values(before, after, 0);
  return count<Binary>(after);
}

TEST(FuseAdd, OfTheConvolutionThatNobodyElseReads) {
  EXPECT_EQ(left(true, false, false), 0);
  EXPECT_EQ(left(false, false, false), 0);
  EXPECT_EQ(left(true, true, true), 0);
  EXPECT_EQ(left(true, false, true), 1);
}

TEST(FuseAdd, TheLaterOfTwoConvolutions) {
  Builder g;
  const Value x = g.input({1, 5, 4, 3});
  const Value a = conv(g, x, true, 1), b = conv(g, x, true, 3);
  const Graph after = fuse_add(std::move(g).finish({g.binary(Binary::Fn::kAdd, b, a)}));
  EXPECT_EQ(count<Binary>(after), 0);
  EXPECT_EQ(count<ops::Conv>(after), 2);
  EXPECT_EQ(after[after.outputs[0]].in.size(), 4);
}

TEST(FuseAdd, NothingThatIsNoSumOfEqualShapes) {
  Builder g;
  const Value x = g.input({1, 5, 4, 3});
  const Value wide = g.binary(Binary::Fn::kAdd, conv(g, x, true, 1), g.input({5, 4, 3}));
  const Value product = g.binary(Binary::Fn::kMultiply, conv(g, x, true, 1), x);
  const Value twice = conv(g, x, true, 5);
  const Value same = g.binary(Binary::Fn::kAdd, twice, twice);
  EXPECT_EQ(count<Binary>(fuse_add(std::move(g).finish({wide, product, same}))), 3);
}

}  // namespace
}  // namespace cornu::compile
