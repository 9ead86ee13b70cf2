// Keras 3's rules that need norms or means over a whole weight: Adafactor and Lamb. prepare() turns
// the gradient into what update() then subtracts.

#include <algorithm>
#include <cmath>

#include "cornu/train/optimizer_rule.h"

namespace cornu::train {
namespace {

double sum_of_squares(const float* x, int64_t size) {
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) sum += double{x[i]} * double{x[i]};
  return sum;
}

float root_mean_square(const float* x, int64_t size) {
  return size == 0 ? 0 : f(std::sqrt(sum_of_squares(x, size) / static_cast<double>(size)));
}

template <class O>
class WholeRule : public RuleOf<O> {
 public:
  using RuleOf<O>::RuleOf;
  bool needs_whole() const final { return true; }
  void update(const Update& u, int64_t begin, int64_t end) const final {
    float* __restrict p = u.weight;
    const float* __restrict step = u.gradient;
    for (int64_t i = begin; i < end; ++i) p[i] -= step[i];
  }
};

class LambRule : public WholeRule<LambOptions> {
 public:
  static constexpr const char* kName = "Lamb";
  using WholeRule::WholeRule;
  void fields(FieldVisitor& visit) override {
    visit("beta_1", o_.beta_1, Range::kFraction);
    visit("beta_2", o_.beta_2, Range::kFraction);
    visit("epsilon", o_.epsilon, Range::kNotNegative);
  }
  std::vector<SlotSpec> slots() const override { return {{"momentum"}, {"velocity"}}; }
  void begin(const StepInfo& step) override {
    lr_ = step.learning_rate;
    rest_1_ = 1 - std::pow(f(o_.beta_1), step.t);
    rest_2_ = 1 - std::pow(f(o_.beta_2), step.t);
  }
  void prepare(const Update& u) override {
    float *g = u.gradient, *m = u.slots[0], *v = u.slots[1];
    const float rest_1 = f(1 - o_.beta_1), rest_2 = f(1 - o_.beta_2), epsilon = f(o_.epsilon);
    for (int64_t i = 0; i < u.size; ++i) {
      m[i] += (g[i] - m[i]) * rest_1;
      v[i] += (g[i] * g[i] - v[i]) * rest_2;
      g[i] = m[i] / rest_1_ / (std::sqrt(v[i] / rest_2_) + epsilon);
    }
    const float weight_norm = f(std::sqrt(sum_of_squares(u.weight, u.size)));
    const float step_norm = f(std::sqrt(sum_of_squares(g, u.size)));
    const float ratio = weight_norm > 0 && step_norm > 0 ? weight_norm / step_norm : 1;
    for (int64_t i = 0; i < u.size; ++i) g[i] *= ratio * lr_;
  }

 private:
  float rest_1_ = 1, rest_2_ = 1;
};

// Keeps, for weights of rank 2 and more, the means of the squared gradients along the last axis and
// the one before it in place of the squares themselves.
class AdafactorRule : public WholeRule<AdafactorOptions> {
 public:
  static constexpr const char* kName = "Adafactor";
  using WholeRule::WholeRule;
  void fields(FieldVisitor& visit) override {
    visit("beta_2_decay", o_.beta_2_decay, Range::kAny);
    visit("epsilon_1", o_.epsilon_1, Range::kNotNegative);
    visit("epsilon_2", o_.epsilon_2, Range::kNotNegative);
    visit("clip_threshold", o_.clip_threshold, Range::kPositive);
    visit("relative_step", o_.relative_step);
  }
  std::vector<SlotSpec> slots() const override { return {{"row"}, {"column"}, {"velocity"}}; }
  // Scalars stand in where there are no rows and columns.
  Shape slot_shape(size_t slot, const Shape& weight) const override {
    if (slot == 2) return weight;
    if (weight.rank() < 2) return Shape{};
    Shape without = weight;
    without.erase(weight.rank() - (slot == 0 ? 1 : 2));
    return without;
  }
  void begin(const StepInfo& step) override {
    // relative_step asks for the same minimum once more.
    rho_ = std::min(step.learning_rate, 1 / std::sqrt(step.t));
    beta_2_ = 1 - std::pow(step.t, f(o_.beta_2_decay));
  }
  void prepare(const Update& u) override {
    if (u.shape->rank() < 2)
      follow_squares(u);
    else
      follow_means(u);
    float* g = u.gradient;
    for (int64_t i = 0; i < u.size; ++i) g[i] /= std::sqrt(u.slots[2][i]);
    const float size = root_mean_square(g, u.size) / f(o_.clip_threshold);
    const float alpha = std::max(f(o_.epsilon_2), root_mean_square(u.weight, u.size)) * rho_;
    for (int64_t i = 0; i < u.size; ++i) g[i] = alpha * (g[i] / (size < 1 ? 1 : size));
  }

 private:
  float square(float g) const { return g * g + f(o_.epsilon_1); }
  float blend(float old, double now) const { return beta_2_ * old + (1 - beta_2_) * f(now); }

  void follow_squares(const Update& u) const {
    float* v = u.slots[2];
    for (int64_t i = 0; i < u.size; ++i) v[i] = blend(v[i], square(u.gradient[i]));
  }
  void follow_means(const Update& u) const {
    const int64_t columns = (*u.shape)[u.shape->rank() - 1];
    const int64_t rows = (*u.shape)[u.shape->rank() - 2], matrix = rows * columns;
    for (int64_t k = 0; k * matrix < u.size; ++k)
      follow_matrix(u.gradient + k * matrix, u.slots[0] + k * rows, u.slots[1] + k * columns,
                    u.slots[2] + k * matrix, rows, columns);
  }
  void follow_matrix(const float* g, float* row, float* column, float* v, int64_t rows,
                     int64_t columns) const {
    double mean_row = 0;
    for (int64_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (int64_t c = 0; c < columns; ++c) sum += double{square(g[r * columns + c])};
      row[r] = blend(row[r], sum / static_cast<double>(columns));
      mean_row += double{row[r]} / static_cast<double>(rows);
    }
    for (int64_t c = 0; c < columns; ++c) {
      double sum = 0;
      for (int64_t r = 0; r < rows; ++r) sum += double{square(g[r * columns + c])};
      column[c] = blend(column[c], sum / static_cast<double>(rows));
    }
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) v[r * columns + c] = row[r] / f(mean_row) * column[c];
  }

  float rho_ = 0, beta_2_ = 0;
};

}  // namespace

Recipe adafactor_recipe(AdafactorOptions o) { return recipe<AdafactorRule>(std::move(o)); }
Recipe lamb_recipe(LambOptions o) { return recipe<LambRule>(std::move(o)); }

}  // namespace cornu::train
