#include "cornu/formats/numbers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::formats {
namespace {

static_assert(std::endian::native == std::endian::little, "files hold little-endian numbers");

struct TypeInfo {
  const char* name;
  uint64_t bytes;
};
constexpr TypeInfo kTypes[] = {
    {"bool", 1},     {"int8", 1},    {"uint8", 1},   {"int16", 2},  {"uint16", 2},
    {"int32", 4},    {"uint32", 4},  {"int64", 8},   {"uint64", 8}, {"float16", 2},
    {"bfloat16", 2}, {"float32", 4}, {"float64", 8},
};

template <class T, class Convert>
void convert_all(std::span<const std::byte> from, std::span<float> to, Convert&& convert) {
  for (size_t i = 0; i < to.size(); ++i) {
    T value;
    std::memcpy(&value, from.data() + i * sizeof(T), sizeof(T));
    to[i] = convert(value);
  }
}

template <class T>
void cast_all(std::span<const std::byte> from, std::span<float> to) {
  convert_all<T>(from, to, [](T value) { return static_cast<float>(value); });
}

}  // namespace

uint64_t bytes_of(NumberType type) { return kTypes[static_cast<size_t>(type)].bytes; }
const char* name_of(NumberType type) { return kTypes[static_cast<size_t>(type)].name; }

float float_from_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 0x1f;
  const uint32_t mantissa = half & 0x3ff;
  if (exponent == 0) {
    const float size = std::ldexp(static_cast<float>(mantissa), -24);
    return sign ? -size : size;
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

uint64_t array_bytes(const Shape& shape, NumberType type, const std::string& label,
                     std::string_view name) {
  constexpr int64_t kMostAxes = 32;
  const auto refuse = [&](const char* why) {
    throw FormatError(
        base::cat(label, ": ", name, " has a shape ", why, ". Received: shape=", shape));
  };
  if (shape.rank() > kMostAxes) refuse("with too many dimensions");
  uint64_t size = bytes_of(type);
  for (int64_t dim : shape) {
    if (dim < 0) refuse("that is not of sizes");
    if (__builtin_mul_overflow(size, static_cast<uint64_t>(dim), &size) || size >> 62 != 0)
      refuse("that no file can hold");
  }
  if (!shape.checked_size()) refuse("that no file can hold");  // nor where a size is 0
  return size;
}

void to_floats(NumberType type, std::span<const std::byte> from, std::span<float> to) {
  CORNU_CHECK(from.size() == to.size() * bytes_of(type));
  switch (type) {
    case NumberType::kBool:
      return convert_all<uint8_t>(from, to, [](uint8_t v) { return v != 0 ? 1.0f : 0.0f; });
    case NumberType::kInt8:
      return cast_all<int8_t>(from, to);
    case NumberType::kUint8:
      return cast_all<uint8_t>(from, to);
    case NumberType::kInt16:
      return cast_all<int16_t>(from, to);
    case NumberType::kUint16:
      return cast_all<uint16_t>(from, to);
    case NumberType::kInt32:
      return cast_all<int32_t>(from, to);
    case NumberType::kUint32:
      return cast_all<uint32_t>(from, to);
    case NumberType::kInt64:
      return cast_all<int64_t>(from, to);
    case NumberType::kUint64:
      return cast_all<uint64_t>(from, to);
    case NumberType::kFloat16:
      return convert_all<uint16_t>(from, to, float_from_half);
    case NumberType::kBfloat16:
      return convert_all<uint16_t>(from, to, [](uint16_t v) {
        return std::bit_cast<float>(static_cast<uint32_t>(v) << 16);
      });
    case NumberType::kFloat32:
      if (!to.empty()) std::memcpy(to.data(), from.data(), from.size());
      return;
    case NumberType::kFloat64:
      return cast_all<double>(from, to);
  }
}

base::Bytes turned_around(const base::Bytes& numbers, uint64_t each) {
  std::vector<std::byte> out(numbers.size());
  numbers.copy_to(out);
  for (auto at = out.begin(); at != out.end(); at += static_cast<std::ptrdiff_t>(each))
    std::reverse(at, at + static_cast<std::ptrdiff_t>(each));
  return base::Bytes::own(std::move(out), numbers.label());
}

void read_floats(NumberType type, const base::Bytes& from, std::span<float> to, ByteOrder order) {
  constexpr uint64_t kPiece = 1 << 18;  // numbers
  const uint64_t each = bytes_of(type);
  if (from.size() / each != to.size() || from.size() % each != 0)
    from.fail(
        base::cat(from.size(), " bytes are not ", to.size(), " numbers of type ", name_of(type)));
  if (type == NumberType::kFloat32 && order == ByteOrder::kLittle) {
    from.copy_to(std::as_writable_bytes(to));
    return from.release();
  }
  for (uint64_t done = 0; done < to.size(); done += kPiece) {
    const uint64_t count = std::min<uint64_t>(kPiece, to.size() - done);
    base::Bytes piece = from.at(done * each, count * each, "an array");
    if (order == ByteOrder::kBig) piece = turned_around(piece, each);
    to_floats(type, piece.span(), to.subspan(done, count));
    from.at(0, (done + count) * each, "an array").release();
  }
}

}  // namespace cornu::formats
