#include "cornu/compile/passes/merge_borders.h"

#include "tests/support/pass_check.h"

namespace cornu::compile {
namespace {

using graph::Builder;
using graph::Graph;
using graph::Value;
using ops::Edge;
using testing::check_random_graphs;
using testing::count;
using testing::expect_equal_values;
using Mode = ops::Resize::Mode;

TEST(MergeBorders, KeepsTheBitsOfRandomGraphs) {
  EXPECT_GT(check_random_graphs(merge_borders, 0), 50);
}

Graph pads(const std::vector<Edge>& columns) {
  Builder g;
  Value x = g.input({2, 5, 6, 3});
  for (const Edge& e : columns) x = g.add(ops::Pad{{{}, {1, 0}, e, {}}}, {x});
  return std::move(g).finish({x});
}

TEST(MergeBorders, PadsAddUpAndCancel) {
  const auto left = [](const std::vector<Edge>& columns) {
    const Graph g = pads(columns), merged = merge_borders(g);
    expect_equal_values(g, merged, 0);
    return count<ops::Pad>(merged);
  };
  EXPECT_EQ(left({{1, 2}, {3, 0}}), 1);
  EXPECT_EQ(left({{4, 2}, {-1, -2}}), 1);
  EXPECT_EQ(left({{1, 2}, {-3, -4}}), 1);
  EXPECT_EQ(left({{-1, -2}, {-2, 0}, {-1, 0}}), 1);
  EXPECT_EQ(left({{1, 1}, {-2, 1}, {0, -3}}), 1);
  EXPECT_EQ(left({{-2, 0}, {1, 0}, {-1, 0}}), 1);
  // What was removed must not come back.
  EXPECT_EQ(left({{-1, 0}, {1, 0}}), 2);
  EXPECT_EQ(left({{0, -2}, {0, 1}}), 2);
  EXPECT_EQ(left({{-2, 0}, {2, 0}, {-1, 0}}), 2);
  // Only zeros stay: no single Pad crops more than there is.
  EXPECT_EQ(left({{0, 4}, {-8, 0}}), 2);
}

TEST(MergeBorders, WhatCancelsIsGone) {
  Builder g;
  const Value x = g.input({2, 5, 6, 3});
  const Value wider = g.pad(x, {{}, {2, 1}, {0, 3}, {}});
  const Value back = g.pad(wider, {{}, {-2, -1}, {0, -3}, {}});
  const Value y = g.unary(ops::Unary::Fn::kTanh, back);
  const Graph merged = merge_borders(std::move(g).finish({y}));
  EXPECT_EQ(merged.nodes.size(), 2u) << graph::print(merged);
}

TEST(MergeBorders, APadThatOthersReadStays) {
  Builder g;
  const Value x = g.input({2, 5, 6, 3});
  const Value one = g.pad(x, {{}, {2, 1}, {0, 3}, {}}), two = g.pad(one, {{}, {1, 1}, {}, {}});
  const Graph before = std::move(g).finish({one, two}), merged = merge_borders(before);
  EXPECT_EQ(count<ops::Pad>(merged), 2);
  EXPECT_EQ(merged[merged.outputs[1]].in[0], merged.inputs[0]);
  expect_equal_values(before, merged, 0);
}

TEST(MergeBorders, NearestUpsamplingMultiplies) {
  const auto left = [](Mode first, std::vector<int64_t> to, Mode second, std::vector<int64_t> end) {
    Builder g;
    const Value x = g.input({2, 4, 3, 5});
    const Value y = g.add(ops::Resize{second, end}, {g.add(ops::Resize{first, to}, {x})});
    const Graph before = std::move(g).finish({y}), merged = merge_borders(before);
    expect_equal_values(before, merged, 0);
    return count<ops::Resize>(merged);
  };
  EXPECT_EQ(left(Mode::kNearest, {8, 3}, Mode::kNearest, {24, 6}), 1);
  EXPECT_EQ(left(Mode::kNearest, {8, 4}, Mode::kNearest, {24, 8}), 2);  // 4 of 3 columns
  EXPECT_EQ(left(Mode::kNearest, {8, 6}, Mode::kNearest, {12, 6}), 2);
  EXPECT_EQ(left(Mode::kNearest, {8, 6}, Mode::kBilinear, {16, 12}), 2);
  EXPECT_EQ(left(Mode::kBilinear, {8, 6}, Mode::kNearest, {16, 12}), 2);
  EXPECT_EQ(left(Mode::kBicubic, {4, 3}, Mode::kNearest, {4, 3}), 0);  // no-ops
}

TEST(MergeBorders, NoOpsVanish) {
  Builder g;
  const Value x = g.input({2, 4, 3, 5});
  Value y = g.unary(ops::Unary::Fn::kIdentity, x);
  y = g.add(ops::Pool{ops::Pool::Kind::kAverage, {1, 1}, {1, 1}, {{}, {}}}, {y});
  y = g.add(ops::Concat{3}, {y});
  y = g.add(ops::Pad{{{}, {}, {}, {}}}, {y});
  const Graph merged = merge_borders(std::move(g).finish({y}));
  EXPECT_EQ(merged.nodes.size(), 1u);
  EXPECT_EQ(merged.outputs, merged.inputs);

  Builder h;  // a stride drops cells
  const Value z =
      h.add(ops::Pool{ops::Pool::Kind::kMax, {1, 1}, {2, 1}, {{}, {}}}, {h.input({2, 4, 3, 5})});
  EXPECT_EQ(count<ops::Pool>(merge_borders(std::move(h).finish({z}))), 1);
}

}  // namespace
}  // namespace cornu::compile
