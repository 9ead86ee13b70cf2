// Arguments of optimizers: from and to configurations of Keras 3 and 2, and their checks.

#include <cmath>

#include "cornu/nn/field_reader.h"
#include "cornu/nn/keras_json.h"
#include "cornu/train/optimizer_rule.h"

namespace cornu::train {

using base::Json;
using nn::FieldReader;

nn::Where where(const Recipe& recipe) { return {recipe.class_name, recipe.common.name}; }

namespace {

void read_flag(FieldReader& fields, const char* key, bool& value) {
  const auto given = fields.take(key);
  if (!given) return;
  if (!given->is_bool()) fields.bad(key, "a boolean", *given);
  value = given->as_bool();
}

void read_count(FieldReader& fields, const char* key, std::optional<int64_t>& value) {
  const auto given = fields.take(key);
  if (!given) return;
  if (!given->is_null() && !given->is_int()) fields.bad(key, "an integer or null", *given);
  value.reset();
  if (given->is_int()) value = given->as_int();
}

class Reader : public FieldVisitor {
 public:
  explicit Reader(FieldReader& fields) : fields_(fields) {}
  void operator()(const char* key, double& value, Range) override {
    // Keras 2 writes null for what its configuration file says.
    std::optional<double> number = value;
    fields_.read(key, number);
    value = number.value_or(std::string_view(key) == "epsilon" ? epsilon() : value);
  }
  void operator()(const char* key, bool& value) override { read_flag(fields_, key, value); }

 private:
  FieldReader& fields_;
};

class Writer : public FieldVisitor {
 public:
  std::vector<std::pair<std::string, Json>> items;
  void operator()(const char* key, double& value, Range) override {
    items.emplace_back(key, value);
  }
  void operator()(const char* key, bool& value) override { items.emplace_back(key, value); }
};

class Checker : public FieldVisitor {
 public:
  explicit Checker(nn::Where where) : where_(std::move(where)) {}
  void operator()(const char* key, double& value, Range range) override {
    check(key, value, range);
  }
  void operator()(const char*, bool&) override {}

  void check(const char* key, double value, Range range) const {
    if (!std::isfinite(value)) bad(key, "a finite number", value);
    if (range == Range::kFraction && (value < 0 || value > 1)) bad(key, "between 0 and 1", value);
    if (range == Range::kPositiveFraction && (value <= 0 || value > 1))
      bad(key, "above 0 and at most 1", value);
    if (range == Range::kPositive && value <= 0) bad(key, "positive", value);
    if (range == Range::kNotNegative && value < 0) bad(key, "zero or positive", value);
    if (range == Range::kNotPositive && value > 0) bad(key, "zero or negative", value);
  }
  template <class T>
  void check_if(const char* key, const std::optional<T>& value, Range range) const {
    if (value) check(key, static_cast<double>(*value), range);
  }
  void at_least(const char* key, const std::optional<int64_t>& value, int64_t least) const {
    if (value && *value < least)
      bad(key, base::cat("an integer >= ", least, " or None").c_str(), *value);
  }

