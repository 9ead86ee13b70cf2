#include "cornu/train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cornu/base/thread_pool.h"
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

Optimizer read(const std::string& text, std::vector<std::string>* warnings = nullptr) {
  return Optimizer::from_config(base::parse_json(text, "test"), warnings);
}

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
                                       {variable({1}, "depthwise_kernel"), None, None}};
  Optimizer sgd = SGD({.learning_rate = .5, .weight_decay = .1});
  sgd.exclude_from_weight_decay(
      {.var_list = {weights[2].variable}, .var_names = {"bias", "nothing"}});
  sgd.build(weights);
  apply(sgd, weights, {{1}, {1}, {1}, {1}});
  expect_near(value(weights[0]), {1 - .05 - .5});
  expect_near(value(weights[1]), {.5});
  expect_near(value(weights[2]), {.5});
  expect_near(value(weights[3]), {1 - .05 - .5});
  EXPECT_ERROR(StateError, sgd.exclude_from_weight_decay({.var_names = {"kernel"}}),
               "SGD 'sgd': exclude_from_weight_decay() must come before");
  // Lamb's norm is that of the decayed weight.
  const std::vector<Weight> one = weights_of({{2}});
  Optimizer lamb = Lamb({.learning_rate = .5, .weight_decay = .5});
  lamb.build(one);
  apply(lamb, one, {{3}});
  expect_near(value(one[0]), {1.5 - .5 * 1.5});
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
        {std::make_shared<Variable>("kernel", Tensor(Shape{2, 2}), true), None, c}};
    sgd.build(weights, {"m/d/kernel"});
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
               "weight 'm/d/kernel': constraint");
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

std::vector<Optimizer> one_of_each() {
  const LearningRate rate = .05;
  return {SGD({.learning_rate = rate, .momentum = .9, .nesterov = true}),
          RMSprop({.learning_rate = rate, .momentum = .5, .centered = true}),
          Adam({.learning_rate = rate, .amsgrad = true, .clipnorm = .5}),
          AdamW({.learning_rate = rate, .global_clipnorm = 2}),
          Adagrad({.learning_rate = rate, .clipvalue = .5, .use_ema = true}),
          Adadelta({.learning_rate = rate}),
          Adamax({.learning_rate = rate, .use_ema = true, .ema_overwrite_frequency = 2}),
          Nadam({.learning_rate = rate,
                 .use_ema = true,
                 .loss_scale_factor = 3,
                 .gradient_accumulation_steps = 2}),
          Lion({.learning_rate = rate}),
          Adafactor({.learning_rate = rate}),
          Ftrl({.learning_rate = rate}),
          Lamb({.learning_rate = rate, .weight_decay = .1})};
}

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
      {std::make_shared<Variable>("kernel", Tensor(Shape{2, 3}), true), None, None},
      {std::make_shared<Variable>("bias", Tensor(Shape{3}), true), None, None}};
  optimizer.build(weights, {"m/d/kernel", "m/d/bias"});
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
  EXPECT_EQ(slot_names(SGD({.momentum = .9})), (Names{"m_d_kernel_momentum", "m_d_bias_momentum"}));
  EXPECT_EQ(slot_names(Adam({.amsgrad = true})),
            (Names{"m_d_kernel_momentum", "m_d_kernel_velocity", "m_d_bias_momentum",
                   "m_d_bias_velocity", "m_d_kernel_velocity_hat", "m_d_bias_velocity_hat"}));
  EXPECT_EQ(
      slot_names(RMSprop({.momentum = .5, .centered = true})),
      (Names{"m_d_kernel_velocity", "m_d_bias_velocity", "m_d_kernel_momentum", "m_d_bias_momentum",
             "m_d_kernel_average_gradient", "m_d_bias_average_gradient"}));
  EXPECT_EQ(slot_names(Nadam()), (Names{"m_d_kernel_momentum", "m_d_kernel_velocity",
                                        "m_d_bias_momentum", "m_d_bias_velocity"}));
  EXPECT_EQ(
      slot_names(Adagrad({.use_ema = true, .gradient_accumulation_steps = 2})),
      (Names{"m_d_kernel_average", "m_d_bias_average", "m_d_kernel_gradient_accumulator",
             "m_d_bias_gradient_accumulator", "m_d_kernel_accumulator", "m_d_bias_accumulator"}));
  EXPECT_EQ(slot_names(Adadelta()).at(1), "m_d_kernel_accumulated_delta_var");
  EXPECT_EQ(slot_names(Adamax()).at(1), "m_d_kernel_norm");
  EXPECT_EQ(slot_names(Ftrl()).at(1), "m_d_kernel_linear");
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
  EXPECT_ERROR(ValueError, adam.build(weights, {"a", "b"}), "`paths` must be one per weight");
  EXPECT_FALSE(adam.built());
  adam.build(weights);
  EXPECT_TRUE(adam.built());
  EXPECT_ERROR(ValueError, apply(adam, others, {{1}}),
               "Adam 'adam': weight 0 is not the one it was built for, 'kernel'");
  EXPECT_ERROR(ValueError, apply(adam, weights, {{1}, {1}}),
               "was built for 1 weights. Received: 1 weights and 2 gradients");
}

