#include "cornu/train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/layer_test.h"

namespace cornu {
namespace {

using namespace schedules;
using base::cat;

const nn::Where kWhere{"Adam", "a"};

LearningRate read(const std::string& text) {
  return LearningRate::from_config(base::parse_json(text, "test"), kWhere);
}

// layers.md 21.11, at steps 0, 5, 10, 15, 25.
TEST(Schedule, WorkedExamples) {
  struct {
    LearningRate rate;
    std::vector<double> wanted;
  } cases[] = {
      {ExponentialDecay({.initial_learning_rate = .1, .decay_steps = 10, .decay_rate = .5}),
       {.1, .070711, .05, .035355, .017678}},
      {ExponentialDecay(
           {.initial_learning_rate = .1, .decay_steps = 10, .decay_rate = .5, .staircase = true}),
       {.1, .1, .05, .05, .025}},
      {InverseTimeDecay({.initial_learning_rate = .1, .decay_steps = 10, .decay_rate = .5}),
       {.1, .08, .066667, .057143, .044444}},
      {PolynomialDecay(
           {.initial_learning_rate = .1, .decay_steps = 10, .end_learning_rate = .01, .power = 2}),
       {.1, .0325, .01, .01, .01}},
      {PolynomialDecay({.initial_learning_rate = .1,
                        .decay_steps = 10,
                        .end_learning_rate = .01,
                        .power = 1,
                        .cycle = true}),
       {.1, .055, .01, .0325, .025}},
      {PiecewiseConstantDecay({.boundaries = {5, 15}, .values = {1, .5, .1}}), {1, 1, .5, .5, .1}},
      {CosineDecay({.initial_learning_rate = .1, .decay_steps = 10, .alpha = .1}),
       {.1, .055, .01, .01, .01}},
      {CosineDecay(
           {.initial_learning_rate = 0, .decay_steps = 10, .warmup_target = .1, .warmup_steps = 5}),
       {0, .1, .05, 0, 0}},
      {CosineDecayRestarts({.initial_learning_rate = .1, .first_decay_steps = 10}),
       {.1, .05, .1, .085355, .014645}},
  };
  const int64_t steps[] = {0, 5, 10, 15, 25};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.rate.config().dump());
    EXPECT_TRUE(c.rate.is_schedule());
    for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(c.rate.at(steps[i]), c.wanted[i], 1e-6) << steps[i];
    // What is written says all.
    const LearningRate again = read(c.rate.config().dump());
    EXPECT_EQ(again.config().dump(), c.rate.config().dump());
    for (int64_t step = 0; step < 40; ++step) EXPECT_EQ(again.at(step), c.rate.at(step));
  }
}

TEST(Schedule, BetweenTheExamples) {
  const LearningRate warmup = CosineDecay({.initial_learning_rate = .02,
                                           .decay_steps = 8,
                                           .alpha = .5,
                                           .warmup_target = .1,
                                           .warmup_steps = 4});
  EXPECT_NEAR(warmup.at(0), .02, 1e-8);
  EXPECT_NEAR(warmup.at(1), .04, 1e-8);
  EXPECT_NEAR(warmup.at(4), .1, 1e-8);
  EXPECT_NEAR(warmup.at(8), .1 * (.5 * .5 + .5), 1e-8);
  EXPECT_NEAR(warmup.at(100), .05, 1e-8);
  const LearningRate restarts = CosineDecayRestarts(
      {.initial_learning_rate = .1, .first_decay_steps = 10, .t_mul = 1, .m_mul = .5});
  EXPECT_NEAR(restarts.at(9), .1 * .5 * (1 + std::cos(M_PI * .9)), 1e-7);
  EXPECT_NEAR(restarts.at(10), .05, 1e-7);
  EXPECT_NEAR(restarts.at(25), .0125, 1e-7);
  const LearningRate longer = CosineDecayRestarts(
      {.initial_learning_rate = .1, .first_decay_steps = 10, .t_mul = 2, .m_mul = .5, .alpha = .2});
  EXPECT_NEAR(longer.at(10), .1 * (.8 * .5 + .2), 1e-7);   // 20 steps long
  EXPECT_NEAR(longer.at(30), .1 * (.8 * .25 + .2), 1e-7);  // 40 steps long
}

TEST(LearningRate, NumbersAndFunctions) {
  const LearningRate number = 0.1;
  EXPECT_EQ(number.at(7), double{0.1f});
  EXPECT_FALSE(number.is_schedule());
  EXPECT_EQ(number.config().dump(), "0.10000000149011612");
  EXPECT_EQ(read("1").at(0), 1);
  EXPECT_EQ(read(R"({"class_name": "__numpy__", "config": {"value": 0.5}})").at(0), 0.5);
  const LearningRate lambda = [](int64_t step) { return 1.0 / static_cast<double>(step + 1); };
  EXPECT_TRUE(lambda.is_schedule());
  EXPECT_EQ(lambda.at(3), 0.25);
  const LearningRate mine("my_rate", [](int64_t step) { return step < 2 ? 1.0 : 0.5; });
  const std::string written = mine.config().dump();
  EXPECT_EQ(written, R"({"module": "builtins", "class_name": "function", "config": "my_rate", )"
                     R"("registered_name": "my_rate"})");
  EXPECT_ERROR(ValueError, read(written), "Adam 'a': unknown learning rate schedule 'my_rate'");
  register_learning_rate("my_rate", [](int64_t step) { return step < 2 ? 1.0 : 0.5; });
  EXPECT_EQ(read(written).at(2), 0.5);
  EXPECT_ERROR(ValueError, LearningRate("none", LearningRate::Function()),
               "`learning_rate` must be a number, a schedule or a function");
}

