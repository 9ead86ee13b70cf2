#pragma once

#include <string>

#include "cornu/base/json.h"
#include "cornu/formats/load.h"

namespace cornu::formats {

// A TensorFlow.js layers-model (formats.md part 5): `json` is its model.json, whose weight files
// lie in the same folder as `path`.
LoadResult load_tfjs_model(const base::Json& json, const std::string& path);

}  // namespace cornu::formats
