#include "cornu/formats/zip_writer.h"

#include <gtest/gtest.h>

#include "cornu/formats/model_test_util.h"
#include "cornu/formats/zip.h"

namespace cornu::formats {
namespace {

TEST(ZipWriter, ReadsBack) {
  Content mixed("head");
  mixed.add(Tensor({3}, {1, 2, 3}));
  mixed.add("tail");
  const std::vector<ZipMember> members = {
      {"first", Content("hello")}, {"empty", Content()}, {"folder/mixed", mixed}};
  // With fields of 32 bits; with some of 64; with all.
  for (const uint64_t zip64_from : {kZip64From, uint64_t{10}, uint64_t{0}}) {
    const std::string bytes = write_zip(members, zip64_from).text();
    EXPECT_EQ(bytes.substr(0, 4), "PK\x03\x04");
    const ZipReader zip(testing_zip::bytes_of_text(bytes, "a.zip"));
    base::Budget budget = zip.default_budget();
    ASSERT_EQ(zip.entries().size(), 3u);
    EXPECT_EQ(zip.entries()[0].name, "first");
    EXPECT_EQ(zip.entries()[2].name, "folder/mixed");
    EXPECT_EQ(zip.read(*zip.find("first"), &budget).text(), "hello");
    EXPECT_EQ(zip.read(*zip.find("empty"), &budget).size(), 0u);
    const std::string text = zip.read(*zip.find("folder/mixed"), &budget).text();
    EXPECT_EQ(text, "head" + testing_model::floats(3) + "tail");
    EXPECT_EQ(bytes, write_zip(members, zip64_from).text());
  }
}

// Names are UTF-8; where that is no ASCII, a flag says so, without which others take them for
// something else.
TEST(ZipWriter, NamesInUtf8) {
  const std::vector<ZipMember> members = {{"plain", Content("1")}, {"层", Content("2")}};
  const ZipReader zip(testing_zip::bytes_of_text(write_zip(members).text(), "a.zip"));
  EXPECT_EQ(zip.find("plain")->flags, 0);
  EXPECT_EQ(zip.find("层")->flags, 1 << 11);
}

}  // namespace
}  // namespace cornu::formats
