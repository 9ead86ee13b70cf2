#pragma once

#include "cornu/base/bytes.h"
#include "cornu/formats/safetensors.h"

// load_safetensors on bytes that are already there.
namespace cornu::formats {

std::vector<std::pair<std::string, Tensor>> parse_safetensors(const base::Bytes& file);

}  // namespace cornu::formats
