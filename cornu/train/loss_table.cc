#include "cornu/train/loss_table.h"

#include <algorithm>
#include <numbers>
#include <optional>

#include "cornu/base/text.h"
#include "cornu/nn/keras_json.h"

namespace cornu::train {
namespace {

using graph::Builder;
using graph::Node;
using graph::Value;

Expression last_sum(Expression x) { return ops::sum(x, {.axis = {-1}, .keepdims = true}); }

// x^e for x >= 0; its slope stays finite at 0.
Expression power(Expression x, double e) {
  if (e == 1) return x;
  if (e == 2) return ops::square(x);
  return ops::power(ops::maximum(x, epsilon()), e);
}

// Between eps and 1 - eps.
Expression clipped(Expression p) { return ops::clip(p, epsilon(), 1 - epsilon()); }

// ---- heads --------------------------------------------------------------------------------------

// The operand of the op that made p, in p's shape, if that op is a sigmoid or a softmax. What only
// gives p its shape is looked through; for a softmax, if it leaves the classes alone.
std::optional<Expression> head_operand(Expression p, bool softmax) {
  Builder& g = p.builder();
  for (Value v = p.value();;) {
    const Node& node = g.node(v);
    const auto* unary = std::get_if<ops::Unary>(&node.op);
    const auto* soft = std::get_if<ops::Softmax>(&node.op);
    if (softmax ? soft && soft->kind == ops::Softmax::Kind::kSoftmax
                : unary && unary->fn == ops::Unary::Fn::kSigmoid)
      return Expression(g, g.reshape({node.in[0]}, p.shape()));
    const bool through = (unary && unary->fn == ops::Unary::Fn::kIdentity) ||
                         (std::holds_alternative<ops::Reshape>(node.op) &&
                          (!softmax || (node.shape.rank() > 0 && g.shape({node.in[0]}).rank() > 0 &&
                                        node.shape[-1] == g.shape({node.in[0]})[-1])));
    if (!through) return {};
    v = {node.in[0]};
  }
}

std::optional<Expression> logits_of(Expression p, const LossSettings& s, bool softmax) {
  if (s.from_logits) return p;
  return head_operand(p, softmax);
}

// ---- regression ---------------------------------------------------------------------------------

Terms mean_squared_error(Expression y, Expression p, const LossSettings&) {
  return {ops::square(y - p)};
}

Terms mean_absolute_error(Expression y, Expression p, const LossSettings&) {
  return {ops::absolute(y - p)};
}

Terms mean_absolute_percentage_error(Expression y, Expression p, const LossSettings&) {
  return {ops::absolute((y - p) / ops::maximum(ops::absolute(y), epsilon())), Fold::kMean, 100};
}

Terms mean_squared_logarithmic_error(Expression y, Expression p, const LossSettings&) {
  const auto log1p = [](Expression x) { return ops::log(ops::maximum(x, epsilon()) + 1); };
  return {ops::square(log1p(p) - log1p(y))};
}

Terms cosine_similarity(Expression y, Expression p, const LossSettings&) {
  const auto unit = [](Expression x) {
    const Expression square = last_sum(ops::square(x));
    return x * ops::rsqrt(ops::maximum(square, epsilon() * epsilon()));
  };
  return {unit(y) * unit(p), Fold::kSum, -1};
}

// m (|e| - m / 2) with m = min(|e|, delta) is e^2 / 2 up to delta, delta |e| - delta^2 / 2 beyond.
Terms huber(Expression y, Expression p, const LossSettings& s) {
  const Expression e = ops::absolute(p - y), m = ops::minimum(e, s.delta);
  return {m * (e - m * 0.5)};
}

Terms log_cosh(Expression y, Expression p, const LossSettings&) {
  const Expression e = p - y;
  return {e + ops::softplus(e * -2) - std::numbers::ln2};
}

// ---- hinge --------------------------------------------------------------------------------------

// Labels that are all 0 or 1 stand for -1 and 1.
Expression signs(Expression y) {
  const Expression binary = ops::min(ops::maximum(ops::equal(y, 0), ops::equal(y, 1)));
  return y + binary * (y - 1);
}

Terms hinge(Expression y, Expression p, const LossSettings&) {
  return {ops::relu(1 - signs(y) * p)};
}

Terms squared_hinge(Expression y, Expression p, const LossSettings&) {
  return {ops::square(ops::relu(1 - signs(y) * p))};
}

Terms categorical_hinge(Expression y, Expression p, const LossSettings&) {
  const Expression pos = ops::sum(y * p, {.axis = {-1}});
  const Expression neg = ops::max((1 - y) * p, {.axis = {-1}});
  return {ops::relu(neg - pos + 1), Fold::kDone};
}

// ---- probabilities ------------------------------------------------------------------------------

Terms kl_divergence(Expression y, Expression p, const LossSettings&) {
  const Expression truth = ops::clip(y, epsilon(), 1);
  return {truth * ops::log(truth / ops::clip(p, epsilon(), 1)), Fold::kSum};
}

Terms poisson(Expression y, Expression p, const LossSettings&) {
  return {p - y * ops::log(p + epsilon())};
}

Expression smoothed(Expression y, const LossSettings& s, double share) {
  if (s.label_smoothing == 0) return y;
  return y * (1 - s.label_smoothing) + s.label_smoothing * share;
}

// -y log p - (1 - y) log(1 - p) of each number.
Expression binary_terms(Expression y, Expression p, const LossSettings& s) {
  if (const auto z = logits_of(p, s, false)) return ops::softplus(*z) - *z * y;
  const Expression q = clipped(p);
  return -(y * ops::log(q) + (1 - y) * ops::log(1 - q));
}

Terms binary_crossentropy(Expression y, Expression p, const LossSettings& s) {
  return {binary_terms(smoothed(y, s, 0.5), p, s)};
}

Terms binary_focal_crossentropy(Expression y, Expression p, const LossSettings& s) {
  const Expression truth = smoothed(y, s, 0.5);
  const Expression q = s.from_logits ? ops::sigmoid(p) : p;
  const Expression missing = truth + q * (1 - truth * 2);  // 1 - p_t
  Expression each = power(missing, s.gamma) * binary_terms(truth, p, s);
  if (s.apply_class_balancing) each = (truth * (2 * s.alpha - 1) + (1 - s.alpha)) * each;
  return {each};
}

// log p of classes that add up to 1.
Expression log_probabilities(Expression p, const LossSettings& s) {
  if (const auto z = logits_of(p, s, true)) return ops::log_softmax(*z);
  return ops::log(clipped(p / last_sum(p)));
}

double share(Expression p) { return 1.0 / static_cast<double>(p.shape()[-1]); }

Terms categorical_crossentropy(Expression y, Expression p, const LossSettings& s) {
  return {smoothed(y, s, share(p)) * log_probabilities(p, s), Fold::kSum, -1};
}

Terms categorical_focal_crossentropy(Expression y, Expression p, const LossSettings& s) {
  const Expression log = log_probabilities(p, s);
  const Expression factor = power(1 - ops::exp(log), s.gamma);
  return {factor * smoothed(y, s, share(p)) * log, Fold::kSum, -s.alpha};
}

Terms sparse_categorical_crossentropy(Expression y, Expression p, const LossSettings& s) {
  const auto z = logits_of(p, s, true);
  const Expression log = ops::log_softmax(z ? *z : ops::log(clipped(p)));
  return {ops::one_hot(y, p.shape()[-1]) * log, Fold::kSum, -1};
}

// ---- segmentation -------------------------------------------------------------------------------

Terms tversky(Expression y, Expression p, const LossSettings& s) {
  const auto total = [&](Expression x) { return ops::sum(x, {.axis = s.axes}); };
  const Expression both = total(y * p);
  const Expression below =
      both * (1 - s.alpha - s.beta) + total(p) * s.alpha + total(y) * s.beta + epsilon();
  return {1 - both / below, Fold::kDone};
}

Terms dice(Expression y, Expression p, const LossSettings& s) {
  const auto total = [&](Expression x) { return ops::sum(x, {.axis = s.axes}); };
  return {1 - total(y * p) * 2 / (total(y) + total(p) + epsilon()), Fold::kDone};
}

using S = LossSettings;
constexpr Field<S> kFromLogits{"from_logits", &S::from_logits}, kAxis{"axis", &S::axis},
    kAxes{"axis", &S::axes}, kSmoothing{"label_smoothing", &S::label_smoothing},
    kAlpha{"alpha", &S::alpha}, kBeta{"beta", &S::beta}, kGamma{"gamma", &S::gamma},
    kDelta{"delta", &S::delta}, kIgnoreClass{"ignore_class", &S::ignore_class},
    kNewAxis{"axis", &S::axis, false},  // Keras before 3.16 does not know it
    kBalancing{"apply_class_balancing", &S::apply_class_balancing};

std::vector<LossRow> make_rows() {
  std::vector<LossRow> rows;
  const auto add = [&](const char* class_name, Formula formula,
                       std::vector<Field<S>> fields = {}) -> LossRow& {
    const std::string function = base::snake_case(class_name);
    rows.push_back({class_name, function, function, formula, std::move(fields)});
    return rows.back();
  };
  add("MeanSquaredError", mean_squared_error).aliases = {"mse", "MSE"};
  add("MeanAbsoluteError", mean_absolute_error).aliases = {"mae", "MAE"};
  add("MeanAbsolutePercentageError", mean_absolute_percentage_error).aliases = {"mape", "MAPE"};
  add("MeanSquaredLogarithmicError", mean_squared_logarithmic_error).aliases = {"msle", "MSLE"};
  add("CosineSimilarity", cosine_similarity, {kAxis}).legacy = {"cosine_proximity", "cosine"};
  LossRow& huber_row = add("Huber", huber, {kDelta});
  huber_row.name = "huber_loss";
  huber_row.legacy = {"huber_loss"};
  add("LogCosh", log_cosh).legacy = {"logcosh"};
  add("Hinge", hinge);
  add("SquaredHinge", squared_hinge);
  add("CategoricalHinge", categorical_hinge);
  LossRow& divergence = add("KLDivergence", kl_divergence);
  divergence.aliases = {"kld", "KLD"};
  divergence.legacy = {"kullback_leibler_divergence"};
  add("Poisson", poisson);
  add("BinaryCrossentropy", binary_crossentropy, {kFromLogits, kSmoothing, kAxis}).aliases = {
      "bce", "BCE"};
  add("CategoricalCrossentropy", categorical_crossentropy, {kFromLogits, kSmoothing, kAxis});
  add("SparseCategoricalCrossentropy", sparse_categorical_crossentropy,
      {kFromLogits, kIgnoreClass, kNewAxis})
      .sparse = true;
  add("BinaryFocalCrossentropy", binary_focal_crossentropy,
      {kFromLogits, kSmoothing, kAxis, kBalancing, kAlpha, kGamma});
  add("CategoricalFocalCrossentropy", categorical_focal_crossentropy,
      {kFromLogits, kSmoothing, kAxis, kAlpha, kGamma});
  add("Dice", dice, {kAxes});
  add("Tversky", tversky, {kAlpha, kBeta, kAxes}).alpha = 0.5;
  return rows;
}

}  // namespace

const std::vector<LossRow>& loss_rows() {
  static const std::vector<LossRow> rows = make_rows();
  return rows;
}

const LossRow* find_loss(std::string_view name) {
  const auto among = [&](const std::vector<const char*>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const LossRow& row : loss_rows())
    if (name == row.class_name || name == row.function || among(row.aliases) || among(row.legacy))
      return &row;
  return nullptr;
}

bool is_crossentropy(std::string_view name) {
  const std::string word = base::lower(name);
  return word == "crossentropy" || word == "ce";
}

const LossRow* crossentropy_row(Labels labels) {
  switch (labels) {
    case Labels::kBinary:
      return find_loss("binary_crossentropy");
    case Labels::kSparse:
      return find_loss("sparse_categorical_crossentropy");
    case Labels::kCategorical:
      break;
  }
  return find_loss("categorical_crossentropy");
}

LossSettings default_settings(const LossRow& row) {
  LossSettings s;
  s.alpha = row.alpha;
  return s;
}

}  // namespace cornu::train
