// The rules of layers.md part 12 that treat each number of a weight by itself. Scalars of a step
// and all arithmetic are float32, in Keras's order of operations.

#include <algorithm>
#include <cmath>

#include "cornu/base/text.h"
#include "cornu/train/optimizer_rule.h"

namespace cornu::train {
namespace {

// f(p, g, slot 0, slot 1, slot 2) for each element; slots that a rule lacks are not touched.
template <int kSlots, class F>
void each(const Update& u, int64_t begin, int64_t end, const F& rule) {
  float* __restrict p = u.weight;
  const float* __restrict g = u.gradient;
  float* __restrict a = u.slots[0];
  float* __restrict b = u.slots[1];
  float* __restrict c = u.slots[2];
  for (int64_t i = begin; i < end; ++i) {
    if constexpr (kSlots == 0) rule(p[i], g[i]);
    if constexpr (kSlots == 1) rule(p[i], g[i], a[i]);
    if constexpr (kSlots == 2) rule(p[i], g[i], a[i], b[i]);
    if constexpr (kSlots == 3) rule(p[i], g[i], a[i], b[i], c[i]);
  }
}

class SgdRule : public RuleOf<SGDOptions> {
 public:
  static constexpr const char* kName = "SGD";
  using RuleOf::RuleOf;
  void fields(FieldVisitor& visit) override {
    visit("momentum", o_.momentum, Range::kFraction);
    visit("nesterov", o_.nesterov);
  }
  std::vector<SlotSpec> slots() const override {
    if (o_.momentum == 0) return {};
    return {{"momentum"}};
  }
  void begin(const StepInfo& step) override { lr_ = step.learning_rate; }
  void update(const Update& u, int64_t begin, int64_t end) const override {
    const float lr = lr_, mu = f(o_.momentum);
    if (o_.momentum == 0) {
      each<0>(u, begin, end, [=](float& p, float g) { p -= g * lr; });
    } else if (o_.nesterov) {
      each<1>(u, begin, end, [=](float& p, float g, float& m) {
        m = m * mu - g * lr;
        p += m * mu - g * lr;
      });
    } else {
      each<1>(u, begin, end, [=](float& p, float g, float& m) {
        m = m * mu - g * lr;
        p += m;
      });
    }
  }
};

class RmspropRule : public RuleOf<RMSpropOptions> {
 public:
  static constexpr const char* kName = "RMSprop";
  using RuleOf::RuleOf;
  void fields(FieldVisitor& visit) override {
    visit("rho", o_.rho, Range::kFraction);
    visit("momentum", o_.momentum, Range::kFraction);
    visit("epsilon", o_.epsilon, Range::kNotNegative);
    visit("centered", o_.centered);
  }
  std::vector<SlotSpec> slots() const override {
    std::vector<SlotSpec> all = {{"velocity", 0}};
    if (o_.momentum > 0) all.push_back({"momentum", 1});
    if (o_.centered) all.push_back({"average_gradient", 2});
    return all;
  }
  void begin(const StepInfo& step) override { lr_ = step.learning_rate; }
  void update(const Update& u, int64_t begin, int64_t end) const override {
    const float lr = lr_, rho = f(o_.rho), rest = f(1 - o_.rho), mu = f(o_.momentum);
    const float epsilon = f(o_.epsilon);
    const auto increment = [=](float g, float& v) {
      v = rho * v + rest * (g * g);
      return lr * g / std::sqrt(v + epsilon);
    };
    const auto centered = [=](float g, float& v, float& a) {
      v = rho * v + rest * (g * g);
      a = rho * a + rest * g;
      return lr * g / std::sqrt(v - a * a + epsilon);
    };
    if (o_.centered && o_.momentum > 0) {
      each<3>(u, begin, end, [=](float& p, float g, float& v, float& m, float& a) {
        m = mu * m + centered(g, v, a);
        p -= m;
      });
    } else if (o_.centered) {
      each<2>(u, begin, end,
              [=](float& p, float g, float& v, float& a) { p -= centered(g, v, a); });
    } else if (o_.momentum > 0) {
      each<2>(u, begin, end, [=](float& p, float g, float& v, float& m) {
        m = mu * m + increment(g, v);
        p -= m;
      });
    } else {
      each<1>(u, begin, end, [=](float& p, float g, float& v) { p -= increment(g, v); });
    }
  }
};

// Adam, and AdamW, which differs by its weight decay alone.
template <class O>
class AdamLike : public RuleOf<O> {
 public:
  using RuleOf<O>::RuleOf;
  void fields(FieldVisitor& visit) override {
    visit("beta_1", o_.beta_1, Range::kFraction);
    visit("beta_2", o_.beta_2, Range::kFraction);
    visit("epsilon", o_.epsilon, Range::kNotNegative);
    visit("amsgrad", o_.amsgrad);
  }
  std::vector<SlotSpec> slots() const override {
    std::vector<SlotSpec> all = {{"momentum", 0}, {"velocity", 0}};
    if (o_.amsgrad) all.push_back({"velocity_hat", 1});
    return all;
  }
  void begin(const StepInfo& step) override {
    const float power_1 = std::pow(f(o_.beta_1), step.t), power_2 = std::pow(f(o_.beta_2), step.t);
    alpha_ = step.learning_rate * std::sqrt(1 - power_2) / (1 - power_1);
  }
  void update(const Update& u, int64_t begin, int64_t end) const override {
    const float alpha = alpha_, rest_1 = f(1 - o_.beta_1), rest_2 = f(1 - o_.beta_2);
    const float epsilon = f(o_.epsilon);
    if (o_.amsgrad) {
      each<3>(u, begin, end, [=](float& p, float g, float& m, float& v, float& highest) {
        m += (g - m) * rest_1;
        v += (g * g - v) * rest_2;
        highest = highest < v ? v : highest;
        p -= m * alpha / (std::sqrt(highest) + epsilon);
      });
    } else {
      each<2>(u, begin, end, [=](float& p, float g, float& m, float& v) {
        m += (g - m) * rest_1;
        v += (g * g - v) * rest_2;
        p -= m * alpha / (std::sqrt(v) + epsilon);
      });
    }
  }