// ---- configurations -----------------------------------------------------------------------------

// As Keras 3.15 writes them.
TEST(Optimizer, Configuration) {
  const auto written = [](const char* class_name, const std::string& name, const char* rate,
                          const std::string& own) {
    return base::cat(R"({"module": "keras.optimizers", "class_name": ")", class_name,
                     R"(", "config": {"name": ")", name, R"(", "learning_rate": )", rate,
                     R"(, "weight_decay": null, "clipnorm": null, "global_clipnorm": null, )"
                     R"("clipvalue": null, "use_ema": false, "ema_momentum": 0.99, )"
                     R"("ema_overwrite_frequency": null, "loss_scale_factor": null, )"
                     R"("gradient_accumulation_steps": null, )",
                     own, R"(}, "registered_name": null})");
  };
  const std::string wanted[] = {
      written("SGD", "sgd", "0.009999999776482582", R"("momentum": 0.0, "nesterov": false)"),
      written("RMSprop", "rm_sprop", "0.0010000000474974513",
              R"("rho": 0.9, "momentum": 0.0, "epsilon": 1e-07, "centered": false)"),
      written("Adam", "adam", "0.0010000000474974513",
              R"("beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07, "amsgrad": false)"),
      written("Adagrad", "adagrad", "0.0010000000474974513",
              R"("initial_accumulator_value": 0.1, "epsilon": 1e-07)"),
      written("Adadelta", "adadelta", "0.0010000000474974513", R"("rho": 0.95, "epsilon": 1e-07)"),
      written("Adamax", "adamax", "0.0010000000474974513",
              R"("beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07)"),
      written("Nadam", "nadam", "0.0010000000474974513",
              R"("beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07)"),
      written("Lion", "lion", "0.0010000000474974513", R"("beta_1": 0.9, "beta_2": 0.99)"),
      written("Lamb", "lamb", "0.0010000000474974513",
              R"("beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07)"),
  };
  const Optimizer made[] = {SGD(),    RMSprop(), Adam(), Adagrad(), Adadelta(),
                            Adamax(), Nadam(),   Lion(), Lamb()};
  for (size_t i = 0; i < std::size(made); ++i) {
    EXPECT_EQ(made[i].config().dump(), wanted[i]);
    EXPECT_EQ(read(wanted[i]).config().dump(), wanted[i]);
    EXPECT_EQ(Optimizer(base::lower(made[i].class_name())).config().dump(), wanted[i]);
  }
  for (const Optimizer& optimizer : one_of_each()) {
    const std::string text = optimizer.config().dump();
    EXPECT_EQ(read(text).config().dump(), text);
  }
  EXPECT_EQ(Optimizer("AdamW").config().at("config").at("weight_decay").as_double(), .004);
  EXPECT_EQ(Optimizer("ADAM").name(), "adam");
  EXPECT_EQ(Adam({.name = "mine"}).name(), "mine");
  // Of a back end, with a schedule.
  const Optimizer torch = read(
      R"({"module": "keras.src.backend.torch.optimizers.torch_adam", "class_name": "Adam",
          "config": {"name": "adam", "learning_rate": {"module": "keras.optimizers.schedules",
          "class_name": "CosineDecay", "config": {"initial_learning_rate": 0.05,
          "decay_steps": 6}, "registered_name": null}}, "registered_name": "Adam"})");
  EXPECT_EQ(torch.learning_rate(), double{.05f});
  EXPECT_EQ(read(torch.config().dump()).config().dump(), torch.config().dump());
}

