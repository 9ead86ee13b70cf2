#include "cornu/formats/tensorflow_op.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/formats/json_fields.h"

namespace cornu::formats {
namespace {

using base::cat;
using base::Json;
using base::quoted;

Json name_of(const Json& entry) {
  return entry.find("name").value_or(entry.at("config").find("name").value_or(Json()));
}

// ["layer", node, tensor, …]: a tensor, or a constant in a tensor's place.
bool is_place(const Json& v) { return v.is_array() && v.size() >= 3 && v[0].is_string(); }
bool is_constant(const Json& v) { return is_place(v) && v[0].as_string() == "_CONSTANT_VALUE"; }

// Numbers in lists of one element each, around a list of any length: they broadcast along the last
// axis.
struct Constant {
  std::vector<double> numbers;
  int64_t rank = 0;
};
std::optional<Constant> constant_of(Json v) {
  Constant c;
  for (; v.is_array(); v = Json(v[0])) {
    ++c.rank;
    if (v.size() == 1) continue;
    for (const Json& each : v.elements()) {
      if (!each.is_finite()) return std::nullopt;
      c.numbers.push_back(each.as_double());
    }
    return c.numbers.empty() ? std::nullopt : std::optional(c);
  }
  if (!v.is_finite()) return std::nullopt;
  c.numbers = {v.as_double()};
  return c;
}

// One call: its arguments by their names, the first by "".
class Op {
 public:
  Op(const Json& entry, const Json& call);
  void translate();

  // Of the layer that computes the same.
  const char* class_name = nullptr;
  const char* module = "keras.layers";
  Items config;
  std::vector<Json> args;
  int64_t least_rank = 0;

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw ValueError(cat(class_, " ", quoted(name_), ": ", what));
  }
  [[noreturn]] void refuse(const char* argument, const Json& value) const {
    constexpr size_t kLongest = 100;
    std::string given = value.dump();
    if (given.size() > kLongest) given.replace(kLongest, given.npos, "...");
    refuse(cat("no layer computes ", function_, " with ", *argument ? argument : "its input", "=",
               given));
  }
  Json take(const char* argument);
  void only(const char* argument, std::initializer_list<Json> harmless);
  Json tensor(const Json& place) const;
  void takes_tensor() { args = {tensor(take(""))}; }
  void takes_tensors();
  void becomes(const char* layer, Items fields = {}) {
    class_name = layer;
    config = std::move(fields);
  }
  void becomes_activation(const char* activation) {
    becomes("Activation", {{"activation", activation}});
    takes_tensor();
  }

  void arithmetic(const char* operation, const char* second);
  void along_last_axis(const std::string& operation, bool constant_first,
                       const std::vector<double>& c, const Json& x);
  void pad();
  void crop();
  void pool(const char* kind);
  bool structural();