 private:
  using RuleOf<O>::o_;
  float alpha_ = 0;
};

class AdamRule : public AdamLike<AdamOptions> {
 public:
  static constexpr const char* kName = "Adam";
  using AdamLike::AdamLike;
};

class AdamWRule : public AdamLike<AdamWOptions> {
 public:
  static constexpr const char* kName = "AdamW";
  using AdamLike::AdamLike;
  bool needs_weight_decay() const override { return true; }
};

class AdagradRule : public RuleOf<AdagradOptions> {
 public:
  static constexpr const char* kName = "Adagrad";
  using RuleOf::RuleOf;
  void fields(FieldVisitor& visit) override {
    visit("initial_accumulator_value", o_.initial_accumulator_value, Range::kNotNegative);
    visit("epsilon", o_.epsilon, Range::kNotNegative);
  }
  std::vector<SlotSpec> slots() const override {
    return {{"accumulator", 0, f(o_.initial_accumulator_value)}};
  }
  void begin(const StepInfo& step) override { lr_ = step.learning_rate; }
  void update(const Update& u, int64_t begin, int64_t end) const override {
    const float lr = lr_, epsilon = f(o_.epsilon);
    each<1>(u, begin, end, [=](float& p, float g, float& a) {
      a += g * g;
      p -= lr * g / std::sqrt(a + epsilon);
    });
  }
};

class AdadeltaRule : public RuleOf<AdadeltaOptions> {
 public:
  static constexpr const char* kName = "Adadelta";
  using RuleOf::RuleOf;
  void fields(FieldVisitor& visit) override {
    visit("rho", o_.rho, Range::kFraction);
    visit("epsilon", o_.epsilon, Range::kNotNegative);
  }
  std::vector<SlotSpec> slots() const override {
    return {{"accumulated_grad"}, {"accumulated_delta_var"}};
  }
  void begin(const StepInfo& step) override { lr_ = step.learning_rate; }
  void update(const Update& u, int64_t begin, int64_t end) const override {
    const float lr = lr_, rho = f(o_.rho), rest = f(1 - o_.rho), epsilon = f(o_.epsilon);
    each<2>(u, begin, end, [=](float& p, float g, float& gradients, float& deltas) {
      gradients = rho * gradients + rest * (g * g);
      const float delta = -std::sqrt(deltas + epsilon) * g / std::sqrt(gradients + epsilon);
      deltas = rho * deltas + rest * (delta * delta);
      p += lr * delta;
    });
  }
};

class AdamaxRule : public RuleOf<AdamaxOptions> {
 public:
  static constexpr const char* kName = "Adamax";
  using RuleOf::RuleOf;
  void fields(FieldVisitor& visit) override {
    visit("beta_1", o_.beta_1, Range::kFraction);
    visit("beta_2", o_.beta_2, Range::kFraction);
    visit("epsilon", o_.epsilon, Range::kNotNegative);
  }
  std::vector<SlotSpec> slots() const override { return {{"momentum"}, {"norm"}}; }
  void begin(const StepInfo& step) override {
    lr_ = step.learning_rate;
    rest_ = 1 - std::pow(f(o_.beta_1), step.t);
  }
  void update(const Update& u, int64_t begin, int64_t end) const override {
    const float lr = lr_, rest_1 = f(1 - o_.beta_1), beta_2 = f(o_.beta_2), rest = rest_;
    const float epsilon = f(o_.epsilon);
    each<2>(u, begin, end, [=](float& p, float g, float& m, float& norm) {
      m += (g - m) * rest_1;
      const float faded = beta_2 * norm, size = std::abs(g);
      norm = faded < size ? size : faded;
      p -= lr * m / (rest * (norm + epsilon));
    });
  }

