#pragma once

// What one optimizer's rule is, and what all optimizers do around it. Internal to train/.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cornu/tensor/shape.h"
#include "cornu/train/optimizer.h"

namespace cornu::train {

// The arguments that every optimizer has.
struct CommonOptions {
  LearningRate learning_rate = 0.001;
  std::optional<double> weight_decay, clipnorm, global_clipnorm, clipvalue;
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency;
  std::optional<double> loss_scale_factor;
  std::optional<int64_t> gradient_accumulation_steps;
  std::string name;
};

// What an argument may be, beside finite. kFraction is 0 to 1.
enum class Range { kFraction, kPositiveFraction, kPositive, kNotNegative, kNotPositive, kAny };

// Walks a rule's own arguments: reads, writes or checks them.
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void operator()(const char* key, double& value, Range range) = 0;
  virtual void operator()(const char* key, bool& value) = 0;
};

// What a rule sees of a step. `t` counts updates from 1, as in layers.md part 12.
struct StepInfo {
  float learning_rate = 0;
  float t = 1;
};

// One weight being updated: its numbers, its gradient's, and those of its slots in the rule's
// order.
struct Update {
  const Shape* shape = nullptr;
  int64_t size = 0;
  float* weight = nullptr;
  float* gradient = nullptr;
  std::array<float*, 3> slots = {};
};

// What a rule keeps per weight.
struct SlotSpec {
  const char* name;
  int group = 0;  // files hold the groups one after the other, within one weight by weight
  float initial = 0;
};

// The formula of one optimizer. Keeps scalars of the step that is being made, and nothing per
// weight: that is given to it.
class Rule {
 public:
  virtual ~Rule() = default;
  // In the order of Keras's configuration.
  virtual void fields(FieldVisitor& visit) = 0;
  // At most three.
  virtual std::vector<SlotSpec> slots() const = 0;
  virtual Shape slot_shape(size_t, const Shape& weight) const { return weight; }
  // Told how many updates were made so far, when it starts anew or a state is set: for a number
  // that follows from it, which Keras does not save (formats.md 3.8).
  virtual void set_updates(int64_t) {}
  // Whether a file may hold that number all the same, after the slots (layers.md part 12).
  virtual bool has_number() const { return false; }
  virtual bool needs_weight_decay() const { return false; }
  // Scalars of the step.
  virtual void begin(const StepInfo& step) = 0;
  // For rules that need more than one number of a weight at a time: called before update(), with
  // the weight decayed and the gradient clipped.
  virtual bool needs_whole() const { return false; }
  virtual void prepare(const Update&) {}
  // Updates elements begin to end of a weight and its slots. Parts may run at once.
  virtual void update(const Update& u, int64_t begin, int64_t end) const = 0;
};

// A rule with its arguments.
template <class O>
class RuleOf : public Rule {
 public:
  using Options = O;
  explicit RuleOf(O o) : o_(std::move(o)) {}

 protected:
  O o_;
  float lr_ = 0;
};

inline float f(double v) { return static_cast<float>(v); }

// One kind of optimizer with its arguments.
struct Recipe {
  const char* class_name;  // as Keras calls it
  CommonOptions common;
  std::unique_ptr<Rule> rule;
};
// The arguments that all options have.
template <class O>
CommonOptions common_of(const O& o) {
  return {.learning_rate = o.learning_rate,
          .weight_decay = o.weight_decay,
          .clipnorm = o.clipnorm,
          .global_clipnorm = o.global_clipnorm,
          .clipvalue = o.clipvalue,
          .use_ema = o.use_ema,
          .ema_momentum = o.ema_momentum,
          .ema_overwrite_frequency = o.ema_overwrite_frequency,
          .loss_scale_factor = o.loss_scale_factor,
          .gradient_accumulation_steps = o.gradient_accumulation_steps,
          .name = o.name};
}

// A rule class R with its arguments: R::kName, R::Options.
template <class R>
Recipe recipe(typename R::Options o) {
  CommonOptions common = common_of(o);
  return {R::kName, std::move(common), std::make_unique<R>(std::move(o))};
}

// optimizer_whole_rules.cc.
Recipe adafactor_recipe(AdafactorOptions o);
Recipe lamb_recipe(LambOptions o);

// A recipe with default arguments; nothing for an unknown class. Case does not matter.
std::optional<Recipe> find_recipe(const std::string& class_name);
// ValueError for arguments that are wrong.
Optimizer make_optimizer(Recipe recipe);

// optimizer_config.cc: arguments from and to configurations, and their checks. `where` is for
// messages.
void read_arguments(base::Json config, Recipe& recipe, std::vector<std::string>* warnings);
base::Json written_arguments(const CommonOptions& common, Rule& rule);
void check_arguments(const Recipe& recipe);
nn::Where where(const Recipe& recipe);

}  // namespace cornu::train
