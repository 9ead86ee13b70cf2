#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "cornu/base/export.h"

// Building messages. The library has no formatting dependency; these few functions serve all texts.
namespace cornu::base {

inline std::string to_text(std::string_view s) { return std::string(s); }
inline std::string to_text(const char* s) { return s; }
inline std::string to_text(char c) { return std::string(1, c); }
inline std::string to_text(bool b) { return b ? "True" : "False"; }
CORNU_API std::string integer_text(int64_t i);
CORNU_API std::string integer_text(uint64_t i);
template <std::integral T>
std::string to_text(T i) {
  if constexpr (std::unsigned_integral<T>)
    return integer_text(uint64_t{i});
  else
    return integer_text(int64_t{i});
}
// Shortest decimal that reads back as the same number, as Python writes it (1e-07, 0.5, 3.0).
CORNU_API std::string to_text(double d);
CORNU_API std::string to_text(float f);

namespace internal {
inline std::string_view piece(std::string_view s) { return s; }
template <class T>
requires(!std::convertible_to<const T&, std::string_view>) std::string piece(const T& value) {
  return to_text(value);
}
CORNU_API std::string join(std::initializer_list<std::string_view> pieces);
}  // namespace internal

// cat("a", 1, 'b') == "a1b".
template <class... T>
std::string cat(const T&... parts) {
  return internal::join({internal::piece(parts)...});
}

// 'conv2d', quoted as Python's repr does. Quotes, control characters and bytes that are not UTF-8
// are escaped and a text beyond 200 bytes is cut, so that a hostile file cannot write over a
// terminal and the result is always UTF-8.
CORNU_API std::string quoted(std::string_view s);

CORNU_API std::string lower(std::string_view s);

// Keras 3's snake case of a class name: Conv2DTranspose -> conv2d_transpose (spec: layers.md 3.1).
CORNU_API std::string snake_case(std::string_view class_name);

}  // namespace cornu::base
