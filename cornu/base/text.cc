#include "cornu/base/text.h"

#include <array>
#include <charconv>
#include <cmath>

#include "cornu/base/utf8.h"

namespace cornu::base {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_word(char c) { return is_upper(c) || is_lower(c) || (c >= '0' && c <= '9') || c == '_'; }

template <class T>
std::string shortest(T d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d > 0 ? "inf" : "-inf";
  std::array<char, 64> buffer;
  const T size = std::fabs(d);
  // Python's repr switches to an exponent outside 1e-4 .. 1e16.
  const bool plain = size == 0 || (size >= T(1e-4) && size < T(1e16));
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), d, format);
  std::string text(buffer.data(), end);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

// Not a control character, and not one that breaks a line or turns the direction of writing.
bool is_shown(uint32_t c) {
  return c >= 0x20 && !(c >= 0x7f && c < 0xa0) && !(c >= 0x2028 && c <= 0x202e) &&
         !(c >= 0x2066 && c <= 0x2069);
}

// \x1b, \u202e.
std::string escaped(uint32_t c) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = c < 0x100 ? "\\x" : "\\u";
  for (int shift = c < 0x100 ? 4 : 12; shift >= 0; shift -= 4) out += kHex[c >> shift & 15];
  return out;
}

}  // namespace

std::string integer_text(int64_t i) { return std::to_string(i); }
std::string integer_text(uint64_t i) { return std::to_string(i); }

std::string internal::join(std::initializer_list<std::string_view> pieces) {
  size_t size = 0;
  for (std::string_view piece : pieces) size += piece.size();
  std::string out;
  out.reserve(size);
  for (std::string_view piece : pieces) out += piece;
  return out;
}

std::string to_text(double d) { return shortest(d); }
std::string to_text(float f) { return shortest(f); }

std::string quoted(std::string_view s) {
  constexpr size_t kLongest = 200;
  std::string out = "'";
  for (size_t i = 0; i < s.size();) {
    if (i >= kLongest) {
      out += "…";
      break;
    }
    const size_t start = i;
    if (valid_utf8_prefix(s.substr(i, 4)) == 0) {  // no character starts here: show the byte
      out += escaped(static_cast<unsigned char>(s[i++]));
      continue;
    }
    const uint32_t c = next_code_point(s, &i);
    if (!is_shown(c)) {
      out += escaped(c);
      continue;
    }
    if (c == '\'' || c == '\\') out += '\\';
    out += s.substr(start, i - start);
  }
  return out + "'";
}

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string snake_case(std::string_view class_name) {
  std::string word;
  for (char c : class_name)
    if (is_word(c)) word += c;
  // (.)([A-Z][a-z]+) -> \1_\2
  std::string parted;
  for (size_t i = 0; i < word.size(); ++i) {
    if (i > 0 && is_upper(word[i]) && i + 1 < word.size() && is_lower(word[i + 1])) parted += '_';
    parted += word[i];
  }
  // ([a-z])([A-Z]) -> \1_\2
  std::string out;
  for (size_t i = 0; i < parted.size(); ++i) {
    if (i > 0 && is_upper(parted[i]) && is_lower(parted[i - 1])) out += '_';
    out += parted[i];
  }
  return lower(out);
}

}  // namespace cornu::base
