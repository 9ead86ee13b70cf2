#include "cornu/formats/tfjs_names.h"

#include <optional>
#include <vector>

#include "cornu/base/text.h"

namespace cornu::formats {

using base::cat;
using base::Json;

namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string valid(const std::string& name) {
  std::string out;
  for (char c : name) out += is_plain(c) || c == '-' || c == '_' || c == '.' || c == '/' ? c : '_';
  return out.empty() || !is_plain(out[0]) ? "layer" + out : out;
}

// What a layer's configuration may hold of others: a list of them, or one.
std::optional<Json> inner(const Json& object, const char* key) {
  const auto config = object.find("config");
  return config ? config->find(key) : std::nullopt;
}

}  // namespace

TfjsNames::TfjsNames(const Json& object) {
  collect(object);
  std::set<std::string, std::less<>> taken;
  for (const std::string& name : all_)
    if (valid(name) == name) taken.insert(name);
  for (const std::string& name : all_) {
    if (valid(name) == name) continue;
    std::string unique = valid(name);
    for (int i = 1; !taken.insert(unique).second; ++i) unique = cat(valid(name), "_", i);
    others_[name] = unique;
  }
}

// Models recurse as deep as they are nested.
void TfjsNames::collect(const Json& object) {
  if (const auto name = inner(object, "name"); name && name->is_string())
    all_.emplace(name->as_string());
  if (const auto layers = inner(object, "layers"))
    for (const Json& each : layers->elements()) collect(each);
  if (const auto layer = inner(object, "layer")) collect(*layer);
}

std::string TfjsNames::of(std::string_view name) const {
  const auto other = others_.find(name);
  return other == others_.end() ? std::string(name) : other->second;
}

// References [layer, call, output] in lists of lists, in objects, anywhere: their names.
Json TfjsNames::list(const Json& value) const {
  if (value.is_object()) {
    std::vector<std::pair<std::string, Json>> items;
    for (const auto& [key, each] : value.items()) items.emplace_back(key, list(each));
    return Json::object(items);
  }
  if (!value.is_array()) return value;
  std::vector<Json> elements;
  const bool reference = value.size() == 3 && value[0].is_string() && value[1].is_int();
  for (const Json& each : value.elements())
    elements.push_back(reference && elements.empty() ? Json(of(each.as_string())) : list(each));
  return Json::array(elements);
}

Json TfjsNames::renamed(const Json& object) const {
  if (others_.empty()) return object;
  std::vector<std::pair<std::string, Json>> items, config;
  for (const auto& [key, value] : object.items()) {
    if (key == "name" && value.is_string()) {
      items.emplace_back(key, of(value.as_string()));
    } else if (key == "inbound_nodes") {
      items.emplace_back(key, list(value));
    } else if (key != "config") {
      items.emplace_back(key, value);
    } else {
      for (const auto& [name, field] : value.items()) {
        if (name == "name" && field.is_string()) {
          config.emplace_back(name, of(field.as_string()));
        } else if (name == "layers") {
          std::vector<Json> layers;
          for (const Json& each : field.elements()) layers.push_back(renamed(each));
          config.emplace_back(name, Json::array(layers));
        } else if (name == "layer" && field.is_object()) {
          config.emplace_back(name, renamed(field));
        } else if (name == "input_layers" || name == "output_layers") {
          config.emplace_back(name, list(field));
        } else {
          config.emplace_back(name, field);
        }
      }
      items.emplace_back(key, Json::object(config));
    }
  }
  return Json::object(items);
}

}  // namespace cornu::formats
