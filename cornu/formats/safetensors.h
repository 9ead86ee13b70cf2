#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/tensor/tensor.h"

namespace cornu {

// Reads all arrays of a .safetensors file, in the order of their data: floats of 2, 4 or 8 bytes,
// bfloat16, integers of 1 to 8 bytes and booleans. All become float32; 64-bit numbers are rounded.
// Throws IoError, and FormatError for other types and for a file whose arrays do not lie one after
// the other up to its end.
CORNU_API std::vector<std::pair<std::string, Tensor>> load_safetensors(const std::string& path);

// Writes float32 arrays, one after the other from a multiple of 64 bytes on. The file appears whole
// or not at all. ValueError for a name that comes twice, is not UTF-8 or is "__metadata__";
// IoError.
CORNU_API void save_safetensors(const std::string& path,
                                const std::vector<std::pair<std::string, Tensor>>& arrays);

}  // namespace cornu
