#include "cornu/compile/buffers.h"

#include "cornu/compile/memory_plan.h"
#include "cornu/compile/select.h"
#include "tests/support/draws.h"
#include "tests/support/pass_check.h"
#include "tests/support/run_plan.h"

namespace cornu::compile {
namespace {

using graph::Builder;
using graph::Graph;
using graph::Value;
using testing::random_tensor;
using Unary = ops::Unary;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Graphs of values of one size that are concatenated, convolved, added and rectified again and
// again, as dense, residual and inception blocks are.
class DenseGraph : private testing::Draws {
 public:
  explicit DenseGraph(uint64_t seed) : Draws(seed) {}

  Graph make() {
    const int64_t batch = pick(0, 15) == 0 ? 0 : pick(1, 2);
    rows_ = pick(2, 12);
    columns_ = pick(2, 12);
    for (int64_t i = pick(1, 2); i > 0; --i)
      values_.push_back(g_.input({batch, rows_, columns_, channels()}));
    for (int64_t i = pick(3, 16); i > 0; --i) values_.push_back(step());
    std::vector<Value> outputs = {values_.back()};
    if (pick(0, 2) == 0) outputs.push_back(any());
    if (pick(0, 5) == 0) outputs.push_back(outputs[0]);
    return std::move(g_).finish(outputs);
  }

 private:
  int64_t channels() {
    static constexpr int64_t kSome[] = {1, 3, 16, 16, 17, 32, 32, 33, 48};
    return one_of(kSome);
  }
  // Mostly one of the last few.
  Value any() {
    const auto count = static_cast<int64_t>(values_.size());
    return values_[static_cast<size_t>(
        pick(pick(0, 3) == 0 ? 0 : std::max<int64_t>(0, count - 4), count - 1))];
  }
  Value weight(Shape shape) {
    return g_.variable(
        std::make_shared<Variable>("w", numbers(std::move(shape), -0.3f, 0.3f), true));
  }

  Value step() {
    const Value x = any();
    const int64_t c = g_.shape(x)[3];
    switch (pick(0, 13)) {
      case 0:
      case 1:
        return concat();
      case 2: {  // as dense blocks go on
        values_.push_back(conv(x));
        return g_.concat({x, values_.back()}, 3);
      }
      case 3:
        return g_.unary(Unary::Fn::kRelu, x, 0, kInfinity);
      case 4:
        return g_.unary(Unary::Fn::kSigmoid, x);
      case 5:
        for (Value other : values_)
          if (other.id != x.id && g_.shape(other) == g_.shape(x))
            return g_.binary(ops::Binary::Fn::kAdd, pick(0, 1) ? x : other, pick(0, 1) ? other : x);
        return g_.binary(ops::Binary::Fn::kMultiply, x, weight({c}));
      case 6:
        return g_.add(
            ops::Pool{static_cast<ops::Pool::Kind>(pick(0, 1)), {3, 1}, {1, 1}, {{1, 1}, {0, 0}}},
            {x});
      case 7:  // resized to what it was, but by two ops
        return g_.add(
            ops::Pool{ops::Pool::Kind::kMax, {2, 2}, {2, 2}, {{}, {}}},
            {g_.add(ops::Resize{ops::Resize::Mode::kNearest, {2 * rows_, 2 * columns_}}, {x})});
      case 8:
        return g_.reshape(g_.unary(Unary::Fn::kTanh, g_.reshape(x, flat(x))), g_.shape(x));
      case 9:
      case 10:
        return conv(concat());  // nobody else reads it
      default:
        return conv(x);
    }
  }
  Shape flat(Value x) {
    const Shape s = g_.shape(x);
    return pick(0, 1) ? Shape{s[0], s[1] * s[2], s[3]} : Shape{s[0], s[1], s[2] * s[3]};
  }
  Value conv(Value x) {
    const int64_t k = pick(0, 2) ? 3 : 1, c = g_.shape(x)[3], filters = channels();
    const ops::Edge pad{k / 2, k / 2};
    const Value y = g_.add(ops::Conv{.stride = {1, 1}, .dilation = {1, 1}, .pad = {pad, pad}},
                           {x, weight({k, k, c, filters})});
    return pick(0, 1) ? y : g_.unary(Unary::Fn::kRelu, y, 0, kInfinity);
  }
  Value concat() {
    std::vector<Value> parts;
    int64_t channels = 0;
    for (int64_t i = pick(1, 4); i > 0; --i) {
      parts.push_back(any());
      channels += g_.shape(parts.back())[3];
    }
    return channels > 200 ? parts[0] : g_.concat(parts, 3);
  }

