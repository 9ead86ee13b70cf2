#include "cornu/train/loss.h"

#include <algorithm>
#include <cmath>

#include "cornu/nn/field_reader.h"
#include "cornu/train/loss_shapes.h"
#include "cornu/train/loss_table.h"

namespace cornu {

using base::cat;
using base::Json;
using train::Fold;
using train::LossRow;
using train::LossSettings;
using train::Terms;

namespace {

const nn::Where kWhere{"compile", ""};
constexpr const char* kReductions[] = {"sum_over_batch_size", "mean", "sum", "none",
                                       "mean_with_sample_weight"};

nn::Functions<Loss::Function>& own_functions() {
  static nn::Functions<Loss::Function> functions;
  return functions;
}

}  // namespace

struct LossAccess {
  static Loss make(const LossRow& row, LossSettings settings, const std::string& name) {
    Loss loss(row.class_name);
    loss.identifier_.clear();
    loss.name_ = name.empty() ? row.name : name;
    loss.settings_ = std::move(settings);
    return loss;
  }
};

Loss::Loss(std::string name) : name_(name), identifier_(std::move(name)) {
  row_ = train::find_loss(identifier_);
  if (row_) settings_ = train::default_settings(*row_);
  const auto own = own_functions().find(identifier_);
  if (own != own_functions().end()) function_ = own->second;
}

Loss::Loss(std::string name, Function function)
    : name_(std::move(name)), function_(std::move(function)) {}

Loss Loss::from_config(const Json& config) {
  const nn::KerasObject object = nn::keras_object(config, "loss", kWhere);
  if (object.config.is_null()) {
    Loss loss(object.name);
    loss.check();
    return loss;
  }
  const LossRow* row = object.custom ? nullptr : train::find_loss(object.name);
  if (!row) nn::throw_unknown("loss", object.name, config, kWhere);
  LossSettings s = train::default_settings(*row);
  std::string name;
  nn::FieldReader fields(object.config, cat("loss ", row->class_name), kWhere);
  fields.read("name", name);
  // "auto" is Keras 2's default; null is 'none'.
  const auto reduction = fields.take("reduction");
  if (reduction && reduction->is_null())
    s.reduction = "none";
  else
    fields.read("reduction", s.reduction);
  if (s.reduction == "auto") s.reduction = "sum_over_batch_size";
  train::read_fields(fields, row->fields, s);
  fields.ignore({"fn", "dtype"});
  fields.finish();
  Loss loss = LossAccess::make(*row, std::move(s), name);
  loss.check();
  return loss;
}

Json Loss::config() const {
  if (!row_) return function_ ? nn::function_config(name_) : Json(identifier_);
  if (!identifier_.empty()) {
    const auto& old = row_->legacy;
    const bool legacy = std::find(old.begin(), old.end(), identifier_) != old.end();
    return legacy ? row_->function : identifier_;
  }
  std::vector<std::pair<std::string, Json>> items = {{"name", name_},
                                                     {"reduction", settings_.reduction}};
  train::write_fields(row_->fields, settings_, items);
  return nn::to_config("keras.losses", row_->class_name, Json::object(items));
}

void Loss::check() const {
  if (!row_ && !function_ && !train::is_crossentropy(identifier_))
    nn::throw_unknown("loss", name_, name_, kWhere);
  const auto bad = [&](const char* key, const char* needed, const auto& got) {
    throw ValueError(kWhere.message("loss ", base::quoted(name_), ": `", key, "` must be ", needed,
                                    ". Received: ", key, "=", got));
  };
  const LossSettings& s = settings_;
  if (std::find(std::begin(kReductions), std::end(kReductions), s.reduction) ==
      std::end(kReductions))
    bad("reduction", "'sum_over_batch_size', 'mean', 'sum', 'none' or 'mean_with_sample_weight'",
        base::quoted(s.reduction));
  if (!(s.label_smoothing >= 0 && s.label_smoothing <= 1))
    bad("label_smoothing", "between 0 and 1", s.label_smoothing);
  if (!(s.delta > 0 && std::isfinite(s.delta))) bad("delta", "finite and positive", s.delta);
  for (const auto& [key, value] :
       {std::pair{"alpha", s.alpha}, std::pair{"beta", s.beta}, std::pair{"gamma", s.gamma}})
    if (!(value >= 0 && std::isfinite(value))) bad(key, "finite and zero or positive", value);
}

// ---- values -------------------------------------------------------------------------------------

namespace {

// The axis in question moved to the end. A transposition that a layer has just done is taken back,
// so that the head before it is seen.
Expression axis_last(Expression x, int64_t axis) {
  if (axis == x.rank() - 1) return x;
  graph::Builder& g = x.builder();
  const graph::Value moved = g.move_axis(x, axis, -1);
  const auto* second = std::get_if<ops::Transpose>(&g.node(moved).op);
  const auto* first = std::get_if<ops::Transpose>(&g.node(x).op);
  if (!first || !second) return {g, moved};
  for (size_t i = 0; i < first->perm.size(); ++i)
    if (first->perm[static_cast<size_t>(second->perm[i])] != static_cast<int64_t>(i))
      return {g, moved};
  return {g, {g.node(x).in[0]}};
}

Terms terms_of(const LossRow* row, const LossSettings& s, const Loss::Function& function,
               const std::string& name, Expression y, Expression p) {
  const auto fit = train::fitted(row, s, y.shape(), p.shape());
  if (!fit)
    throw ValueError(cat("loss ", base::quoted(name), ": y_true does not fit y_pred. Received: ",
                         "y_true.shape=", y.shape(), ", y_pred.shape=", p.shape()));
  y = ops::reshape(y, fit->y_true);
  p = ops::reshape(p, fit->y_pred);
  if (!row) return {function(y, p), Fold::kDone};
  if (!row->sparse) y = axis_last(y, fit->axis);
  p = axis_last(p, fit->axis);
  return row->formula(y, p, s);
}

Expression scaled(Expression x, double factor) { return factor == 1 ? x : x * factor; }

Expression folded(const Terms& terms) {
  if (terms.fold == Fold::kDone) return terms.each;
  const ops::ReduceOptions last = {.axis = {-1}};
  return terms.fold == Fold::kMean ? ops::mean(terms.each, last) : ops::sum(terms.each, last);
}

// 1 where a label counts, else 0; nothing where all do.
std::optional<Expression> mask_of(const LossSettings& s, Expression y_true, const Shape& values) {
  if (!s.ignore_class) return {};
  return ops::reshape(1 - ops::equal(y_true, static_cast<double>(*s.ignore_class)), values);
}

Expression values_of(const Terms& terms, const LossSettings& s, Expression y_true) {
  const Expression values = scaled(folded(terms), terms.factor);
  const auto mask = mask_of(s, y_true, values.shape());
  return mask ? values * *mask : values;
}

// a / b; 0 where b is.
Expression divide_no_nan(Expression a, Expression b) {
  const Expression zero = ops::equal(b, 0);
  return a * (1 - zero) / (b + zero);
}

bool is_mean(const std::string& reduction) {
  return reduction == "sum_over_batch_size" || reduction == "mean";
}

// By samples first: that is fairer to the threads, and to float.
Expression sum_of_all(Expression x) {
  const Shape& shape = x.shape();
  if (shape.rank() < 2 || shape.size() == 0) return ops::sum(x);
  return ops::sum(ops::sum(ops::reshape(x, {shape[0], shape.size() / shape[0]}), {.axis = {-1}}));
}

// In one pass, without the values of the samples.
Expression reduced(const Terms& terms, const std::string& reduction) {
  const Shape& shape = terms.each.shape();
  double factor = terms.factor;
  if (shape.rank() > 0 && shape.size() > 0) {
    const double last = terms.fold == Fold::kDone ? 1 : static_cast<double>(shape[-1]);
    if (terms.fold == Fold::kMean) factor /= last;
    if (reduction != "sum") factor *= last / static_cast<double>(shape.size());
  }
  return scaled(sum_of_all(terms.each), factor);
}

Expression weighted(Expression values, Expression weight, const std::string& loss) {
  const auto fit = train::fitted_weight(values.shape(), weight.shape());
  if (!fit)
    throw ValueError(cat("loss ", base::quoted(loss),
                         ": `sample_weight` does not fit the values of the samples. Received: ",
                         "sample_weight.shape=", weight.shape(), ", values of shape ",
                         values.shape()));
  return ops::reshape(values, fit->values) * ops::reshape(weight, fit->weight);
}

}  // namespace

const LossRow* Loss::row(const Shape& y_true, const Shape& y_pred) const {
  check();
  if (row_ || function_) return row_;
  return train::crossentropy_row(train::labels_of(y_true, y_pred));
}

Expression Loss::values(Expression y_true, Expression y_pred) const {
  const LossRow* row = this->row(y_true.shape(), y_pred.shape());
  return values_of(terms_of(row, settings_, function_, name_, y_true, y_pred), settings_, y_true);
}

Expression train::loss_values(const LossRow& row, const LossSettings& s, Expression y_true,
                              Expression y_pred) {
  return values_of(terms_of(&row, s, {}, row.function, y_true, y_pred), s, y_true);
}

Expression Loss::operator()(Expression y_true, Expression y_pred,
                            std::optional<Expression> sample_weight) const {
  const LossRow* row = this->row(y_true.shape(), y_pred.shape());
  if (reduction() == "none")
    throw ValueError(kWhere.message("loss ", base::quoted(name_),
                                    ": `reduction` 'none' leaves no single number to minimize. ",
                                    "Received: reduction='none'"));
  const Terms terms = terms_of(row, settings_, function_, name_, y_true, y_pred);
  if (!sample_weight && !settings_.ignore_class) return reduced(terms, reduction());
  Expression values = folded(terms);
  std::optional<Expression> weight = mask_of(settings_, y_true, values.shape());
  std::optional<Expression> divisor;
  if (weight && is_mean(reduction())) divisor = ops::sum(*weight);
  if (sample_weight) weight = weight ? weighted(*weight, *sample_weight, name_) : *sample_weight;
  values = weighted(values, *weight, name_);
  if (reduction() == "mean_with_sample_weight") divisor = ops::sum(*weight);
  const Expression sum = scaled(sum_of_all(values), terms.factor);
  if (divisor) return divide_no_nan(sum, *divisor);
  const int64_t count = values.shape().size();
  return reduction() == "sum" || count == 0 ? sum : sum * (1 / static_cast<double>(count));
}

void register_loss(const std::string& name, Loss::Function function) {
  if (train::find_loss(name) || train::is_crossentropy(name))
    throw ValueError(
        cat("register_loss: ", base::quoted(name), " is a loss of Keras and cannot be replaced"));
  own_functions()[name] = std::move(function);
}

// ---- one per class ------------------------------------------------------------------------------

namespace losses {
namespace {

template <class Options, class Set>
Loss make(const char* class_name, const Options& o, const Set& set) {
  const LossRow& row = *train::find_loss(class_name);
  LossSettings s = train::default_settings(row);
  s.reduction = o.reduction;
  set(s);
  return LossAccess::make(row, std::move(s), o.name);
}

Loss plain(const char* class_name, const LossOptions& o) {
  return make(class_name, o, [](LossSettings&) {});
}

template <class Options>
void set_crossentropy(LossSettings& s, const Options& o) {
  s.from_logits = o.from_logits;
  s.label_smoothing = o.label_smoothing;
  s.axis = o.axis;
}

}  // namespace

Loss MeanSquaredError(LossOptions o) { return plain("MeanSquaredError", o); }
Loss MeanAbsoluteError(LossOptions o) { return plain("MeanAbsoluteError", o); }
Loss MeanAbsolutePercentageError(LossOptions o) { return plain("MeanAbsolutePercentageError", o); }
Loss MeanSquaredLogarithmicError(LossOptions o) { return plain("MeanSquaredLogarithmicError", o); }
Loss LogCosh(LossOptions o) { return plain("LogCosh", o); }
Loss Hinge(LossOptions o) { return plain("Hinge", o); }
Loss SquaredHinge(LossOptions o) { return plain("SquaredHinge", o); }
Loss CategoricalHinge(LossOptions o) { return plain("CategoricalHinge", o); }
Loss KLDivergence(LossOptions o) { return plain("KLDivergence", o); }
Loss Poisson(LossOptions o) { return plain("Poisson", o); }

Loss CosineSimilarity(CosineSimilarityOptions o) {
  return make("CosineSimilarity", o, [&](LossSettings& s) { s.axis = o.axis; });
}

Loss Huber(HuberOptions o) {
  return make("Huber", o, [&](LossSettings& s) { s.delta = o.delta; });
}

Loss BinaryCrossentropy(CrossentropyOptions o) {
  return make("BinaryCrossentropy", o, [&](LossSettings& s) { set_crossentropy(s, o); });
}

Loss CategoricalCrossentropy(CrossentropyOptions o) {
  return make("CategoricalCrossentropy", o, [&](LossSettings& s) { set_crossentropy(s, o); });
}

Loss SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions o) {
  return make("SparseCategoricalCrossentropy", o, [&](LossSettings& s) {
    s.from_logits = o.from_logits;
    s.ignore_class = o.ignore_class;
    s.axis = o.axis;
  });
}

Loss BinaryFocalCrossentropy(BinaryFocalCrossentropyOptions o) {
  return make("BinaryFocalCrossentropy", o, [&](LossSettings& s) {
    set_crossentropy(s, o);
    s.apply_class_balancing = o.apply_class_balancing;
    s.alpha = o.alpha;
    s.gamma = o.gamma;
  });
}

Loss CategoricalFocalCrossentropy(CategoricalFocalCrossentropyOptions o) {
  return make("CategoricalFocalCrossentropy", o, [&](LossSettings& s) {
    set_crossentropy(s, o);
    s.alpha = o.alpha;
    s.gamma = o.gamma;
  });
}

Loss Dice(DiceOptions o) {
  return make("Dice", o, [&](LossSettings& s) { s.axes = o.axis; });
}

Loss Tversky(TverskyOptions o) {
  return make("Tversky", o, [&](LossSettings& s) {
    s.alpha = o.alpha;
    s.beta = o.beta;
    s.axes = o.axis;
  });
}

}  // namespace losses
}  // namespace cornu
