#include <gtest/gtest.h>

#include "cornu/compile/passes/cancel_movement.h"
#include "cornu/compile/passes/fold_constants.h"
#include "cornu/compile/passes/fold_pad_into_conv.h"
#include "cornu/compile/passes/fuse_activation.h"
#include "cornu/exec/interpreter.h"
#include "tests/support/random_graph.h"

namespace cornu::compile {
namespace {

using graph::Builder;
using graph::Graph;
using graph::Value;
using ops::Unary;

template <class Op>
int count(const Graph& g) {
  int n = 0;
  for (const graph::Node& node : g.nodes) n += std::holds_alternative<Op>(node.op);
  return n;
}

Value conv3x3(Builder& g, Value x, int64_t filters) {
  const int64_t c = g.shape(x)[-1];
  const auto kernel =
      std::make_shared<Variable>("kernel", testing::random_tensor({3, 3, c, filters}, 5), true);
  return g.add(ops::Conv{.stride = {1, 1}, .dilation = {1, 1}, .pad = {{1, 1}, {0, 1}}},
               {x, g.variable(kernel)});
}

// Every pass leaves the numbers alone: data movement and fusing to the bit.
TEST(Passes, KeepTheBitsOfRandomGraphs) {
  struct Pass {
    const char* name;
    Graph (*run)(Graph);
  };
  const Pass passes[] = {{"freeze_variables", freeze_variables},
                         {"fold_constants", fold_constants},
                         {"cancel_movement", cancel_movement},
                         {"fold_pad_into_conv", fold_pad_into_conv},
                         {"fuse_activation", fuse_activation}};
  for (uint64_t seed = 1000; seed < 1400; ++seed) {
    const Graph original = testing::RandomGraph(seed).make();
    const std::vector<Tensor> x = testing::random_inputs(original, seed);
    const auto expected = exec::interpret<float>(original, x);
    Graph together = original;
    for (const Pass& pass : passes) {
      const Graph alone = pass.run(original);
      ASSERT_NO_THROW(graph::verify(alone)) << pass.name << "\n" << graph::print(original);
      together = pass.run(std::move(together));
      ASSERT_NO_THROW(graph::verify(together)) << pass.name;
      for (const Graph* g : {&alone, static_cast<const Graph*>(&together)}) {
        const auto got = exec::interpret<float>(*g, x);
        for (size_t i = 0; i < expected.size(); ++i)
          // -0 + 0 may change sign where zeros are no longer added.
          ASSERT_EQ(testing::max_error(got[i], expected[i]), 0)
              << pass.name << ", seed " << seed << "\n"
              << graph::print(original) << graph::print(*g);
      }
    }
  }
}

TEST(FoldPadIntoConv, FoldsZerosAndNothingElse) {
  const auto after = [](std::vector<ops::Edge> edges) {
    Builder g;
    const Value x = g.input({1, 6, 6, 2});
    return fold_pad_into_conv(std::move(g).finish({conv3x3(g, g.pad(x, std::move(edges)), 4)}));
  };
  const Graph folded = after({{}, {2, 0}, {1, 3}, {}});
  EXPECT_EQ(count<ops::Pad>(folded), 0);
  for (const graph::Node& node : folded.nodes) {
    const auto* conv = std::get_if<ops::Conv>(&node.op);
    EXPECT_TRUE(!conv || conv->pad == (std::vector<ops::Edge>{{3, 1}, {1, 4}}));
  }
  EXPECT_EQ(count<ops::Pad>(after({{}, {-1, 0}, {}, {}})), 1);  // crops
  EXPECT_EQ(count<ops::Pad>(after({{}, {}, {}, {0, 1}})), 1);   // channels
  EXPECT_EQ(count<ops::Pad>(after({{1, 0}, {}, {}, {}})), 1);   // batch
}

TEST(FuseActivation, NeedsTheOnlyUser) {
  Builder g;
  const Value x = g.input({1, 6, 6, 2});
  const Value y = conv3x3(g, x, 4);
  const Value a = g.unary(Unary::Fn::kTanh, y);
  EXPECT_EQ(count<Unary>(fuse_activation(std::move(g).finish({a}))), 0);

  Builder h;
  const Value x2 = h.input({1, 6, 6, 2});
  const Value y2 = conv3x3(h, x2, 4);
  const Value a2 = h.unary(Unary::Fn::kTanh, y2);
  EXPECT_EQ(count<Unary>(fuse_activation(std::move(h).finish({a2, y2}))), 1);

  Builder k;  // the second of two stays
  const Value x3 = k.input({1, 6, 6, 2});
  const Value b = k.unary(Unary::Fn::kAbs, k.unary(Unary::Fn::kTanh, conv3x3(k, x3, 4)));
  EXPECT_EQ(count<Unary>(fuse_activation(std::move(k).finish({b}))), 1);
}

TEST(CancelMovement, MakesAChannelsFirstChainChannelsLast) {
  Builder g;
  const Value x = g.input({1, 3, 8, 8});
  Value y = g.move_axis(x, 1, -1);
  y = g.move_axis(conv3x3(g, y, 5), -1, 1);
  y = g.unary(Unary::Fn::kTanh, y);  // a layer of its own between the two
  y = g.move_axis(y, 1, -1);
  y = g.move_axis(conv3x3(g, y, 6), -1, 1);
  const Graph g2 = cancel_movement(std::move(g).finish({y}));
  EXPECT_EQ(count<ops::Transpose>(g2), 2);  // at the two ends
}

TEST(CancelMovement, SeesThroughSizeOneAxes) {
  Builder g;
  const Value x = g.input({1, 1, 8, 9});
  const Value y = g.unary(Unary::Fn::kAbs, g.move_axis(x, 1, -1));
  const Graph g2 = cancel_movement(std::move(g).finish({y}));
  EXPECT_EQ(count<ops::Transpose>(g2), 0);
}

TEST(FoldConstants, SeesAKernelUnderAnotherShapeWithoutACopy) {
  Builder g;
  const auto kernel =
      std::make_shared<Variable>("kernel", testing::random_tensor({3, 3, 4, 2}, 1), true);
  const Value x = g.input({1, 8, 8, 4});
  const Value k = g.reshape(g.variable(kernel), {3, 3, 1, 8});
  const Value y =
      g.add(ops::Conv{.stride = {1, 1}, .dilation = {1, 1}, .pad = {{}, {}}, .groups = 4}, {x, k});
  const Graph folded = fold_constants(freeze_variables(std::move(g).finish({y})));
  EXPECT_EQ(count<ops::Reshape>(folded), 0);
  ASSERT_EQ(count<ops::Constant>(folded), 1);
  const Tensor value = kernel->value();
  for (const graph::Node& node : folded.nodes) {
    const auto* constant = std::get_if<ops::Constant>(&node.op);
    EXPECT_TRUE(!constant || constant->value.data() == value.data());
  }
}

TEST(FoldConstants, DoesNotBlowUpASmallWeight) {
  Builder g;
  const Value small = g.constant(Tensor::full({1, 4}, 2));
  const Value large = g.pad(small, {{0, 100}, {}});
  const Graph folded =
      fold_constants(std::move(g).finish({g.add(ops::Binary{}, {large, g.input({101, 4})})}));
  EXPECT_EQ(count<ops::Pad>(folded), 1);
}

}  // namespace
}  // namespace cornu::compile
