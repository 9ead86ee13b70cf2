#include "cornu/formats/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/formats/zip_test_util.h"

namespace cornu::formats {
namespace {

using testing::HasSubstr;
using namespace testing_zip;

std::string read(const ZipReader& zip, std::string_view name) {
  const ZipReader::Entry* entry = zip.find(name);
  if (!entry) return "<none>";
  base::Budget budget = zip.default_budget();
  return zip.read(*entry, &budget).text();
}

// Opens an archive and reads all of it.
std::string refusal(const Archive& archive) {
  try {
    const ZipReader zip(archive.bytes());
    base::Budget budget = zip.default_budget();
    for (const auto& entry : zip.entries()) zip.read(entry, &budget);
    return "accepted";
  } catch (const FormatError& e) {
    return e.what();
  }
}

Archive two_members() {
  return make_zip({{"a.txt", "hello"}, {"b/c.txt", std::string(5000, 'x'), true}});
}

// Fields of the headers, by their offset.
constexpr size_t kLocalFlags = 6, kLocalMethod = 8, kLocalCrc = 14, kLocalStored = 18,
                 kLocalSize = 22, kLocalName = 30;
constexpr size_t kCentralFlags = 8, kCentralMethod = 10, kCentralStored = 20, kCentralSize = 24,
                 kCentralDisk = 34, kCentralHeader = 42, kCentralName = 46;

TEST(Zip, ReadsStoredAndDeflated) {
  const ZipReader zip(two_members().bytes());
  ASSERT_EQ(zip.entries().size(), 2u);
  EXPECT_EQ(zip.entries()[0].name, "a.txt");
  EXPECT_EQ(read(zip, "a.txt"), "hello");
  EXPECT_EQ(read(zip, "b/c.txt"), std::string(5000, 'x'));
  EXPECT_EQ(zip.find("none"), nullptr);
}

TEST(Zip, StoredMembersAreNotCopied) {
  const Archive archive = two_members();
  const base::Bytes file = archive.bytes();
  const ZipReader zip(file);
  base::Budget budget("test", {.bytes = 0, .objects = 0});
  const base::Bytes member = zip.read(*zip.find("a.txt"), &budget);
  EXPECT_EQ(member.span().data(), file.span().data() + member.offset());
}

TEST(Zip, ReadsEveryVariant) {
  for (bool deflate : {false, true})
    for (bool descriptor : {false, true})
      for (bool zip64 : {false, true})
        for (bool zip64_end : {false, true}) {
          if (descriptor && zip64) continue;  // no sizes in the local header, hence no zip64 there
          std::string large(1'000'000, '\0');
          for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>((i * i) >> 12);
          const Archive archive = make_zip({{"empty", "", deflate, descriptor, zip64},
                                            {"large", large, deflate, descriptor, zip64},
                                            {"folder/", ""}},
                                           zip64_end, "a comment");
          const ZipReader zip(archive.bytes());
          EXPECT_EQ(read(zip, "empty"), "");
          EXPECT_EQ(read(zip, "large"), large);
        }
  EXPECT_EQ(refusal(make_zip({})), "accepted");
}

TEST(Zip, RefusesBadNames) {
  for (std::string_view name : {"/a", "../a", "a/../b", "a/..", "..", ".", "./a", "a//b", "a\\b",
                                "C:a", "a\nb", "\xff", "", "/"})
    EXPECT_THAT(refusal(make_zip({{std::string(name), "x"}})), HasSubstr("the member name"))
        << name;
  EXPECT_THAT(refusal(make_zip({{std::string("a\0b", 3), "x"}})), HasSubstr("the member name"));
  EXPECT_THAT(refusal(make_zip({{"a", "x"}, {"b", "y"}, {"a", "z"}})),
              HasSubstr("two members are named 'a'"));
}

TEST(Zip, RefusesHeadersThatDisagree) {
  const auto change = [](size_t field, uint64_t value, int bytes) {
    Archive a = two_members();
    poke(&a.data, a.local[0] + field, value, bytes);
    return refusal(a);
  };
  EXPECT_THAT(change(kLocalFlags, 2, 2), HasSubstr("differ in their flags"));
  EXPECT_THAT(change(kLocalMethod, 8, 2), HasSubstr("differ in their method"));
  EXPECT_THAT(change(kLocalCrc, 1, 4), HasSubstr("differ in their CRC-32"));
  EXPECT_THAT(change(kLocalStored, 4, 4), HasSubstr("differ in their sizes"));
  EXPECT_THAT(change(kLocalSize, 6, 4), HasSubstr("differ in their sizes"));
  EXPECT_THAT(change(kLocalSize, 0xffffffff, 4), HasSubstr("64-bit size is missing"));
  EXPECT_THAT(change(kLocalName, 'z', 1), HasSubstr("differ in their name"));
  EXPECT_THAT(change(0, 0, 4), HasSubstr("expected a local header"));
}

TEST(Zip, RefusesWhatItDoesNotRead) {
  const auto change = [](size_t field, uint64_t value, int bytes) {
    Archive a = two_members();
    poke(&a.data, a.central[0] + field, value, bytes);
    return refusal(a);
  };
  EXPECT_THAT(change(kCentralFlags, 1, 2), HasSubstr("encrypted"));
  EXPECT_THAT(change(kCentralFlags, 1 << 5, 2), HasSubstr("unknown flags"));
  EXPECT_THAT(change(kCentralMethod, 12, 2), HasSubstr("method 12"));
  EXPECT_THAT(change(kCentralStored, 4, 4), HasSubstr("two different sizes"));
  EXPECT_THAT(change(kCentralDisk, 1, 2), HasSubstr("disks"));
  EXPECT_THAT(change(kCentralHeader, 1, 4), HasSubstr("expected a local header"));
  EXPECT_THAT(change(kCentralHeader, 0xfffffff0, 4), HasSubstr("local header"));
  EXPECT_THAT(change(kCentralHeader, 0xffffffff, 4), HasSubstr("64-bit size is missing"));
  EXPECT_THAT(change(0, 0, 4), HasSubstr("expected a directory entry"));
  EXPECT_THAT(refusal(make_zip({{"l", "a", false, false, false, 0120777u << 16}})),
              HasSubstr("symbolic link"));
  EXPECT_THAT(refusal(make_zip({{"d/", "a"}})), HasSubstr("folder with content"));
}

TEST(Zip, RefusesDamage) {
  Archive a = two_members();
  a.data[a.local[0] + kLocalName + 5] ^= 1;
  EXPECT_THAT(refusal(a), HasSubstr("the CRC-32 of 'a.txt' is wrong"));
  const Archive text = make_zip({{"m", "the words of this text come only once", true}});
  for (size_t i = text.local[0] + kLocalName + 1; i + 1 < text.directory; ++i) {
    Archive b = text;
    b.data[i] ^= 1;
    EXPECT_THAT(refusal(b), HasSubstr("test.zip: ")) << i;
  }
}

TEST(Zip, RefusesEveryCutAndEveryTail) {
  const Archive a = two_members();
  for (size_t size = 0; size < a.data.size(); ++size) {
    Archive cut = a;
    cut.data.resize(size);
    EXPECT_THAT(refusal(cut), HasSubstr("no zip directory")) << size;
  }
  Archive longer = a;
  longer.data += "x";
  EXPECT_THAT(refusal(longer), HasSubstr("no zip directory"));
  Archive prefixed = a;
  prefixed.data.insert(0, "#!");
  EXPECT_THAT(refusal(prefixed), HasSubstr("directory is not where"));
}

// A deflated member's sizes, in both headers.
Archive with_sizes(uint64_t stored, uint64_t size) {
  Archive a = make_zip({{"m", std::string(5000, 'x'), true}});
  for (const auto& [header, field] :
       {std::pair{a.local[0], kLocalStored}, {a.central[0], kCentralStored}}) {
    if (stored) poke(&a.data, header + field, stored, 4);
    if (size) poke(&a.data, header + field + 4, size, 4);
  }
  return a;
}

TEST(Zip, RefusesSizesThatLie) {
  EXPECT_THAT(refusal(with_sizes(0, 4999)), HasSubstr("more than its size"));
  EXPECT_THAT(refusal(with_sizes(0, 5001)), HasSubstr("less than its size"));
  EXPECT_THAT(refusal(with_sizes(0, 4'000'000'000)), HasSubstr("cannot unpack to"));
  EXPECT_THAT(refusal(with_sizes(1, 1000)), HasSubstr("cut short"));
  EXPECT_THAT(refusal(with_sizes(5000, 0)), HasSubstr("data"));
  Archive a = make_zip({{"m", deflated("abc") + "tail"}});
  for (const size_t header : {a.local[0] + kLocalMethod, a.central[0] + kCentralMethod})
    poke(&a.data, header, 8, 2);
  for (const size_t header : {a.local[0] + kLocalSize, a.central[0] + kCentralSize})
    poke(&a.data, header, 3, 4);
  EXPECT_THAT(refusal(a), HasSubstr("data after its end"));
}

TEST(Zip, UnpackingIsPaidForFirst) {
  const Archive a = make_zip({{"m", std::string(5000, 'x'), true}});
  const ZipReader zip(a.bytes());
  base::Budget budget("test", {.bytes = 9999, .objects = 0});
  EXPECT_EQ(zip.read(zip.entries()[0], &budget).size(), 5000u);
  EXPECT_THROW(zip.read(zip.entries()[0], &budget), FormatError);
}

TEST(Zip, RefusesOverlaps) {
  // The second member of the directory points at the first one's data.
  Archive a = make_zip({{"m", "x"}, {"m", "x"}});
  a.data[a.central[1] + kCentralName] = 'n';
  poke(&a.data, a.central[1] + kCentralHeader, 0, 4);
  EXPECT_THAT(refusal(a), HasSubstr("overlap"));
  // The data reaches into the next member, or into the directory.
  for (size_t member : {0, 1}) {
    Archive b = make_zip({{"m", "0123456789"}, {"n", "0123456789"}});
    for (size_t field : {size_t{0}, size_t{4}}) {
      poke(&b.data, b.local[member] + kLocalStored + field, 11, 4);
      poke(&b.data, b.central[member] + kCentralStored + field, 11, 4);
    }
    EXPECT_THAT(refusal(b), HasSubstr("overlaps")) << member;
  }
}

TEST(Zip, RefusesBadDescriptors) {
  Archive a = make_zip({{"m", "hello", true, true}});
  a.data[a.directory - 1] ^= 1;
  EXPECT_THAT(refusal(a), HasSubstr("descriptor of 'm' differs"));
  // Without its signature a descriptor is as good.
  Archive b = make_zip({{"m", "hello", true, true}});
  b.data.erase(b.directory - 16, 4);
  poke(&b.data, b.end - 4 + 16, b.directory - 4, 4);
  EXPECT_EQ(refusal(b), "accepted");
}

TEST(Zip, RefusesBadEndRecords) {
  const auto change = [](size_t field, uint64_t value, int bytes) {
    Archive a = two_members();
    poke(&a.data, a.end + field, value, bytes);
    return refusal(a);
  };
  EXPECT_THAT(change(4, 1, 2), HasSubstr("disks"));
  EXPECT_THAT(change(8, 1, 2), HasSubstr("disks"));
  EXPECT_THAT(change(8, 0x00010001, 4), HasSubstr("longer than its members"));
  EXPECT_THAT(change(8, 0x00030003, 4), HasSubstr("too large"));
  EXPECT_THAT(change(12, 0xfffffff0, 4), HasSubstr("not where"));
  EXPECT_THAT(change(16, 0xfffffff0, 4), HasSubstr("not where"));
  Archive a = make_zip({{"m", "x"}}, true);
  const size_t record = a.end - 20 - 56;
  const auto change64 = [&](size_t at, uint64_t value) {
    Archive b = a;
    poke(&b.data, at, value, 8);
    return refusal(b);
  };
  EXPECT_THAT(change64(a.end - 12, 0), HasSubstr("zip64 record is not where"));
  EXPECT_THAT(change64(record + 16, 1), HasSubstr("disks"));
  EXPECT_THAT(change64(record + 24, 5), HasSubstr("disagree"));
  EXPECT_THAT(change64(record + 40, ~uint64_t{0}), HasSubstr("not where"));
  EXPECT_THAT(change64(record + 48, ~uint64_t{0}), HasSubstr("not where"));
  a.data[record] = 'X';
  EXPECT_THAT(refusal(a), HasSubstr("expected the zip64 record"));
}

}  // namespace
}  // namespace cornu::formats
