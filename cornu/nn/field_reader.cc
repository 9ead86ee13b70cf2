#include "cornu/nn/field_reader.h"

namespace cornu::nn {

using base::Json;

std::string shown(const Json& v) {
  constexpr size_t kLongest = 120;
  std::string text = v.dump();
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

Json unwrapped(const Json& v) {
  if (const auto items = v.find("items")) return *items;
  if (v.contains("type"))
    if (const auto value = v.find("value")) return *value;
  const auto class_name = v.find("class_name");
  if (class_name && class_name->is_string() && class_name->as_string() == "__numpy__")
    if (const auto config = v.find("config"))
      if (const auto value = config->find("value")) return *value;
  return v;
}

bool says_nothing(const Json& v) {
  return v.is_null() || (v.is_bool() && !v.as_bool()) || (v.is_string() && v.as_string().empty()) ||
         ((v.is_array() || v.is_object()) && v.empty());
}

FieldReader::FieldReader(Json config, std::string object, const Where& where)
    : config_(std::move(config)), object_(std::move(object)), where_(where) {
  if (!config_.is_object() && !config_.is_null())
    throw ValueError(where_.message(
        object_, ": its configuration must be an object. Received: ", shown(config_)));
}

void FieldReader::bad(const char* key, const char* needed, const Json& got) const {
  throw ValueError(where_.message(object_, ": `", key, "` must be ", needed, ". Received: ", key,
                                  "=", shown(got)));
}

std::optional<Json> FieldReader::take(const char* key) {
  seen_.insert(key);
  return config_.find(key);
}

void FieldReader::read(const char* key, double& field) {
  const auto v = take(key);
  if (!v) return;
  const Json number = unwrapped(*v);
  if (!number.is_finite()) bad(key, "a finite number", *v);
  field = number.as_double();
}

void FieldReader::read(const char* key, std::optional<double>& field) {
  const auto v = take(key);
  if (!v) return;
  field.reset();
  if (!v->is_null()) read(key, field.emplace());
}

void FieldReader::read(const char* key, std::string& field) {
  const auto v = take(key);
  if (!v) return;
  if (!v->is_string()) bad(key, "a string", *v);
  field = std::string(v->as_string());
}

void FieldReader::read(const char* key, std::vector<int64_t>& field) {
  const auto v = take(key);
  if (!v) return;
  constexpr const char* kNeeded = "an integer or a list of integers";
  field.clear();
  const Json list = unwrapped(*v);
  if (list.is_null()) return;
  if (list.is_int()) {
    field.push_back(list.as_int());
    return;
  }
  if (!list.is_array()) bad(key, kNeeded, *v);
  for (const Json& element : list.elements()) {
    if (!element.is_int()) bad(key, kNeeded, *v);
    field.push_back(element.as_int());
  }
}

void FieldReader::read_seed(const char* key, std::optional<int64_t>& field) {
  const auto v = take(key);
  if (!v) return;
  Json seed = *v;
  if (const auto config = v->find("config")) seed = config->find("seed").value_or(Json());
  if (!seed.is_null() && !seed.is_int()) bad(key, "an integer, null or a SeedGenerator", *v);
  field.reset();
  if (seed.is_int()) field = seed.as_int();
}

void FieldReader::finish() const {
  for (const auto& [key, value] : config_.items())
    if (!seen_.contains(key) && !says_nothing(value))
      throw ValueError(where_.message(object_, ": unknown argument ", base::quoted(key),
                                      ". Received: ", key, "=", shown(value)));
}

namespace {

bool starts_with_keras(std::string_view module) {
  return module.starts_with("keras") || module.starts_with("tf_keras") ||
         module.starts_with("tensorflow");
}

}  // namespace

KerasObject keras_object(const Json& v, const char* kind, const Where& where) {
  if (v.is_string()) return {std::string(v.as_string()), {}, false};
  const auto class_name = v.find("class_name");
  if (!class_name || !class_name->is_string())
    throw ValueError(where.message(
        "the ", kind, " must be a name or an object with a class_name. Received: ", shown(v)));
  KerasObject object{std::string(class_name->as_string()), v.find("config").value_or(Json()),
                     false};
  const auto module = v.find("module");
  const auto registered = v.find("registered_name");
  const bool has_package = registered && registered->is_string() &&
                           registered->as_string().find('>') != std::string_view::npos;
  if (object.name == "function") {
    // Keras 3 names a function by its configuration, Keras 2.13 by its registered name.
    if (object.config.is_string()) object.name = std::string(object.config.as_string());
    if (has_package) object.name = std::string(registered->as_string());
    object.config = Json();
    return object;
  }
  object.custom =
      has_package || (module && !(module->is_string() && starts_with_keras(module->as_string())));
  if (has_package) object.name = std::string(registered->as_string());
  return object;
}

Json to_config(const char* module, const char* class_name, const Json& config) {
  return Json::object({{"module", module},
                       {"class_name", class_name},
                       {"config", config},
                       {"registered_name", nullptr}});
}

Json function_config(const std::string& name) {
  return Json::object({{"module", "builtins"},
                       {"class_name", "function"},
                       {"config", name},
                       {"registered_name", name}});
}

void throw_unknown(const char* kind, const std::string& name, const Json& received,
                   const Where& where) {
  throw ValueError(
      where.message("unknown ", kind, " ", base::quoted(name), ". Received: ", shown(received)));
}

}  // namespace cornu::nn
