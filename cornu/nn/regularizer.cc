#include "cornu/nn/regularizer.h"

#include <cmath>
#include <optional>
#include <vector>

#include "cornu/graph/interpret.h"
#include "cornu/nn/field_reader.h"

namespace cornu {
namespace {

using base::Json;
using nn::Where;

// One name of layers.md part 8 with what it stands for. The first row of a class is its name in
// files.
struct Row {
  const char* class_name;
  const char* name;
  double l1 = 0, l2 = 0;
};
constexpr Row kRows[] = {
    {"L1", "L1", 0.01, 0},
    {"L1", "l1", 0.01, 0},
    {"L2", "L2", 0, 0.01},
    {"L2", "l2", 0, 0.01},
    {"L1L2", "L1L2"},
    {"L1L2", "l1l2"},
    {"L1L2", "l1_l2", 0.01, 0.01},  // Keras 2 (D17)
    {"OrthogonalRegularizer", "OrthogonalRegularizer"},
    {"OrthogonalRegularizer", "orthogonal_regularizer"},
};

const Row* find_row(std::string_view name) {
  for (const Row& row : kRows)
    if (name == row.name) return &row;
  return nullptr;
}

nn::Functions<Regularizer::Function>& own_functions() {
  static nn::Functions<Regularizer::Function> functions;
  return functions;
}

}  // namespace

struct RegularizerAccess {
  static Regularizer l1_l2(const char* name, double l1, double l2) {
    Regularizer r(name);
    r.l1_ = l1;
    r.l2_ = l2;
    return r;
  }
  static Regularizer orthogonal(const OrthogonalRegularizerOptions& o) {
    Regularizer r("OrthogonalRegularizer");
    r.factor_ = o.factor;
    r.mode_ = o.mode;
    return r;
  }
};

Regularizer::Regularizer(std::string name) : given_(true), class_name_(std::move(name)) {
  if (const Row* row = find_row(class_name_)) {
    class_name_ = row->class_name;
    l1_ = row->l1;
    l2_ = row->l2;
  } else if (const auto own = own_functions().find(class_name_); own != own_functions().end()) {
    function_ = own->second;
  }
}

Regularizer::Regularizer(std::string name, Function function)
    : given_(true), class_name_(std::move(name)), function_(std::move(function)) {}

Regularizer Regularizer::from_config(const Json& config, const Where& where) {
  if (config.is_null()) return None;
  const nn::KerasObject object = nn::keras_object(config, "regularizer", where);
  const Row* row = object.custom ? nullptr : find_row(object.name);
  if (const auto own = own_functions().find(object.name); !row && own != own_functions().end())
    return Regularizer(object.name, own->second);
  if (!row) nn::throw_unknown("regularizer", object.name, config, where);
  Regularizer r(object.name);
  nn::FieldReader fields(object.config, base::cat("regularizer ", r.class_name_), where);
  if (r.class_name_ == "OrthogonalRegularizer") {
    fields.read("factor", r.factor_);
    fields.read("mode", r.mode_);
  } else {
    if (r.class_name_ != "L2") fields.read("l1", r.l1_);
    if (r.class_name_ != "L1") fields.read("l2", r.l2_);
  }
  fields.finish();
  r.check(where);
  return r;
}

Json Regularizer::config() const {
  if (!given_) return {};
  if (function_) return nn::function_config(class_name_);
  std::vector<std::pair<std::string, Json>> items;
  if (class_name_ == "OrthogonalRegularizer") {
    items = {{"factor", factor_}, {"mode", mode_}};
  } else {
    if (class_name_ != "L2") items.emplace_back("l1", l1_);
    if (class_name_ != "L1") items.emplace_back("l2", l2_);
  }
  return nn::to_config("keras.regularizers", class_name_.c_str(), Json::object(items));
}

void Regularizer::check(const Where& where) const {
  if (!given_ || function_) return;
  if (!find_row(class_name_)) nn::throw_unknown("regularizer", class_name_, class_name_, where);
  const auto coefficient = [&](const char* key, double value) {
    if (!(value >= 0 && std::isfinite(value)))
      throw ValueError(where.message("regularizer ", class_name_, ": `", key,
                                     "` must be finite and zero or positive. Received: ", key, "=",
                                     value));
  };
  coefficient("l1", l1_);
  coefficient("l2", l2_);
  coefficient("factor", factor_);
  if (mode_ != "rows" && mode_ != "columns")
    throw ValueError(where.message(
        "regularizer ", class_name_,
        ": `mode` must be 'rows' or 'columns'. Received: mode=", base::quoted(mode_)));
}

namespace {

// The sum of the absolute products of any two different rows (columns) of length 1, each pair
// counted once, divided by the number of pairs; 0 where there are none.
Expression mean_of_products(Expression w, bool rows) {
  if (!rows) w = ops::transpose(w, {1, 0});
  graph::Builder& g = w.builder();
  const int64_t count = w.shape()[0], length = w.shape()[1];
  if (count < 2) return {g, g.scalar(0)};
  const Expression square = ops::sum(ops::square(w), {.axis = {1}, .keepdims = true});
  const Expression unit =
      w * ops::rsqrt(ops::maximum(square, 1e-24));  // as Keras: zeros stay zeros
  const Expression products =
      ops::matmul(ops::reshape(unit, {1, count, length}),
                  ops::reshape(ops::transpose(unit, {1, 0}), {1, length, count}));
  Tensor pairs = Tensor::full({1, count, count}, 1);
  for (int64_t i = 0; i < count; ++i) pairs.data()[i * (count + 1)] = 0;
  const Expression sum = ops::sum(ops::absolute(products) * Expression(g, g.constant(pairs)));
  return sum / (static_cast<double>(count) * static_cast<double>(count - 1));
}

}  // namespace

// layers.md part 8.
Expression Regularizer::penalty(Expression w, const Where& where) const {
  graph::Builder& g = w.builder();
  if (function_) {
    const Expression cost = function_(w);
    if (cost.shape().size() != 1)
      throw ValueError(where.message("regularizer ", base::quoted(class_name_),
                                     " must give one number. Received: shape=", cost.shape()));
    return ops::reshape(cost, {});
  }
  if (class_name_ == "OrthogonalRegularizer") {
    if (w.rank() != 2)
      throw ValueError(where.message(
          "regularizer OrthogonalRegularizer needs a matrix. Received: shape=", w.shape()));
    return mean_of_products(w, mode_ == "rows") * factor_;
  }
  std::optional<Expression> cost;
  if (l1_ != 0) cost = ops::sum(ops::absolute(w)) * l1_;
  if (l2_ != 0) {
    const Expression squares = ops::sum(ops::square(w)) * l2_;
    cost = cost ? *cost + squares : squares;
  }
  return cost ? *cost : Expression(g, g.scalar(0));
}

double Regularizer::penalty(const Tensor& w) const {
  graph::Builder g;
  const Expression cost = penalty(Expression(g, g.input(w.shape())));
  return graph::interpret<double>(std::move(g).finish({cost}), std::span(&w, 1)).at(0).at(0);
}

void register_regularizer(const std::string& name, Regularizer::Function function) {
  if (find_row(name))
    throw ValueError(base::cat("register_regularizer: ", base::quoted(name),
                               " is a regularizer of Keras and cannot be replaced"));
  own_functions()[name] = std::move(function);
}

namespace regularizers {

Regularizer L1(double l1) { return RegularizerAccess::l1_l2("L1", l1, 0); }
Regularizer L2(double l2) { return RegularizerAccess::l1_l2("L2", 0, l2); }
Regularizer L1L2(L1L2Options o) { return RegularizerAccess::l1_l2("L1L2", o.l1, o.l2); }
Regularizer OrthogonalRegularizer(OrthogonalRegularizerOptions o) {
  return RegularizerAccess::orthogonal(o);
}

}  // namespace regularizers
}  // namespace cornu
