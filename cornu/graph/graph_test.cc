#include "cornu/graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cornu/base/error.h"
#include "cornu/graph/builder.h"

namespace cornu::graph {
namespace {

using ::testing::HasSubstr;

// x (1, 2, 3) -> relu -> sum over the last axis.
Graph small_graph() {
  Builder g;
  const Value x = g.input({1, 2, 3});
  g.set_layer("act");
  const Value y = g.unary(ops::Unary::Fn::kAbs, x);
  return std::move(g).finish({g.reduce(ops::Reduce::Kind::kSum, y, {2})});
}

TEST(Builder, InfersShapesAndSkipsWhatDoesNothing) {
  Builder g;
  const Value x = g.input({2, 3, 4, 5});
  EXPECT_EQ(g.reshape(x, {2, 3, 4, 5}).id, x.id);
  EXPECT_EQ(g.transpose(x, {0, 1, 2, 3}).id, x.id);
  EXPECT_EQ(g.pad(x, std::vector<ops::Edge>(4)).id, x.id);
  EXPECT_EQ(g.concat({x}, 1).id, x.id);
  EXPECT_EQ(g.shape(g.move_axis(x, 1, -1)), (Shape{2, 4, 5, 3}));
  EXPECT_EQ(g.shape(g.move_axis(x, -1, 1)), (Shape{2, 5, 3, 4}));
  EXPECT_EQ(g.shape(g.slice(x, 2, 1, 3)), (Shape{2, 3, 2, 5}));
}

TEST(Builder, MakesOneNodePerVariable) {
  Builder g;
  const auto v = std::make_shared<cornu::Variable>("w", Tensor(Shape{3}), true);
  EXPECT_EQ(g.variable(v).id, g.variable(v).id);
}

TEST(Graph, DropsDeadNodesButKeepsInputs) {
  Builder g;
  const Value a = g.input({1, 2});
  const Value b = g.input({1, 2});
  g.unary(ops::Unary::Fn::kExp, a);  // nobody needs it
  const Graph graph = std::move(g).finish({g.unary(ops::Unary::Fn::kAbs, b)});
  EXPECT_EQ(graph.nodes.size(), 3u);
  EXPECT_EQ(graph.inputs.size(), 2u);
  EXPECT_NO_THROW(verify(graph));
}

TEST(Graph, PrintsOneLinePerNode) {
  const std::string text = print(small_graph());
  EXPECT_THAT(text, HasSubstr("(1, 2, 3)"));
  EXPECT_THAT(text, HasSubstr("# act"));
  EXPECT_THAT(text, HasSubstr("return %2"));
  EXPECT_THAT(print_dot(small_graph()), HasSubstr("n1 -> n2;"));
}

TEST(Graph, VerifierNamesTheBrokenNode) {
  const auto broken = [](auto&& breaks) -> std::string {
    Graph g = small_graph();
    breaks(g);
    try {
      verify(g);
    } catch (const InternalError& e) {
      return e.what();
    }
    return "sound";
  };
  EXPECT_EQ(broken([](Graph&) {}), "sound");
  EXPECT_THAT(broken([](Graph& g) { g.nodes[2].shape = Shape{1, 2, 2}; }), HasSubstr("node 2"));
  EXPECT_THAT(broken([](Graph& g) { g.nodes[1].in[0] = 2; }), HasSubstr("input node 2"));
  EXPECT_THAT(broken([](Graph& g) { g.nodes[1].in[0] = -1; }), HasSubstr("input node -1"));
  EXPECT_THAT(broken([](Graph& g) { g.inputs[0] = 1; }), HasSubstr("input 0 is another node"));
  EXPECT_THAT(broken([](Graph& g) { g.outputs[0] = 9; }), HasSubstr("no node 9"));
  EXPECT_THAT(broken([](Graph& g) {
                g.nodes[1].shape = Shape{None, 2, 3};
              }),
              HasSubstr("unknown shape"));
  EXPECT_THAT(broken([](Graph& g) { g.nodes[0].op = ops::Variable{0}; }),
              HasSubstr("no variable 0"));
}

}  // namespace
}  // namespace cornu::graph
