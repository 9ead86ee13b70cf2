#include "cornu/grad/differentiate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "cornu/base/error.h"
#include "cornu/graph/interpret.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

// What back-propagation does with a graph. That each op's rule is right is tests/gradients'
// business, but for the kinks (layers.md part 19), where there is no difference quotient.

namespace cornu::grad {
namespace {

using namespace cornu::testing;  // NOLINT
using graph::Builder;
using graph::Graph;
using graph::Value;
using Numbers = std::vector<float>;
using BinaryFn = ops::Binary::Fn;
using UnaryFn = ops::Unary::Fn;

Tensor row(const Numbers& v) { return Tensor(Shape{v.size()}, std::span<const float>(v)); }

// The gradients of sum(f(inputs)) in the inputs.
template <class F>
std::vector<Numbers> gradients(const std::vector<Tensor>& inputs, F&& f) {
  Builder g;
  std::vector<Value> in;
  for (const Tensor& x : inputs) in.push_back(g.input(x.shape()));
  const Value y = f(g, in);
  const Value ones = g.constant(Tensor::full(g.shape(y), 1));
  const Graph result = std::move(g).finish(differentiate(g, {y}, {ones}, in));
  graph::verify(result);
  return graph::interpret<float>(result, inputs);
}

std::vector<Numbers> of_binary(BinaryFn fn, const Numbers& a, const Numbers& b) {
  return gradients({row(a), row(b)},
                   [&](Builder& g, const auto& in) { return g.binary(fn, in[0], in[1]); });
}

template <class Op>
int64_t count(const Graph& g) {
  return std::count_if(g.nodes.begin(), g.nodes.end(),
                       [](const graph::Node& n) { return std::holds_alternative<Op>(n.op); });
}

// ---- kinks --------------------------------------------------------------------------------------

TEST(Kinks, TiesGoToTheFirst) {
  EXPECT_EQ(of_binary(BinaryFn::kMaximum, {1, 2, 3}, {2, 2, 2}),
            (std::vector<Numbers>{{0, 1, 1}, {1, 0, 0}}));
  EXPECT_EQ(of_binary(BinaryFn::kMinimum, {1, 2, 3}, {2, 2, 2}),
            (std::vector<Numbers>{{1, 1, 0}, {0, 0, 1}}));
}

TEST(Kinks, EqualExtremesShare) {
  const auto of = [](ops::Reduce::Kind kind) {
    return gradients({Tensor(Shape{2, 3}, {1, 3, 3, 2, 2, 2})},
                     [&](Builder& g, const auto& in) { return g.reduce(kind, in[0], {1}); })[0];
  };
  constexpr float kThird = 1 / 3.0f;
  EXPECT_EQ(of(ops::Reduce::Kind::kMax), (Numbers{0, 0.5, 0.5, kThird, kThird, kThird}));
  EXPECT_EQ(of(ops::Reduce::Kind::kMin), (Numbers{1, 0, 0, kThird, kThird, kThird}));
}

TEST(Kinks, PowersOfZero) {
  // 0^0, 0^1, 0^2, 0^3, and the log of what is not positive counts as 0.
  const auto got = of_binary(BinaryFn::kPower, {0, 0, 0, 0, -2}, {0, 1, 2, 3, 2});
  EXPECT_EQ(got[0], (Numbers{0, 1, 0, 0, -4}));
  EXPECT_EQ(got[1], (Numbers{0, 0, 0, 0, 0}));
  // The same with an exponent that is known.
  const auto constant = [](float exponent) {
    return gradients({row({0, 2})}, [&](Builder& g, const auto& in) {
      return g.binary(BinaryFn::kPower, in[0], g.scalar(exponent));
    })[0];
  };
  EXPECT_EQ(constant(0), (Numbers{0, 0}));
  EXPECT_EQ(constant(1), (Numbers{1, 1}));
  EXPECT_EQ(constant(2), (Numbers{0, 4}));
}

TEST(Kinks, NothingFlowsThroughJumps) {
  for (const BinaryFn fn : {BinaryFn::kGreater, BinaryFn::kGreaterEqual, BinaryFn::kEqual})
    EXPECT_EQ(of_binary(fn, {1, 2}, {2, 2}), (std::vector<Numbers>{{0, 0}, {0, 0}}));
  EXPECT_EQ(gradients({row({1, 2})},
                      [](Builder& g, const auto& in) { return g.add(ops::OneHot{3}, {in[0]}); })[0],
            (Numbers{0, 0}));
  EXPECT_EQ(gradients({row({1, 2, 3, 4, 5, 6})},
                      [](Builder& g, const auto& in) {
                        return g.add(ops::Random{.shape = Shape{2}}, {in[0]});
                      })[0],
            Numbers(6, 0));
}

TEST(Kinks, HeldValuesAreConstants) {
  // x * stop(x): 2x would be wrong.
  EXPECT_EQ(gradients({row({3, 5})},
                      [](Builder& g, const auto& in) {
                        return g.binary(BinaryFn::kMultiply, in[0],
                                        g.unary(UnaryFn::kStopGradient, in[0]));
                      })[0],
            (Numbers{3, 5}));
}

// ---- which values -------------------------------------------------------------------------------

TEST(Differentiate, WithRespectToAnyValue) {
  Builder g;
  const Value x = g.input(Shape{2}), other = g.input(Shape{3});
  const Value square = g.unary(UnaryFn::kSquare, x);
  const Value y = g.reduce(ops::Reduce::Kind::kSum, g.unary(UnaryFn::kSquare, square), {0});
  const Value later = g.unary(UnaryFn::kNegate, y);
  const Value scalar = g.reshape(y, Shape{});
  const auto dx = differentiate(g, scalar, {x, square, scalar, other, later, x});
  const Graph result = std::move(g).finish(dx);
  graph::verify(result);
  const auto got = graph::interpret<float>(result, std::vector{row({1, 3}), row({7, 7, 7})});
  EXPECT_EQ(got, (std::vector<Numbers>{{4, 108}, {2, 18}, {1}, {0, 0, 0}, {0}, {4, 108}}));
}

TEST(Differentiate, SeveralResultsAndTheSameTwice) {
  Builder g;
  const Value x = g.input(Shape{2}), y = g.unary(UnaryFn::kNegate, x);
  const Value a = g.input(Shape{2}), b = g.input(Shape{2}), c = g.input(Shape{2});
  const auto dx = differentiate(g, {y, x, y}, {a, b, c}, {x, y});
  const Graph result = std::move(g).finish(dx);
  const auto got = graph::interpret<float>(
      result, std::vector{row({0, 0}), row({1, 2}), row({10, 20}), row({100, 200})});
  EXPECT_EQ(got, (std::vector<Numbers>{{-91, -182}, {101, 202}}));
}

TEST(Differentiate, NothingFlowsThroughAnEmptyBatch) {
  Builder g;
  const Value x = g.input(Shape{0, 5, 5, 2}), kernel = g.input(Shape{3, 3, 2, 4});
  const Value y = g.add(ops::Conv{{1, 1}, {1, 1}, {{0, 0}, {0, 0}}}, {x, kernel});
  const Value pooled = g.add(ops::Pool{.window = {2, 2}, .stride = {1, 1}, .pad = {{}, {}}}, {y});
  const Value mean = g.reduce(ops::Reduce::Kind::kMean, pooled, {0, 1, 2, 3});
  const auto dx = differentiate(g, g.reshape(mean, Shape{}), {x, kernel});
  const Graph result = std::move(g).finish(dx);
  graph::verify(result);
  const auto got = graph::interpret<float>(
      result, std::vector{Tensor(Shape{0, 5, 5, 2}), Tensor(Shape{3, 3, 2, 4})});
  EXPECT_TRUE(got[0].empty());
  EXPECT_EQ(got[1], Numbers(72, 0));
}

// ---- what is added ------------------------------------------------------------------------------

// A frozen base costs nothing: no gradients of its weights, and none of its input.
TEST(Differentiate, AddsOnlyWhatIsAskedFor) {
  const auto ops_of = [](bool base_is_trained) {
    Builder g;
    const Value x = g.input(Shape{2, 8, 3});
    const Value base = g.input(Shape{3, 3, 4}), head = g.input(Shape{3, 4, 5});
    const ops::Conv conv{{1}, {1}, {{0, 0}}};
    const Value y = g.unary(UnaryFn::kTanh, g.add(conv, {x, base}));
    const Value z = g.add(conv, {y, head});
    const Value dz = g.input(g.shape(z));
    std::vector<Value> wrt = {head};
    if (base_is_trained) wrt.push_back(base);
    return std::move(g).finish(differentiate(g, {z}, {dz}, wrt));
  };
  const Graph frozen = ops_of(false), trained = ops_of(true);
  EXPECT_EQ(count<ops::ConvFilterGrad>(frozen), 1);
  EXPECT_EQ(count<ops::UnaryGrad>(frozen), 0);
  EXPECT_EQ(count<ops::ConvTranspose>(frozen), 0);
  EXPECT_EQ(count<ops::ConvFilterGrad>(trained), 2);
  EXPECT_EQ(count<ops::UnaryGrad>(trained), 1);
  EXPECT_EQ(count<ops::ConvTranspose>(trained), 1);  // x itself is not asked for
}

// So that relu can be fused into what makes its operand, which is then nowhere kept.
TEST(Differentiate, TakesTheResultWhereItTells) {
  Builder g;
  const Value x = g.input(Shape{2}), dy = g.input(Shape{2});
  const Value inner = g.unary(UnaryFn::kNegate, x);
  const Value y = g.unary(UnaryFn::kRelu, inner, 0, std::numeric_limits<float>::infinity());
  const Value dx = differentiate(g, {y}, {dy}, {inner})[0];
  EXPECT_EQ(g.node(dx).in, (std::vector<graph::NodeId>{y.id, dy.id}));
}

// The 1 that flows into a loss multiplies nothing.
TEST(Differentiate, OneIsNoFactor) {
  Builder g;
  const Value x = g.input(Shape{}), weight = g.input(Shape{});
  const Value y = g.binary(BinaryFn::kMultiply, x, weight);
  EXPECT_EQ(differentiate(g, y, {x})[0].id, weight.id);
}

// A value used n times costs n sums, however deep the ways through it are.
TEST(Differentiate, WorkGrowsWithTheGraph) {
  Builder g;
  const Value x = g.input(Shape{2}), dy = g.input(Shape{2});
  Value y = x;
  for (int i = 0; i < 40; ++i) y = g.binary(BinaryFn::kAdd, y, y);  // 2^40 ways
  const Graph result = std::move(g).finish(differentiate(g, {y}, {dy}, {x}));
  EXPECT_LE(result.nodes.size(), 90u);
  EXPECT_EQ(graph::interpret<float>(result, std::vector{row({1, 2}), row({1, 2})})[0],
            (Numbers{0x1p40f, 0x1p41f}));
}

TEST(Differentiate, GradientsBelongToTheLayerOfTheirOp) {
  Builder g;
  const Value x = g.input(Shape{2}), dy = g.input(Shape{2});
  g.set_layer("first");
  const Value a = g.unary(UnaryFn::kTanh, x);
  g.set_layer("second");
  const Value b = g.unary(UnaryFn::kExp, a);
  g.set_layer("outside");
  const auto flows = differentiate(g, {b}, {dy}, {x, a});
  EXPECT_EQ(g.node(flows[0]).layer, "first");
  EXPECT_EQ(g.node(flows[1]).layer, "second");
  EXPECT_EQ(g.layer(), "outside");
}

// ---- refusals -----------------------------------------------------------------------------------

TEST(Differentiate, OnlyOnce) {
  Builder g;
  const Value x = g.input(Shape{2}), dy = g.input(Shape{2});
  const Value dx = differentiate(g, {g.unary(UnaryFn::kTanh, x)}, {dy}, {x})[0];
  try {
    differentiate(g, {dx}, {dy}, {x});
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_STREQ(e.what(),
                 "the gradient of unary_grad tanh is not defined: only first derivatives are");
  }
}

TEST(Differentiate, WantsScalarsMatchingShapesAndUnfusedGraphs) {
  Builder g;
  const Value x = g.input(Shape{2, 3}), kernel = g.input(Shape{3, 3}), dy = g.input(Shape{2});
  EXPECT_THROW(differentiate(g, x, {x}), InternalError);
  EXPECT_THROW(differentiate(g, {x}, {dy}, {x}), InternalError);
  EXPECT_THROW(differentiate(g, {x}, {}, {x}), InternalError);
  const Value fused = g.add(ops::Conv{.activation = ops::Unary{UnaryFn::kTanh}}, {x, kernel});
  EXPECT_THROW(differentiate(g, {fused}, {x}, {x}), InternalError);
}

}  // namespace
}  // namespace cornu::grad
