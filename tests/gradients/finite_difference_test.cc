// Every op's gradient against difference quotients in double precision, over pairwise covering sets
// of its arguments.

#include <gtest/gtest.h>

#include "cornu/compile/passes/fold_constants.h"
#include "tests/gradients/elementwise.h"
#include "tests/gradients/others.h"
#include "tests/gradients/spatial.h"
#include "tests/support/random_graph.h"

namespace cornu::testing {
namespace {

std::vector<Family> families() {
  std::vector<Family> all;
  for (const auto& some : {elementwise_families(), spatial_families(), other_families()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

class FiniteDifference : public ::testing::TestWithParam<Family> {};

TEST_P(FiniteDifference, EqualsTheGradient) {
  const Family& family = GetParam();
  uint64_t seed = 0;
  for (const Choice& choice : choices_of(family)) {
    Trial trial(++seed);
    Pick pick(Choice(choice.begin() + 1, choice.end()));
    const graph::Value y = family.build(trial, pick);
    ASSERT_EQ(pick.levels().size() + 1, choice.size()) << "an argument depends on another";
    const auto fault = std::move(trial).fault(y, static_cast<Trial::Wanted>(choice[0]));
    ASSERT_FALSE(fault) << "configuration " << seed << ", " << *fault;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, FiniteDifference, ::testing::ValuesIn(families()),
                         [](const auto& p) { return std::string(p.param.name); });

TEST(FiniteDifference, ThereAreTwoThousandConfigurations) {
  size_t all = 0;
  for (const Family& family : families()) all += choices_of(family).size();
  EXPECT_GE(all, 2000u);
  RecordProperty("configurations", static_cast<int>(all));
}

// Graphs of many ops, by their inputs and variables.
TEST(FiniteDifference, EqualsTheGradientOfRandomGraphs) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    graph::Graph g = RandomGraph(seed, Kinks::kNowhere).make();
    std::vector<Tensor> inputs = random_inputs(g, seed);
    for (const auto& variable : g.variables) inputs.push_back(variable->value());
    Trial trial(compile::variables_to_inputs(std::move(g)), inputs, seed);
    const graph::Value y = trial.g.outputs()[0];
    const auto fault = std::move(trial).fault(y);
    ASSERT_FALSE(fault) << "seed " << seed << ", " << *fault;
  }
}

// The check can fail: a factor that the gradient is told to ignore, and one ignored in a single
// number.
TEST(FiniteDifference, FindsWrongGradients) {
  using Unary = ops::Unary::Fn;
  using Binary = ops::Binary::Fn;
  Trial all(1);
  const graph::Value x = all.input(Shape{2, 3});
  EXPECT_TRUE(std::move(all).fault(
      all.g.binary(Binary::kMultiply, x, all.g.unary(Unary::kStopGradient, x))));

  Trial one(2);
  const graph::Value v = one.input(Shape{40}), first = one.g.slice(v, 0, 0, 1);
  const graph::Value rest = one.g.slice(v, 0, 1, 40);
  EXPECT_TRUE(
      std::move(one).fault(one.g.concat({one.g.unary(Unary::kStopGradient, first), rest}, 0)));
}

}  // namespace
}  // namespace cornu::testing