TEST(Optimizer, Keras2) {
  std::vector<std::string> warnings;
  const Optimizer adam = read(
      R"({"class_name": "Adam", "config": {"lr": 0.25, "beta_1": 0.8, "beta_2": 0.9, "decay": 0.0,
          "epsilon": null, "amsgrad": true, "clipnorm": 1.0}})",
      &warnings);
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(adam.learning_rate(), .25);
  EXPECT_EQ(adam.config().at("config").at("epsilon").as_double(), 1e-7);
  EXPECT_EQ(adam.config().at("config").at("beta_1").as_double(), .8);
  EXPECT_EQ(adam.config().at("config").at("clipnorm").as_double(), 1);
  const auto rate = [&](const std::string& name, const std::string& config) {
    return read(base::cat(R"({"class_name": ")", name, R"(", "config": )", config, "}"), &warnings)
        .learning_rate();
  };
  EXPECT_EQ(rate("SGD", R"({"decay": 0.0, "momentum": 0.9, "nesterov": true})"), double{.01f});
  EXPECT_EQ(rate("Adagrad", R"({"decay": 0.0})"), double{.01f});
  EXPECT_EQ(rate("Adadelta", R"({"decay": 0.0})"), 1);
  EXPECT_EQ(rate("Adamax", R"({"decay": 0.0})"), double{.002f});
  EXPECT_EQ(rate("Nadam", R"({"schedule_decay": 0.0, "lr": 0.5})"), .5);
  // tf.keras 2.15.
  EXPECT_EQ(rate("Adam", R"({"name": "Adam", "weight_decay": null, "jit_compile": true,
                             "is_legacy_optimizer": false, "learning_rate": 0.5})"),
            .5);
  EXPECT_TRUE(warnings.empty());
  const auto accumulator = [](const std::string& text) {
    return read(text).config().at("config").at("initial_accumulator_value").as_double();
  };
  EXPECT_EQ(accumulator(R"({"class_name": "Adagrad", "config": {"lr": 0.1, "epsilon": 1e-7}})"), 0);
  EXPECT_EQ(accumulator(R"({"class_name": "Adagrad", "config": {"decay": 0.0,
                            "initial_accumulator_value": 0.2}})"),
            .2);
  EXPECT_EQ(accumulator(R"({"class_name": "Adagrad", "config": {}})"), .1);
  rate("SGD", R"({"lr": 0.1, "decay": 0.001})");
  rate("Nadam", R"({"lr": 0.1, "schedule_decay": 0.004})");
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_THAT(warnings[0], ::testing::HasSubstr("SGD: `decay` of Keras 2 is ignored"));
  EXPECT_THAT(warnings[0], ::testing::HasSubstr("Received: decay=0.001"));
  EXPECT_THAT(warnings[1], ::testing::HasSubstr("Nadam: `schedule_decay` of Keras 2 is ignored"));
}