 private:
  float rest_ = 1;
};

class NadamRule : public RuleOf<NadamOptions> {
 public:
  static constexpr const char* kName = "Nadam";
  using RuleOf::RuleOf;
  void fields(FieldVisitor& visit) override {
    visit("beta_1", o_.beta_1, Range::kFraction);
    visit("beta_2", o_.beta_2, Range::kFraction);
    visit("epsilon", o_.epsilon, Range::kNotNegative);
  }
  std::vector<SlotSpec> slots() const override { return {{"momentum"}, {"velocity"}}; }
  bool has_number() const override { return true; }
  void set_updates(int64_t updates) override {
    product_ = 1;
    for (int64_t t = 1; t <= updates; ++t) {
      const float next = product_ * momentum_at(static_cast<float>(t));
      if (next == product_) break;  // the smallest number there is
      product_ = next;
    }
  }
  void begin(const StepInfo& step) override {
    const float now = momentum_at(step.t), next = momentum_at(step.t + 1);
    product_ *= now;
    lr_ = step.learning_rate;
    of_momentum_ = next / (1 - product_ * next);
    of_gradient_ = (1 - now) / (1 - product_);
    rest_ = 1 - std::pow(f(o_.beta_2), step.t);
  }
  void update(const Update& u, int64_t begin, int64_t end) const override {
    const float lr = lr_, rest_1 = f(1 - o_.beta_1), rest_2 = f(1 - o_.beta_2), rest = rest_;
    const float of_momentum = of_momentum_, of_gradient = of_gradient_, epsilon = f(o_.epsilon);
    each<2>(u, begin, end, [=](float& p, float g, float& m, float& v) {
      m += (g - m) * rest_1;
      v += (g * g - v) * rest_2;
      const float m_hat = of_momentum * m + of_gradient * g;
      p -= m_hat * lr / (std::sqrt(v / rest) + epsilon);
    });
  }

