#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cornu/base/bytes.h"

// Archives made for tests, with every field open to being wrong.
namespace cornu::formats::testing_zip {

inline base::Bytes bytes_of_text(std::string_view text, std::string label) {
  std::vector<std::byte> data(text.size());
  for (size_t i = 0; i < text.size(); ++i) data[i] = static_cast<std::byte>(text[i]);
  return base::Bytes::own(std::move(data), std::move(label));
}

inline void put(std::string* out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) *out += static_cast<char>(i < 8 ? value >> (8 * i) : 0);
}

inline void poke(std::string* data, size_t at, uint64_t value, int bytes) {
  std::string field;
  put(&field, value, bytes);
  for (char c : field) data->at(at++) = c;
}

inline std::string deflated(std::string_view text) {
  std::string out(::compressBound(text.size()) + 64, '\0');
  z_stream stream = {};
  ::deflateInit2(&stream, 1, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

struct Member {
  std::string name;
  std::string content;
  bool deflate = false;
  bool descriptor = false;
  bool zip64 = false;  // in both headers
  uint32_t external = 0;
};

struct Archive {
  std::string data;
  std::vector<size_t> local, central;  // where the headers are
  size_t directory = 0, end = 0;

  base::Bytes bytes() const { return bytes_of_text(data, "test.zip"); }
};

inline Archive make_zip(const std::vector<Member>& members, bool zip64_end = false,
                        std::string_view comment = "") {
  Archive a;
  std::string directory;
  for (const Member& m : members) {
    const std::string packed = m.deflate ? deflated(m.content) : m.content;
    const auto crc = ::crc32(0, reinterpret_cast<const Bytef*>(m.content.data()),
                             static_cast<uInt>(m.content.size()));
    std::string common;  // from flags to sizes
    put(&common, m.descriptor ? 8 : 0, 2);
    put(&common, m.deflate ? 8 : 0, 2);
    put(&common, 0x00210000, 4);
    std::string sizes;
    put(&sizes, crc, 4);
    put(&sizes, m.zip64 ? 0xffffffff : packed.size(), 4);
    put(&sizes, m.zip64 ? 0xffffffff : m.content.size(), 4);
    std::string extra;
    if (m.zip64) {
      put(&extra, 1, 2);
      put(&extra, 16, 2);
      put(&extra, m.content.size(), 8);
      put(&extra, packed.size(), 8);
    }
    a.local.push_back(a.data.size());
    a.central.push_back(directory.size());
    directory += "PK\x01\x02";
    put(&directory, 0x0314, 2);
    put(&directory, 20, 2);
    directory += common + sizes;
    put(&directory, m.name.size(), 2);
    put(&directory, extra.size(), 2);
    put(&directory, 0, 6);  // comment, disk, internal attributes
    put(&directory, m.external, 4);
    put(&directory, a.data.size(), 4);
    directory += m.name + extra;
    a.data += "PK\x03\x04";
    put(&a.data, 20, 2);
    a.data += common + (m.descriptor ? std::string(12, '\0') : sizes);
    put(&a.data, m.name.size(), 2);
    put(&a.data, m.descriptor ? 0 : extra.size(), 2);
    a.data += m.name + (m.descriptor ? "" : extra) + packed;
    if (m.descriptor) {
      a.data += "PK\x07\x08";
      put(&a.data, crc, 4);
      put(&a.data, packed.size(), 4);
      put(&a.data, m.content.size(), 4);
    }
  }
  a.directory = a.data.size();
  for (size_t& place : a.central) place += a.directory;
  a.data += directory;
  if (zip64_end) {
    const size_t record = a.data.size();
    a.data += "PK\x06\x06";
    put(&a.data, 44, 8);
    put(&a.data, 0x002d002d, 4);
    put(&a.data, 0, 8);
    put(&a.data, members.size(), 8);
    put(&a.data, members.size(), 8);
    put(&a.data, directory.size(), 8);
    put(&a.data, a.directory, 8);
    a.data += "PK\x06\x07";
    put(&a.data, 0, 4);
    put(&a.data, record, 8);
    put(&a.data, 1, 4);
  }
  a.end = a.data.size();
  a.data += "PK\x05\x06";
  put(&a.data, 0, 4);
  put(&a.data, zip64_end ? 0xffff : members.size(), 2);
  put(&a.data, zip64_end ? 0xffff : members.size(), 2);
  put(&a.data, zip64_end ? 0xffffffff : directory.size(), 4);
  put(&a.data, zip64_end ? 0xffffffff : a.directory, 4);
  put(&a.data, comment.size(), 2);
  a.data += comment;
  return a;
}

}  // namespace cornu::formats::testing_zip
