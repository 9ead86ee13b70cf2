#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cornu/base/json.h"
#include "cornu/tensor/shape.h"

// C++ for the values of configurations.
namespace cornu::formats {

// "a", "b" -> "{a, b}".
std::string braced(const std::vector<std::string>& parts);

// "text", with escapes for everything but plain ASCII.
std::string string_literal(std::string_view text);

// {None, 28, 28, 1}
std::string shape_code(const Shape& shape);

// The value of a layer's argument `key`, as LayerImpl::declared_config() gives it, so that `.key =
// ` may stand before it.
std::string value_code(const std::string& key, const base::Json& value);

}  // namespace cornu::formats
