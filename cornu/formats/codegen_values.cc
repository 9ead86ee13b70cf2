#include "cornu/formats/codegen_values.h"

#include <algorithm>
#include <set>

#include "cornu/base/text.h"
#include "cornu/formats/json_fields.h"

namespace cornu::formats {

using base::cat;
using base::Json;

std::string braced(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += cat(text.empty() ? "" : ", ", part);
  return cat("{", text, "}");
}

std::string string_literal(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += cat("\\", c);
    } else if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      for (int shift : {6, 3, 0}) {  // three digits: what follows cannot be taken for one
        if (shift == 6) out += '\\';
        out += static_cast<char>('0' + (byte >> shift & 7));
      }
    }
  }
  return out + "\"";
}

std::string shape_code(const Shape& shape) {
  std::vector<std::string> dims;
  for (int64_t d : shape) dims.push_back(d == Dim::kUnknown ? "None" : std::to_string(d));
  return braced(dims);
}

namespace {

std::string number_code(const Json& value) {
  // C++ has no negative literals, so that the lowest one would be out of range.
  if (value.is_int() && value.as_int() == INT64_MIN) return "INT64_MIN";
  return value.dump();
}

// Lists of one number for every axis, which one number says as well.
bool is_per_axis(const std::string& key) {
  static const std::set<std::string, std::less<>> kKeys = {
      "kernel_size", "strides", "dilation_rate", "pool_size",
      "size",        "padding", "cropping",      "output_padding"};
  return kKeys.contains(key);
}

// The number that a list consists of, lists in it included; nothing where there are several.
std::optional<Json> only_number(const Json& list) {
  std::optional<Json> only;
  for (const Json& element : list.elements()) {
    const std::optional<Json> one =
        element.is_array() ? only_number(element) : std::optional(element);
    if (!one || !one->is_int() || (only && only->as_int() != one->as_int())) return std::nullopt;
    only = one;
  }
  return only;
}

// name({.a = 1, .b = "x"}); `last` goes to the end.
std::string call_code(const std::string& name, const Json& config, const char* last = "") {
  std::vector<std::string> fields;
  for (const bool end : {false, true})
    for (const auto& [key, value] : config.items())
      if ((key == last) == end && !value.is_null())
        fields.push_back(cat(".", key, " = ", value_code(std::string(key), value)));
  return cat(name, fields.empty() ? "()" : cat("(", braced(fields), ")"));
}

// A tensor of the numbers in lists in lists. Floats, which have been written as doubles.
std::string tensor_code(const Json& lists) {
  Shape shape;
  std::vector<std::string> numbers;
  for (Json level = lists; level.is_array(); level = level.empty() ? Json() : level[0])
    shape.push_back(static_cast<int64_t>(level.size()));
  std::vector<Json> open = {lists};
  while (!open.empty()) {
    const Json next = open.back();
    open.pop_back();
    for (size_t i = next.size(); i-- > 0;) open.push_back(next[i]);
    if (next.is_number()) numbers.push_back(cat(Json(next.as_double()).dump(), "f"));
  }
  return cat("Tensor(Shape", shape_code(shape), ", ", braced(numbers), ")");
}

std::string initializer_code(const std::string& name, const Json& config) {
  const bool plain = std::all_of(config.items().begin(), config.items().end(),
                                 [](const auto& item) { return item.second.is_null(); });
  if (plain) return string_literal(base::snake_case(name));
  if (const auto value = config.find("value"); value && value->is_object())
    return tensor_code(value->at("config").at("value"));
  return call_code("initializers::" + name, config, "seed");
}

std::string regularizer_code(const std::string& name, const Json& config) {
  for (const char* key : {"l1", "l2"})
    if (name == base::cat("L", key[1]))
      return cat("regularizers::", name, "(", number_code(config.at(key)), ")");
  return call_code("regularizers::" + name, config);
}

// Axes are a list there, and none of them are all.
std::string constraint_code(const std::string& name, const Json& config) {
  Items items;
  for (const auto& [key, value] : config.items())
    items.emplace_back(key, key != "axis" || value.is_array() ? value
                            : value.is_null()                 ? Json::array({})
                                                              : Json::array({value}));
  return call_code("constraints::" + name, Json::object(items));
}

std::string object_code(const std::string& key, const Json& object) {
  const std::string name(object.at("class_name").as_string());
  const Json config = object.find("config").value_or(Json());
  if (name == "function") return string_literal(config.as_string());
  if (key.ends_with("_initializer")) return initializer_code(name, config);
  if (key.ends_with("_regularizer")) return regularizer_code(name, config);
  if (key.ends_with("_constraint")) return constraint_code(name, config);
  return cat("ActivationFunction::from_config(base::parse_json(", string_literal(object.dump()),
             ", \"activation\"), {}, false)");
}

}  // namespace

std::string value_code(const std::string& key, const Json& value) {
  if (value.is_null()) return "None";
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  if (value.is_number()) return number_code(value);
  if (value.is_string()) return string_literal(value.as_string());
  if (value.is_object()) return object_code(key, value);
  if (const auto one = only_number(value); one && is_per_axis(key)) return number_code(*one);
  std::vector<std::string> elements;
  for (const Json& element : value.elements()) elements.push_back(value_code("", element));
  return (key == "noise_shape" ? "Shape" : "") + braced(elements);
}

}  // namespace cornu::formats
