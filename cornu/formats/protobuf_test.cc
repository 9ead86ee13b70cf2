#include "cornu/formats/protobuf.h"

#include <gtest/gtest.h>

#include "cornu/formats/onnx_test_util.h"

namespace cornu::formats {
namespace {

using testing_onnx::Message;

// The examples of https://protobuf.dev/programming-guides/encoding/.
TEST(Protobuf, WritesTheGuidesExamples) {
  EXPECT_EQ(ProtoMessage().number(1, 150).content().text(), "\x08\x96\x01");
  EXPECT_EQ(ProtoMessage().text(2, "testing").content().text(), "\x12\x07testing");
  const ProtoMessage inner = std::move(ProtoMessage().number(1, 150));
  EXPECT_EQ(ProtoMessage().message(3, inner).content().text(), "\x1a\x03\x08\x96\x01");
}

TEST(Protobuf, WritesTheEdgesOfNumbers) {
  for (int64_t v : {int64_t{0}, int64_t{127}, int64_t{128}, int64_t{16383}, int64_t{16384},
                    int64_t{-1}, INT64_MAX, INT64_MIN}) {
    const std::string bytes = ProtoMessage().number(20, v).content().text();
    EXPECT_EQ(Message(bytes).number(20), v);
    if (v < 0) {
      EXPECT_EQ(bytes.size(), 12u);
    }
  }
  const std::string real = ProtoMessage().real(2, 1.5f).content().text();
  EXPECT_EQ(real, std::string("\x15\x00\x00\xc0\x3f", 5));
}

TEST(Protobuf, KeepsOrderAndTensors) {
  Content raw;
  raw.add(Tensor(Shape{2}, {1, 2}));
  ProtoMessage m;
  m.number(8, 1).number(8, 2).bytes(9, std::move(raw)).text(8, "");
  const std::string bytes = m.content().text();
  EXPECT_EQ(bytes, std::string("\x40\x01\x40\x02\x4a\x08\0\0\x80\x3f\0\0\0\x40\x42\0", 16));
}

}  // namespace
}  // namespace cornu::formats
