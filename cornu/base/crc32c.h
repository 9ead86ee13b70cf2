#pragma once

#include <cstdint>
#include <string_view>

#include "cornu/base/export.h"

namespace cornu::base {

// CRC-32C (Castagnoli; RFC 3720, B.4) of a text, as TensorFlow's record files use it. zip's is
// another one.
CORNU_API uint32_t crc32c(std::string_view data);

}  // namespace cornu::base
