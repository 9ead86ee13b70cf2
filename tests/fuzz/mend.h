#pragma once

// Makes checksums, lengths and offsets right again that a fuzzer's changes made wrong.

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "cornu/formats/hdf5_claims.h"

namespace cornu::fuzz {

inline uint64_t number_at(const std::string& text, size_t at, int bytes) {
  uint64_t value = 0;
  for (int i = bytes; i-- > 0;)
    value = value << 8 | static_cast<uint8_t>(text[at + static_cast<size_t>(i)]);
  return value;
}
inline void put_at(std::string& text, size_t at, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) text[at++] = static_cast<char>(value >> (8 * i));
}

// ---- HDF5: the checksums of newer structures, and the end of the file

inline void seal(std::string& text, uint64_t at, uint64_t length) {
  if (length > text.size() || at > text.size() - length || text.size() - length - at < 4) return;
  const std::span<const char> part(&text[at], length);
  put_at(text, at + length, formats::hdf5_checksum(std::as_bytes(part)), 4);
}

// An object header of version 2, and the blocks it goes on in.
inline void seal_header(std::string& text, size_t at) {
  const auto flags = static_cast<uint8_t>(text[at + 5]);
  const size_t fixed = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const int width = 1 << (flags & 3);
  const size_t first = at + fixed + static_cast<size_t>(width), prefix = flags & 4 ? 6 : 4;
  if (first > text.size()) return;
  const uint64_t length = number_at(text, at + fixed, width);
  if (length > text.size() - first) return;
  for (size_t m = first; m + prefix + 16 <= first + length;) {
    const uint64_t size = number_at(text, m + 1, 2);
    if (text[m] == 0x10) {
      const uint64_t block = number_at(text, m + prefix, 8),
                     bytes = number_at(text, m + prefix + 8, 8);
      if (bytes >= 4) seal(text, block, bytes - 4);
    }
    m += prefix + size;
  }
  seal(text, at, first - at + length);
}

inline void mend_hdf5_checksums(std::string& text) {
  for (size_t at = 0; at + 16 < text.size(); ++at)
    if (std::memcmp(&text[at], "OHDR", 4) == 0) seal_header(text, at);
  if (text.size() > 48 && (text[8] == 2 || text[8] == 3)) seal(text, 0, 44);
}

inline void mend_hdf5(std::string& text) {
  if (text.size() <= 48) return;
  const bool old = text[8] == 0 || text[8] == 1;
  put_at(text, old ? (text[8] == 0 ? 40 : 44) : 28, text.size(), 8);
  if (old)
    text.resize((text.size() + 7) / 8 * 8), put_at(text, text[8] == 0 ? 40 : 44, text.size(), 8);
  mend_hdf5_checksums(text);
}

// ---- zip: where members lie, how long they are, their checksums

// What a deflated text unpacks to, if it is short.
inline std::string inflated(std::string_view packed) {
  static char out[1 << 14];
  z_stream stream = {};
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) return "";
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out);
  stream.avail_out = sizeof out;
  ::inflate(&stream, Z_FINISH);
  ::inflateEnd(&stream);
  return {out, stream.total_out};
}

// One member: `central` and `local` are where its headers are, `end` is where its data could end.
inline void mend_member(std::string& text, size_t central, size_t local, size_t end) {
  const size_t data = local + 30 + number_at(text, local + 26, 2) + number_at(text, local + 28, 2);
  if (data > end || end > text.size()) return;
  put_at(text, central + 42, local, 4);
  const bool deflated = number_at(text, central + 10, 2) == 8;
  if (number_at(text, central + 20, 4) > end - data || !(number_at(text, central + 8, 2) & 8))
    put_at(text, central + 20, end - data, 4);
  const uint64_t stored = number_at(text, central + 20, 4);
  const std::string_view packed = std::string_view(text).substr(data, stored);
  const std::string content = deflated ? inflated(packed) : std::string(packed);
  put_at(text, central + 24, content.size(), 4);
  put_at(
      text, central + 16,
      ::crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())),
      4);
  for (const auto& [from, to, bytes] : {std::tuple{8u, 6u, 4}, {16u, 14u, 12}})
    for (int i = 0; i < bytes; ++i)
      text[local + to + static_cast<size_t>(i)] = text[central + from + static_cast<size_t>(i)];
}

// The n-th member of the directory gets the n-th local header.
inline void mend_zip(std::string& text) {
  const size_t end = text.rfind("PK\x05\x06");
  size_t at = text.find("PK\x01\x02");
  if (end == text.npos || at == text.npos || at > end || text.size() - end < 22) return;
  const size_t directory = at;
  std::vector<size_t> locals, centrals;
  for (size_t l = text.find("PK\x03\x04"); l < directory; l = text.find("PK\x03\x04", l + 4))
    locals.push_back(l);
  while (at + 46 <= end && text.compare(at, 4, "PK\x01\x02") == 0) {
    centrals.push_back(at);
    at += 46 + number_at(text, at + 28, 2) + number_at(text, at + 30, 2) +
          number_at(text, at + 32, 2);
  }
  put_at(text, end + 8, centrals.size(), 2);
  put_at(text, end + 10, centrals.size(), 2);
  put_at(text, end + 12, end - directory, 4);
  put_at(text, end + 16, directory, 4);
  put_at(text, end + 20, text.size() - end - 22, 2);
  for (size_t i = 0; i < std::min(centrals.size(), locals.size()); ++i)
    if (locals[i] + 30 <= directory)
      mend_member(text, centrals[i], locals[i], i + 1 < locals.size() ? locals[i + 1] : directory);
}

// ---- safetensors: the length of the header, and of what follows

// The number after the comma behind each "data_offsets".
inline uint64_t most_data(std::string_view header) {
  uint64_t most = 0;
  for (size_t at = header.find("data_offsets"); at != header.npos;
       at = header.find("data_offsets", at + 1)) {
    uint64_t end = 0;
    for (size_t i = std::min(header.find(',', at), header.size());
         i < header.size() && header[i] != ']'; ++i)
      if (header[i] >= '0' && header[i] <= '9' && end < 1 << 20)
        end = 10 * end + static_cast<uint64_t>(header[i] - '0');
    most = std::max(most, end);
  }
  return most;
}

}  // namespace cornu::fuzz
