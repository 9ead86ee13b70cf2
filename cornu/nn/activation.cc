#include "cornu/nn/activation.h"

#include <cmath>
#include <limits>

#include "cornu/nn/field_reader.h"

namespace cornu {
namespace {

using base::Json;
using nn::Where;
using Fn = ops::Unary::Fn;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The elementwise activations of layers.md part 10, with Keras's default parameters.
struct Row {
  const char* name;
  ops::Unary unary;
};
constexpr Row kRows[] = {
    {"linear", {Fn::kIdentity}},
    {"relu", {Fn::kRelu, 0, kInfinity, 0}},
    {"relu6", {Fn::kRelu, 0, 6, 0}},
    {"leaky_relu", {Fn::kRelu, 0.2f, kInfinity, 0}},
    {"elu", {Fn::kElu, 1}},
    {"celu", {Fn::kCelu, 1}},
    {"selu", {Fn::kSelu}},
    {"gelu", {Fn::kGelu}},
    {"silu", {Fn::kSilu}},
    {"swish", {Fn::kSilu}},
    {"sigmoid", {Fn::kSigmoid}},
    {"tanh", {Fn::kTanh}},
    {"exponential", {Fn::kExp}},
    {"softplus", {Fn::kSoftplus}},
    {"softsign", {Fn::kSoftsign}},
    {"hard_sigmoid", {Fn::kHardSigmoid, 1.0f / 6, 0.5f}},
    {"hard_sigmoid_keras2", {Fn::kHardSigmoid, 0.2f, 0.5f}},
    {"hard_silu", {Fn::kHardSilu}},
    {"hard_swish", {Fn::kHardSilu}},
    {"hard_tanh", {Fn::kClip, -1, 1}},
    {"mish", {Fn::kMish}},
    {"log_sigmoid", {Fn::kLogSigmoid}},
    {"sparse_sigmoid", {Fn::kSparseSigmoid}},
    {"sparse_plus", {Fn::kSparsePlus}},
    {"squareplus", {Fn::kSquareplus, 4}},
    {"soft_shrink", {Fn::kSoftShrink, 0.5f}},
    {"hard_shrink", {Fn::kHardShrink, 0.5f}},
    {"tanh_shrink", {Fn::kTanhShrink}},
};

const Row* find_row(std::string_view name) {
  for (const Row& row : kRows)
    if (name == row.name) return &row;
  return nullptr;
}

std::optional<ops::Softmax::Kind> softmax_kind(std::string_view name) {
  if (name == "softmax") return ops::Softmax::Kind::kSoftmax;
  if (name == "log_softmax") return ops::Softmax::Kind::kLogSoftmax;
  if (name == "sparsemax") return ops::Softmax::Kind::kSparsemax;
  return {};
}

bool is_keras_name(std::string_view name) {
  return find_row(name) || softmax_kind(name) || name == "glu" || name == "threshold";
}

nn::Functions<ActivationFunction::Function>& own_functions() {
  static nn::Functions<ActivationFunction::Function> functions;
  return functions;
}

// The numbers of one activation layer, which end up as float.
struct LayerFields {
  nn::FieldReader fields;
  const std::string& class_name;
  const Where& where;

