#include "cornu/train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cornu/base/thread_pool.h"
#include "cornu/train/optimizer_test_util.h"
#include "tests/support/layer_test.h"

namespace cornu {
namespace {

using testing::numbers;
using train::one_of_each;

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

// Weights of these numbers, all called "kernel".
std::vector<Weight> weights_of(const std::vector<std::vector<float>>& values) {
  std::vector<Weight> weights;
  for (const auto& v : values) weights.push_back({variable(v), None, None});
  return weights;
}

// Applies copies of these gradients.
void apply(Optimizer& optimizer, const std::vector<Weight>& weights,
           std::vector<std::vector<float>> gradients) {
  std::vector<float*> pointers;
  for (auto& g : gradients) pointers.push_back(g.empty() ? nullptr : g.data());
  optimizer.apply(weights, pointers);
}

std::vector<float> value(const Weight& w) { return numbers(w.variable->value()); }

void expect_near(const std::vector<float>& got, const std::vector<double>& wanted) {
  EXPECT_LT(testing::max_error(got, wanted), 1e-6)
      << ::testing::PrintToString(got) << " for " << ::testing::PrintToString(wanted);
}

// ---- around the rule ----------------------------------------------------------------------------

TEST(Optimizer, ClipsThreeWays) {
  const auto moved = [](SGDOptions o, std::vector<std::vector<float>> gradients) {
    Optimizer sgd = SGD(std::move(o));
    const std::vector<Weight> weights = weights_of({{0, 0}, {0}});
    sgd.build(weights);
    apply(sgd, weights, std::move(gradients));
    std::vector<float> all = value(weights[0]);
    all.push_back(value(weights[1])[0]);
    return all;
  };
  // Norms 5 and 12, together 13; a step of rate 1 is minus the gradient.
  expect_near(moved({.learning_rate = 1, .clipnorm = 6}, {{3, -4}, {12}}), {-3, 4, -6});
  expect_near(moved({.learning_rate = 1, .clipnorm = 1}, {{3, -4}, {12}}), {-.6, .8, -1});
  expect_near(moved({.learning_rate = 1, .global_clipnorm = 6.5}, {{3, -4}, {12}}), {-1.5, 2, -6});
  expect_near(moved({.learning_rate = 1, .global_clipnorm = 20}, {{3, -4}, {12}}), {-3, 4, -12});
  expect_near(moved({.learning_rate = 1, .global_clipnorm = 4}, {{3, -4}, {}}), {-2.4, 3.2, 0});
  expect_near(moved({.learning_rate = 1, .clipvalue = 3.5}, {{3, -4}, {12}}), {-3, 3.5, -3.5});
  // Zeros have no norm; 0 does not clip (Keras).
  expect_near(moved({.learning_rate = 1, .clipnorm = 1}, {{0, 0}, {2}}), {0, 0, -1});
  expect_near(moved({.learning_rate = 1, .global_clipnorm = 1}, {{0, 0}, {0}}), {0, 0, 0});
  expect_near(moved({.learning_rate = 1, .clipnorm = 0}, {{3, -4}, {12}}), {-3, 4, -12});
  // What is not a number is not hidden: in all, in its weight, in its place.
  const float nan = std::nanf("");
  for (float v : moved({.global_clipnorm = 1}, {{1, nan}, {2}})) EXPECT_TRUE(std::isnan(v));
  EXPECT_TRUE(std::isnan(moved({.clipnorm = 1}, {{1, nan}, {2}})[0]));
  EXPECT_FALSE(std::isnan(moved({.clipnorm = 1}, {{1, nan}, {2}})[2]));
  EXPECT_TRUE(std::isnan(moved({.clipvalue = 1}, {{1, nan}, {2}})[1]));
  for (float v : moved({.global_clipnorm = 1}, {{1, INFINITY}, {2}})) EXPECT_TRUE(std::isnan(v));
}

TEST(Optimizer, WeightDecayComesFirstAndSparesWhatIsExcluded) {
  const std::vector<Weight> weights = {{variable({1}, "kernel"), None, None},
                                       {variable({1}, "bias"), None, None},
                                       {variable({1}, "gamma"), None, None},
                                       {variable({1}, "depthwise_kernel"), None, None},
                                       {variable({1}, "moving_bias_2"), None, None}};
  Optimizer sgd = SGD({.learning_rate = .5, .weight_decay = .1});
  sgd.exclude_from_weight_decay(
      {.var_list = {weights[2].variable}, .var_names = {"bias", "nothing"}});
  sgd.build(weights);
  apply(sgd, weights, {{1}, {1}, {1}, {1}, {1}});
  expect_near(value(weights[0]), {1 - .05 - .5});
  expect_near(value(weights[1]), {.5});
  expect_near(value(weights[2]), {.5});
  expect_near(value(weights[3]), {1 - .05 - .5});
  expect_near(value(weights[4]), {.5});
  EXPECT_ERROR(StateError, sgd.exclude_from_weight_decay({.var_names = {"kernel"}}),
               "SGD 'sgd': exclude_from_weight_decay() must come before");
  // Lamb's norm is that of the decayed weight.
  const std::vector<Weight> one = weights_of({{2}});
  Optimizer lamb = Lamb({.learning_rate = .5, .weight_decay = .5});
  lamb.build(one);
  apply(lamb, one, {{3}});
  expect_near(value(one[0]), {1.5 - .5 * 1.5});
}

// Keras searches for the expressions in the names of variables, which are without their layers'.
TEST(Optimizer, NamesThatDoNotDecay) {
  const auto decayed = [](std::vector<std::string> var_names) {
    const std::vector<Weight> weights = {
        {variable({1}, "kernel"), None, None, true, {"Conv2D", "conv"}},
        {variable({1}, "bias"), None, None, true, {"Conv2D", "conv"}},
        {variable({1}, "gamma"), None, None, true, {"BatchNormalization", "bias_norm"}}};
    Optimizer sgd = SGD({.learning_rate = .5, .weight_decay = .1});
    sgd.exclude_from_weight_decay({.var_names = std::move(var_names)});
    sgd.build(weights);
    apply(sgd, weights, {{1}, {1}, {1}});
    std::string names;
    for (const Weight& w : weights)
      if (value(w)[0] < .49f) names += w.variable->name() + " ";
    return names;
  };
  EXPECT_EQ(decayed({}), "kernel bias gamma ");
  EXPECT_EQ(decayed({"bias"}), "kernel gamma ");  // not bias_norm's
  EXPECT_EQ(decayed({"conv", "bias_norm", "conv/kernel"}), "kernel bias gamma ");
  EXPECT_EQ(decayed({"^b", "a$"}), "kernel ");
  EXPECT_EQ(decayed({"bias|gamma"}), "kernel ");
  EXPECT_EQ(decayed({"k.*l"}), "bias gamma ");
  EXPECT_ERROR(ValueError, decayed({"bias", "(b"}),
               "SGD 'sgd': exclude_from_weight_decay: `var_names` must be regular expressions. "
               "Received: '(b'");
}

TEST(Optimizer, AccumulatesGradients) {
  Optimizer sum = SGD({.learning_rate = [](int64_t calls) { return calls < 4 ? .1 : .01; },
                       .momentum = .5,
                       .clipvalue = 2.5,
                       .gradient_accumulation_steps = 2});
  Optimizer once = SGD({.learning_rate = .1, .momentum = .5, .clipvalue = 2.5});
  const std::vector<Weight> a = weights_of({{1, 2}}), b = weights_of({{1, 2}});
  sum.build(a);
  once.build(b);
  apply(sum, a, {{1, 9}});
  expect_near(value(a[0]), {1, 2});
  EXPECT_EQ(sum.iterations(), 0);
  apply(sum, a, {{2, -2}});
  EXPECT_EQ(sum.iterations(), 1);
  apply(once, b, {{1.5f, 3.5f}});  // the mean, then clipped
  EXPECT_EQ(value(a[0]), value(b[0]));
  apply(sum, a, {{1, 1}});
  EXPECT_EQ(sum.learning_rate(), double{.1f});
  apply(sum, a, {{0, 0}});
  EXPECT_EQ(sum.learning_rate(), double{.01f});  // schedules count calls
  apply(once, b, {{.5f, .5f}});
  EXPECT_EQ(value(a[0]), value(b[0]));
  EXPECT_EQ(sum.state().iteration, 4);
  // The bias correction counts updates.
  Optimizer adam = Adam({.learning_rate = .1, .gradient_accumulation_steps = 3});
  const std::vector<Weight> c = weights_of({{1}});
  adam.build(c);
  for (float g : {.1f, .1f, .1f, -.2f, -.2f, -.2f, .3f, .3f, .3f}) apply(adam, c, {{g}});
  expect_near(value(c[0]), {.9022892});  // as after three steps of Adam alone (layers.md 21.10)
}

TEST(Optimizer, LossScale) {
  Optimizer sgd = SGD({.learning_rate = 1, .clipvalue = 2, .loss_scale_factor = 4});
  EXPECT_EQ(sgd.loss_scale(), 4);
  EXPECT_EQ(SGD().loss_scale(), 1);
  const std::vector<Weight> weights = weights_of({{0, 0}});
  sgd.build(weights);
  apply(sgd, weights, {{4, 40}});
  expect_near(value(weights[0]), {-1, -2});
}

TEST(Optimizer, AveragesWeights) {
  Optimizer sgd = SGD({.learning_rate = 1, .use_ema = true, .ema_momentum = .75});
  const std::vector<Weight> weights = weights_of({{0}, {8}});
  sgd.build(weights);
  sgd.finalize();  // nothing to make them of
  expect_near(value(weights[1]), {8});
  apply(sgd, weights, {{-1}, {}});  // 1; the average begins as the weight
  apply(sgd, weights, {{-4}, {}});  // 5; .75 + .25 * 5 = 2
  apply(sgd, weights, {{3}, {}});   // 2; 2
  expect_near(value(weights[0]), {2});
  apply(sgd, weights, {{-4}, {}});  // 6; 3
  const uint64_t version = weights[0].variable->version();
  sgd.finalize();
  EXPECT_GT(weights[0].variable->version(), version);
  expect_near(value(weights[0]), {3});
  expect_near(value(weights[1]), {8});
  apply(sgd, weights, {{-4}, {}});  // goes on from the average: 7; 4
  expect_near(numbers(sgd.state().slots.at(0).value), {4});
}

TEST(Optimizer, OverwritesWeightsWithTheirAverages) {
  Optimizer sgd =
      SGD({.learning_rate = 1, .use_ema = true, .ema_momentum = .5, .ema_overwrite_frequency = 2});
  const std::vector<Weight> weights = weights_of({{0}});
  sgd.build(weights);
  apply(sgd, weights, {{-2}});
  expect_near(value(weights[0]), {2});
  apply(sgd, weights, {{-2}});  // 4, average 3
  expect_near(value(weights[0]), {3});
  apply(sgd, weights, {{-2}});  // 5, average 4
  expect_near(value(weights[0]), {5});
  apply(sgd, weights, {{-2}});  // 7, average 5.5
  expect_near(value(weights[0]), {5.5});
}

// The average is of weights before the constraint, as in Keras 3.
TEST(Optimizer, ConstrainsLast) {
  expect_near(follow(SGD({.learning_rate = 1}), 1, {3, -4}, "non_neg"), {0, 4});
  Optimizer sgd = SGD({.learning_rate = 1, .weight_decay = .5, .use_ema = true});
  const std::vector<Weight> weights = {{variable({1}), None, "non_neg"}};
  sgd.build(weights);
  apply(sgd, weights, {{2}});
  expect_near(value(weights[0]), {0});
  expect_near(numbers(sgd.state().slots.at(0).value), {-1.5});
}

TEST(Optimizer, ConstraintsOfEveryKind) {
  const auto constrained = [](const Constraint& c) {
    Optimizer sgd = SGD({.learning_rate = 1});
    const std::vector<Weight> weights = {
        {std::make_shared<Variable>("kernel", Tensor(Shape{2, 2}), true),
         None,
         c,
         true,
         {"Dense", "d"}}};
    sgd.build(weights);
    apply(sgd, weights, {{-3, 0, -4, -1}});
    return value(weights[0]);
  };
  expect_near(constrained("max_norm"), {1.2, 0, 1.6, 1});  // layers.md 21.8
  expect_near(constrained(constraints::UnitNorm({.axis = {0}})), {.6, 0, .8, 1});
  expect_near(constrained({"half",
                           [](const Tensor& w) {
                             Tensor half = w;
                             for (float& v : half.values()) v /= 2;
                             return half;
                           }}),
              {1.5, 0, 2, .5});
  EXPECT_ERROR(ValueError, constrained(constraints::UnitNorm({.axis = {2}})),
               "weight 'd/kernel': constraint");
}

TEST(Optimizer, LeavesWeightsWithoutGradientAlone) {
  Optimizer adam = AdamW({.learning_rate = .1});
  const std::vector<Weight> weights = {{variable({1}), None, None},
                                       {variable({-1}), None, "non_neg"}};
  adam.build(weights);
  const uint64_t version = weights[1].variable->version();
  apply(adam, weights, {{1}, {}});
  EXPECT_EQ(value(weights[1]), std::vector<float>{-1});
  EXPECT_EQ(weights[1].variable->version(), version);
  EXPECT_NE(value(weights[0]), std::vector<float>{1});
  EXPECT_ERROR(ValueError, apply(adam, weights, {{}, {}}),
               "AdamW 'adam_w': no weight has a gradient");
}

TEST(Optimizer, LearningRate) {
  Optimizer adam = Adam({.learning_rate = .1});
  Optimizer same = adam;
  same.set_learning_rate(.25);
  EXPECT_EQ(adam.learning_rate(), .25);
  EXPECT_ERROR(ValueError, adam.set_learning_rate(NAN),
               "Adam 'adam': `learning_rate` must be a finite number. Received: learning_rate=nan");
  Optimizer sgd = SGD({.learning_rate = schedules::InverseTimeDecay(
                           {.initial_learning_rate = 1, .decay_steps = 1, .decay_rate = 1})});
  EXPECT_ERROR(StateError, sgd.set_learning_rate(.1), "SGD 'sgd': the learning rate is given by a");
  const std::vector<Weight> weights = weights_of({{0}});
  sgd.build(weights);
  for (int i = 0; i < 3; ++i) apply(sgd, weights, {{-1}});
  expect_near(value(weights[0]), {1 + 1 / 2. + 1 / 3.});
  EXPECT_EQ(sgd.learning_rate(), .25);
  EXPECT_FALSE(sgd.state().learning_rate);
}

// ---- threads ------------------------------------------------------------------------------------

const std::vector<Shape> kShapes = {{3, 3, 31, 79}, {79}, {}, {0, 5}, {40000}};

std::vector<Weight> random_weights() {
  std::vector<Weight> weights;
  for (size_t i = 0; i < kShapes.size(); ++i)
    weights.push_back(
        {std::make_shared<Variable>("kernel", testing::random_tensor(kShapes[i], i), true), None,
         None});
  return weights;
}

void random_steps(Optimizer& optimizer, const std::vector<Weight>& weights, uint64_t first,
                  uint64_t count, base::ThreadPool* pool = nullptr) {
  for (uint64_t step = first; step < first + count; ++step) {
    std::vector<Tensor> gradients;
    std::vector<float*> pointers;
    for (size_t i = 0; i < weights.size(); ++i)
      gradients.push_back(testing::random_tensor(kShapes[i], 100 * step + i));
    for (Tensor& g : gradients) pointers.push_back(g.data());
    optimizer.apply(weights, pointers, pool);
  }
}

void expect_same(const std::vector<Weight>& a, const std::vector<Weight>& b) {
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(testing::bit_equal(a[i].variable->value(), b[i].variable->value())) << i;
}

void expect_same(const model::OptimizerState& a, const model::OptimizerState& b) {
  EXPECT_EQ(a.iteration, b.iteration);
  EXPECT_EQ(a.learning_rate, b.learning_rate);
  ASSERT_EQ(a.slots.size(), b.slots.size());
  for (size_t i = 0; i < a.slots.size(); ++i) {
    EXPECT_EQ(a.slots[i].name, b.slots[i].name);
    EXPECT_TRUE(testing::bit_equal(a.slots[i].value, b.slots[i].value)) << a.slots[i].name;
  }
}

TEST(Optimizer, ThreadsDoNotChangeABit) {
  base::ThreadPool three(3);
  std::vector<Optimizer> alone = one_of_each(), together = one_of_each();
  for (size_t i = 0; i < alone.size(); ++i) {
    SCOPED_TRACE(alone[i].name());
    const std::vector<Weight> a = random_weights(), b = random_weights();
    alone[i].build(a);
    together[i].build(b);
    random_steps(alone[i], a, 0, 4);
    random_steps(together[i], b, 0, 4, &three);
    expect_same(a, b);
    expect_same(alone[i].state(), together[i].state());
  }
}

// ---- state --------------------------------------------------------------------------------------

TEST(Optimizer, StateGoesOnBitForBit) {
  std::vector<Optimizer> all = one_of_each();
  for (Optimizer& optimizer : all) {
    SCOPED_TRACE(optimizer.name());
    const std::vector<Weight> a = random_weights(), b = random_weights();
    optimizer.build(a);
    random_steps(optimizer, a, 0, 3);
    optimizer.set_learning_rate(.0625);
    const model::OptimizerState state = optimizer.state();
    EXPECT_EQ(state.iteration, 3);
    EXPECT_EQ(state.learning_rate, .0625f);
    for (size_t i = 0; i < a.size(); ++i) b[i].variable->assign(a[i].variable->value());
    Optimizer other = Optimizer::from_config(optimizer.config());
    other.build(b);
    other.set_state(state);
    random_steps(optimizer, a, 3, 3);
    random_steps(other, b, 3, 3);
    expect_same(a, b);
    expect_same(optimizer.state(), other.state());
    EXPECT_EQ(state.iteration, 3);  // what was given away stays as it was
  }
}

std::vector<std::string> slot_names(Optimizer optimizer) {
  const std::vector<Weight> weights = {
      {std::make_shared<Variable>("kernel", Tensor(Shape{2, 3}), true),
       None,
       None,
       true,
       {"Dense", "d"}},
      {std::make_shared<Variable>("bias", Tensor(Shape{3}), true),
       None,
       None,
       true,
       {"Dense", "d"}}};
  optimizer.build(weights);
  std::vector<std::string> names;
  int64_t numbers = 2;
  for (const auto& slot : optimizer.state().slots) {
    names.push_back(slot.name);
    numbers += slot.value.size();
  }
  EXPECT_EQ(optimizer.params(), numbers);
  return names;
}

TEST(Optimizer, OrderOfFiles) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(slot_names(SGD()), Names());
  EXPECT_EQ(slot_names(SGD({.momentum = .9})), (Names{"d_kernel_momentum", "d_bias_momentum"}));
  EXPECT_EQ(slot_names(Adam({.amsgrad = true})),
            (Names{"d_kernel_momentum", "d_kernel_velocity", "d_bias_momentum", "d_bias_velocity",
                   "d_kernel_velocity_hat", "d_bias_velocity_hat"}));
  EXPECT_EQ(slot_names(RMSprop({.momentum = .5, .centered = true})),
            (Names{"d_kernel_velocity", "d_bias_velocity", "d_kernel_momentum", "d_bias_momentum",
                   "d_kernel_average_gradient", "d_bias_average_gradient"}));
  EXPECT_EQ(slot_names(Nadam()), (Names{"d_kernel_momentum", "d_kernel_velocity", "d_bias_momentum",
                                        "d_bias_velocity"}));
  EXPECT_EQ(slot_names(Adagrad({.use_ema = true, .gradient_accumulation_steps = 2})),
            (Names{"d_kernel_average", "d_bias_average", "d_kernel_gradient_accumulator",
                   "d_bias_gradient_accumulator", "d_kernel_accumulator", "d_bias_accumulator"}));
  EXPECT_EQ(slot_names(Adadelta()).at(1), "d_kernel_accumulated_delta_var");
  EXPECT_EQ(slot_names(Adamax()).at(1), "d_kernel_norm");
  EXPECT_EQ(slot_names(Ftrl()).at(1), "d_kernel_linear");
  EXPECT_EQ(slot_names(Adafactor()).size(), 6u);
  EXPECT_EQ(Adam().params(), 0);
}

TEST(Optimizer, StatesThatDoNotFit) {
  Optimizer adam = Adam({.learning_rate = .5});
  EXPECT_EQ(adam.state().iteration, 0);
  EXPECT_EQ(adam.state().learning_rate, .5f);
  EXPECT_ERROR(StateError, adam.set_state({}), "only after the optimizer is built");
  const std::vector<Weight> weights = weights_of({{1, 2}});
  adam.build(weights);
  apply(adam, weights, {{1, 1}});
  const model::OptimizerState good = adam.state();
  model::OptimizerState bad = good;
  bad.slots.pop_back();
  EXPECT_ERROR(ValueError, adam.set_state(bad),
               "Adam 'adam': its state has 2 slots. Received: a state with 1");
  bad = good;
  bad.slots[1].value = Tensor(Shape{3});
  EXPECT_ERROR(ValueError, adam.set_state(bad),
               "Adam 'adam': slot 1 'kernel_velocity' of its state has shape (2,). Received: "
               "shape=(3,)");
  bad = good;
  bad.iteration = -1;
  EXPECT_ERROR(ValueError, adam.set_state(bad), "`iteration` must be zero or positive");
  expect_same(adam.state(), good);
  // Compiled, saved, never trained: Keras writes no slots.
  adam.set_state({.iteration = 0, .learning_rate = .25f});
  EXPECT_EQ(adam.iterations(), 0);
  EXPECT_EQ(adam.learning_rate(), .25);
  expect_near(numbers(adam.state().slots[0].value), {0, 0});
}

// Keras does not save Nadam's product, which follows from the iteration; a file that holds it all
// the same is taken.
TEST(Optimizer, NadamsProductIsNotInFiles) {
  const auto make = [] { return Nadam({.gradient_accumulation_steps = 2}); };
  Optimizer a = make(), b = make(), c = make(), late = make();
  const std::vector<Weight> of_a = weights_of({{1}}), of_b = weights_of({{1}}),
                            of_c = weights_of({{1}});
  for (auto& [optimizer, weights] : {std::pair(&a, &of_a), {&b, &of_b}, {&c, &of_c}})
    optimizer->build(*weights);
  for (int i = 0; i < 5; ++i) apply(a, of_a, {{1}});
  model::OptimizerState state = a.state();
  b.set_state(state);
  state.slots.push_back({"u_product", Tensor(Shape{}, {.25f})});
  c.set_state(state);
  for (const auto& weights : {of_b, of_c}) weights[0].variable->assign(of_a[0].variable->value());
  for (int i = 0; i < 5; ++i)
    for (auto& [optimizer, weights] : {std::pair(&a, &of_a), {&b, &of_b}, {&c, &of_c}})
      apply(*optimizer, *weights, {{1}});
  expect_same(of_a, of_b);
  expect_same(of_a, of_c);
  // A file may say any number of steps.
  late.build(of_c);
  state.iteration = int64_t{1} << 62;
  late.set_state(state);
  state.slots.push_back({"more", Tensor(Shape{}, {1})});
  EXPECT_THROW(late.set_state(state), ValueError);
}

TEST(Optimizer, OtherWeights) {
  Optimizer adam = Adam();
  const std::vector<Weight> weights = weights_of({{1}}), others = weights_of({{1}});
  EXPECT_ERROR(StateError, apply(adam, weights, {{1}}), "Adam 'adam': apply() needs an optimizer");
  EXPECT_FALSE(adam.built());
  adam.build(weights);
  EXPECT_TRUE(adam.built());
  EXPECT_ERROR(ValueError, apply(adam, others, {{1}}),
               "Adam 'adam': weight 0 is not the one it was built for, 'kernel'");
  EXPECT_ERROR(ValueError, apply(adam, weights, {{1}, {1}}),
               "was built for 1 weights. Received: 1 weights and 2 gradients");
}

}  // namespace
}  // namespace cornu
