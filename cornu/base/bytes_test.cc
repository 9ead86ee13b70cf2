#include "cornu/base/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cornu/base/budget.h"
#include "cornu/base/error.h"

namespace cornu::base {
namespace {

using testing::HasSubstr;

Bytes bytes(std::initializer_list<int> values) {
  std::vector<std::byte> data;
  for (int v : values) data.push_back(static_cast<std::byte>(v));
  return Bytes::own(std::move(data), "file");
}

template <class F>
std::string refusal(F&& f) {
  try {
    f();
    return "accepted";
  } catch (const FormatError& e) {
    return e.what();
  }
}

TEST(Bytes, ReadsLittleEndianNumbers) {
  const Bytes b = bytes({1, 2, 3, 4, 5, 6, 7, 0x88});
  EXPECT_EQ(b.u8(7, "x"), 0x88);
  EXPECT_EQ(b.u16(0, "x"), 0x0201);
  EXPECT_EQ(b.u32(4, "x"), 0x88070605u);
  EXPECT_EQ(b.u64(0, "x"), 0x8807060504030201u);
}

TEST(Bytes, RefusesReadsOutsideTheRange) {
  const Bytes b = bytes({1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(refusal([&] { b.u16(7, "a count"); }),
            "file: the file ends inside a count (at byte 7)");
  EXPECT_THROW(b.u64(1, "x"), FormatError);
  EXPECT_THROW(b.u8(8, "x"), FormatError);
  EXPECT_THROW(b.u8(~uint64_t{0}, "x"), FormatError);
  EXPECT_THROW(b.u32(~uint64_t{0} - 1, "x"), FormatError);
  EXPECT_THROW(Bytes().u8(0, "x"), FormatError);
}

TEST(Bytes, SubRangesKnowTheirPlaceInTheFile) {
  const Bytes part = bytes({1, 2, 3, 4, 5, 6, 7, 8}).at(2, 4, "part").at(1, 2, "part");
  EXPECT_EQ(part.size(), 2u);
  EXPECT_EQ(part.offset(), 3u);
  EXPECT_EQ(part.u16(0, "x"), 0x0504);
  EXPECT_THAT(refusal([&] { part.u16(1, "x"); }), HasSubstr("at byte 4"));
  EXPECT_EQ(part.at(2, 0, "end").size(), 0u);
  EXPECT_THROW(part.at(3, 0, "x"), FormatError);
  EXPECT_THROW(part.at(0, 3, "x"), FormatError);
  EXPECT_THROW(part.at(1, ~uint64_t{0}, "x"), FormatError);
  EXPECT_THROW(part.at(~uint64_t{0}, 2, "x"), FormatError);
}

TEST(Bytes, CopiesLargeRanges) {
  std::vector<std::byte> data(3'000'001);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 31 >> 3);
  const Bytes part = Bytes::view(data, "file").at(1, data.size() - 1, "x");
  std::vector<std::byte> out(part.size());
  part.copy_to(out);
  EXPECT_TRUE(std::equal(out.begin(), out.end(), data.begin() + 1));
  EXPECT_THROW(part.copy_to(std::span(out).first(5)), FormatError);
}

TEST(ByteCursor, WalksARange) {
  ByteCursor c(bytes({'H', 'D', 3, 0, 0, 0, 9, 8, 7, 6}));
  c.expect("HD", "the signature");
  c.expect_u8(3, "version");
  c.align(4, "padding");
  EXPECT_EQ(c.position(), 4u);
  EXPECT_EQ(c.u16("x"), 0);
  EXPECT_EQ(c.take(2, "x").u8(1, "x"), 8);
  EXPECT_EQ(c.remaining(), 2u);
  c.seek(10, "x");
  EXPECT_TRUE(c.at_end());
  EXPECT_THROW(c.u8("x"), FormatError);
  EXPECT_THROW(c.seek(11, "x"), FormatError);
  EXPECT_THROW(c.skip(1, "x"), FormatError);
}

TEST(ByteCursor, SaysWhatWasExpected) {
  ByteCursor c(bytes({'H', 'E', 4}));
  EXPECT_EQ(refusal([&] { c.expect("HD", "the signature"); }),
            "file: expected the signature (at byte 0)");
  c.skip(2, "x");
  EXPECT_EQ(refusal([&] { c.expect_u8(3, "the version"); }),
            "file: the version is 4, expected 3 (at byte 2)");
  EXPECT_THAT(refusal([&] { c.expect("HDF", "the signature"); }), HasSubstr("expected"));
  EXPECT_THROW(c.align(64, "padding"), FormatError);
}

TEST(Bytes, ChecksSizesForOverflow) {
  const Bytes b = bytes({1});
  EXPECT_EQ(checked_mul(1u << 31, 1u << 31, b, "x"), uint64_t{1} << 62);
  EXPECT_EQ(refusal([&] { checked_mul(1ull << 32, 1ull << 32, b, "the size"); }),
            "file: the size overflows (at byte 0)");
  EXPECT_EQ(checked_add(1, ~uint64_t{1}, b, "x"), ~uint64_t{0});
  EXPECT_THROW(checked_add(2, ~uint64_t{1}, b, "x"), FormatError);
}

TEST(Budget, RefusesWhatPassesIt) {
  Budget budget("file", {.bytes = 10, .objects = 2});
  budget.charge_bytes(6, "names");
  budget.charge_bytes(4, "names");
  EXPECT_EQ(refusal([&] { budget.charge_bytes(1, "names"); }),
            "file: names pass the limit of 10 bytes");
  budget.charge_objects(2, "groups");
  EXPECT_EQ(refusal([&] { budget.charge_objects(~uint64_t{0}, "groups"); }),
            "file: groups pass the limit of 2 objects");
}

}  // namespace
}  // namespace cornu::base
