#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "cornu/base/export.h"

namespace cornu::base {

// Length of the longest prefix of `s` that is whole, valid UTF-8: no overlong form, no surrogate,
// nothing above U+10FFFF. Equal to s.size() when all of it is.
CORNU_API size_t valid_utf8_prefix(std::string_view s);
inline bool is_utf8(std::string_view s) { return valid_utf8_prefix(s) == s.size(); }

inline bool is_ascii(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

// Reads the character that starts at s[*at] and moves *at behind it. `s` must be valid UTF-8.
CORNU_API uint32_t next_code_point(std::string_view s, size_t* at);

CORNU_API void append_utf8(std::string* out, uint32_t code_point);

}  // namespace cornu::base
