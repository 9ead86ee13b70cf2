#include "cornu/formats/protobuf.h"

#include <bit>
#include <string>

namespace cornu::formats {
namespace {

enum WireType : uint64_t { kVarint = 0, kLength = 2, kFixed32 = 5 };

// Seven bits a byte, lowest first; the top bit says that more follow.
void put_varint(std::string* out, uint64_t value) {
  for (; value > 0x7f; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

std::string key(int field, WireType type) {
  std::string out;
  put_varint(&out, static_cast<uint64_t>(field) << 3 | type);
  return out;
}

std::string key_and_length(int field, uint64_t length) {
  std::string out = key(field, kLength);
  put_varint(&out, length);
  return out;
}

}  // namespace

ProtoMessage& ProtoMessage::number(int field, int64_t value) {
  std::string out = key(field, kVarint);
  put_varint(&out, static_cast<uint64_t>(value));  // a negative one takes ten bytes
  content_.add(out);
  return *this;
}

ProtoMessage& ProtoMessage::real(int field, float value) {
  std::string out = key(field, kFixed32);
  put_number(&out, std::bit_cast<uint32_t>(value), 4);
  content_.add(out);
  return *this;
}

ProtoMessage& ProtoMessage::text(int field, std::string_view value) {
  content_.add(key_and_length(field, value.size()).append(value));
  return *this;
}

ProtoMessage& ProtoMessage::bytes(int field, Content value) {
  content_.add(key_and_length(field, value.size()));
  content_.add(std::move(value));
  return *this;
}

ProtoMessage& ProtoMessage::message(int field, ProtoMessage value) {
  return bytes(field, std::move(value.content_));
}

}  // namespace cornu::formats