 private:
  template <class T>
  [[noreturn]] void bad(const char* key, const char* needed, const T& got) const {
    throw ValueError(where_.message("`", key, "` must be ", needed, ". Received: ", key, "=", got));
  }
  nn::Where where_;
};

std::string optional_text(const std::optional<double>& v) { return v ? base::to_text(*v) : "None"; }

void warn(std::vector<std::string>* warnings, std::string text) {
  if (warnings) warnings->push_back(std::move(text));
}

// What Keras 2 wrote and Keras 3 does not know, and the defaults that Keras 2 had (layers.md part
// 12).
void read_keras2(FieldReader& fields, Recipe& recipe, std::vector<std::string>* warnings) {
  const nn::Where at = where(recipe);
  const auto given = [&](const char* key) {
    const auto v = fields.take(key);
    return v && !nn::says_nothing(*v) && !(v->is_finite() && v->as_double() == 0);
  };
  if (given("decay"))
    warn(warnings, at.message("`decay` of Keras 2 is ignored, as by Keras 3; InverseTimeDecay as "
                              "the learning rate does the same. Received: decay=",
                              nn::shown(*fields.take("decay"))));
  if (given("schedule_decay"))
    warn(warnings,
         at.message("`schedule_decay` of Keras 2 is ignored: its momentum follows Keras 3. "
                    "Received: schedule_decay=",
                    nn::shown(*fields.take("schedule_decay"))));
  if (const auto rate = fields.take("lr"))
    recipe.common.learning_rate = LearningRate::from_config(*rate, at);
  fields.ignore({"jit_compile", "is_legacy_optimizer"});
}

void set_keras2_defaults(Recipe& recipe, Json& config) {
  const std::string_view name = recipe.class_name;
  if (name == "Adagrad") recipe.common.learning_rate = 0.01;
  if (name == "Adadelta") recipe.common.learning_rate = 1.0;
  if (name == "Adamax" || name == "Nadam") recipe.common.learning_rate = 0.002;
  if (name == "Adagrad" && !config.contains("initial_accumulator_value"))
    config.set("initial_accumulator_value", 0.0);
}

}  // namespace

void read_arguments(Json config, Recipe& recipe, std::vector<std::string>* warnings) {
  const nn::Where at = where(recipe);
  CommonOptions& o = recipe.common;
  if (config.contains("lr") || config.contains("decay")) set_keras2_defaults(recipe, config);
  FieldReader fields(config, "optimizer", at);
  const auto name = fields.take("name");
  if (name && !name->is_null()) fields.read("name", o.name);
  read_keras2(fields, recipe, warnings);
  if (const auto rate = fields.take("learning_rate"))
    o.learning_rate = LearningRate::from_config(*rate, at);
  fields.read("weight_decay", o.weight_decay);
  fields.read("clipnorm", o.clipnorm);
  fields.read("global_clipnorm", o.global_clipnorm);
  fields.read("clipvalue", o.clipvalue);
  read_flag(fields, "use_ema", o.use_ema);
  fields.read("ema_momentum", o.ema_momentum);
  read_count(fields, "ema_overwrite_frequency", o.ema_overwrite_frequency);
  fields.read("loss_scale_factor", o.loss_scale_factor);
  read_count(fields, "gradient_accumulation_steps", o.gradient_accumulation_steps);
  Reader reader(fields);
  recipe.rule->fields(reader);
  fields.finish();
}

Json written_arguments(const CommonOptions& o, Rule& rule) {
  Writer writer;
  writer.items = {{"name", o.name},
                  {"learning_rate", o.learning_rate.config()},
                  {"weight_decay", o.weight_decay},
                  {"clipnorm", o.clipnorm},
                  {"global_clipnorm", o.global_clipnorm},
                  {"clipvalue", o.clipvalue},
                  {"use_ema", o.use_ema},
                  {"ema_momentum", o.ema_momentum},
                  {"ema_overwrite_frequency", o.ema_overwrite_frequency},
                  {"loss_scale_factor", o.loss_scale_factor},
                  {"gradient_accumulation_steps", o.gradient_accumulation_steps}};
  rule.fields(writer);
  return Json::object(writer.items);
}

void check_arguments(const Recipe& recipe) {
  const CommonOptions& o = recipe.common;
  const nn::Where at = where(recipe);
  Checker checker(at);
  o.learning_rate.check(at);
  if (recipe.rule->needs_weight_decay() && !o.weight_decay)
    throw ValueError(at.message("`weight_decay` must be a number. Received: weight_decay=None"));
  checker.check_if("weight_decay", o.weight_decay, Range::kNotNegative);
  checker.check_if("clipnorm", o.clipnorm, Range::kNotNegative);
  checker.check_if("global_clipnorm", o.global_clipnorm, Range::kNotNegative);
  checker.check_if("clipvalue", o.clipvalue, Range::kNotNegative);
  if (o.clipnorm.has_value() + o.clipvalue.has_value() + o.global_clipnorm.has_value() > 1)
    throw ValueError(at.message(
        "only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: clipnorm=",
        optional_text(o.clipnorm), ", clipvalue=", optional_text(o.clipvalue),
        ", global_clipnorm=", optional_text(o.global_clipnorm)));
  checker.check("ema_momentum", o.ema_momentum, Range::kFraction);
  checker.at_least("ema_overwrite_frequency", o.ema_overwrite_frequency, 1);
  checker.check_if("loss_scale_factor", o.loss_scale_factor, Range::kPositive);
  checker.at_least("gradient_accumulation_steps", o.gradient_accumulation_steps, 2);
  recipe.rule->fields(checker);
}

}  // namespace cornu::train
