// Models traced for training: what nesting, sharing and freezing do to the layers inside.

#include <algorithm>
#include <cmath>

#include "cornu/cornu.h"
#include "cornu/model/network.h"
#include "tests/support/run_plan.h"
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

// What only training has, with its gradients, through passes and kernels.
TEST(TrainingTrace, PlansComputeWhatTheInterpreterDoes) {
  const Sequential m({
      Input({.shape = {9, 8, 3}}),
      RandomFlip(),
      RandomRotation({.factor = 0.2}),
      RandomZoom({.height_factor = 0.3, .fill_mode = "constant"}),
      RandomTranslation({.height_factor = 0.2, .width_factor = 0.2, .fill_mode = "wrap"}),
      RandomContrast({.factor = 0.3, .value_range = {-1, 1}}),
      RandomBrightness({.factor = 0.3, .value_range = {-1, 1}}),
      Conv2D({.filters = 4, .kernel_size = 3, .activity_regularizer = "l2"}),
      BatchNormalization(),
      GaussianNoise({.stddev = 0.1}),
      SpatialDropout2D({.rate = 0.3}),
      Conv2D({.filters = 2, .kernel_size = 3, .activation = "selu"}),
      AlphaDropout({.rate = 0.2}),
      GaussianDropout({.rate = 0.2}),
      Dropout({.rate = 0.2, .seed = 5}),
  });
  graph::Builder g(graph::Mode::kTrain);
  const graph::Value x = g.input({3, 9, 8, 3});
  g.set_random_key(g.input(Shape{6}));
  const Expression y(g, m.network()->trace(g, {x}).at(0));
  ASSERT_EQ(g.losses().size(), 1);
  const Expression total = ops::sum(ops::square(y)) + Expression(g, g.losses()[0]);
  std::vector<graph::Value> wrt, results = {y, total};
  for (const auto& v : m.trainable_weights()) wrt.push_back(g.variable(v));
  for (const auto& u : g.updates()) results.push_back(u.value);
  for (graph::Value v : grad::differentiate(g, total, wrt)) results.push_back(v);
  const graph::Graph graph = std::move(g).finish(results);

  const std::vector<Tensor> in = {random_tensor({3, 9, 8, 3}, 1), random_key(7)};
  const std::vector<Tensor> want = run_graph(graph, in);
  const std::vector<Tensor> one = run_plan(graph, in, {.freeze = false}, 1);
  const std::vector<Tensor> two = run_plan(graph, in, {.freeze = false}, 2);
  ASSERT_EQ(one.size(), want.size());
  // Of the first bias normalization leaves little gradient: what cancels is as large as the rest.
  double largest = 1;
  for (const Tensor& t : want)
    for (float v : t.values()) largest = std::max(largest, std::fabs(double{v}));
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_LT(max_error(one[i], want[i]), 2e-5 * largest) << i;
    EXPECT_TRUE(bit_equal(one[i], two[i])) << i;
  }
}

// Functions of the user's own, through fit(): 1 + 2 + 3 = 6 to start with, weights that never fall
// below 1/2, and a penalty that pulls them there.
TEST(TrainingFit, OwnInitializerRegularizerConstraint) {
  const Initializer counted("counted", [](const Shape& shape) {
    Tensor t(shape);
    for (int64_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<float>(i + 1);
    return t;
  });
  const Constraint at_least_half("at_least_half", [](const Tensor& w) {
    Tensor t = w;
    for (float& v : t.values()) v = std::max(v, 0.5f);
    return t;
  });
  const Regularizer sum("sum", [](Expression w) { return ops::sum(w); });
  const Sequential m({Input({.shape = {3}}), Dense({.units = 1,
                                                    .use_bias = false,
                                                    .kernel_initializer = counted,
                                                    .kernel_regularizer = sum,
                                                    .kernel_constraint = at_least_half})});
  m.compile({.optimizer = SGD({.learning_rate = 0.75}), .loss = "mse"});
  const Tensor x(Shape{4, 3}), y(Shape{4, 1});  // zeros: the penalty alone moves anything
  const auto kernel = [&] { return numbers(m.get_weights()[0]); };
  const History h = m.fit(x, y, {.batch_size = 4, .epochs = 1, .verbose = 0});
  EXPECT_EQ(h["loss"].at(0), 6);
  EXPECT_EQ(kernel(), (std::vector<float>{0.5f, 1.25f, 2.25f}));
  m.fit(x, y, {.batch_size = 2, .epochs = 2, .verbose = 0});
  EXPECT_EQ(kernel(), (std::vector<float>{0.5f, 0.5f, 0.5f}));
}

TEST(TrainingFit, AugmentationFollowsTheSeedAndSparesPredictions) {
  const Tensor x = random_tensor({16, 6, 6, 1}, 1), y = random_tensor({16, 1}, 2);
  const auto trained = [&](uint64_t seed) {
    set_random_seed(seed);
    Sequential m({Input({.shape = {6, 6, 1}}), RandomFlip(), RandomZoom({.height_factor = 0.2}),
                  Flatten(), Dense({.units = 1, .kernel_initializer = "zeros"})});
    m.compile({.optimizer = SGD({.learning_rate = 0.05}), .loss = "mse"});
    m.fit(x, y, {.batch_size = 16, .epochs = 2, .verbose = 0, .shuffle = false});
    return m;
  };
  const Sequential a = trained(1), again = trained(1), other = trained(2);
  EXPECT_TRUE(bit_equal(a.get_weights()[0], again.get_weights()[0]));
  EXPECT_FALSE(bit_equal(a.get_weights()[0], other.get_weights()[0]));
  EXPECT_TRUE(bit_equal(a.predict(x), a.predict(x)));
}

}  // namespace
}  // namespace cornu::testing
