#include "cornu/formats/keras2_config.h"

#include <algorithm>
#include <map>
#include <set>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/formats/json_fields.h"
#include "cornu/formats/tfjs_lowering.h"
#include "cornu/layers/registry.h"

namespace cornu::formats {
namespace {

using base::cat;
using base::Json;
using base::quoted;

bool is_one(const Json& v) {  // 1, [1, 1], …
  if (v.is_number()) return v.as_double() == 1;
  if (!v.is_array()) return false;
  for (const Json& each : v.elements())
    if (!is_one(each)) return false;
  return true;
}

bool is_nothing(const Json& v) {
  return v.is_null() || (v.is_bool() && !v.as_bool()) || (v.is_number() && v.as_double() == 0);
}

using Check = bool (*)(const Json&);
using Rules = std::vector<std::pair<const char*, Check>>;

bool is_not_causal(const Json& v) { return !v.is_string() || v.as_string() != "causal"; }
bool is_channels_last(const Json& v) { return !v.is_string() || v.as_string() != "channels_first"; }
bool is_last_axis(const Json& v) { return v.is_int() && v.as_int() == -1; }
bool is_nearest(const Json& v) { return !v.is_string() || v.as_string() == "nearest"; }

// What TensorFlow.js has, and of each the arguments that it lacks or computes otherwise, with the
// values that are harmless.
const std::map<std::string, Rules, std::less<>>& known_classes() {
  static const Rules kTransposed = {
      {"dilation_rate", is_one}, {"output_padding", is_nothing}, {"groups", is_one}};
  static const Rules kGlobal = {{"keepdims", is_nothing}};
  static const std::map<std::string, Rules, std::less<>> kKnown = {
      {"InputLayer", {}},
      {"Activation", {}},
      {"ReLU", {{"negative_slope", is_nothing}, {"threshold", is_nothing}}},
      {"LeakyReLU", {}},
      {"ELU", {{"alpha", is_one}}},
      {"PReLU", {}},
      {"ThresholdedReLU", {}},
      {"Softmax", {{"axis", is_last_axis}}},
      {"Conv1D",
       {{"groups", is_one}, {"padding", is_not_causal}, {"data_format", is_channels_last}}},
      {"Conv2D", {{"groups", is_one}}},
      {"Conv3D", {{"groups", is_one}, {"dilation_rate", is_one}}},
      {"Conv2DTranspose", kTransposed},
      {"Conv3DTranspose", kTransposed},
      {"SeparableConv2D", {{"data_format", is_channels_last}}},
      {"DepthwiseConv2D", {{"dilation_rate", is_one}}},
      {"Cropping2D", {}},
      {"UpSampling2D", {{"interpolation", is_nearest}}},
      {"ZeroPadding2D", {}},
      {"Dense", {}},
      {"Dropout", {}},
      {"SpatialDropout1D", {}},
      {"GaussianNoise", {}},
      {"GaussianDropout", {}},
      {"AlphaDropout", {}},
      {"Flatten", {}},
      {"RepeatVector", {}},
      {"Permute", {}},
      {"Reshape", {}},
      {"Add", {}},
      {"Average", {}},
      {"Concatenate", {}},
      {"Maximum", {}},
      {"Minimum", {}},
      {"Multiply", {}},
      {"Dot", {}},
      {"BatchNormalization", {}},
      {"LayerNormalization", {}},
      {"Rescaling", {}},
      {"AveragePooling1D", {}},
      {"AveragePooling2D", {}},
      {"AveragePooling3D", {}},
      {"MaxPooling1D", {}},
      {"MaxPooling2D", {}},
      {"MaxPooling3D", {}},
      {"GlobalAveragePooling1D", kGlobal},
      {"GlobalAveragePooling2D", kGlobal},
      {"GlobalMaxPooling1D", kGlobal},
      {"GlobalMaxPooling2D", kGlobal},
      {"TimeDistributed", {}}};
  return kKnown;
}

class Translator {
 public:
  Json network(const Json& given);

