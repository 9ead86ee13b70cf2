#include "cornu/layers/normalization.h"
#include "tests/support/training_test.h"

namespace cornu::testing {
namespace {

Tensor transposed(const Tensor& t) { return internal::move_axis(t, 0, 1); }

// layers.md 21.12.
TEST(BatchNormalizationTraining, WorkedExample) {
  const Tensor x({3, 2}, {1, 2, 3, 4, 5, 9});
  const Tensor want({3, 2}, {-1.224515f, -1.01899f, 0, -.339663f, 1.224515f, 1.358654f});
  const Layer bn = BatchNormalization();
  const TrainingRun run = run_training(bn, x);
  EXPECT_LT(max_error(run.outputs.at(0), want), 1e-5);
  ASSERT_EQ(run.updates.size(), 2);
  EXPECT_LT(max_error(run.update("moving_mean"), Tensor({2}, {.03f, .05f})), 1e-6);
  EXPECT_LT(max_error(run.update("moving_variance"), Tensor({2}, {1.016667f, 1.076667f})), 1e-6);
  const TrainingRun other = run_training(BatchNormalization({.axis = 0}), transposed(x));
  EXPECT_LT(max_error(transposed(other.outputs.at(0)), want), 1e-5);
}

TEST(BatchNormalizationTraining, GammaBetaMomentumEpsilon) {
  const Layer bn = BatchNormalization({.momentum = 0.5, .epsilon = 1});
  bn(symbol({None, 1}));
  bn.set_weights({Tensor({1}, {2}), Tensor({1}, {7}), Tensor({1}, {4}), Tensor({1}, {8})});
  const TrainingRun run = run_training(bn, Tensor({2, 1}, {-1, 3}));  // mean 1, variance 4
  const float h = 4 / std::sqrt(5.f);
  EXPECT_LT(max_error(run.outputs.at(0), Tensor({2, 1}, {7 - h, 7 + h})), 1e-6);
  EXPECT_EQ(numbers(run.update("moving_mean")), std::vector<float>{2.5f});
  EXPECT_EQ(numbers(run.update("moving_variance")), std::vector<float>{6});
}

// A layer that is called twice: the second call goes on from the first's statistics.
TEST(BatchNormalizationTraining, SharedLayerUpdatesTwice) {
  const Layer bn =
      BatchNormalization({.momentum = 0.5, .epsilon = 0, .center = false, .scale = false});
  const TrainingRun run = run_training({bn, bn}, {Tensor({2, 1}, {2, 6})});
  ASSERT_EQ(run.updates.size(), 2);
  EXPECT_EQ(numbers(run.update("moving_mean")), std::vector<float>{1});  // (0 + 4) / 2, then + 0
  EXPECT_EQ(numbers(run.update("moving_variance")), std::vector<float>{1.75f});
}

// layers.md D37.
TEST(BatchNormalizationTraining, FrozenStaysInInference) {
  const Tensor x = random_tensor({4, 3, 2}, 3, -1, 5);
  const Layer bn = BatchNormalization();
  bn(symbol({None, 3, 2}));
  randomize_weights(bn);
  bn.set_trainable(false);
  const TrainingRun run = run_training(bn, x);
  EXPECT_TRUE(bit_equal(run.outputs.at(0), run_layer(bn, x)));
  EXPECT_TRUE(run.updates.empty());
  bn.set_trainable(true);
  const TrainingRun evaluated = run_training(bn, x, {.mode = graph::Mode::kEvaluate});
  EXPECT_TRUE(bit_equal(evaluated.outputs.at(0), run.outputs.at(0)));
  EXPECT_TRUE(evaluated.updates.empty());
  EXPECT_FALSE(bit_equal(run_training(bn, x).outputs.at(0), run.outputs.at(0)));
}

TEST(BatchNormalizationTraining, Gradients) {
  const Tensor x = random_tensor({3, 4, 2}, 4, -1, 2);
  for (const bool trainable : {true, false})
    for (const BatchNormalizationOptions& o :
         {BatchNormalizationOptions{}, BatchNormalizationOptions{.axis = 1, .scale = false}}) {
      const Layer bn = BatchNormalization(o);
      bn(symbol({None, 4, 2}));
      randomize_weights(bn);
      bn.set_trainable(trainable);
      EXPECT_LT(gradient_error(bn, x), 2e-5);
    }
}

TEST(BatchNormalizationTraining, SynchronizedIsAccepted) {
  const Tensor x = random_tensor({4, 2}, 5);
  EXPECT_TRUE(bit_equal(train(BatchNormalization({.synchronized = true}), x),
                        train(BatchNormalization(), x)));
}

TEST(LayerNormalizationTraining, Gradients) {
  const Layer layer = LayerNormalization(), group = GroupNormalization({.groups = 2});
  for (const Layer& l : {layer, group}) {
    l(symbol({None, 3, 4}));
    randomize_weights(l);
    EXPECT_LT(gradient_error(l, random_tensor({2, 3, 4}, 6, -1, 2)), 2e-5);
  }
}

}  // namespace
}  // namespace cornu::testing
