#include "cornu/formats/hdf5_types.h"

#include <algorithm>

#include "cornu/base/text.h"
#include "cornu/base/utf8.h"

namespace cornu::formats {
namespace {

using base::ByteCursor;
using base::Bytes;
using base::cat;
using base::quoted;

constexpr uint8_t kBigEndian = 1;

Hdf5Type other(uint32_t size, const char* what) {
  Hdf5Type type;
  type.size = size;
  type.unreadable = what;
  return type;
}

Hdf5Type number(uint32_t size, NumberType which, uint8_t bits) {
  Hdf5Type type;
  type.kind = Hdf5Type::Kind::kNumber;
  type.number = which;
  if (bits & kBigEndian) type.order = ByteOrder::kBig;
  type.size = size;
  return type;
}

Hdf5Type integer(ByteCursor c, uint8_t bits, uint32_t size) {
  const uint16_t offset = c.u16("an integer type");
  const uint16_t precision = c.u16("an integer type");
  const bool is_signed = (bits & 8) != 0;
  if (offset == 0 && precision == 8 * size) {
    switch (size) {
      case 1:
        return number(size, is_signed ? NumberType::kInt8 : NumberType::kUint8, bits);
      case 2:
        return number(size, is_signed ? NumberType::kInt16 : NumberType::kUint16, bits);
      case 4:
        return number(size, is_signed ? NumberType::kInt32 : NumberType::kUint32, bits);
      case 8:
        return number(size, is_signed ? NumberType::kInt64 : NumberType::kUint64, bits);
    }
  }
  return other(size, "integers of an unusual size");
}

// Only IEEE 754's three formats and bfloat16: sign on top, an implied leading 1, the usual biases.
Hdf5Type real(ByteCursor c, uint8_t bits, uint8_t sign, uint32_t size) {
  struct Format {
    NumberType type;
    uint8_t exponent_at, exponent_bits;
    uint32_t bias;
  };
  static constexpr Format kFormats[] = {{NumberType::kFloat16, 10, 5, 15},
                                        {NumberType::kBfloat16, 7, 8, 127},
                                        {NumberType::kFloat32, 23, 8, 127},
                                        {NumberType::kFloat64, 52, 11, 1023}};
  const uint16_t offset = c.u16("a float type");
  const uint16_t precision = c.u16("a float type");
  const uint8_t exponent_at = c.u8("a float type"), exponent_bits = c.u8("a float type");
  const uint8_t mantissa_at = c.u8("a float type"), mantissa_bits = c.u8("a float type");
  const uint32_t bias = c.u32("a float type");
  for (const Format& f : kFormats)
    if (size == bytes_of(f.type) && offset == 0 && precision == 8 * size &&
        (bits & ~kBigEndian) == 0x20 && sign == 8 * size - 1 && exponent_at == f.exponent_at &&
        exponent_bits == f.exponent_bits && mantissa_at == 0 && mantissa_bits == f.exponent_at &&
        bias == f.bias)
      return number(size, f.type, bits);
  return other(size, "floats of an unusual format");
}

Hdf5Type text(Hdf5Type::Kind kind, uint8_t padding, uint32_t size, const Bytes& message) {
  if (padding > 2) message.fail(cat("a string padded in the unknown way ", int{padding}));
  Hdf5Type type;
  type.kind = kind;
  type.padding = static_cast<Hdf5Type::Padding>(padding);
  type.size = size;
  return type;
}

}  // namespace

Hdf5Type parse_hdf5_type(const Bytes& message) {
  ByteCursor c(message);
  const uint8_t head = c.u8("a data type");
  const uint8_t version = head >> 4;
  if (version < 1 || version > 3) c.fail(cat("a data type of version ", int{version}));
  const uint8_t bits = c.u8("a data type"), bits8 = c.u8("a data type");
  c.skip(1, "a data type");
  const uint32_t size = c.u32("a data type");
  if (size == 0) c.fail("a data type of size 0");
  switch (head & 15) {
    case 0:
      return integer(c, bits, size);
    case 1:
      return real(c, bits, bits8, size);
    case 2:
      return other(size, "times");
    case 3:
      return text(Hdf5Type::Kind::kFixedString, bits & 15, size, message);
    case 4:
      return other(size, "bit fields");
    case 5: {
      Hdf5Type opaque;
      opaque.kind = Hdf5Type::Kind::kOpaque;
      opaque.size = size;
      return opaque;
    }
    case 6:
      return other(size, "compound data");
    case 7:
      return other(size, "references");
    case 8:
      return other(size, "enumerations");
    case 9:
      if ((bits & 15) != 1) return other(size, "variable-length lists");
      if (size != 16) c.fail(cat("a variable-length string of element size ", size));
      c.skip(4, "a data type");
      if (const uint32_t of = c.u32("the type of a string's characters"); of != 1)
        c.fail(cat("a variable-length string of characters of ", of, " bytes"));
      return text(Hdf5Type::Kind::kVariableString, bits >> 4, size, message);
    case 10:
      return other(size, "arrays within arrays");
    default:
      c.fail(cat("a data type of the unknown class ", head & 15));
  }
}

Shape parse_hdf5_space(const Bytes& message) {
  constexpr uint8_t kMostAxes = 8;
  ByteCursor c(message);
  const uint8_t version = c.u8("a data space");
  if (version != 1 && version != 2) c.fail(cat("a data space of version ", int{version}));
  const uint8_t rank = c.u8("a data space"), flags = c.u8("a data space");
  const uint8_t kind = c.u8("a data space");
  if (version == 1) c.skip(4, "a data space");
  if (version == 2 && kind != (rank > 0 ? 1 : 0)) c.fail("an empty (null) data space");
  if (rank > kMostAxes) c.fail(cat("an array of ", int{rank}, " dimensions"));
  if (flags > 1) c.fail("a permuted data space");
  Shape shape;
  for (int i = 0; i < rank; ++i) {
    const uint64_t dim = c.u64("a dimension");
    if (dim >> 62 != 0) c.fail(cat("a dimension of ", dim));
    shape.push_back(static_cast<int64_t>(dim));
  }
  // Of others the number of bytes is checked, which is 0 here.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end() && !shape.checked_size())
    c.fail(cat("an empty array whose shape overflows: ", shape));
  for (int64_t dim : shape)
    if (flags == 1 && c.u64("a largest dimension") < static_cast<uint64_t>(dim))
      c.fail("a dimension above its largest");
  return shape;
}

namespace {

// Axes, the address of the B-tree, and how long a chunk is on each axis, an element's size last.
void parse_chunks(ByteCursor* c, Hdf5Layout* layout) {
  constexpr int kMostAxes = 9;
  const int axes = c->u8("a data layout");
  if (axes < 2 || axes > kMostAxes) c->fail(cat("chunks of ", axes - 1, " axes"));
  layout->chunked = true;
  layout->address = c->u64("a data layout");
  for (int i = 0; i < axes; ++i) {
    const uint32_t dim = c->u32("a data layout");
    if (dim == 0) c->fail("chunks of size 0");
    if (i + 1 < axes) layout->chunk_shape.push_back(dim);
    layout->size = dim;
  }
}

}  // namespace

Hdf5Layout parse_hdf5_layout(const Bytes& message) {
  ByteCursor c(message);
  const uint8_t version = c.u8("a data layout");
  if (version != 3 && version != 4)
    c.fail(cat("a data layout of version ", int{version}, "; only 3 and 4 are read"));
  Hdf5Layout layout;
  const uint8_t kind = c.u8("a data layout");
  switch (kind) {
    case 0:
      layout.compact = true;
      layout.size = c.u16("a data layout");
      layout.data = c.take(layout.size, "compact data");
      break;
    case 1:
      layout.address = c.u64("a data layout");
      layout.size = c.u64("a data layout");
      break;
    case 2:
      if (version == 4) {
        layout.unreadable = "chunked storage of a file written with libver='latest'";
      } else {
        parse_chunks(&c, &layout);
      }
      break;
    case 3:
      c.fail("virtual datasets are not read: they take their data from other files");
    default:
      c.fail(cat("a data layout of the unknown class ", int{kind}));
  }
  return layout;
}

void check_hdf5_name(std::string_view name, const Bytes& where) {
  const bool control = std::any_of(
      name.begin(), name.end(), [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; });
  if (name.empty() || control || !base::is_utf8(name))
    where.fail(cat("a name that is empty, not UTF-8 or holds control bytes: ", quoted(name)));
}

Hdf5Attribute parse_hdf5_attribute(const Bytes& message) {
  ByteCursor c(message);
  const uint8_t version = c.u8("an attribute");
  if (version < 1 || version > 3) c.fail(cat("an attribute of version ", int{version}));
  const uint8_t flags = c.u8("an attribute");
  if (version > 1 && flags != 0) c.fail("an attribute of a shared data type");
  const uint16_t name_size = c.u16("an attribute");
  const uint16_t type_size = c.u16("an attribute");
  const uint16_t space_size = c.u16("an attribute");
  if (version == 3) c.skip(1, "an attribute");  // character set: UTF-8 covers both
  const auto part = [&](uint16_t size, const char* what) {
    const Bytes bytes = c.take(size, what);
    if (version == 1) c.align(8, what);
    return bytes;
  };
  Hdf5Attribute a;
  a.name = part(name_size, "an attribute's name").text();
  if (a.name.empty() || a.name.back() != '\0') c.fail("an attribute's name without end");
  a.name.resize(a.name.find('\0'));
  check_hdf5_name(a.name, message);
  a.type = parse_hdf5_type(part(type_size, "an attribute's type"));
  a.shape = parse_hdf5_space(part(space_size, "an attribute's shape"));
  uint64_t size = a.type.size;
  for (int64_t dim : a.shape)
    size = base::checked_mul(size, static_cast<uint64_t>(dim), message, "an attribute's size");
  a.data = c.take(size, "an attribute's data");
  if (c.remaining() >= 8)
    c.fail(cat("the attribute ", quoted(a.name), " has more data than its shape"));
  return a;
}

}  // namespace cornu::formats
