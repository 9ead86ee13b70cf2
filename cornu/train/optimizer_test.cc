#include "cornu/train/optimizer.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/support/layer_test.h"

namespace cornu {
namespace {

using testing::numbers;

std::shared_ptr<Variable> variable(std::vector<float> values, std::string name = "kernel") {
  const Shape shape{static_cast<int64_t>(values.size())};
  return std::make_shared<Variable>(std::move(name), Tensor(shape, std::span<const float>(values)),
                                    true);
}

// The weight after each of some gradients.
std::vector<float> follow(Optimizer optimizer, float start, const std::vector<float>& gradients,
                          Constraint constraint = None) {
  const std::vector<Weight> weights = {{variable({start}), None, constraint}};
  optimizer.build(weights);
  std::vector<float> all;
  for (float g : gradients) {
    float* const pointers[] = {&g};
    optimizer.apply(weights, pointers);
    all.push_back(weights[0].variable->value().values()[0]);
  }
  return all;
}

// layers.md 21.10.
TEST(Optimizer, WorkedExamples) {
  struct {
    Optimizer optimizer;
    std::vector<double> wanted;
  } cases[] = {
      {SGD({.learning_rate = .1}), {.99, 1.01, .98}},
      {SGD({.learning_rate = .1, .momentum = .9}), {.99, 1.001, .9809}},
      {SGD({.learning_rate = .1, .momentum = .9, .nesterov = true}), {.981, 1.0109, .96281}},
      {SGD({.learning_rate = .1, .weight_decay = .01}), {.989, 1.0080111, .977003}},
      {SGD({.learning_rate = .1, .clipnorm = .15}), {.99, 1.005, .99}},
      {SGD({.learning_rate = .1, .clipvalue = .15}), {.99, 1.005, .99}},
      {RMSprop({.learning_rate = .1}), {.6837881, .9694995, .7104366}},
      {RMSprop({.learning_rate = .1, .momentum = .5, .centered = true}),
       {.6666852, .7893334, .5876017}},
      {Adam({.learning_rate = .1}), {.9000032, .9366130, .9022892}},
      {Adam({.learning_rate = .1, .amsgrad = true}), {.9000032, .9366130, .9022892}},
      {AdamW({.learning_rate = .1, .weight_decay = .01}), {.8990032, .9347140, .8994555}},
      {Adagrad({.learning_rate = .1}), {.9698489, 1.0214887, .9602515}},
      {Adadelta({.learning_rate = .1}), {.9998586, 1.0000384, .999822}},
      {Adamax({.learning_rate = .1}), {.9000001, .9289474, .9042242}},
      {Nadam({.learning_rate = .1}), {.8937213, .9818878, .8987156}},
  };
  for (const auto& c : cases) {
    const std::vector<float> got = follow(c.optimizer, 1, {.1f, -.2f, .3f});
    for (size_t i = 0; i < 3; ++i)
      EXPECT_NEAR(got[i], c.wanted[i], 1e-6) << c.optimizer.config().dump() << " step " << i + 1;
    EXPECT_EQ(c.optimizer.iterations(), 3);
  }
}

}  // namespace
}  // namespace cornu
