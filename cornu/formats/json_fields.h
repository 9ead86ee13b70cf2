#pragma once

// What those who read and write configurations say of JSON all the time.

#include <string>
#include <utility>
#include <vector>

#include "cornu/base/json.h"

namespace cornu::formats {

// The members of an object, in their order.
using Items = std::vector<std::pair<std::string, base::Json>>;

// The text that an object has under a key; empty where it has none.
inline std::string text(const base::Json& object, const char* key) {
  const auto value = object.find(key);
  return value && value->is_string() ? std::string(value->as_string()) : "";
}

}  // namespace cornu::formats
