#include "cornu/nn/constraint.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "cornu/nn/field_reader.h"
#include "cornu/nn/keras_json.h"

namespace cornu {
namespace {

using base::Json;
using nn::Where;

// layers.md part 9 with the aliases of D18, and which numbers a class has.
struct Row {
  const char* class_name;
  std::array<const char*, 2> other_names;
  bool min_value = false, max_value = false, rate = false, axis = true;
};
constexpr Row kRows[] = {
    {"MaxNorm", {"max_norm", "maxnorm"}, false, true},
    {"NonNeg", {"non_neg", "nonneg"}, false, false, false, false},
    {"UnitNorm", {"unit_norm", "unitnorm"}},
    {"MinMaxNorm", {"min_max_norm", "min_max_norm"}, true, true, true},
};

const Row* find_row(std::string_view name) {
  for (const Row& row : kRows)
    if (name == row.class_name || name == row.other_names[0] || name == row.other_names[1])
      return &row;
  return nullptr;
}

Json axis_config(const std::vector<int64_t>& axis) {
  if (axis.empty()) return {};
  return axis.size() == 1 ? Json(axis[0]) : Json::list(axis);
}

nn::Functions<Constraint::Function>& own_functions() {
  static nn::Functions<Constraint::Function> functions;
  return functions;
}

}  // namespace

struct ConstraintAccess {
  static Constraint make(const char* name, std::vector<int64_t> axis) {
    Constraint c(name);
    c.axis_ = std::move(axis);
    return c;
  }
  static Constraint max_norm(MaxNormOptions o) {
    Constraint c = make("MaxNorm", std::move(o.axis));
    c.max_value_ = o.max_value;
    return c;
  }
  static Constraint min_max_norm(MinMaxNormOptions o) {
    Constraint c = make("MinMaxNorm", std::move(o.axis));
    c.min_value_ = o.min_value;
    c.max_value_ = o.max_value;
    c.rate_ = o.rate;
    return c;
  }
};

Constraint::Constraint(std::string name) : given_(true), class_name_(std::move(name)) {
  if (const Row* row = find_row(class_name_))
    class_name_ = row->class_name;
  else if (const auto own = own_functions().find(class_name_); own != own_functions().end())
    function_ = own->second;
  if (class_name_ == "MinMaxNorm") max_value_ = 1;
}

Constraint::Constraint(std::string name, Function function)
    : given_(true), class_name_(std::move(name)), function_(std::move(function)) {}

Constraint Constraint::from_config(const Json& config, const Where& where) {
  if (config.is_null()) return None;
  const nn::KerasObject object = nn::keras_object(config, "constraint", where);
  const Row* row = object.custom ? nullptr : find_row(object.name);
  if (const auto own = own_functions().find(object.name); !row && own != own_functions().end())
    return Constraint(object.name, own->second);
  if (!row) nn::throw_unknown("constraint", object.name, config, where);
  Constraint c(object.name);
  nn::FieldReader fields(object.config, base::cat("constraint ", c.class_name_), where);
  if (row->min_value) fields.read("min_value", c.min_value_);
  if (row->max_value) fields.read("max_value", c.max_value_);
  if (row->rate) fields.read("rate", c.rate_);
  if (row->axis) fields.read("axis", c.axis_);
  fields.finish();
  c.check(where);
  return c;
}

Json Constraint::config() const {
  if (!given_) return {};
  if (function_) return nn::function_config(class_name_);
  std::vector<std::pair<std::string, Json>> items;
  if (const Row* row = find_row(class_name_)) {
    if (row->min_value) items.emplace_back("min_value", min_value_);
    if (row->max_value) items.emplace_back("max_value", max_value_);
    if (row->rate) items.emplace_back("rate", rate_);
    if (row->axis) items.emplace_back("axis", axis_config(axis_));
  }
  return nn::to_config("keras.constraints", class_name_.c_str(), Json::object(items));
}

void Constraint::check(const Where& where) const {
  if (!given_ || function_) return;
  if (!find_row(class_name_)) nn::throw_unknown("constraint", class_name_, class_name_, where);
  const auto bad = [&](const char* key, const char* needed, double value) {
    throw ValueError(where.message("constraint ", class_name_, ": `", key, "` must be ", needed,
                                   ". Received: ", key, "=", value));
  };
  const auto norm = [&](const char* key, double value) {
    if (!(value >= 0 && std::isfinite(value))) bad(key, "finite and zero or positive", value);
  };
  norm("min_value", min_value_);
  norm("max_value", max_value_);
  if (!std::isfinite(rate_)) bad("rate", "a finite number", rate_);
  if (class_name_ == "MinMaxNorm" && min_value_ > max_value_)
    bad("min_value", base::cat("at most max_value=", max_value_).c_str(), min_value_);
}

Tensor Constraint::apply(const Tensor& w, const Where& where) const {
  if (!given_) return w;
  Tensor out = w;
  Scratch scratch;
  apply_in_place(out.values(), w.shape(), scratch, where);
  return out;
}

// layers.md part 9.
void Constraint::apply_in_place(std::span<float> w, const Shape& shape, Scratch& scratch,
                                const Where& where) const {
  if (!given_) return;
  if (function_) {
    const Tensor result = function_(Tensor(shape, w));
    if (result.shape() != shape)
      throw ValueError(where.message("constraint ", base::quoted(class_name_), " gives shape ",
                                     result.shape(), ", but the weight has shape ", shape));
    std::ranges::copy(result.values(), w.begin());
    return;
  }
  if (class_name_ == "NonNeg") {
    for (float& v : w)
      if (v < 0) v = 0;
    return;
  }
  for (int64_t axis : axis_)
    if (axis < -shape.rank() || axis >= shape.rank())
      throw ValueError(where.message("constraint: `axis` must be in [", -shape.rank(), ", ",
                                     shape.rank(), ") for a weight of shape ", shape,
                                     ". Received: axis=", axis));
  const auto summed = [&](int64_t axis) {
    return axis_.empty() || std::ranges::any_of(axis_, [&](int64_t a) {
             return (a < 0 ? a + shape.rank() : a) == axis;
           });
  };
  const nn::AxisGroups groups(shape, summed, scratch.groups);
  std::vector<double>& factors = scratch.factors;  // sums of squares first
  factors.assign(static_cast<size_t>(groups.count()), 0.0);
  groups.for_each([&](size_t element, size_t norm) {
    factors[norm] += double{w[element]} * double{w[element]};
  });
  const double eps = epsilon();
  for (double& factor : factors) {
    const double norm = std::sqrt(factor);
    double wanted = 1;  // UnitNorm
    if (class_name_ == "MaxNorm") wanted = std::min(norm, max_value_);
    if (class_name_ == "MinMaxNorm")
      wanted = rate_ * std::clamp(norm, min_value_, max_value_) + (1 - rate_) * norm;
    factor = norm + eps > 0 ? wanted / (norm + eps) : 1;
  }
  groups.for_each([&](size_t element, size_t norm) {
    w[element] = static_cast<float>(double{w[element]} * factors[norm]);
  });
}

void register_constraint(const std::string& name, Constraint::Function function) {
  if (find_row(name))
    throw ValueError(base::cat("register_constraint: ", base::quoted(name),
                               " is a constraint of Keras and cannot be replaced"));
  own_functions()[name] = std::move(function);
}

namespace constraints {

Constraint MaxNorm(MaxNormOptions o) { return ConstraintAccess::max_norm(std::move(o)); }
Constraint NonNeg() { return "NonNeg"; }
Constraint UnitNorm(UnitNormOptions o) {
  return ConstraintAccess::make("UnitNorm", std::move(o.axis));
}
Constraint MinMaxNorm(MinMaxNormOptions o) { return ConstraintAccess::min_max_norm(std::move(o)); }

}  // namespace constraints
}  // namespace cornu
