#pragma once

#include <cstdint>
#include <string_view>

#include "cornu/formats/content.h"

namespace cornu::formats {

// A message of Protocol Buffers to be written, field after field in the order they are added: the
// few kinds of fields that ONNX uses (https://protobuf.dev/programming-guides/encoding/). A field
// that repeats is added several times.
class ProtoMessage {
 public:
  ProtoMessage& number(int field, int64_t value);  // int64, int32 and enum
  ProtoMessage& real(int field, float value);
  ProtoMessage& text(int field, std::string_view value);  // string and bytes
  ProtoMessage& bytes(int field, Content value);          // bytes, without a copy of large ones
  ProtoMessage& message(int field, ProtoMessage value);

  const Content& content() const { return content_; }

 private:
  Content content_;
};

}  // namespace cornu::formats