 private:
  float momentum_at(float t) const { return f(o_.beta_1) * (1 - 0.5f * std::pow(0.96f, t)); }
  float product_ = 1, of_momentum_ = 0, of_gradient_ = 0, rest_ = 1;
};

class LionRule : public RuleOf<LionOptions> {
 public:
  static constexpr const char* kName = "Lion";
  using RuleOf::RuleOf;
  void fields(FieldVisitor& visit) override {
    visit("beta_1", o_.beta_1, Range::kPositiveFraction);
    visit("beta_2", o_.beta_2, Range::kFraction);
  }
  std::vector<SlotSpec> slots() const override { return {{"momentum"}}; }
  void begin(const StepInfo& step) override { lr_ = step.learning_rate; }
  void update(const Update& u, int64_t begin, int64_t end) const override {
    const float lr = lr_, beta_1 = f(o_.beta_1), beta_2 = f(o_.beta_2);
    each<1>(u, begin, end, [=](float& p, float g, float& m) {
      const float direction = m * beta_1 + g * (1 - beta_1);
      // The sign; NaN stays.
      p -= lr * (direction > 0 ? 1.0f : direction < 0 ? -1.0f : direction);
      m = m * beta_2 + g * (1 - beta_2);
    });
  }
};

class FtrlRule : public RuleOf<FtrlOptions> {
 public:
  static constexpr const char* kName = "Ftrl";
  using RuleOf::RuleOf;
  void fields(FieldVisitor& visit) override {
    visit("learning_rate_power", o_.learning_rate_power, Range::kNotPositive);
    visit("initial_accumulator_value", o_.initial_accumulator_value, Range::kNotNegative);
    visit("l1_regularization_strength", o_.l1_regularization_strength, Range::kNotNegative);
    visit("l2_regularization_strength", o_.l2_regularization_strength, Range::kNotNegative);
    visit("l2_shrinkage_regularization_strength", o_.l2_shrinkage_regularization_strength,
          Range::kNotNegative);
    visit("beta", o_.beta, Range::kAny);
  }
  std::vector<SlotSpec> slots() const override {
    return {{"accumulator", 0, f(o_.initial_accumulator_value)}, {"linear"}};
  }
  void begin(const StepInfo& step) override { lr_ = step.learning_rate; }
  void update(const Update& u, int64_t begin, int64_t end) const override {
    const float lr = lr_, power = f(-o_.learning_rate_power);
    const float l1 = f(o_.l1_regularization_strength);
    const float l2 = f(o_.l2_regularization_strength) + f(o_.beta) / (2 * lr);
    const float shrinkage = f(2 * o_.l2_shrinkage_regularization_strength);
    const auto powered = [=](float x) { return power == 0.5f ? std::sqrt(x) : std::pow(x, power); };
    each<2>(u, begin, end, [=](float& p, float g, float& accumulator, float& linear) {
      const float before = powered(accumulator);
      accumulator += g * g;
      const float now = powered(accumulator);
      linear += (g + shrinkage * p) - (now - before) / lr * p;
      const float clipped = linear > l1 ? l1 : linear < -l1 ? -l1 : linear;
      p = (clipped - linear) / (now / lr + 2 * l2);
    });
  }
};

struct Row {
  const char* class_name;
  Recipe (*make)();
};
template <class R>
constexpr Row row() {
  return {R::kName, [] { return recipe<R>({}); }};
}
constexpr Row kRows[] = {row<SgdRule>(),
                         row<RmspropRule>(),
                         row<AdamRule>(),
                         row<AdamWRule>(),
                         row<AdagradRule>(),
                         row<AdadeltaRule>(),
                         row<AdamaxRule>(),
                         row<NadamRule>(),
                         row<LionRule>(),
                         row<FtrlRule>(),
                         {"Adafactor", [] { return adafactor_recipe({}); }},
                         {"Lamb", [] { return lamb_recipe({}); }}};

}  // namespace

std::optional<Recipe> find_recipe(const std::string& class_name) {
  const std::string wanted = base::lower(class_name);
  for (const Row& row : kRows)
    if (wanted == base::lower(row.class_name)) return row.make();
  return std::nullopt;
}

}  // namespace cornu::train

namespace cornu {

using train::make_optimizer;
using train::recipe;

Optimizer SGD(SGDOptions o) { return make_optimizer(recipe<train::SgdRule>(std::move(o))); }
Optimizer RMSprop(RMSpropOptions o) {
  return make_optimizer(recipe<train::RmspropRule>(std::move(o)));
}
Optimizer Adam(AdamOptions o) { return make_optimizer(recipe<train::AdamRule>(std::move(o))); }
Optimizer AdamW(AdamWOptions o) { return make_optimizer(recipe<train::AdamWRule>(std::move(o))); }
Optimizer Adagrad(AdagradOptions o) {
  return make_optimizer(recipe<train::AdagradRule>(std::move(o)));
}
Optimizer Adadelta(AdadeltaOptions o) {
  return make_optimizer(recipe<train::AdadeltaRule>(std::move(o)));
}
Optimizer Adamax(AdamaxOptions o) {
  return make_optimizer(recipe<train::AdamaxRule>(std::move(o)));
}
Optimizer Nadam(NadamOptions o) { return make_optimizer(recipe<train::NadamRule>(std::move(o))); }
Optimizer Lion(LionOptions o) { return make_optimizer(recipe<train::LionRule>(std::move(o))); }
Optimizer Ftrl(FtrlOptions o) { return make_optimizer(recipe<train::FtrlRule>(std::move(o))); }
Optimizer Adafactor(AdafactorOptions o) {
  return make_optimizer(train::adafactor_recipe(std::move(o)));
}
Optimizer Lamb(LambOptions o) { return make_optimizer(train::lamb_recipe(std::move(o))); }

}  // namespace cornu
