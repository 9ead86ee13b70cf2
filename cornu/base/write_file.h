#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "cornu/base/export.h"

namespace cornu::base {

// Writes a file that appears whole or not at all: whatever was at `path` stays until all of the new
// one has reached the disk. Throws IoError.
CORNU_API void write_file_atomic(const std::string& path, std::span<const std::byte> data);
inline void write_file_atomic(const std::string& path, std::string_view text) {
  write_file_atomic(path, std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace cornu::base
