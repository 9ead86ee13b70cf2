#include <limits>

#include "cornu/compile/compile.h"
#include "cornu/compile/passes/fold_pad_into_conv.h"
#include "cornu/compile/passes/fold_pad_into_pool.h"
#include "cornu/compile/passes/sink_pads.h"
#include "tests/support/pass_check.h"

namespace cornu::compile {
namespace {

using graph::Builder;
using graph::Graph;
using graph::Value;
using ops::Edge;
using ops::Unary;
using testing::check_random_graphs;
using testing::count;
using testing::expect_equal_values;

TEST(FoldPads, KeepTheBitsOfRandomGraphs) {
  EXPECT_GT(check_random_graphs(sink_pads, 0), 20);
  EXPECT_GT(check_random_graphs(fold_pad_into_conv, 0), 25);
  EXPECT_GT(check_random_graphs(fold_pad_into_pool, 0), 5);
}

constexpr float kNone = std::numeric_limits<float>::infinity();

Value relu(Builder& g, Value x) { return g.unary(Unary::Fn::kRelu, x, 0, kNone); }
Value wider(Builder& g, Value x, Edge rows = {1, 1}) { return g.pad(x, {{}, rows, {1, 1}, {}}); }
Value max_pool(Builder& g, Value x, int64_t window = 3, Edge pad = {}) {
  return g.add(ops::Pool{ops::Pool::Kind::kMax, {window, window}, {2, 2}, {pad, pad}}, {x});
}

// How many Pads are left where `make` made the graph.
template <class Pass, class Make>
int pads_left(Pass&& pass, Make&& make) {
  Builder g;
  const Value y = make(g, g.input({2, 7, 6, 4}));
  const Graph before = std::move(g).finish({y}), after = pass(before);
  expect_equal_values(before, after, 0);
  return count<ops::Pad>(after);
}

TEST(FoldPadIntoPool, WhatReluMade) {
  const auto left = [](auto&& make) { return pads_left(fold_pad_into_pool, make); };
  EXPECT_EQ(left([](Builder& g, Value x) { return max_pool(g, wider(g, relu(g, x))); }), 0);
  EXPECT_EQ(left([](Builder& g, Value x) {
              return max_pool(g, wider(g, g.concat({relu(g, x), relu(g, x)}, 3)));
            }),
            0);
  EXPECT_EQ(left([](Builder& g, Value x) {  // relu6, moved
              x = g.unary(Unary::Fn::kRelu, x, 0, 6);
              return max_pool(g, wider(g, g.reshape(x, {2, 6, 7, 4})), 3, {1, 0});
            }),
            0);
}

TEST(FoldPadIntoPool, NothingElse) {
  const auto left = [](auto&& make) { return pads_left(fold_pad_into_pool, make); };
  EXPECT_EQ(left([](Builder& g, Value x) { return max_pool(g, wider(g, x)); }), 1);
  EXPECT_EQ(left([](Builder& g, Value x) {
              return max_pool(g, wider(g, g.unary(Unary::Fn::kRelu, x, 0.1f, kNone)));
            }),
            1);
  EXPECT_EQ(left([](Builder& g, Value x) {
              return max_pool(g, wider(g, g.concat({relu(g, x), x}, 3)));
            }),
            1);
  // Windows of zeros alone.
  EXPECT_EQ(left([](Builder& g, Value x) { return max_pool(g, wider(g, relu(g, x), {3, 0})); }), 1);
  EXPECT_EQ(left([](Builder& g, Value x) {
              return max_pool(g, wider(g, relu(g, x), {0, 2}), 3, {1, 1});
            }),
            1);
  // Crops, averages, channels.
  EXPECT_EQ(left([](Builder& g, Value x) {
              return max_pool(g, wider(g, relu(g, x), {-1, 1}));
            }),
            1);
  EXPECT_EQ(left([](Builder& g, Value x) {
              return g.add(ops::Pool{ops::Pool::Kind::kAverage, {2, 2}, {1, 1}, {{}, {}}},
                           {wider(g, relu(g, x))});
            }),
            1);
  EXPECT_EQ(left([](Builder& g, Value x) {
              return max_pool(g, g.pad(relu(g, x), {{}, {}, {}, {1, 0}}));
            }),
            1);
}

Value conv(Builder& g, Value x, int64_t groups = 1) {
  const int64_t c = g.shape(x)[-1];
  return g.add(ops::Conv{{1, 2}, {2, 1}, {{1, 0}, {0, 1}}, groups},
               {x, g.constant(testing::random_tensor({3, 2, c / groups, 8}, 3))});
}

TEST(SinkPads, ThroughFunctionsThatKeepZero) {
  const auto left = [](auto&& make) {
    return pads_left([](Graph g) { return fold_pad_into_conv(sink_pads(std::move(g))); }, make);
  };
  for (int64_t groups : {1, 2, 4})  // depthwise, too
    EXPECT_EQ(left([&](Builder& g, Value x) {
                return conv(g, g.unary(Unary::Fn::kTanh, relu(g, wider(g, x))), groups);
              }),
              0);
  EXPECT_EQ(left([](Builder& g, Value x) {  // every consumer folds it
              const Value y = g.unary(Unary::Fn::kSilu, wider(g, x));
              return g.binary({}, conv(g, y), conv(g, y, 4));
            }),
            0);
  EXPECT_EQ(
      left([](Builder& g, Value x) { return conv(g, g.unary(Unary::Fn::kSigmoid, wider(g, x))); }),
      1);
  EXPECT_EQ(left([](Builder& g, Value x) {
              return conv(g, g.unary(Unary::Fn::kAffine, wider(g, x), 2, 0.5f));
            }),
            1);
  EXPECT_EQ(left([](Builder& g, Value x) {  // others read the padded x
              const Value y = wider(g, x);
              return g.binary({}, relu(g, y), y);
            }),
            1);
  EXPECT_EQ(left([](Builder& g, Value x) {
              const Value c = g.constant(testing::random_tensor({4}, 1, 0.5f, 1));
              return conv(g, g.add(ops::BatchNorm{3}, {wider(g, x), c, c, c, c}));
            }),
            1);
}

TEST(FoldPadIntoConv, TransposedOnesCropLess) {
  const auto left = [](int64_t crop, Edge rows) {
    return pads_left(fold_pad_into_conv, [&](Builder& g, Value x) {
      const Value kernel = g.constant(testing::random_tensor({3, 4, 5, 4}, 3));
      return g.add(ops::ConvTranspose{{2, 1}, {1, 2}, {crop, 1}, {21, 14}},
                   {wider(g, x, rows), kernel, g.constant(testing::random_tensor({5}, 4))});
    });
  };
  EXPECT_EQ(left(2, {1, 0}), 0);
  EXPECT_EQ(left(5, {2, 3}), 0);
  EXPECT_EQ(left(0, {0, 4}), 0);
  EXPECT_EQ(left(1, {1, 0}), 1);
  EXPECT_EQ(left(4, {1, -1}), 1);
}

}  // namespace
}  // namespace cornu::compile