  const std::string class_, name_, function_;
  std::map<std::string, Json, std::less<>> arguments_;
};

Op::Op(const Json& entry, const Json& call)
    : class_(text(entry, "class_name")),
      name_(name_of(entry).is_string() ? name_of(entry).as_string() : ""),
      function_(text(entry.at("config"), "function")) {
  // The other arguments lie beside each tensor of the first.
  const bool listed = call.is_array() && call.size() > 0 && !is_place(call);
  const Json place = listed ? call[0] : call;
  if (!is_place(place)) refuse("its node holds no tensor");
  const Json others = place.size() > 3 ? place[3] : Json();
  for (const auto& [key, value] : others.items())
    if (key != "name") arguments_.emplace(key, value);
  arguments_.insert_or_assign("", call.size() == 1 ? place : call);
}

Json Op::take(const char* argument) {
  const auto found = arguments_.find(argument);
  if (found == arguments_.end()) return {};
  Json value = found->second;
  arguments_.erase(found);
  return value;
}

void Op::only(const char* argument, std::initializer_list<Json> harmless) {
  const Json value = take(argument);
  if (value.is_null()) return;
  for (const Json& each : harmless)
    if (each.dump() == value.dump()) return;
  refuse(argument, value);
}

// As Keras 3 writes it.
Json Op::tensor(const Json& place) const {
  if (!is_place(place) || is_constant(place)) refuse("", place);
  return Json::object(
      {{"class_name", "__keras_tensor__"},
       {"config", Json::object({{"keras_history", Json::array({place[0], place[1], place[2]})}})}});
}

void Op::takes_tensors() {
  const Json list = take("");
  std::vector<Json> all;
  if (is_place(list)) {
    all.push_back(tensor(list));
  } else {
    for (const Json& each : list.elements()) all.push_back(tensor(each));
  }
  args = {Json::array(all)};
}

// x ∘ y, where one may be a constant.
void Op::arithmetic(const char* operation, const char* second) {
  becomes(operation);
  module = "keras.src.ops.numpy";
  std::vector<Json> operands = {take("")};
  if (is_constant(operands[0])) operands[0] = operands[0][2];
  if (second) operands.push_back(take(second));
  std::optional<Constant> list;
  for (const Json& each : operands) {
    if (is_place(each)) {
      args.push_back(tensor(each));
      continue;
    }
    const auto c = constant_of(each);
    if (!c) refuse(&each == &operands[0] ? "" : second, each);
    least_rank = c->rank;
    args.emplace_back(c->numbers[0]);
    if (c->numbers.size() > 1) list = c;
  }
  if (!list) return;
  const bool first = args[0].is_number();
  if (!args[first ? 1 : 0].is_object()) refuse("", operands[0]);
  along_last_axis(operation, first, list->numbers, args[first ? 1 : 0]);
}

// One number for each channel: a x + b.
void Op::along_last_axis(const std::string& operation, bool constant_first,
                         const std::vector<double>& c, const Json& x) {
  std::vector<double> scale(c.size(), 1), offset(c.size(), 0);
  const bool divides = operation == "Divide" || operation == "TrueDivide";
  for (size_t i = 0; i < c.size(); ++i) {
    if (operation == "Add") {
      offset[i] = c[i];
    } else if (operation == "Subtract") {
      scale[i] = constant_first ? -1 : 1;
      offset[i] = constant_first ? c[i] : -c[i];
    } else if (operation == "Multiply") {
      scale[i] = c[i];
    } else if (divides && !constant_first && std::isfinite(1 / c[i])) {
      scale[i] = 1 / c[i];
    } else {
      refuse(cat("no layer computes ", function_, " with a list of numbers"));
    }
  }
  becomes("Rescaling", {{"scale", Json::list(scale)}, {"offset", Json::list(offset)}});
  module = "keras.layers";
  args = {x};
}

// paddings=[[0, 0], [1, 2], …, [0, 0]]. That its rank is that of the input, the layer sees to; as
// for crops and pools.
void Op::pad() {
  static constexpr const char* kLayers[] = {"ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"};
  only("mode", {"CONSTANT"});
  only("constant_values", {0, 0.0});
  const Json all = take("paddings");
  const size_t axes = all.is_array() ? all.size() : 0;
  const Json none = Json::array({0, 0});
  if (axes < 3 || axes > 5 || all[0].dump() != none.dump() || all[axes - 1].dump() != none.dump())
    refuse("paddings", all);
  std::vector<Json> inner;
  for (size_t i = 1; i + 1 < axes; ++i) inner.push_back(all[i]);
  becomes(kLayers[axes - 3], {{"padding", axes == 3 ? inner[0] : Json::array(inner)},
                              {"data_format", "channels_last"}});
  takes_tensor();
}

// x[:, 1:-1, 2:, :].
void Op::crop() {
  static constexpr const char* kLayers[] = {"Cropping1D", "Cropping2D", "Cropping3D"};
  const Json all = take("slice_spec");
  const size_t axes = all.is_array() ? all.size() : 0;
  if (axes < 3 || axes > 5) refuse("slice_spec", all);
  std::vector<Json> inner;
  for (size_t i = 0; i < axes; ++i) {
    const Json& slice = all[i];
    if (!slice.is_object() || !slice.contains("start")) refuse("slice_spec", all);
    const auto get = [&](const char* key) { return slice.find(key).value_or(Json()); };
    const Json start = get("start"), stop = get("stop"), step = get("step");
    const bool one = step.is_null() || (step.is_int() && step.as_int() == 1);
    const int64_t before = start.is_int() ? start.as_int() : 0;
    const int64_t after = stop.is_int() ? stop.as_int() : -1;
    if (!one || before < 0 || after >= 0 || after < -(int64_t{1} << 40) ||
        !(start.is_null() || start.is_int()) || !(stop.is_null() || stop.is_int()))
      refuse("slice_spec", all);
    inner.push_back(Json::array({before, stop.is_null() ? int64_t{0} : -after}));
  }
  const std::string none = Json::array({0, 0}).dump();
  if (inner.front().dump() != none || inner.back().dump() != none) refuse("slice_spec", all);
  inner = std::vector<Json>(inner.begin() + 1, inner.end() - 1);
  becomes(kLayers[axes - 3], {{"cropping", axes == 3 ? inner[0] : Json::array(inner)},
                              {"data_format", "channels_last"}});
  takes_tensor();
}

// Over all axes between the first and the last.
void Op::pool(const char* kind) {
  static const std::map<std::string, const char*> kAxes = {
      {"1", "1D"}, {"[1]", "1D"}, {"[1, 2]", "2D"}, {"[1, 2, 3]", "3D"}};
  static const std::map<std::string, const char*> kLayers = {
      {"Average1D", "GlobalAveragePooling1D"}, {"Average2D", "GlobalAveragePooling2D"},
      {"Average3D", "GlobalAveragePooling3D"}, {"Max1D", "GlobalMaxPooling1D"},
      {"Max2D", "GlobalMaxPooling2D"},         {"Max3D", "GlobalMaxPooling3D"}};
  const Json axis = take("axis"), keep = take("keepdims");
  const auto axes = kAxes.find(axis.dump());
  if (axes == kAxes.end()) refuse("axis", axis);
  becomes(kLayers.at(cat(kind, axes->second)),
          {{"keepdims", keep.is_bool() && keep.as_bool()}, {"data_format", "channels_last"}});
  takes_tensor();
}

// False for a function that is none of these.
bool Op::structural() {
  const auto rest = [&](const char* argument) {
    const Json all = take(argument);
    std::vector<Json> others;
    for (const Json& each : all.elements()) others.push_back(each);
    if (others.empty()) refuse(argument, all);
    return std::pair(all, std::vector<Json>(others.begin() + 1, others.end()));
  };
  if (function_ == "reshape") {
    const auto [all, sizes] = rest("shape");
    if (all[0].dump() != "-1") refuse("shape", all);  // the batch
    becomes("Reshape", {{"target_shape", Json::array(sizes)}});
    takes_tensor();
  } else if (function_ == "transpose") {
    const auto [all, axes] = rest("perm");
    only("conjugate", {false});
    if (all[0].dump() != "0") refuse("perm", all);
    becomes("Permute", {{"dims", Json::array(axes)}});
    takes_tensor();
  } else if (function_ == "concat") {
    becomes("Concatenate", {{"axis", take("axis")}});
    takes_tensors();
  } else if (function_ == "math.add_n") {
    becomes("Add");
    takes_tensors();
  } else if (function_ == "pad") {
    pad();
  } else if (function_ == "math.reduce_mean" || function_ == "math.reduce_max") {
    pool(function_.ends_with("mean") ? "Average" : "Max");
  } else if (function_ == "__operators__.getitem") {
    crop();
  } else {
    return false;
  }
  return true;
}

void Op::translate() {
  struct Named {
    const char *function, *here;
  };
  // Names as TensorFlow's get_canonical_name_for_symbol gives them.
  static constexpr Named kOfTwo[] = {
      {"__operators__.add", "Add"}, {"math.add", "Add"},           {"math.subtract", "Subtract"},
      {"math.divide", "Divide"},    {"math.multiply", "Multiply"}, {"math.truediv", "TrueDivide"},
      {"math.pow", "Power"},        {"math.maximum", "Maximum"},   {"math.minimum", "Minimum"}};
  static constexpr Named kOfOne[] = {{"math.negative", "Negative"}, {"math.abs", "Absolute"},
                                     {"math.square", "Square"},     {"math.sqrt", "Sqrt"},
                                     {"math.exp", "Exp"},           {"math.log", "Log"}};
  static constexpr Named kActivations[] = {
      {"nn.relu", "relu"},         {"nn.relu6", "relu6"},         {"nn.elu", "elu"},
      {"nn.selu", "selu"},         {"nn.softsign", "softsign"},   {"math.sigmoid", "sigmoid"},
      {"nn.sigmoid", "sigmoid"},   {"math.tanh", "tanh"},         {"nn.tanh", "tanh"},
      {"nn.softplus", "softplus"}, {"math.softplus", "softplus"}, {"identity", "linear"}};
  const auto find = [&](std::span<const Named> table) {
    const auto at = std::find_if(table.begin(), table.end(),
                                 [&](const Named& n) { return function_ == n.function; });
    return at == table.end() ? nullptr : at->here;
  };
  if (const char* operation = find(kOfTwo)) {
    arithmetic(operation, "y");
  } else if (const char* unary = find(kOfOne)) {
    arithmetic(unary, nullptr);
  } else if (const char* activation = find(kActivations)) {
    becomes_activation(activation);
  } else if (function_ == "nn.silu" || function_ == "nn.swish") {
    only("beta", {1, 1.0});
    becomes_activation("silu");
  } else if (function_ == "nn.gelu") {
    only("approximate", {false});
    becomes_activation("gelu");
  } else if (function_ == "cast") {  // all numbers here are float32
    only("dtype", {"float32"});
    becomes_activation("linear");
  } else if (function_ == "nn.leaky_relu") {
    const Json alpha = take("alpha");
    becomes("LeakyReLU", {{"negative_slope", alpha.is_null() ? Json(0.2) : alpha}});
    takes_tensor();
  } else if (function_ == "nn.softmax") {
    const Json axis = take("axis");
    becomes("Softmax", {{"axis", axis.is_null() ? Json(-1) : axis}});
    takes_tensor();
  } else if (function_ == "clip_by_value") {
    only("clip_value_min", {0, 0.0});
    becomes("ReLU", {{"max_value", take("clip_value_max")}});
    takes_tensor();
  } else if (!structural()) {
    refuse(cat("no layer computes TensorFlow's function ", quoted(function_),
               ". Rebuild the model with a layer of its own and register_layer()"));
  }
  for (const auto& [argument, value] : arguments_)
    if (!value.is_null()) refuse(argument.c_str(), value);
}

}  // namespace

