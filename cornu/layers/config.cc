#include "cornu/layers/config.h"

#include <algorithm>
#include <map>

namespace cornu::layers {

using base::cat;
using base::Json;
using nn::shown;
using nn::unwrapped;

ConfigReader::ConfigReader(Json config, std::string class_name, Dialect dialect)
    : config_(std::move(config)), where_{std::move(class_name), ""}, dialect_(dialect) {
  if (!config_.is_object())
    throw ValueError(
        where_.message("its configuration must be an object. Received: ", shown(config_)));
  if (const auto name = config_.find("name"); name && name->is_string())
    where_.name = std::string(name->as_string());
}

void ConfigReader::bad(const char* key, const std::string& needed, const Json& got) const {
  throw ValueError(
      where_.message("`", key, "` must be ", needed, ". Received: ", key, "=", shown(got)));
}

void ConfigReader::read(const char* key, const Json& v, bool& field) const {
  if (!v.is_bool()) bad(key, "a boolean", v);
  field = v.as_bool();
}

void ConfigReader::read(const char* key, const Json& v, int64_t& field) const {
  if (!v.is_int()) bad(key, "an integer", v);
  field = v.as_int();
}

void ConfigReader::read(const char* key, const Json& v, Int& field) const {
  read(key, v, field.value);
}

void ConfigReader::only_int(const char* key, Int& field) {
  seen_.insert(key);
  const auto v = config_.find(key);
  if (!v) return;
  if (!v->is_int())
    throw TypeError(
        where_.message("`", key, "` must be an integer. Received: ", key, "=", shown(*v)));
  field = v->as_int();
}

void ConfigReader::read(const char* key, const Json& v, double& field) const {
  if (!v.is_number() || !v.is_finite()) bad(key, "a finite number", v);
  field = v.as_double();
}

void ConfigReader::read(const char* key, const Json& v, std::string& field) const {
  if (!v.is_string()) bad(key, "a string", v);
  field = std::string(v.as_string());
}

void ConfigReader::read(const char* key, const Json& v, std::vector<int64_t>& field) const {
  field.clear();
  const Json list = unwrapped(v);
  if (list.is_int()) {
    field.push_back(list.as_int());
    return;
  }
  if (!list.is_array()) bad(key, "an integer or a list of integers", v);
  for (const Json& element : list.elements()) {
    if (!element.is_int()) bad(key, "an integer or a list of integers", v);
    field.push_back(element.as_int());
  }
}

void ConfigReader::read(const char* key, const Json& v, std::vector<double>& field) const {
  field.clear();
  const Json list = unwrapped(v);
  if (!list.is_array() && !list.is_number()) bad(key, "a number or a list of numbers", v);
  // Normalization's mean and variance may be nested lists of broadcastable shape: flattened here.
  std::vector<Json> open = {list};
  while (!open.empty()) {
    const Json next = open.back();
    open.pop_back();
    if (next.is_array()) {
      for (size_t i = next.size(); i-- > 0;) open.push_back(next[i]);
    } else if (next.is_number() && next.is_finite()) {
      field.push_back(next.as_double());
    } else {
      bad(key, "a number or a list of numbers", v);
    }
  }
}

void ConfigReader::read(const char* key, const Json& v, Shape& field) const {
  field = Shape();
  const Json list = unwrapped(v);
  if (!list.is_array()) bad(key, "a list of integers", v);
  for (const Json& element : list.elements()) {
    if (!element.is_null() && !element.is_int()) bad(key, "a list of integers or null", v);
    field.push_back(element.is_null() ? Dim::kUnknown : element.as_int());
  }
}

void ConfigReader::read(const char*, const Json& v, ActivationFunction& field) const {
  field = ActivationFunction::from_config(v, where_, dialect_.keras2_hard_sigmoid);
}
void ConfigReader::read(const char*, const Json& v, Initializer& field) const {
  field = Initializer::from_config(v, where_);
}
void ConfigReader::read(const char*, const Json& v, Regularizer& field) const {
  field = Regularizer::from_config(v, where_);
}
void ConfigReader::read(const char*, const Json& v, Constraint& field) const {
  field = Constraint::from_config(v, where_);
}

void ConfigReader::read_ints(const char* key, const Json& v, std::span<int64_t> field) const {
  const std::string needed =
      cat("an integer or a list of ", field.size(), field.size() == 1 ? " integer" : " integers");
  const Json list = unwrapped(v);
  if (list.is_int()) {
    for (int64_t& f : field) f = list.as_int();
    return;
  }
  if (!list.is_array() || list.size() != field.size()) bad(key, needed, v);
  for (size_t i = 0; i < field.size(); ++i) {
    if (!list[i].is_int()) bad(key, needed, v);
    field[i] = list[i].as_int();
  }
}

void ConfigReader::read_borders(const char* key, const Json& v, std::span<Pair> field,
                                std::initializer_list<const char*> names) const {
  std::string needed = field.size() == 1 ? "an integer or a pair of integers"
                                         : cat("an integer, ", field.size(), " integers or ",
                                               field.size(), " pairs of integers");
  for (const char* name : names)
    needed += cat(name == *names.begin() ? " or a dictionary of " : ", ", name);
  const auto pair = [&](const Json& element) -> Pair {
    const Json list = unwrapped(element);
    if (list.is_int()) return Pair(list.as_int());
    if (!list.is_array() || list.size() != 2 || !list[0].is_int() || !list[1].is_int())
      bad(key, needed, v);
    return Pair(list[0].as_int(), list[1].as_int());
  };
  const Json list = unwrapped(v);
  if (list.is_int()) {
    for (Pair& f : field) f = Pair(list.as_int());
  } else if (list.is_object() && names.size() > 0) {
    for (Pair& f : field) f = Pair();
    for (const auto& [side, amount] : list.items()) {
      const auto name = std::find(names.begin(), names.end(), side);
      if (name == names.end() || !amount.is_int()) bad(key, needed, v);
      const auto i = static_cast<size_t>(name - names.begin());
      (i % 2 == 0 ? field[i / 2].before : field[i / 2].after) = amount.as_int();
    }
  } else if (field.size() == 1) {
    const bool nested = list.is_array() && list.size() == 1;
    field[0] = pair(nested ? list[0] : v);
  } else {
    if (!list.is_array() || list.size() != field.size()) bad(key, needed, v);
    for (size_t i = 0; i < field.size(); ++i) field[i] = pair(list[i]);
  }
}

void ConfigReader::read_common(std::string& name, std::string& dtype, Shape& input_shape) {
  seen_.insert({"name", "dtype", "batch_input_shape", "batch_shape", "activity_regularizer"});
  // null asks for an automatic name.
  if (const auto v = config_.find("name"); v && !v->is_null()) {
    read("name", *v, name);
    if (name.empty()) bad("name", "a string that is not empty", *v);
  }
  // "float32", or a DTypePolicy object.
  if (const auto v = config_.find("dtype"); v && !v->is_null()) {
    Json word = *v;
    if (v->is_object())
      if (const auto policy = v->find("config"))
        if (const auto policy_name = policy->find("name")) word = *policy_name;
    if (!word.is_string()) bad("dtype", "a string or a DTypePolicy", *v);
    dtype = std::string(word.as_string());
  }
  if (const auto v = config_.find("batch_input_shape"); v && !v->is_null()) {
    Shape batch_shape;
    read("batch_input_shape", *v, batch_shape);
    if (batch_shape.rank() == 0) bad("batch_input_shape", "a shape with a batch dimension", *v);
    batch_shape.erase(0);
    input_shape = batch_shape;
  }
}

void ConfigReader::finish() const {
  for (const auto& [key, value] : config_.items()) {
    if (seen_.contains(key)) continue;
    const bool one_group = key == "groups" && value.is_int() && value.as_int() == 1;
    if (!one_group && !nn::says_nothing(value))
      throw ValueError(where_.message("unknown argument ", base::quoted(key), ". Received: ", key,
                                      "=", shown(value)));
  }
}

Json dtype_json(const LayerImpl& layer) {
  return Json::object({{"module", "keras"},
                       {"class_name", "DTypePolicy"},
                       {"config", Json::object({{"name", layer.common().dtype}})},
                       {"registered_name", nullptr}});
}

Json full_config(const LayerImpl& layer) { return full_config(layer, layer.config()); }

Json full_config(const LayerImpl& layer, const Json& own) {
  if (layer.class_name() == "InputLayer") return own;  // which has an order of its own
  std::vector<std::pair<std::string, Json>> items = {
      {"name", layer.name()}, {"trainable", layer.trainable()}, {"dtype", dtype_json(layer)}};
  const Json activity = layer.common().activity_regularizer.config();
  if (!activity.is_null()) items.emplace_back("activity_regularizer", activity);
  for (const auto& [key, value] : own.items())
    if (activity.is_null() || key != "activity_regularizer") items.emplace_back(key, value);
  return Json::object(items);
}

Json ConfigWriter::as_declared() const {
  std::map<uintptr_t, const std::pair<std::string, Json>*> by_place;
  for (size_t i = 0; i < items_.size(); ++i) by_place.emplace(places_[i], &items_[i]);
  std::vector<std::pair<std::string, Json>> items;
  for (const auto& [place, item] : by_place) items.push_back(*item);
  return Json::object(items);
}

Json ConfigWriter::json(std::span<const int64_t> v) {
  return Json::array(std::vector<Json>(v.begin(), v.end()));
}

Json ConfigWriter::json(const std::vector<double>& v) {
  return Json::array(std::vector<Json>(v.begin(), v.end()));
}

Json ConfigWriter::json(const Shape& v) {
  std::vector<Json> dims;
  for (int64_t i = 0; i < v.rank(); ++i) dims.push_back(v.known(i) ? Json(v[i]) : Json());
  return Json::array(dims);
}

Json ConfigWriter::json_borders(std::span<const Pair> v) {
  std::vector<Json> pairs;
  for (const Pair& p : v) pairs.push_back(Json::array({p.before, p.after}));
  return v.size() == 1 ? pairs[0] : Json::array(pairs);
}

}  // namespace cornu::layers