  int64_t rows_ = 1, columns_ = 1;
  Builder g_;
  std::vector<Value> values_;
};

struct Made {
  std::shared_ptr<const Plan> plan;
  Buffers buffers;
};
Made make(const Graph& g, bool share) {
  std::vector<Choice> choices = choose_kernels(g, {});
  Buffers buffers = assign_buffers(g, choices, share);
  auto plan = plan_memory(g, buffers, prepare_kernels(g, std::move(choices), buffers));
  return {std::move(plan), std::move(buffers)};
}

std::vector<Tensor> run(const std::shared_ptr<const Plan>& plan, const std::vector<Tensor>& x,
                        int threads) {
  return testing::run_program(Program(plan), x, threads);
}

struct Found {
  int segmented = 0, gone = 0, copied = 0, shared = 0;
};

// Sharing buffers changes no bit, and the interpreter agrees.
void expect_same_results(const Graph& traced, uint64_t seed, bool freeze, Found& found) {
  const Graph g = optimize(traced, {.freeze = freeze});
  std::vector<Tensor> x = testing::random_inputs(traced, seed);
  const auto exact = exec::interpret<double>(traced, x);
  if (!freeze)
    for (const auto& variable : traced.variables) x.push_back(variable->value());
  const Made plain = make(g, false), shared = make(g, true);
  const std::vector<Tensor> expected = run(plain.plan, x, 1);
  for (int threads : {1, 2, 4}) {
    const std::vector<Tensor> got = run(shared.plan, x, threads);
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_TRUE(testing::bit_equal(got[i], expected[i]))
          << "seed " << seed << " output " << i << " threads " << threads << "\n"
          << graph::print(g);
      ASSERT_LE(testing::max_error(got[i].values(), std::span<const double>(exact[i])), 1e-3)
          << "seed " << seed << "\n"
          << graph::print(g);
    }
  }
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    if (!std::holds_alternative<ops::Concat>(g.nodes[i].op)) continue;
    const bool segmented = !shared.buffers.segments[i].empty();
    const bool gone = shared.buffers.is_gone(static_cast<graph::NodeId>(i));
    found.segmented += segmented;
    found.gone += gone && !segmented;
    found.copied += !gone && !shared.buffers.in_place[i].empty();
  }
  found.shared += shared.buffers.buffers.size() < plain.buffers.buffers.size();
}

TEST(Buffers, SharingKeepsTheBitsOfRandomGraphs) {
  Found found;
  for (uint64_t seed = 1; seed <= 500 && !HasFatalFailure(); ++seed)
    expect_same_results(DenseGraph(seed).make(), seed, true, found);
#ifndef CORNU_NO_KERNELS
  // The graphs are such that everything happens.
  EXPECT_GT(found.segmented, 50);
  EXPECT_GT(found.gone, 20);
  EXPECT_GT(found.copied, 50);
  EXPECT_GT(found.shared, 200);
#endif
}

TEST(Buffers, SharingKeepsTheBitsOfGradients) {
  Found found;
  for (uint64_t seed = 1; seed <= 100 && !HasFatalFailure(); ++seed)
    expect_same_results(testing::with_gradients(DenseGraph(seed).make()), seed, seed % 2 == 0,
                        found);
#ifndef CORNU_NO_KERNELS
  EXPECT_GT(found.shared, 50);
#endif
}

TEST(Buffers, OperandsThatShareNumbersAreNotReplaced) {
  Builder g;
  const Value x = g.input({1, 9, 9, 24});
  std::vector<Value> parts;
  for (float slope : {2.0f, 3.0f, 4.0f}) parts.push_back(g.unary(Unary::Fn::kAffine, x, slope, 1));
  const Value a = g.concat({parts[0], parts[1]}, 3), b = g.concat({parts[1], parts[2]}, 3);
  const Value sum = g.binary(ops::Binary::Fn::kAdd, b, a);
  const Value y = g.add(ops::Softmax{}, {g.unary(Unary::Fn::kTanh, sum)});
  Found found;
  expect_same_results(std::move(g).finish({y}), 1, true, found);
}

// A network's parts for tests that count steps.
struct Net {
  Builder g;
  uint64_t seed = 0;
  Value conv(Value x, int64_t k, int64_t filters) {
    const ops::Edge pad{k / 2, k / 2};
    const Value kernel = g.constant(random_tensor({k, k, g.shape(x)[3], filters}, ++seed));
    return g.add(ops::Conv{.stride = {1, 1}, .dilation = {1, 1}, .pad = {pad, pad}}, {x, kernel});
  }
  int steps(Value out, const std::string& op, int64_t* arena = nullptr) && {
    const auto plan = make(std::move(g).finish({out}), true).plan;
    if (arena) *arena = plan->arena_floats;
    int count = 0;
    for (const Step& step : plan->steps) count += step.op == op;
    return count;
  }
};

