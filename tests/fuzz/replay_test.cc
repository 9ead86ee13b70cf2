// The fuzz targets on the inputs kept for them, without a fuzzer: what they found once stays found.
// And what mends inputs does.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "cornu/formats/hdf5.h"
#include "cornu/formats/zip.h"
#include "cornu/formats/zip_test_util.h"
#include "tests/fuzz/mend.h"
#include "tests/fuzz/mutate.h"

// Each target's function goes by the target's name here (CMakeLists.txt).
#define CORNU_TARGETS(X) \
  X(config) X(doctor) X(h5) X(hdf5) X(json) X(load) X(npy) X(safetensors) X(tfjs) X(zip)
#define CORNU_DECLARE(name) extern "C" int run_fuzz_##name(const uint8_t*, size_t);
CORNU_TARGETS(CORNU_DECLARE)

namespace cornu::fuzz {
namespace {

struct Target {
  const char* name;
  int (*run)(const uint8_t*, size_t);
};
#define CORNU_ROW(name) {#name, run_fuzz_##name},
const Target kTargets[] = {CORNU_TARGETS(CORNU_ROW)};

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::filesystem::path corpus(const char* name) {
  return std::filesystem::path(CORNU_SOURCE_DIR "/tests/fuzz/corpus") / base::cat("fuzz_", name);
}

class ReplayTest : public ::testing::TestWithParam<Target> {};

TEST_P(ReplayTest, KeepsItsPromises) {
  int inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(corpus(GetParam().name))) {
    const std::string input = read(entry.path());
    EXPECT_EQ(GetParam().run(reinterpret_cast<const uint8_t*>(input.data()), input.size()), 0);
    ++inputs;
  }
  EXPECT_GE(inputs, 2);
}
INSTANTIATE_TEST_SUITE_P(All, ReplayTest, ::testing::ValuesIn(kTargets),
                         [](const auto& target) { return target.param.name; });

// All members can be read.
bool reads_zip(const std::string& text) {
  try {
    const formats::ZipReader zip(formats::testing_zip::bytes_of_text(text, "x"));
    base::Budget budget = zip.default_budget();
    for (const auto& entry : zip.entries()) zip.read(entry, &budget).span();
    return !zip.entries().empty();
  } catch (const FormatError&) {
    return false;
  }
}

TEST(MendTest, Zip) {
  for (const bool deflate : {false, true}) {
    std::string text = formats::testing_zip::make_zip(
                           {{"first", "one hand", deflate}, {"second", "other hand", deflate}})
                           .data;
    ASSERT_TRUE(reads_zip(text));
    if (!deflate) text.insert(text.find("one"), "more than ");
    for (const char* field : {"PK\x01\x02", "PK\x03\x04"})  // a checksum, and where things are
      put_at(text, text.find(field) + 14, 0x1234567, 4);
    put_at(text, text.rfind("PK\x05\x06") + 16, 3, 4);
    EXPECT_FALSE(reads_zip(text));
    mend_zip(text);
    EXPECT_TRUE(reads_zip(text));
  }
}

TEST(MendTest, Hdf5) {
  const auto reads = [](const std::string& text) {
    try {
      formats::Hdf5File(formats::testing_zip::bytes_of_text(text, "x"));
      return true;
    } catch (const FormatError&) {
      return false;
    }
  };
  for (const char* name : {"keras3", "latest"}) {
    std::string text = read(corpus("hdf5") / name);
    ASSERT_TRUE(reads(text));
    const bool latest = name[0] == 'l';
    put_at(text, latest ? 44 : 40, ~uint64_t{0}, 4);  // the checksum, or the end of the file
    EXPECT_FALSE(reads(text));
    mend_hdf5(text);
    EXPECT_TRUE(reads(text));
  }
}

TEST(MendTest, Json) {
  const std::string text = R"({"a": [1, "x,]"], "b": {"c": null}})";
  const auto values = values_of(text);
  std::vector<std::string> found;
  for (const auto& [begin, end] : values) found.push_back(text.substr(begin, end - begin));
  std::sort(found.begin(), found.end());
  std::vector<std::string> expected = {R"("a")",        R"("b")", R"("c")", R"("x,]")",      "1",
                                       R"([1, "x,]"])", "null",   text,     R"({"c": null})"};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(found, expected);
  int different = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    Mutation m(text, 1000, seed);
    m.json(&m.text);
    different += m.text != text;
  }
  EXPECT_GE(different, 80);
}

TEST(MendTest, Safetensors) {
  EXPECT_EQ(most_data(R"({"a": {"data_offsets": [0, 8]}, "b": {"data_offsets":[8,24]}})"), 24u);
  EXPECT_EQ(most_data("data_offsets"), 0u);
}

}  // namespace
}  // namespace cornu::fuzz