 private:
  // The layer that is being translated.
  [[noreturn]] void refuse(const std::string& what) const {
    throw ValueError(
        cat(class_name_, " ", quoted(name_), ": ", what, " cannot be written for TensorFlow.js"));
  }
  Json layer(const Json& object);
  Json layer_config(const Json& config);
  void check_shapes(const Json& object) const;
  Json field(const std::string& key, const Json& value);
  Json activation(const Json& value) const;
  Json initializer(const Json& value) const;
  Json regularizer(const Json& value) const;
  Json constraint(const Json& value) const;
  Json row(const Json& object);
  Json node(const Json& call, const std::string& name) const;
  Json reference(const Json& history) const;
  Json references(const Json& list) const;
  bool is_arithmetic_layer(const Json& object) const;

  std::string class_name_, name_;
  std::set<std::string, std::less<>> models_;  // nested ones that own a first call
};

// ---- arguments
// ------------------------------------------------------------------------------------------

Json Translator::activation(const Json& value) const {
  // Keras's name, and TensorFlow.js's: its hard_sigmoid is Keras 2's.
  static const std::map<std::string, const char*, std::less<>> kNames = {
      {"linear", "linear"},
      {"relu", "relu"},
      {"relu6", "relu6"},
      {"elu", "elu"},
      {"celu", "elu"},  // the same for alpha = 1
      {"selu", "selu"},
      {"sigmoid", "sigmoid"},
      {"softplus", "softplus"},
      {"softsign", "softsign"},
      {"tanh", "tanh"},
      {"softmax", "softmax"},
      {"silu", "swish"},
      {"swish", "swish"},
      {"mish", "mish"},
      {"gelu", "gelu"},
      {"log_softmax", "log_softmax"},
      {"hard_sigmoid_keras2", "hard_sigmoid"}};
  if (value.is_null()) return "linear";
  const auto known = value.is_string() ? kNames.find(value.as_string()) : kNames.end();
  if (known == kNames.end()) refuse(cat("the activation ", value.dump()));
  return known->second;
}

// Weights come with the model, so that an initializer only tells where they came from.
Json Translator::initializer(const Json& value) const {
  static const std::set<std::string, std::less<>> kKnown = {
      "Zeros",           "Ones",          "Constant",     "RandomUniform", "RandomNormal",
      "TruncatedNormal", "GlorotUniform", "GlorotNormal", "HeUniform",     "HeNormal",
      "Orthogonal",      "Identity"};
  static const std::set<std::string, std::less<>> kArguments = {
      "value", "minval", "maxval", "mean", "stddev", "gain", "scale", "mode", "distribution"};
  if (!value.is_object()) return value;
  const std::string name = text(value, "class_name");
  const Json given = value.find("config").value_or(Json());
  if (name == "LecunUniform" || name == "LecunNormal")
    return Json::object(
        {{"class_name", "VarianceScaling"},
         {"config", Json::object({{"scale", 1.0},
                                  {"mode", "fan_in"},
                                  {"distribution", name == "LecunNormal" ? "normal" : "uniform"},
                                  {"seed", nullptr}})}});
  if (!kKnown.contains(name) && name != "VarianceScaling") return "zeros";
  Items config;
  for (const auto& [key, argument] : given.items()) {
    if (key == "seed") {
      config.emplace_back("seed", argument.is_int() ? argument : Json());
    } else if (key == "distribution" && argument.is_string() &&
               argument.as_string() == "untruncated_normal") {
      config.emplace_back(key, "normal");
    } else if (kArguments.contains(key)) {
      config.emplace_back(key, argument);
    }
  }
  return Json::object({{"class_name", name}, {"config", Json::object(config)}});
}

Json Translator::regularizer(const Json& value) const {
  if (!value.is_object()) return value;
  const std::string name = text(value, "class_name");
  if (name != "L1" && name != "L2" && name != "L1L2") refuse(cat("the regularizer ", quoted(name)));
  const Json config = value.find("config").value_or(Json());
  const auto factor = [&](const char* key) { return config.find(key).value_or(Json(0.0)); };
  return Json::object({{"class_name", "L1L2"},
                       {"config", Json::object({{"l1", factor("l1")}, {"l2", factor("l2")}})}});
}

Json Translator::constraint(const Json& value) const {
  static const std::set<std::string, std::less<>> kKnown = {"MaxNorm", "NonNeg", "UnitNorm",
                                                            "MinMaxNorm"};
  if (!value.is_object()) return value;
  const std::string name = text(value, "class_name");
  if (!kKnown.contains(name)) refuse(cat("the constraint ", quoted(name)));
  return Json::object(
      {{"class_name", name}, {"config", value.find("config").value_or(Json::object())}});
}

Json Translator::field(const std::string& key, const Json& value) {
  if (key == "dtype") return "float32";
  if (key == "activation") return activation(value);
  if (key.ends_with("initializer")) return initializer(value);
  if (key.ends_with("regularizer")) return regularizer(value);
  if (key.ends_with("constraint")) return constraint(value);
  if (key == "layer" && value.is_object()) {
    const std::string class_name = class_name_, name = name_;
    const Json inner = layer(value);
    class_name_ = class_name, name_ = name;
    return inner;
  }
  return value;
}

// ---- layers
// ---------------------------------------------------------------------------------------------

Json Translator::layer_config(const Json& config) {
  static const std::set<std::string, std::less<>> kLeftOut = {
      "groups", "output_padding", "keepdims", "negative_slope", "threshold", "synchronized"};
  const Rules& rules = known_classes().find(class_name_)->second;
  for (const auto& [key, allowed] : rules)
    if (const auto value = config.find(key); value && !allowed(*value))
      refuse(cat(key, "=", value->dump()));
  Items items;
  for (const auto& [key, value] : config.items()) {
    if (key == "batch_shape") {
      items.emplace_back("batch_input_shape", value);
    } else if (key == "negative_slope" && class_name_ == "LeakyReLU") {
      items.emplace_back("alpha", value);
    } else if (!kLeftOut.contains(key)) {
      items.emplace_back(key, field(std::string(key), value));
    }
  }
  return Json::object(items);
}

// Element i of a list, or a single number for every axis.
int64_t element(const Json& value, size_t i) {
  const Json one = value.is_array() && i < value.size() ? value[i] : value;
  return one.is_int() ? one.as_int() : 1;
}

// What TensorFlow.js gets wrong for some shapes: normalization of volumes and of an axis other than
// the last, and 'same' in three dimensions where it pads by less than nothing.
void Translator::check_shapes(const Json& object) const {
  const Json config = object.at("config");
  const auto get = [&](const char* key) { return config.find(key).value_or(Json()); };
  if (class_name_ == "BatchNormalization" || class_name_ == "LayerNormalization") {
    const auto built = object.find("build_config");
    const Json shape = built ? built->find("input_shape").value_or(Json()) : Json();
    const int64_t axis = element(get("axis"), 0);
    if (shape.size() > 4) refuse("a volume");
    if (class_name_ == "BatchNormalization" && axis != -1 &&
        axis + 1 != static_cast<int64_t>(shape.size()))
      refuse(cat("axis=", get("axis").dump()));
  }
  if (class_name_.ends_with("3D") && text(config, "padding") == "same") {
    const Json strides = get("strides"),
               window = get(config.contains("pool_size") ? "pool_size" : "kernel_size");
    for (size_t i = 0; i < 3; ++i)
      if (element(strides, i) > element(window, i))
        refuse(cat("padding=\"same\" with strides=", strides.dump()));
  }
}

// A layer, or a model inside of one.
Json Translator::layer(const Json& object) {
  class_name_ = text(object, "class_name");
  const Json config = object.at("config");
  name_ = text(config, "name");
  if (object.contains("shared_object_id")) refuse("a layer of several models");
  if (layers::is_network_class(class_name_)) return network(object);
  const bool own = !object.contains("module") || object.at("module").is_null();
  if (own || !known_classes().contains(class_name_)) refuse("a layer of this class");
  check_shapes(object);
  return Json::object({{"class_name", class_name_}, {"config", layer_config(config)}});
}

// x + y where both are tensors of one shape: then the layer Add is the same.
bool Translator::is_arithmetic_layer(const Json& object) const {
  static const std::set<std::string, std::less<>> kLayers = {"Add", "Multiply", "Maximum",
                                                             "Minimum"};
  if (!kLayers.contains(text(object, "class_name"))) return false;
  for (const Json& call : object.at("inbound_nodes").elements()) {
    const Json args = call.at("args");
    std::vector<std::string> shapes;
    for (const Json& arg : args.elements())
      if (arg.is_object()) shapes.push_back(arg.at("config").at("shape").dump());
    if (shapes.size() != 2 || args.size() != 2 || shapes[0] != shapes[1]) return false;
  }
  return true;
}

// An entry of a Functional's list of layers.
Json Translator::row(const Json& object) {
  const std::string name = text(object, "name");
  std::vector<Json> nodes;
  for (const Json& call : object.at("inbound_nodes").elements()) nodes.push_back(node(call, name));
  Json made;
  if (text(object, "module").starts_with("keras.src.ops")) {
    class_name_ = text(object, "class_name");
    name_ = name;
    if (!is_arithmetic_layer(object)) refuse("arithmetic other than on two tensors of one shape");
    made = Json::object(
        {{"class_name", class_name_},
         {"config", Json::object({{"name", name_}, {"trainable", true}, {"dtype", "float32"}})}});
  } else {
    made = layer(object);
  }
  made.set("name", name);
  made.set("inbound_nodes", Json::array(nodes));
  return made;
}

// [layer, call, output]; the calls of a nested model are counted from 1 (formats.md 3.6).
Json Translator::reference(const Json& history) const {
  const bool from_one = models_.contains(history[0].as_string());
  return Json::array({history[0], history[1].as_int() + (from_one ? 1 : 0), history[2]});
}

Json Translator::node(const Json& call, const std::string& name) const {
  std::vector<Json> tensors;
  const auto add = [&](const Json& tensor) {
    if (!tensor.is_object())
      throw ValueError(cat("layer ", quoted(name),
                           ": a call with a number cannot be written for TensorFlow.js"));
    const Json place = reference(tensor.at("config").at("keras_history"));
    tensors.push_back(Json::array({place[0], place[1], place[2], Json::object()}));
  };
  for (const Json& arg : call.at("args").elements()) {
    if (arg.is_array()) {
      for (const Json& tensor : arg.elements()) add(tensor);
    } else {
      add(arg);
    }
  }
  return Json::array(tensors);
}

// One tensor, or a list of them.
Json Translator::references(const Json& list) const {
  std::vector<Json> all;
  if (list.size() > 0 && list[0].is_string()) return Json::array({reference(list)});
  for (const Json& entry : list.elements()) all.push_back(reference(entry));
  return Json::array(all);
}

// ---- models
// ---------------------------------------------------------------------------------------------

// Recurses as deep as models are nested.
Json Translator::network(const Json& given) {
  const Json object = lowered_for_tfjs(given);
  const std::string class_name = text(object, "class_name");
  const Json config = object.at("config");
  std::vector<Json> list;
  Items items = {{"name", config.at("name")}};
  if (class_name == "Sequential") {
    if (!config.contains("build_input_shape")) {
      class_name_ = class_name, name_ = text(config, "name");
      refuse("a model without an input shape");
    }
    for (const Json& each : config.at("layers").elements()) list.push_back(layer(each));
    items.emplace_back("layers", Json::array(list));
    return Json::object({{"class_name", class_name}, {"config", Json::object(items)}});
  }
  std::set<std::string, std::less<>> models, sequentials;
  for (const Json& each : config.at("layers").elements()) {
    const std::string kind = text(each, "class_name");
    if (layers::is_network_class(kind)) models.insert(text(each, "name"));
    if (kind == "Sequential") sequentials.insert(text(each, "name"));
  }
  for (const Json& each : config.at("layers").elements()) {
    models_ = models;  // a nested model has others
    list.push_back(row(each));
  }
  models_ = sequentials;  // a Functional's calls are counted from 1 in these lists already
  items.emplace_back("layers", Json::array(list));
  items.emplace_back("input_layers", references(config.at("input_layers")));
  const Json outputs = references(config.at("output_layers"));
  std::set<std::string> seen;
  for (const Json& each : outputs.elements())
    if (!seen.insert(each.dump()).second) {
      class_name_ = class_name, name_ = text(config, "name");
      refuse("the same output twice");
    }
  items.emplace_back("output_layers", outputs);
  return Json::object({{"class_name", class_name}, {"config", Json::object(items)}});
}

}  // namespace

Json keras2_object(const Json& object) { return Translator().network(object); }

}  // namespace cornu::formats
