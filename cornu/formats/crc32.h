#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cornu::formats {

// The CRC-32 of zip archives, of the bytes before, whose CRC-32 is `crc`, and `data`; 0 of none.
uint32_t crc32(uint32_t crc, std::span<const std::byte> data);

}  // namespace cornu::formats