TEST(Optimizer, Errors) {
  EXPECT_ERROR(ValueError, Optimizer("adma"), "optimizer: unknown name 'adma'. Received: \"adma\"");
  EXPECT_ERROR(ValueError, Optimizer(""), "optimizer: unknown name ''");
  EXPECT_ERROR(ValueError, Adam({.beta_1 = 1.5}),
               "Adam 'adam': `beta_1` must be between 0 and 1. Received: beta_1=1.5");
  EXPECT_ERROR(ValueError, Adam({.epsilon = -1, .name = "mine"}),
               "Adam 'mine': `epsilon` must be zero or positive. Received: epsilon=-1.0");
  EXPECT_ERROR(ValueError, SGD({.momentum = 2}),
               "SGD 'sgd': `momentum` must be between 0 and 1. Received: momentum=2.0");
  EXPECT_ERROR(ValueError, SGD({.learning_rate = INFINITY}),
               "SGD 'sgd': `learning_rate` must be a finite number. Received: learning_rate=inf");
  EXPECT_ERROR(ValueError, RMSprop({.rho = NAN}),
               "`rho` must be a finite number. Received: rho=nan");
  EXPECT_ERROR(ValueError, AdamW({.weight_decay = None}),
               "AdamW 'adam_w': `weight_decay` must be a number. Received: weight_decay=None");
  EXPECT_ERROR(ValueError, SGD({.weight_decay = -1}), "`weight_decay` must be zero or positive");
  EXPECT_ERROR(ValueError, SGD({.clipnorm = 1, .clipvalue = 2}),
               "SGD 'sgd': only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. "
               "Received: clipnorm=1.0, clipvalue=2.0, global_clipnorm=None");
  EXPECT_ERROR(ValueError, SGD({.clipnorm = -1}), "`clipnorm` must be zero or positive");
  EXPECT_ERROR(ValueError, SGD({.use_ema = true, .ema_momentum = 1.1}),
               "`ema_momentum` must be between 0 and 1. Received: ema_momentum=1.1");
  EXPECT_ERROR(ValueError, SGD({.use_ema = true, .ema_overwrite_frequency = 0}),
               "`ema_overwrite_frequency` must be an integer >= 1 or None. Received: "
               "ema_overwrite_frequency=0");
  EXPECT_ERROR(ValueError, SGD({.loss_scale_factor = 0}), "`loss_scale_factor` must be positive");
  EXPECT_ERROR(ValueError, SGD({.gradient_accumulation_steps = 1}),
               "`gradient_accumulation_steps` must be an integer >= 2 or None. Received: "
               "gradient_accumulation_steps=1");
  EXPECT_ERROR(ValueError, Lion({.beta_1 = 0}), "`beta_1` must be above 0 and at most 1");
  EXPECT_ERROR(ValueError, Ftrl({.learning_rate_power = .5}), "must be zero or negative");
  EXPECT_ERROR(ValueError, Adafactor({.clip_threshold = 0}), "`clip_threshold` must be positive");
  const std::pair<const char*, const char*> cases[] = {
      {"\"nothing\"", "optimizer: unknown name 'nothing'"},
      {"3", "the optimizer must be a name or an object with a class_name. Received: 3"},
      {R"({"module": "my.code", "class_name": "Adam", "config": {}})", "unknown name 'Adam'"},
      {R"({"class_name": "Muon", "config": {}})", "unknown name 'Muon'"},
      {R"({"class_name": "Adam", "config": {"beta_1": "0.9"}})",
       "`beta_1` must be a finite number"},
      {R"({"class_name": "Adam", "config": {"beta_1": 7}})", "`beta_1` must be between 0 and 1"},
      {R"({"class_name": "Adam", "config": {"amsgrad": 1}})",
       "`amsgrad` must be a boolean. Received: amsgrad=1"},
      {R"({"class_name": "SGD", "config": {"beta_1": 0.9}})",
       "SGD: optimizer: unknown argument 'beta_1'. Received: beta_1=0.9"},
      {R"({"class_name": "SGD", "config": {"gradient_accumulation_steps": 2.5}})",
       "`gradient_accumulation_steps` must be an integer or null. Received: "
       "gradient_accumulation_steps=2.5"},
      {R"({"class_name": "SGD", "config": {"learning_rate": "fast"}})",
       "SGD: unknown learning rate schedule 'fast'"},
  };
  for (const auto& [config, text] : cases) {
    SCOPED_TRACE(config);
    EXPECT_ERROR(ValueError, read(config), text);
  }
}

}  // namespace
}  // namespace cornu
