// Models traced for training: what nesting, sharing and freezing do to the layers inside.

#include "cornu/cornu.h"
#include "cornu/model/network.h"
#include "tests/support/training_test.h"

namespace cornu::testing {
namespace {

TrainingRun run(const Model& m, const Tensor& x, graph::Mode mode = graph::Mode::kTrain) {
  return run_training(Layer(m), x, {.mode = mode});
}

Sequential with_batch_norm() {
  return Sequential({Input({.shape = {2}}), BatchNormalization(), Dropout({.rate = 0.5})});
}

TEST(TrainingTrace, FrozenNestedModelKeepsItsStatistics) {
  const Sequential inner = with_batch_norm();
  const Sequential outer({Input({.shape = {2}}), Layer(inner), BatchNormalization()});
  const Tensor x = random_tensor({8, 2}, 1);
  EXPECT_EQ(run(outer, x).updates.size(), 4);
  inner.set_trainable(false);
  EXPECT_EQ(run(outer, x).updates.size(), 2);
  // Dropout has nothing to freeze: it goes on.
  EXPECT_FALSE(
      bit_equal(run(inner, x).outputs.at(0), run(inner, x, graph::Mode::kEvaluate).outputs.at(0)));
  EXPECT_TRUE(run(outer, x, graph::Mode::kEvaluate).updates.empty());
  outer.set_trainable(false);
  EXPECT_TRUE(run(outer, x).updates.empty());
  for (const Weight& w : outer.network()->weights()) EXPECT_FALSE(w.trainable);
}

// Every call of a shared layer costs and updates; its weight is penalized once.
TEST(TrainingTrace, SharedLayersInNestedModels) {
  const Layer dense = Dense({.units = 2,
                             .use_bias = false,
                             .kernel_initializer = "ones",
                             .kernel_regularizer = regularizers::L1(1),
                             .activity_regularizer = regularizers::L1(1)});
  const Layer bn = BatchNormalization();
  const Symbol in = Input({.shape = {2}});
  const Model inner({.inputs = {in}, .outputs = {bn(dense(in))}});
  const Symbol a = Input({.shape = {2}}), b = Input({.shape = {2}});
  const Model outer({.inputs = {a, b}, .outputs = {inner(a) + inner(b)}});
  const Tensor x = Tensor::full({4, 2}, 1);
  const TrainingRun got = run_training(std::vector<Layer>{outer}, {x, x});
  EXPECT_EQ(got.losses, (std::vector<float>{4, 4}));
  ASSERT_EQ(got.updates.size(), 2);
  EXPECT_NEAR(got.update("moving_mean").data()[0], 2 * (1 - 0.99 * 0.99), 1e-6);

  graph::Builder g(graph::Mode::kTrain);
  add_weight_penalties(g, outer.network()->weights());
  EXPECT_EQ(g.losses().size(), 1);
}

TEST(TrainingTrace, PredictingGathersNothing) {
  const Sequential m({Input({.shape = {2}}), ActivityRegularization({.l1 = 1}), with_batch_norm()});
  const TrainingRun got = run(m, random_tensor({3, 2}, 1), graph::Mode::kPredict);
  EXPECT_TRUE(got.losses.empty());
  EXPECT_TRUE(got.updates.empty());
  EXPECT_EQ(run(m, random_tensor({3, 2}, 1), graph::Mode::kEvaluate).losses.size(), 1);
}

}  // namespace
}  // namespace cornu::testing
