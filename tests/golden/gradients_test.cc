// The gradients of every golden case: what Keras's back-propagation says about the inputs and the
// trainable weights, through the interpreter and through plans over live variables.

#include <gtest/gtest.h>

#include "cornu/grad/differentiate.h"
#include "cornu/graph/interpret.h"
#include "tests/golden/golden_case.h"
#include "tests/support/compare.h"
#include "tests/support/run_plan.h"

namespace cornu {
namespace {

constexpr double kTolerance = 1e-4;

// A case's gradients as a graph, whose inputs are the model's and then the cotangents.
struct Gradients {
  explicit Gradients(const std::string& name) : c(testing::golden_case(name)) {
    const Model model = load_model(testing::golden_model(name));
    graph::Graph forward = model.trace(c.input_shapes());
    std::vector<graph::Value> wrt, cotangents;
    for (graph::NodeId id : forward.inputs) wrt.push_back({id});
    graph::Builder b(std::move(forward), graph::Mode::kPredict);
    for (const auto& weight : model.trainable_weights()) wrt.push_back(b.variable(weight));
    for (const Tensor& t : c.cotangents) cotangents.push_back(b.input(t.shape()));
    const auto gradients = grad::differentiate(b, b.outputs(), cotangents, wrt);
    g = std::move(b).finish(gradients);
    inputs = c.inputs;
    inputs.insert(inputs.end(), c.cotangents.begin(), c.cotangents.end());
    expected = c.input_gradients;
    expected.insert(expected.end(), c.weight_gradients.begin(), c.weight_gradients.end());
  }

  testing::GoldenCase c;
  graph::Graph g;
  std::vector<Tensor> inputs, expected;
};

void expect_close(const std::vector<Tensor>& got, const std::vector<Tensor>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].shape(), expected[i].shape()) << "gradient " << i;
    EXPECT_LE(testing::max_error(got[i], expected[i]), kTolerance) << "gradient " << i;
  }
}

class GoldenGradients : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenGradients, Interpreter) {
  const Gradients gradients(GetParam());
  ASSERT_FALSE(gradients.expected.empty());
  ASSERT_NO_THROW(graph::verify(gradients.g));
  const auto results = graph::interpret<float>(gradients.g, gradients.inputs);
  std::vector<Tensor> got;
  for (size_t i = 0; i < results.size(); ++i)
    got.emplace_back(gradients.g[gradients.g.outputs[i]].shape, std::span<const float>(results[i]));
  expect_close(got, gradients.expected);
}

TEST_P(GoldenGradients, Plan) {
  const Gradients gradients(GetParam());
  for (const bool strict : {true, false}) {
    const compile::Options options{.strict = strict, .freeze = false};
    const auto one = testing::run_plan(gradients.g, gradients.inputs, options, 1);
    expect_close(one, gradients.expected);
    const auto two = testing::run_plan(gradients.g, gradients.inputs, options, 2);
    ASSERT_EQ(one.size(), two.size());
    for (size_t i = 0; i < one.size(); ++i)
      EXPECT_TRUE(testing::bit_equal(one[i], two[i])) << "gradient " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Keras, GoldenGradients, ::testing::ValuesIn(testing::golden_names()),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace cornu