  double number(const char* key, double value, bool negative_allowed = false) {
    fields.read(key, value);
    if (!std::isfinite(static_cast<float>(value)))
      throw ValueError(where.message("activation ", class_name, ": `", key,
                                     "` must be a finite number. Received: ", key, "=", value));
    if (value < 0 && !negative_allowed)
      throw ValueError(where.message("activation ", class_name, ": `", key,
                                     "` must be zero or positive. Received: ", key, "=", value));
    return value;
  }
  // The same, or null for none.
  double number_or_infinity(const char* key) {
    const auto v = fields.take(key);
    return v && !v->is_null() ? number(key, 0) : double{kInfinity};
  }
};

ops::Unary unary(Fn fn, double a, double b = 0, double c = 0) {
  return {fn, static_cast<float>(a), static_cast<float>(b), static_cast<float>(c)};
}

// What an activation layer is as an activation: its name and, but for softmax, its op.
struct Meaning {
  std::string name;
  std::optional<ops::Unary> unary;
};

Meaning meaning_of(const nn::KerasObject& layer, const Json& received, const Where& where) {
  const std::string& class_name = layer.name;
  if (class_name == "PReLU")
    throw ValueError(
        where.message("activation 'PReLU' has weights: add it to the model as a layer "
                      "of its own. Received: ",
                      nn::shown(received)));
  LayerFields f{{layer.config, "activation " + class_name, where}, class_name, where};
  f.fields.ignore({"name", "trainable", "dtype", "batch_input_shape", "batch_shape"});
  Meaning m;
  if (class_name == "ReLU") {
    const double slope = f.number("negative_slope", 0), threshold = f.number("threshold", 0);
    m = {"relu", unary(Fn::kRelu, slope, f.number_or_infinity("max_value"), threshold)};
  } else if (class_name == "LeakyReLU") {
    // Keras 2 calls the slope alpha.
    const double slope = f.number("negative_slope", f.number("alpha", 0.3));
    m = {"leaky_relu", unary(Fn::kRelu, slope, kInfinity)};
  } else if (class_name == "ELU") {
    m = {"elu", unary(Fn::kElu, f.number("alpha", 1, true))};
  } else if (class_name == "ThresholdedReLU") {
    m = {"thresholded_relu", unary(Fn::kThreshold, f.number("theta", 1))};
  } else if (class_name == "Softmax") {
    std::vector<int64_t> axis = {-1};
    f.fields.read("axis", axis);
    if (axis != std::vector<int64_t>{-1})
      f.fields.bad("axis", "-1 where Softmax is another layer's activation",
                   *layer.config.find("axis"));
    m = {"softmax", {}};
  } else {
    nn::throw_unknown("activation", class_name, received, where);
  }
  f.fields.finish();
  return m;
}

}  // namespace

ActivationFunction::ActivationFunction(std::string name) : name_(std::move(name)) {
  if (name_ == "swish") name_ = "silu";
  if (name_ == "hard_swish") name_ = "hard_silu";
  if (const Row* row = find_row(name_)) {
    unary_ = row->unary;
  } else if (const auto own = own_functions().find(name_); own != own_functions().end()) {
    function_ = own->second;
  }
}

ActivationFunction::ActivationFunction(std::string name, Function function)
    : name_(std::move(name)), function_(std::move(function)) {}

ActivationFunction ActivationFunction::from_config(const Json& config, const Where& where,
                                                   bool keras2) {
  // {"class_name": "Activation", "config": {"activation": …}} may hold any other, itself included.
  nn::KerasObject object;
  for (Json v = config;;) {
    if (v.is_null()) {
      object = {"linear", {}, false};
      break;
    }
    object = nn::keras_object(v, "activation", where);
    if (object.name != "Activation" || object.custom) break;
    v = object.config.find("activation").value_or(Json());
  }
  ActivationFunction a;
  const auto own = own_functions().find(object.name);
  if (own != own_functions().end()) {
    a = ActivationFunction(object.name, own->second);
  } else if (object.custom) {
    nn::throw_unknown("activation", object.name, config, where);
  } else if (object.config.is_null()) {
    const bool old = keras2 && object.name == "hard_sigmoid";
    a = ActivationFunction(old ? "hard_sigmoid_keras2" : object.name);
    a.check(where);
    if (old) return a;
  } else {
    const Meaning m = meaning_of(object, config, where);
    a.name_ = m.name;
    a.unary_ = m.unary;
  }
  a.config_ = config;
  return a;
}

Json ActivationFunction::config() const {
  if (!config_.is_null()) return config_;
  return function_ ? nn::function_config(name_) : Json(name_);
}

void ActivationFunction::check(const Where& where) const {
  if (function_ || unary_) return;
  if (name_ == "threshold")
    throw ValueError(
        where.message("activation 'threshold' needs a threshold and a value, which "
                      "its name does not give: use a function of your own. Received: ",
                      nn::shown(name_)));
  if (!is_keras_name(name_)) nn::throw_unknown("activation", name_, name_, where);
}

bool ActivationFunction::is_linear() const { return unary_ && unary_->fn == Fn::kIdentity; }

bool ActivationFunction::acts_on_axis() const {
  return !function_ && (softmax_kind(name_).has_value() || name_ == "glu");
}

Shape ActivationFunction::output_shape(const Shape& in) const {
  if (function_ || name_ != "glu") return in;
  if (in.rank() == 0 || (in.known(-1) && in[-1] % 2 != 0))
    throw ValueError(base::cat("activation 'glu' needs an even last axis. Received: shape=", in));
  Shape out = in;
  if (out.known(-1)) out[-1] /= 2;
  return out;
}

graph::Value ActivationFunction::lower(graph::Builder& g, graph::Value x) const {
  if (is_linear()) return x;
  const Shape shape = g.shape(x);
  if (function_) {
    const graph::Value y = function_(g, x);
    if (g.shape(y) != shape)
      throw ValueError(base::cat("activation ", base::quoted(name_),
                                 " must keep the shape. Received: ", g.shape(y), " for ", shape));
    return y;
  }
  if (unary_) return g.add(*unary_, {x});
  if (const auto kind = softmax_kind(name_)) return g.add(ops::Softmax{*kind}, {x});
  CORNU_CHECK(name_ == "glu");
  const int64_t half = output_shape(shape)[-1], axis = shape.rank() - 1;
  const graph::Value gate = g.unary(Fn::kSigmoid, g.slice(x, axis, half, 2 * half));
  return g.binary(ops::Binary::Fn::kMultiply, g.slice(x, axis, 0, half), gate);
}

void register_activation(const std::string& name, ActivationFunction::Function function) {
  if (is_keras_name(name))
    throw ValueError(base::cat("register_activation: ", base::quoted(name),
                               " is an activation of Keras and cannot be replaced"));
  own_functions()[name] = std::move(function);
}

}  // namespace cornu