// As Keras 3.15 writes them (golden files).
TEST(Schedule, Configuration) {
  const auto written = [](const char* name, const std::string& fields) {
    return cat(R"({"module": "keras.optimizers.schedules", "class_name": ")", name,
               R"(", "config": )", fields, R"(, "registered_name": null})");
  };
  EXPECT_EQ(CosineDecay({.initial_learning_rate = .05, .decay_steps = 6}).config().dump(),
            written("CosineDecay",
                    R"({"initial_learning_rate": 0.05, "decay_steps": 6, "alpha": 0.0, "name": )"
                    R"("CosineDecay", "warmup_target": null, "warmup_steps": 0})"));
  EXPECT_EQ(ExponentialDecay({.initial_learning_rate = .1, .decay_steps = 2.5, .decay_rate = .5})
                .config()
                .dump(),
            written("ExponentialDecay",
                    R"({"initial_learning_rate": 0.1, "decay_steps": 2.5, "decay_rate": 0.5, )"
                    R"("staircase": false, "name": "ExponentialDecay"})"));
  EXPECT_EQ(PiecewiseConstantDecay({.boundaries = {5, 15}, .values = {1, .5, .1}}).config().dump(),
            written("PiecewiseConstantDecay",
                    R"({"boundaries": [5, 15], "values": [1.0, 0.5, 0.1], "name": )"
                    R"("PiecewiseConstant"})"));
  EXPECT_EQ(
      CosineDecayRestarts({.initial_learning_rate = .1, .first_decay_steps = 10}).config().dump(),
      written("CosineDecayRestarts",
              R"({"initial_learning_rate": 0.1, "first_decay_steps": 10, "t_mul": 2.0, )"
              R"("m_mul": 1.0, "alpha": 0.0, "name": "SGDRDecay"})"));
  // Keras 2: no module, no name.
  EXPECT_EQ(read(R"({"class_name": "PolynomialDecay", "config": {"initial_learning_rate": 0.1,
                     "decay_steps": 10, "power": 2, "name": null}})")
                .at(5),
            PolynomialDecay({.initial_learning_rate = .1, .decay_steps = 10, .power = 2}).at(5));
}

TEST(Schedule, Errors) {
  EXPECT_ERROR(ValueError, ExponentialDecay({.initial_learning_rate = .1, .decay_rate = .5}),
               "ExponentialDecay: `decay_steps` must be positive. Received: decay_steps=0.0");
  EXPECT_ERROR(ValueError, InverseTimeDecay({.decay_steps = -1}),
               "InverseTimeDecay: `decay_steps`");
  EXPECT_ERROR(ValueError, PolynomialDecay({.decay_steps = 0}), "PolynomialDecay: `decay_steps`");
  EXPECT_ERROR(ValueError, CosineDecay({.decay_steps = 0, .name = "mine"}),
               "CosineDecay 'mine': `decay_steps` must be positive");
  EXPECT_ERROR(ValueError, CosineDecay({.decay_steps = 5, .warmup_target = 1, .warmup_steps = -2}),
               "`warmup_steps` must be zero or positive. Received: warmup_steps=-2.0");
  EXPECT_ERROR(ValueError, CosineDecayRestarts({.first_decay_steps = 0}), "`first_decay_steps`");
  EXPECT_ERROR(ValueError, CosineDecayRestarts({.first_decay_steps = 5, .t_mul = 0}), "`t_mul`");
  EXPECT_ERROR(ValueError, CosineDecay({.initial_learning_rate = NAN, .decay_steps = 5}),
               "`initial_learning_rate` must be a finite number. Received: "
               "initial_learning_rate=nan");
  EXPECT_ERROR(ValueError, PiecewiseConstantDecay({.boundaries = {5}, .values = {1}}),
               "PiecewiseConstantDecay 'PiecewiseConstant': `boundaries` must be one fewer than "
               "`values`");
  EXPECT_ERROR(ValueError, PiecewiseConstantDecay({.boundaries = {5, 5}, .values = {1, 2, 3}}),
               "`boundaries` must be strictly increasing. Received: boundaries=[5, 5]");
  EXPECT_ERROR(ValueError, read("NaN"), "Adam 'a': `learning_rate` must be a finite number");
  EXPECT_ERROR(ValueError, read(R"({"class_name": "Linear", "config": {}})"),
               "Adam 'a': unknown learning rate schedule 'Linear'");
  EXPECT_ERROR(ValueError,
               read(R"({"class_name": "CosineDecay", "config": {"decay_steps": "many"}})"),
               "Adam 'a': CosineDecay: `decay_steps` must be a finite number. Received: "
               "decay_steps=\"many\"");
  EXPECT_ERROR(ValueError,
               read(R"({"class_name": "CosineDecay", "config": {"decay_steps": 2, "x": 1}})"),
               "unknown argument 'x'");
}

}  // namespace
}  // namespace cornu
