#include <gtest/gtest.h>

#include "cornu/compile/passes/cancel_movement.h"
#include "cornu/compile/passes/fold_affine.h"
#include "cornu/compile/passes/fold_constants.h"
#include "cornu/compile/passes/fold_pad_into_conv.h"
#include "cornu/compile/passes/fold_upsampling.h"
#include "cornu/compile/passes/fuse_activation.h"
#include "cornu/exec/interpreter.h"
#include "tests/support/pass_check.h"

namespace cornu::compile {
namespace {

using graph::Builder;
using graph::Graph;
using graph::Value;
using ops::Unary;
using testing::count;
using testing::expect_equal_values;

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

// Those that compute with other weights round otherwise.
TEST(Passes, KeepTheValuesOfRandomGraphs) {
  int folded = 0;
  for (uint64_t seed = 1000; seed < 1400; ++seed) {
    const Graph original = freeze_variables(testing::RandomGraph(seed).make());
    const std::vector<Tensor> x = testing::random_inputs(original, seed);
    const auto expected = exec::interpret<float>(original, x);
    for (auto* pass : {fold_affine, fold_upsampling}) {
      const Graph g = pass(original);
      ASSERT_NO_THROW(graph::verify(g)) << graph::print(original);
      folded += count<ops::BatchNorm>(g) < count<ops::BatchNorm>(original) ||
                count<ops::ConvTranspose>(g) > count<ops::ConvTranspose>(original);
      const auto got = exec::interpret<float>(g, x);
      for (size_t i = 0; i < expected.size(); ++i)
        ASSERT_LT(testing::max_error(got[i], expected[i]), 1e-4)
            << "seed " << seed << "\n"
            << graph::print(original) << graph::print(g);
    }
  }
  EXPECT_GT(folded, 20);
}

// A convolution over what `before` makes of x, and what `after` makes of its result.
struct Net {
  Shape x;
  std::vector<int64_t> kernel;  // spatial sizes
  int64_t filters;
  int64_t groups = 1;
  bool bias = true;
  std::vector<ops::Edge> pad = {};
};
template <class Before, class After>
Graph network(const Net& net, Before&& before, After&& after) {
  Builder g;
  const auto constant = [&](Shape shape, uint32_t seed, float low = -1) {
    return g.constant(testing::random_tensor(std::move(shape), seed, low, 1));
  };
  const Value x = before(g, g.input(net.x));
  Shape kernel(net.kernel);
  kernel.push_back(g.shape(x)[-1] / net.groups);
  kernel.push_back(net.filters);
  const std::vector<int64_t> ones(net.kernel.size(), 1);
  ops::Conv op{ones, ones, net.pad, net.groups};
  if (op.pad.empty()) op.pad.assign(ones.size(), {});
  std::vector<Value> in = {x, constant(kernel, 1)};
  if (net.bias) in.push_back(constant({net.filters}, 2));
  return std::move(g).finish({after(g, g.add(op, in), constant)});
}

TEST(FoldUpsampling, EveryFactorSizeAndBorder) {
  const auto same = [](Builder&, Value y, auto&&) { return y; };
  for (int64_t factor : {2, 3, 4})
    for (int64_t size : {2, 3, 5})
      for (const ops::Edge& pad :
           {ops::Edge{}, ops::Edge{1, 1}, ops::Edge{0, 6}, ops::Edge{2, 0}}) {
        const Graph g = network(
            {{2, 4, 5, 3}, {size, 3}, 6, 1, pad.before == 0, {pad, {1, 1}}},
            [&](Builder& b, Value x) {
              return b.add(ops::Resize{ops::Resize::Mode::kNearest, {4 * factor, 10}}, {x});
            },
            same);
        const Graph folded = fold_upsampling(g);
        expect_equal_values(g, folded);
        EXPECT_EQ(count<ops::Resize>(folded), pad.before < size ? 0 : 1);
      }
  for (int64_t groups : {1, 2}) {
    const Graph g = network(
        {{2, 4, 5, 4}, {3, 2}, 6, groups, true, {{1, 1}, {0, 1}}},
        [](Builder& b, Value x) {
          return b.add(ops::Resize{ops::Resize::Mode::kNearest, {8, 15}}, {x});
        },
        same);
    const Graph folded = fold_upsampling(g);
    expect_equal_values(g, folded);
    EXPECT_EQ(count<ops::Resize>(folded), 0);
    EXPECT_EQ(count<ops::Conv>(folded), 0);
  }
  for (const Net& net : {Net{{1, 7, 3}, {4}, 5, 1, true, {{2, 1}}},
                         Net{{1, 3, 2, 4, 3}, {3, 3, 2}, 4, 1, false, {{1, 1}, {1, 1}, {0, 1}}}}) {
    const auto axes = static_cast<size_t>(net.x.rank() - 2);
    const Graph g = network(
        net,
        [&](Builder& b, Value x) {
          std::vector<int64_t> size;
          for (size_t a = 0; a < axes; ++a) size.push_back(2 * net.x[static_cast<int64_t>(a) + 1]);
          return b.add(ops::Resize{ops::Resize::Mode::kNearest, size}, {x});
        },
        same);
    expect_equal_values(g, fold_upsampling(g));
    EXPECT_EQ(count<ops::Resize>(fold_upsampling(g)), 0);
  }
}

TEST(FoldUpsampling, LeavesWhatIsNoRepetition) {
  for (const ops::Resize& resize : {ops::Resize{ops::Resize::Mode::kNearest, {8, 7}},
                                    ops::Resize{ops::Resize::Mode::kBilinear, {8, 10}},
                                    ops::Resize{ops::Resize::Mode::kNearest, {4, 5}}}) {
    const Graph g = network(
        {{1, 4, 5, 3}, {3, 3}, 4}, [&](Builder& b, Value x) { return b.add(resize, {x}); },
        [](Builder&, Value y, auto&&) { return y; });
    EXPECT_EQ(count<ops::Resize>(fold_upsampling(g)), 1) << ops::to_text(resize);
  }
}

TEST(FoldBatchNorm, IntoEveryKindOfConvolution) {
  const auto same = [](Builder&, Value x) { return x; };
  const auto norm = [](int64_t axis) {
    return [axis](Builder& g, Value y, auto&& constant) {
      const int64_t c = g.shape(y)[axis];
      return g.add(ops::BatchNorm{.axis = axis}, {y, constant({c}, 3), constant({c}, 4),
                                                  constant({c}, 5), constant({c}, 6, 0.1f)});
    };
  };
  for (const Net& net : {Net{{2, 5, 6, 4}, {3, 2}, 6}, Net{{2, 5, 6, 4}, {3, 3}, 8, 4},
                         Net{{2, 5, 6, 4}, {2, 2}, 8, 2, false}, Net{{3, 7}, {}, 5}}) {
    const Graph g = network(net, same, norm(net.x.rank() - 1));
    const Graph folded = fold_affine(g);
    expect_equal_values(g, folded);
    EXPECT_EQ(count<ops::BatchNorm>(folded), 0);
  }
  EXPECT_EQ(count<ops::BatchNorm>(fold_affine(network({{2, 5, 6, 4}, {3, 2}, 6}, same, norm(1)))),
            1)
      << "another axis";
  for (int64_t groups : {1, 2}) {
    const Graph g =
        network({{2, 5, 6, 4}, {1, 1}, 4}, same, [&](Builder& b, Value y, auto&& constant) {
          y = b.add(ops::ConvTranspose{{2, 1}, {1, 1}, {0, 0}, {11, 8}, groups},
                    {y, constant({3, 3, 6 / groups, 4}, 9)});
          return norm(3)(b, y, constant);
        });
    const Graph folded = fold_affine(g);
    expect_equal_values(g, folded);
    EXPECT_EQ(count<ops::BatchNorm>(folded), 0);
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

TEST(FuseActivation, AfterNormalizationWhereTheGradientTakesTheResult) {
  Builder g;
  const Value x = g.input({2, 6, 6, 4}), c = g.input({4});
  const Value y = g.add(ops::BatchNorm{.axis = 3, .of_batch = true}, {x, c, c, c, c});
  const Value a = g.unary(Unary::Fn::kRelu, y, 0, INFINITY);
  const Value back = g.add(ops::UnaryGrad{{Unary::Fn::kRelu, 0, INFINITY}, true}, {a, x});
  const Graph fused = fuse_activation(std::move(g).finish({a, back}));
  EXPECT_EQ(count<Unary>(fused), 0);
  EXPECT_EQ(count<ops::UnaryGrad>(fused), 1);
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