TensorflowOp without_tensorflow(const Json& entry) {
  const std::string class_name = text(entry, "class_name");
  const auto nodes = entry.find("inbound_nodes");
  const auto given = entry.find("config");
  if ((class_name != "TFOpLambda" && class_name != "SlicingOpLambda") || !nodes || nodes->empty() ||
      !given || !given->is_object())
    return {entry};
  TensorflowOp made;
  std::vector<Json> calls;
  for (const Json& node : nodes->elements()) {
    Op op(entry, node);
    op.translate();
    Items config = {{"name", name_of(entry)}};
    config.insert(config.end(), op.config.begin(), op.config.end());
    const Json layer = Json::object({{"module", op.module},
                                     {"class_name", op.class_name},
                                     {"config", Json::object(config)},
                                     {"name", name_of(entry)}});
    if (!calls.empty() && layer.dump() != made.entry.dump())
      throw ValueError(
          cat(class_name, " ", name_of(entry).dump(), ": it is called with different arguments"));
    made.entry = layer;
    made.least_rank = std::max(made.least_rank, op.least_rank);
    calls.push_back(Json::object({{"args", Json::array(op.args)}, {"kwargs", Json::object()}}));
  }
  made.entry.set("inbound_nodes", Json::array(calls));
  return made;
}

}  // namespace cornu::formats
