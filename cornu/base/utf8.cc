#include "cornu/base/utf8.h"

namespace cornu::base {
namespace {

uint8_t byte_at(std::string_view s, size_t i) { return static_cast<uint8_t>(s[i]); }

// Bytes of the character that `lead` starts; 0 when it cannot start one.
size_t length_of(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 0;
}

// The second byte has a narrower range after some lead bytes (Unicode, table 3-7).
bool second_fits(uint8_t lead, uint8_t second) {
  if (lead == 0xe0) return second >= 0xa0 && second <= 0xbf;
  if (lead == 0xed) return second >= 0x80 && second <= 0x9f;
  if (lead == 0xf0) return second >= 0x90 && second <= 0xbf;
  if (lead == 0xf4) return second >= 0x80 && second <= 0x8f;
  return (second & 0xc0) == 0x80;
}

}  // namespace

size_t valid_utf8_prefix(std::string_view s) {
  size_t i = 0;
  while (i < s.size()) {
    const uint8_t lead = byte_at(s, i);
    const size_t length = length_of(lead);
    if (length == 0 || length > s.size() - i) return i;
    if (length > 1 && !second_fits(lead, byte_at(s, i + 1))) return i;
    for (size_t k = 2; k < length; ++k)
      if ((byte_at(s, i + k) & 0xc0) != 0x80) return i;
    i += length;
  }
  return i;
}

uint32_t next_code_point(std::string_view s, size_t* at) {
  const uint8_t lead = byte_at(s, *at);
  const size_t length = length_of(lead);
  uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
  for (size_t k = 1; k < length; ++k) code = (code << 6) | (byte_at(s, *at + k) & 0x3fu);
  *at += length;
  return code;
}

void append_utf8(std::string* out, uint32_t code_point) {
  const auto put = [out](uint32_t byte) { *out += static_cast<char>(byte); };
  if (code_point < 0x80) return put(code_point);
  if (code_point < 0x800) {
    put(0xc0 | (code_point >> 6));
  } else {
    if (code_point < 0x10000) {
      put(0xe0 | (code_point >> 12));
    } else {
      put(0xf0 | (code_point >> 18));
      put(0x80 | ((code_point >> 12) & 0x3f));
    }
    put(0x80 | ((code_point >> 6) & 0x3f));
  }
  put(0x80 | (code_point & 0x3f));
}

}  // namespace cornu::base
