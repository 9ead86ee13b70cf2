#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "cornu/base/bytes.h"
#include "cornu/tensor/tensor.h"

// Numbers as files hold them.
namespace cornu::formats {

enum class NumberType : uint8_t {
  kBool,  // one byte, anything but 0 is true
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat16,
  kBfloat16,  // the upper half of a float32
  kFloat32,
  kFloat64,
};

uint64_t bytes_of(NumberType type);
// "float32", as numpy calls it.
const char* name_of(NumberType type);
float float_from_half(uint16_t half);

// Bytes that an array takes. FormatError "label: name ..." for a negative or unknown dimension, a
// rank above 32, and sizes beyond 2^62 bytes.
uint64_t array_bytes(const Shape& shape, NumberType type, const std::string& label,
                     std::string_view name);

enum class ByteOrder : uint8_t { kLittle, kBig };

// Numbers of `each` bytes, the bytes of each turned around, in memory.
base::Bytes turned_around(const base::Bytes& numbers, uint64_t each);

// Converts to.size() numbers; `from` holds exactly as many. 64-bit numbers are rounded to float.
void to_floats(NumberType type, std::span<const std::byte> from, std::span<float> to);
// The same from a file, whose memory is given back on the way.
void read_floats(NumberType type, const base::Bytes& from, std::span<float> to,
                 ByteOrder order = ByteOrder::kLittle);

}  // namespace cornu::formats
