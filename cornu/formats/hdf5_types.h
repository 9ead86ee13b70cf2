#pragma once

#include <cstdint>
#include <string>

#include "cornu/base/bytes.h"
#include "cornu/formats/numbers.h"
#include "cornu/tensor/shape.h"

// The messages of HDF5 object headers that describe data (byte layouts: formats.md 2.1).
namespace cornu::formats {

struct Hdf5Type {
  enum class Kind : uint8_t { kNumber, kFixedString, kVariableString, kOpaque, kOther };
  enum class Padding : uint8_t { kNulTerminated = 0, kNuls = 1, kSpaces = 2 };
  Kind kind = Kind::kOther;
  NumberType number = NumberType::kFloat32;
  ByteOrder order = ByteOrder::kLittle;
  Padding padding = Padding::kNuls;
  uint32_t size = 0;                 // bytes of one element
  const char* unreadable = nullptr;  // of kOther: what it is
};

struct Hdf5Attribute {
  std::string name;
  Hdf5Type type;
  Shape shape;
  base::Bytes data;
};

struct Hdf5Layout {
  const char* unreadable = nullptr;  // why the data cannot be read
  bool compact = false;              // the data lies in the message
  bool chunked = false;
  uint64_t address = 0;  // of the data, or of the B-tree of chunks; kHdf5Undefined: nothing stored
  base::Bytes data;
  uint64_t size = 0;  // of the data; of chunks: of an element
  Shape chunk_shape;
};

inline constexpr uint64_t kHdf5Undefined = ~uint64_t{0};

Hdf5Type parse_hdf5_type(const base::Bytes& message);
Shape parse_hdf5_space(const base::Bytes& message);
Hdf5Layout parse_hdf5_layout(const base::Bytes& message);
Hdf5Attribute parse_hdf5_attribute(const base::Bytes& message);

// Link and attribute names: UTF-8 without control bytes, not empty. `where` is for the message.
void check_hdf5_name(std::string_view name, const base::Bytes& where);

}  // namespace cornu::formats
