#include "cornu/formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cornu/base/error.h"
#include "cornu/formats/model_test_util.h"
#include "tests/support/compare.h"

namespace cornu {
namespace {

using base::cat;
using ::cornu::testing::bit_equal;
using formats::testing_hdf5::u;
using namespace formats::testing_model;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string file_of(const std::string& header, const std::string& data) {
  return u(header.size(), 8) + json(header) + data;
}

std::string refusal(const std::string& bytes) {
  const Folder folder;
  try {
    load_safetensors(folder.write("x.safetensors", bytes));
  } catch (const FormatError& e) {
    return e.what();
  }
  return "read";
}

TEST(Safetensors, RoundTrip) {
  const Folder folder;
  const std::string path = folder.path("w.safetensors");
  const std::vector<std::pair<std::string, Tensor>> arrays = {
      {"conv/kernel:0", Tensor(Shape{2, 3}, {1, 2, 3, 4, 5, -0.0f})},
      {"层 \"é\"", Tensor(Shape{}, {7})},
      {"empty", Tensor(Shape{0, 4})},
      {"last", Tensor(Shape{1}, {1e-40f})}};
  save_safetensors(path, arrays);
  const auto loaded = load_safetensors(path);
  ASSERT_EQ(loaded.size(), arrays.size());
  for (size_t i = 0; i < arrays.size(); ++i) {
    EXPECT_EQ(loaded[i].first, arrays[i].first);
    EXPECT_TRUE(bit_equal(loaded[i].second, arrays[i].second));
  }
  save_safetensors(path, {});
  EXPECT_TRUE(load_safetensors(path).empty());
  EXPECT_THROW(save_safetensors(path, {arrays[1], arrays[1]}), ValueError);
  EXPECT_THROW(save_safetensors(path, {{"__metadata__", Tensor()}}), ValueError);
  EXPECT_THROW(load_safetensors(folder.path("none")), IoError);
}

TEST(Safetensors, TypesAndOrder) {
  const Folder folder;
  const std::string path =
      folder.write("x", file_of("{'__metadata__': {'a': 'b'}, "
                                "'half': {'dtype': 'F16', 'shape': [2], 'data_offsets': [2, 6]}, "
                                "'brain': {'dtype': 'BF16', 'shape': [1], 'data_offsets': [6, 8]}, "
                                "'byte': {'dtype': 'I8', 'shape': [2], 'data_offsets': [0, 2]}}   ",
                                std::string("\xff\x02\x00\x3c\x00\xc0\x40\xc0", 8)));
  const auto arrays = load_safetensors(path);
  ASSERT_EQ(arrays.size(), 3u);
  EXPECT_EQ(arrays[0].first, "byte");
  EXPECT_THAT(arrays[0].second.values(), ElementsAre(-1, 2));
  EXPECT_THAT(arrays[1].second.values(), ElementsAre(1, -2));
  EXPECT_THAT(arrays[2].second.values(), ElementsAre(-3));
}

TEST(Safetensors, RefusesWhatLies) {
  const auto one = [](const std::string& dtype, const std::string& shape,
                      const std::string& offsets, size_t bytes = 8) {
    return refusal(file_of(
        cat("{'a': {'dtype': '", dtype, "', 'shape': ", shape, ", 'data_offsets': ", offsets, "}}"),
        std::string(bytes, '\0')));
  };
  EXPECT_EQ(one("F32", "[2]", "[0, 8]"), "read");
  EXPECT_THAT(one("F8_E5M2", "[8]", "[0, 8]"), HasSubstr("'F8_E5M2', which is not read"));
  EXPECT_THAT(one("F32", "[3]", "[0, 8]"), HasSubstr("takes 12 bytes"));
  EXPECT_THAT(one("F32", "[2]", "[8, 0]"), HasSubstr("takes 8 bytes"));
  EXPECT_THAT(one("F32", "[2]", "[-8, 0]"), HasSubstr("takes 8 bytes"));
  EXPECT_THAT(one("F32", "[2]", "[8, 16]", 16), HasSubstr("does not begin where"));
  EXPECT_THAT(one("F32", "[2]", "[0, 8]", 9), HasSubstr("but 9 are there"));
  EXPECT_THAT(one("F32", "[2]", "[0, 8]", 7), HasSubstr("but 7 are there"));
  EXPECT_THAT(one("F32", "[4611686018427387904, 4]", "[0, 8]"), HasSubstr("the array 'a'"));
  EXPECT_THAT(one("F32", "[-2]", "[0, 8]"), HasSubstr("the array 'a'"));
  EXPECT_NE(one("F32", "2", "[0, 8]"), "read");
  EXPECT_NE(one("F32", "[2]", "[0]"), "read");
  EXPECT_NE(refusal(""), "read");
  EXPECT_NE(refusal(u(0, 8)), "read");
  EXPECT_NE(refusal(u(100, 8) + "{}"), "read");
  EXPECT_NE(refusal(u(~uint64_t{0}, 8) + "{}"), "read");
  EXPECT_THAT(refusal(file_of(" {}", "")), HasSubstr("begin with '{'"));
  EXPECT_NE(refusal(file_of("[]", "")), "read");
  EXPECT_NE(refusal(file_of("{'a': 1}", "")), "read");
  // Two arrays that share bytes.
  const std::string a = "{'dtype': 'F32', 'shape': [2], 'data_offsets': [0, 8]}";
  EXPECT_THAT(refusal(file_of(cat("{'a': ", a, ", 'b': ", a, "}"), std::string(8, '\0'))),
              HasSubstr("does not begin where"));
}

}  // namespace
}  // namespace cornu
