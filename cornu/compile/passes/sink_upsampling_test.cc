#include "cornu/compile/passes/sink_upsampling.h"

#include "tests/support/pass_check.h"

namespace cornu::compile {
namespace {

using graph::Builder;
using graph::Graph;
using graph::Value;
using ops::Unary;
using testing::check_random_graphs;
using testing::expect_equal_values;

TEST(SinkUpsampling, KeepsTheBitsOfRandomGraphs) {
  EXPECT_GT(check_random_graphs(sink_upsampling, 0), 20);
}

struct Net : Builder {
  Value numbers(Shape shape) { return constant(testing::random_tensor(std::move(shape), 3, 0.5f)); }
  Value up(Value x) {
    ops::Resize op;
    for (int64_t a = 1; a + 1 < shape(x).rank(); ++a) op.size.push_back((a + 1) * shape(x)[a]);
    return add(op, {x});
  }
  Value conv(Value x, int64_t groups = 1, int64_t stride = 1, ops::Edge pad = {}) {
    const auto axes = static_cast<size_t>(shape(x).rank() - 2);
    Shape kernel(std::vector<int64_t>(axes, 1));
    kernel.push_back(shape(x)[-1] / groups);
    kernel.push_back(6);
    return add(ops::Conv{std::vector(axes, stride), std::vector<int64_t>(axes, 1),
                         std::vector(axes, pad), groups},
               {x, numbers(kernel), numbers({6})});
  }
};

// Does the upsampling come last?
template <class Make>
bool sinks(Shape shape, Make&& make) {
  Net g;
  const Value y = make(g, g.input(std::move(shape)));
  const Graph before = std::move(g).finish({y}), after = sink_upsampling(before);
  expect_equal_values(before, after, 0);
  return std::holds_alternative<ops::Resize>(after[after.outputs[0]].op);
}
template <class Make>
bool sinks(Make&& make) {
  return sinks({2, 3, 2, 4}, make);
}

TEST(SinkUpsampling, BehindWhatLooksAtOneCell) {
  for (const Shape& shape : {Shape{2, 5, 3}, Shape{1, 3, 4, 3}, Shape{1, 2, 3, 2, 3}})
    for (int64_t groups : {1, 3})
      EXPECT_TRUE(sinks(shape, [&](Net& g, Value x) {
        return g.unary(Unary::Fn::kTanh, g.conv(g.up(x), groups));
      }));
  EXPECT_TRUE(sinks([](Net& g, Value x) {
    const Value c = g.numbers({4});
    const Value y = g.add(ops::BatchNorm{3}, {g.up(x), c, c, c, c});
    return g.add(ops::Softmax{}, {g.binary({}, c, g.binary({}, y, g.scalar(2)))});
  }));
}

TEST(SinkUpsampling, NothingElse) {
  EXPECT_FALSE(sinks([](Net& g, Value x) { return g.conv(g.up(x), 1, 2); }));
  EXPECT_FALSE(sinks([](Net& g, Value x) { return g.conv(g.up(x), 1, 1, {1, 0}); }));
  EXPECT_FALSE(sinks([](Net& g, Value x) {
    return g.binary({}, g.up(x), g.numbers({6, 4}));
  })) << "numbers per column";
  EXPECT_FALSE(sinks([](Net& g, Value x) {
    const Value c = g.numbers({4}), y = g.up(x);  // others read it
    return g.binary(ops::Binary::Fn::kMultiply, g.binary({}, y, c), y);
  }));
  EXPECT_FALSE(sinks([](Net& g, Value x) {
    const Value c = g.numbers({6});
    return g.add(ops::BatchNorm{2}, {g.up(x), c, c, c, c});
  })) << "per column";
  for (const auto mode : {ops::Resize::Mode::kNearest, ops::Resize::Mode::kBilinear})
    EXPECT_FALSE(sinks([&](Net& g, Value x) {
      const int64_t rows = mode == ops::Resize::Mode::kNearest ? 2 : 6;  // 2: fewer than before
      return g.unary(Unary::Fn::kTanh, g.add(ops::Resize{mode, {rows, 2}}, {x}));
    }));
}

}  // namespace
}  // namespace cornu::compile
