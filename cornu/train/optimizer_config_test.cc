// Optimizers from and to configurations of Keras 3 and 2.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cornu/train/optimizer.h"
#include "cornu/train/optimizer_test_util.h"
#include "tests/support/layer_test.h"

namespace cornu {
namespace {

using train::one_of_each;

Optimizer read(const std::string& text, std::vector<std::string>* warnings = nullptr) {
  return Optimizer::from_config(base::parse_json(text, "test"), warnings);
}

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
