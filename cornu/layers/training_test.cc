// What training adds to layers in general: penalties, wrappers, layers of the user's own.

#include "tests/support/training_test.h"

#include "cornu/layers/conv.h"
#include "cornu/layers/core.h"
#include "cornu/layers/dense.h"
#include "cornu/layers/dropout.h"
#include "cornu/layers/merging.h"
#include "cornu/layers/normalization.h"
#include "cornu/layers/wrappers.h"

namespace cornu::testing {
namespace {

using regularizers::L1;
using regularizers::L2;

// layers.md 21.8: Dense(2) of ones on ones (4, 3).
TEST(ActivityRegularizer, IsDividedByTheBatch) {
  const Layer dense =
      Dense({.units = 2, .kernel_initializer = "ones", .activity_regularizer = L2(.1)});
  const Tensor x = Tensor::full({4, 3}, 1);
  for (const graph::Mode mode : {graph::Mode::kTrain, graph::Mode::kEvaluate}) {
    const TrainingRun run = run_training(dense, x, {.mode = mode});
    ASSERT_EQ(run.losses.size(), 1);
    EXPECT_NEAR(run.losses[0], 1.8, 1e-6);
  }
  EXPECT_TRUE(run_training(dense, x, {.mode = graph::Mode::kPredict}).losses.empty());
  dense.set_trainable(false);  // changes nothing: it is about the output
  EXPECT_EQ(run_training(dense, x).losses.size(), 1);
}

TEST(ActivityRegularizer, SeesTheActivatedOutput) {
  const Layer dense = Dense({.units = 1,
                             .activation = "relu",
                             .use_bias = false,
                             .kernel_initializer = "ones",
                             .activity_regularizer = L1(1)});
  EXPECT_EQ(run_training(dense, Tensor({2, 1}, {-5, 3})).losses.at(0), 1.5f);
  const TrainingRun run =
      run_training(ActivityRegularization({.l1 = 1, .l2 = 2}), Tensor({2, 1}, {-1, 3}));
  EXPECT_EQ(run.losses.at(0), (4 + 2 * 10) / 2.f);
}

TEST(ActivityRegularizer, OwnFunctionIsDifferentiated) {
  const Regularizer own("product", [](Expression y) { return ops::sum(y * y * y); });
  EXPECT_LT(
      gradient_error(Dense({.units = 3, .activity_regularizer = own}), random_tensor({2, 4}, 1)),
      1e-4);
  const Regularizer bad("bad", [](Expression y) { return y; });
  EXPECT_ERROR(ValueError,
               run_training(Dense({.units = 3, .activity_regularizer = bad, .name = "d"}),
                            Tensor(Shape{2, 4})),
               "Dense 'd': regularizer 'bad' must give one number. Received: shape=(2, 3)");
}

double weight_penalties(const Layer& layer, graph::Mode mode = graph::Mode::kTrain) {
  graph::Builder g(mode);
  add_weight_penalties(g, layer.impl()->weights());
  Expression total(g, g.scalar(0));
  for (graph::Value loss : g.losses()) total = total + Expression(g, loss);
  return run_graph(std::move(g).finish({total}), {}).at(0).data()[0];
}

TEST(WeightPenalties, OnePerTrainableWeight) {
  const Layer dense = Dense({.units = 2, .kernel_regularizer = L1(.5), .bias_regularizer = L2(2)});
  dense(symbol({None, 2}));
  dense.set_weights({Tensor({2, 2}, {1, -2, 3, -4}), Tensor({2}, {1, 3})});
  EXPECT_EQ(weight_penalties(dense), 5 + 20);
  EXPECT_EQ(weight_penalties(dense, graph::Mode::kEvaluate), 25);
  EXPECT_EQ(weight_penalties(dense, graph::Mode::kPredict), 0);
  dense.set_trainable(false);
  EXPECT_EQ(weight_penalties(dense), 0);
  const Layer conv = Conv1D({.filters = 2,
                             .kernel_size = 3,
                             .kernel_regularizer = regularizers::OrthogonalRegularizer(),
                             .name = "c"});
  conv(symbol({None, 8, 1}));
  EXPECT_ERROR(ValueError, weight_penalties(conv),
               "Conv1D 'c': regularizer OrthogonalRegularizer needs a matrix. Received: "
               "shape=(3, 1, 2)");
}

// ---- TimeDistributed ----------------------------------------------------------------------------

// As Keras 3: statistics of each step's batch, one update of the moving ones per step.
TEST(TimeDistributedTraining, BatchNormalizationGoesStepByStep) {
  const Layer bn = BatchNormalization({.momentum = 0.5});
  const Tensor x = random_tensor({4, 3, 2}, 1, -1, 4);
  const TrainingRun run = run_training(TimeDistributed(bn), x);
  const Layer alone = BatchNormalization({.momentum = 0.5});
  alone(symbol({None, 2}));
  for (int64_t t = 0; t < 3; ++t) {
    Tensor step(Shape{4, 2}), got(Shape{4, 2});
    for (int64_t i = 0; i < 8; ++i) {
      step.data()[i] = x.data()[i / 2 * 6 + t * 2 + i % 2];
      got.data()[i] = run.outputs.at(0).data()[i / 2 * 6 + t * 2 + i % 2];
    }
    const TrainingRun want = run_training(alone, step);
    EXPECT_LT(max_error(got, want.outputs.at(0)), 1e-6);
    alone.set_weights({Tensor::full({2}, 1), Tensor({2}), want.update("moving_mean"),
                       want.update("moving_variance")});
  }
  EXPECT_LT(max_error(run.update("moving_mean"), alone.get_weights()[2]), 1e-6);
  EXPECT_LT(max_error(run.update("moving_variance"), alone.get_weights()[3]), 1e-6);
  EXPECT_LT(gradient_error(TimeDistributed(BatchNormalization()), x), 2e-5);
}

TEST(TimeDistributedTraining, DropoutDrawsForEveryStepOfEverySample) {
  const Layer layer = TimeDistributed(Dropout({.rate = 0.5}));
  const Tensor whole = run_training(layer, Tensor::full({6, 4, 16}, 1)).outputs.at(0);
  const Tensor end =
      run_training(layer, Tensor::full({2, 4, 16}, 1), {.key = random_key(1, 4)}).outputs.at(0);
  EXPECT_TRUE(
      std::equal(end.values().begin(), end.values().end(), whole.values().begin() + 4 * 64));
  for (int64_t t = 1; t < 24; ++t)  // no two steps alike
    EXPECT_FALSE(std::equal(whole.data(), whole.data() + 16, whole.data() + t * 16)) << t;
}

TEST(TimeDistributedTraining, PenaltyPerSample) {
  const Layer inner =
      Dense({.units = 2, .kernel_initializer = "ones", .activity_regularizer = L2(.1)});
  const TrainingRun run = run_training(TimeDistributed(inner), Tensor::full({4, 5, 3}, 1));
  double sum = 0;
  for (float loss : run.losses) sum += loss;
  EXPECT_NEAR(sum, 5 * 1.8, 1e-5);
}

// ---- layers of the user's own -------------------------------------------------------------------

// y = x * scale + |x| * slope, with the noise of a dropout in training.
class Bent final : public OneToOneLayer {
 public:
  explicit Bent(CommonOptions o = {}) : OneToOneLayer("Bent", std::move(o)) {}
  Shape output_shape(const Shape& in) const override { return in; }
  void create_weights(const Shape& in) override {
    scale_ = add_weight({.name = "scale", .shape = {in[-1]}, .initializer = "ones"});
    slope_ = add_weight({.name = "slope",
                         .shape = {in[-1]},
                         .initializer = "ones",
                         .regularizer = regularizers::L2(0.5)});
  }
  graph::Value lower(graph::Builder& g, graph::Value v) const override {
    const Expression x(g, v), scale(g, read(g, scale_)), slope(g, read(g, slope_));
    return x * scale + ops::absolute(x) * slope;
  }
  base::Json config() const override { return base::Json::object(); }

 private:
  std::shared_ptr<Variable> scale_, slope_;
};

TEST(OwnLayer, IsReadRunAndDifferentiated) {
  register_layer("Bent", [](const base::Json&) { return Layer(std::make_shared<Bent>()); });
  const Layer bent = layer_from("Bent", "{}");
  const Tensor x({2, 2}, {1, -2, 3, -4});
  EXPECT_EQ(numbers(run_layer(bent, x)), (std::vector<float>{2, 0, 6, 0}));
  EXPECT_EQ(weight_penalties(bent), 1);
  randomize_weights(bent);
  EXPECT_LT(gradient_error(bent, x), 1e-6);
}

}  // namespace
}  // namespace cornu::testing
