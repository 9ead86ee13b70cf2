#include "cornu/nn/regularizer.h"

#include <algorithm>
#include <cmath>
#include <vector>

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
  }
}

Regularizer Regularizer::from_config(const Json& config, const Where& where) {
  if (config.is_null()) return None;
  const nn::KerasObject object = nn::keras_object(config, "regularizer", where);
  const Row* row = object.custom ? nullptr : find_row(object.name);
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
  if (!given_) return;
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
double mean_of_products(const Tensor& w, bool rows) {
  const int64_t count = w.shape()[rows ? 0 : 1], length = w.shape()[rows ? 1 : 0];
  const int64_t along = rows ? 1 : count, across = rows ? length : 1;
  if (count < 2) return 0;
  std::vector<double> unit(static_cast<size_t>(count * length));
  for (int64_t i = 0; i < count; ++i) {
    double square = 0;
    for (int64_t k = 0; k < length; ++k) {
      const double v = w.data()[i * across + k * along];
      unit[static_cast<size_t>(i * length + k)] = v;
      square += v * v;
    }
    const double norm = std::max(std::sqrt(square), 1e-12);  // as Keras: zeros stay zeros
    for (int64_t k = 0; k < length; ++k) unit[static_cast<size_t>(i * length + k)] /= norm;
  }
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < i; ++j) {
      double product = 0;
      for (int64_t k = 0; k < length; ++k)
        product +=
            unit[static_cast<size_t>(i * length + k)] * unit[static_cast<size_t>(j * length + k)];
      sum += std::abs(product);
    }
  return sum / (static_cast<double>(count) * static_cast<double>(count - 1) / 2);
}

}  // namespace

// layers.md part 8.
double Regularizer::penalty(const Tensor& w) const {
  if (!given_) return 0;
  if (class_name_ == "OrthogonalRegularizer") {
    if (w.shape().rank() != 2)
      throw ValueError(base::cat(
          "regularizer OrthogonalRegularizer needs a matrix. Received: shape=", w.shape()));
    return factor_ * mean_of_products(w, mode_ == "rows");
  }
  double absolute = 0, square = 0;
  for (const double v : w.values()) {
    absolute += std::abs(v);
    square += v * v;
  }
  return l1_ * absolute + l2_ * square;
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