#ifndef CORNU_NO_KERNELS

TEST(Buffers, DenseBlocksAreReadInSegments) {
  for (const bool nested : {true, false}) {
    Net net;
    Value x = net.conv(net.g.input({1, 64, 64, 64}), 3, 64);
    std::vector<Value> parts = {x};
    for (int i = 0; i < 4; ++i) {
      const Value all = parts.size() == 1 ? x : net.g.concat(parts, 3);
      const Value y = net.conv(all, 3, 32);
      parts = nested ? std::vector<Value>{all, y} : parts;
      if (!nested) parts.push_back(y);
    }
    const Value y = net.conv(net.g.concat(parts, 3), 3, 64);
    int64_t arena = 0;
    EXPECT_EQ(std::move(net).steps(net.g.binary(ops::Binary::Fn::kAdd, x, y), "concat", &arena), 0);
    // x and four times 32 channels, and what the last convolution needs.
    EXPECT_LT(arena, 64 * 64 * (64 + 128 + 64) + 600'000);
  }
}

TEST(Buffers, PartsAreWrittenSideBySideForThoseWhoReadThemAsOne) {
  Net net;
  const Value x = net.conv(net.g.input({2, 7, 7, 5}), 1, 17);
  const Value all = net.g.concat({net.conv(x, 1, 8), net.conv(x, 3, 17), net.conv(x, 1, 1)}, 3);
  EXPECT_EQ(std::move(net).steps(net.g.add(ops::Softmax{}, {all}), "concat"), 0);
}

TEST(Buffers, PartsOfAnOutputLieInIt) {
  Net net;
  const Value x = net.g.input({2, 7, 7, 5});
  const Value all = net.g.concat({net.conv(x, 1, 8), net.conv(x, 3, 17)}, 3);
  int64_t arena = 1;
  EXPECT_EQ(std::move(net).steps(all, "concat", &arena), 0);
}

TEST(Buffers, WhatBelongsToTheUserIsCopied) {
  Net net;
  const Value x = net.g.input({2, 7, 7, 5});
  const Value all = net.g.concat({x, net.conv(x, 3, 17)}, 3);
  EXPECT_EQ(std::move(net).steps(net.g.add(ops::Softmax{}, {all}), "concat"), 1);
}

TEST(Buffers, ElementwiseStepsTakeTheirOperandsPlace) {
  const auto arena = [](bool needed_later) {
    Builder g;
    const Value x = g.input({1, 32, 32, 16});
    const Value first = g.unary(Unary::Fn::kTanh, x);
    Value y = first;
    for (int i = 0; i < 4; ++i) y = g.unary(Unary::Fn::kTanh, y);
    if (needed_later) y = g.binary(ops::Binary::Fn::kSubtract, y, first);
    y = g.add(ops::Softmax{}, {y});
    return make(std::move(g).finish({y}), true).plan->arena_floats / (32 * 32 * 16);
  };
  EXPECT_EQ(arena(false), 1);
  EXPECT_EQ(arena(true), 2);
}

// A block within blocks: what goes around the inner ones does not keep their buffer.
TEST(Buffers, WhatOutlivesABufferIsCopiedIntoIt) {
  Net net;
  // Who reads a concatenation reads it once, as batch normalization does.
  const auto layer = [&](Value v) { return net.conv(net.g.unary(Unary::Fn::kTanh, v), 1, 8); };
  Value x = layer(net.g.input({1, 32, 32, 8}));
  for (int outer = 0; outer < 3; ++outer) {
    Value y = x;
    for (int inner = 0; inner < 3; ++inner) {
      Value all = y;
      for (int i = 0; i < 4; ++i) all = net.g.concat({all, layer(all)}, 3);
      y = net.g.binary(ops::Binary::Fn::kAdd, y, layer(all));
    }
    x = net.g.binary(ops::Binary::Fn::kAdd, x, y);
  }
  int64_t arena = 0;
  EXPECT_EQ(std::move(net).steps(x, "concat", &arena), 3);
  // x, a block, and what its last layer makes of it.
  EXPECT_LE(arena, 32 * 32 * (8 + 40 + 40 + 8));
}

#endif

}  // namespace
}  // namespace cornu::compile
