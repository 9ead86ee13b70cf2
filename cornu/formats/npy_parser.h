#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cornu/base/bytes.h"
#include "cornu/formats/npy.h"

// load_npy and load_npz on bytes that are already there.
namespace cornu::formats {

Tensor parse_npy(const base::Bytes& file);
std::vector<std::pair<std::string, Tensor>> parse_npz(const base::Bytes& archive);

}  // namespace cornu::formats
