#include "cornu/formats/tfjs_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/formats/zip_test_util.h"

namespace cornu::formats {
namespace {

using base::cat;
using testing::ElementsAre;
using testing::HasSubstr;

using Files = std::map<std::string, std::string>;
using Weights = std::vector<std::pair<std::string, Tensor>>;

Weights read(const std::string& manifest, const Files& files) {
  return read_tfjs_weights(base::parse_json(manifest, "model.json"), [&](const std::string& name) {
    const auto found = files.find(name);
    if (found == files.end()) throw IoError("no " + name);
    return testing_zip::bytes_of_text(found->second, name);
  });
}

std::string refusal(const std::string& manifest, const Files& files = {{"a", "12345678"}}) {
  try {
    read(manifest, files);
    return "accepted";
  } catch (const FormatError& e) {
    return e.what();
  }
}

template <class T>
std::string raw(std::initializer_list<T> values) {
  std::string out(values.size() * sizeof(T), '\0');
  std::memcpy(out.data(), values.begin(), out.size());
  return out;
}

std::string weight(const std::string& name, const std::string& shape, const std::string& more = "",
                   const std::string& dtype = "float32") {
  return cat("{\"name\": \"", name, "\", \"shape\": ", shape, ", \"dtype\": \"", dtype, "\"", more,
             "}");
}
std::string group(const std::string& paths, const std::string& weights) {
  return cat("{\"paths\": [", paths, "], \"weights\": [", weights, "]}");
}
// A manifest of one file "a" and one weight.
std::string one(const std::string& w) { return cat("[", group("\"a\"", w), "]"); }
std::string quantized(const std::string& dtype, const std::string& scale, const std::string& min) {
  return cat(", \"quantization\": {\"dtype\": \"", dtype, "\", \"scale\": ", scale,
             ", \"min\": ", min, ", \"original_dtype\": \"float32\"}");
}

TEST(TfjsWeights, ReadsGroupsAndShards) {
  // The second weight lies in three files, and its numbers across their borders.
  const std::string data = raw<float>({1, 2, 3, 4, 5});
  const std::string manifest = cat(
      "[", group("\"s1\", \"s2\", \"s3\"", weight("x", "[]") + ", " + weight("y", "[2, 2]")), ", ",
      group("\"t.bin\"", weight("z", "[3]", "", "int32") + ", " + weight("b", "[2]", "", "bool") +
                             ", " + weight("none", "[0, 7]")),
      "]");
  const Weights weights =
      read(manifest, {{"s1", data.substr(0, 7)},
                      {"s2", data.substr(7, 6)},
                      {"s3", data.substr(13)},
                      {"t.bin", raw<int32_t>({-1, 0, 7}) + std::string("\0\1", 2)}});
  ASSERT_EQ(weights.size(), 5u);
  EXPECT_EQ(weights[0].first, "x");
  EXPECT_EQ(weights[0].second.shape(), Shape{});
  EXPECT_THAT(weights[0].second.values(), ElementsAre(1));
  EXPECT_EQ(weights[1].second.shape(), (Shape{2, 2}));
  EXPECT_THAT(weights[1].second.values(), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(weights[2].second.values(), ElementsAre(-1, 0, 7));
  EXPECT_THAT(weights[3].second.values(), ElementsAre(0, 1));
  EXPECT_EQ(weights[4].second.shape(), (Shape{0, 7}));
}

TEST(TfjsWeights, ReadsLargeWeightsOverManyShards) {
  std::string data;
  for (int i = 0; i < 200'000; ++i) data += raw<int32_t>({i * 3});
  Files files;
  std::string paths;
  for (size_t at = 0, n = 0; at < data.size(); at += 99'999, ++n) {
    files[cat("s", n)] = data.substr(at, 99'999);
    paths += cat(n ? ", " : "", "\"s", n, "\"");
  }
  const Weights weights =
      read(cat("[", group(paths, weight("w", "[200000]", "", "int32")), "]"), files);
  for (int i = 0; i < 200'000; ++i)
    ASSERT_EQ(weights[0].second.data()[i], static_cast<float>(i * 3)) << i;
}

TEST(TfjsWeights, Dequantizes) {
  // In double, rounded once: 3 * 0.1 + 1e-9 is not what float arithmetic gives.
  EXPECT_THAT(
      read(one(weight("w", "[2]", quantized("uint8", "0.1", "1e-9"))), {{"a", "\3\xff"}})[0]
          .second.values(),
      ElementsAre(static_cast<float>(3 * 0.1 + 1e-9), static_cast<float>(255 * 0.1 + 1e-9)));
  EXPECT_THAT(read(one(weight("w", "[2]", quantized("uint16", "2", "-1"))),
                   {{"a", raw<uint16_t>({0, 65535})}})[0]
                  .second.values(),
              ElementsAre(-1, 131069));
  EXPECT_THAT(
      read(one(weight("w", "[2]", quantized("uint8", "0.5", "-0.75"), "int32")), {{"a", "\1\4"}})[0]
          .second.values(),
      ElementsAre(0, 1));
  EXPECT_THAT(read(one(weight("w", "[2]", ", \"quantization\": {\"dtype\": \"float16\"}")),
                   {{"a", raw<uint16_t>({0x3c00, 0xc000})}})[0]
                  .second.values(),
              ElementsAre(1, -2));
  EXPECT_THAT(
      read(one(weight("w", "[1]", quantized("uint8", "0", "4"))), {{"a", "\3"}})[0].second.values(),
      ElementsAre(4));
  for (const char* bad : {"NaN", "Infinity", "-Infinity", "1e300", "1e38"}) {
    EXPECT_THAT(refusal(one(weight("w", "[8]", quantized("uint8", bad, "0")))),
                HasSubstr("outside float32"));
    if (std::string(bad) == "1e38") continue;
    EXPECT_THAT(refusal(one(weight("w", "[8]", quantized("uint8", "1", bad)))),
                HasSubstr("outside float32"));
  }
  EXPECT_THAT(refusal(one(weight("w", "[8]", quantized("int8", "1", "0")))),
              HasSubstr("quantised to 'int8'"));
  EXPECT_THAT(refusal(one(weight("w", "[8]", quantized("uint8", "1", "0"), "bool"))),
              HasSubstr("bool"));
  EXPECT_THAT(refusal(one(weight("w", "[8]", quantized("uint8", "\"1\"", "0")))),
              HasSubstr("a number"));
}

TEST(TfjsWeights, LeavesTheOptimizerOut) {
  const Weights weights =
      read(one(weight("m", "[1]", ", \"group\": \"optimizer\"") + ", " + weight("w", "[1]")),
           {{"a", raw<float>({1, 2})}});
  ASSERT_EQ(weights.size(), 1u);
  EXPECT_EQ(weights[0].first, "w");
  EXPECT_THAT(weights[0].second.values(), ElementsAre(2));
}

TEST(TfjsWeights, RefusesOtherTypes) {
  for (const char* dtype : {"string", "complex64", "float64", ""})
    EXPECT_THAT(refusal(one(weight("w", "[1]", "", dtype))),
                HasSubstr(cat("of dtype '", dtype, "'")));
}

TEST(TfjsWeights, RefusesSizesThatLie) {
  EXPECT_THAT(refusal(one(weight("w", "[3]"))), HasSubstr("take 12 bytes, but its files hold 8"));
  EXPECT_THAT(refusal(one(weight("w", "[1]"))), HasSubstr("take 4 bytes"));
  EXPECT_THAT(refusal(one(weight("w", "[1000000, 1000000]"))), HasSubstr("take 4000000000000"));
  EXPECT_THAT(refusal(one(weight("w", "[4294967296, 4294967296]"))), HasSubstr("no file can hold"));
  EXPECT_THAT(refusal(one(weight("w", "[-2]"))), HasSubstr("not of sizes"));
  EXPECT_THAT(refusal(one(weight("w", "[2.0]"))), HasSubstr("an integer"));
  EXPECT_THAT(refusal(one(weight("w", "2"))), HasSubstr("'shape' is an integer, not a list"));
  std::string huge;
  for (int i = 0; i < 8; ++i)
    huge += cat(i ? ", " : "", weight(cat("w", i), "[1000000000000000000]"));
  EXPECT_THAT(refusal(one(huge)), HasSubstr("overflow"));
  EXPECT_THAT(refusal(cat("[", group("", weight("w", "[1]")), "]")), HasSubstr("hold 0"));
  EXPECT_EQ(refusal("[]"), "accepted");
}

TEST(TfjsWeights, RefusesNamesThatArePaths) {
  for (const char* path :
       {"../a", "/etc/passwd", "x/a", "x\\\\a", "..", "", "C:a", "a\\u0000", "a\\n"})
    EXPECT_THAT(refusal(cat("[", group(cat("\"", path, "\""), weight("w", "[2]")), "]")),
                HasSubstr("a plain file name"))
        << path;
  EXPECT_THROW(read(cat("[", group("\"none\"", weight("w", "[2]")), "]"), {}), IoError);
  EXPECT_THAT(refusal(cat("[", group("\"a\", \"a\"", weight("w", "[4]")), "]")),
              HasSubstr("listed twice"));
  const std::string twice = group("\"a\"", weight("v", "[2]"));
  EXPECT_THAT(refusal(cat("[", twice, ", ", group("\"a\"", weight("w", "[2]")), "]")),
              HasSubstr("listed twice"));
  EXPECT_THAT(refusal(one(weight("w", "[1]") + ", " + weight("w", "[1]"))),
              HasSubstr("two weights are named 'w'"));
}

TEST(TfjsWeights, RefusesOtherJson) {
  for (const char* manifest :
       {"{}", "null", "3", "[1]", "[{}]", "[{\"weights\": []}]",
        "[{\"paths\": 3, \"weights\": []}]", "[{\"paths\": [], \"weights\": null}]",
        "[{\"paths\": [], \"weights\": [3]}]", "[{\"paths\": [3], \"weights\": []}]",
        "[{\"paths\": [], \"weights\": [{\"name\": 3}]}]"})
    EXPECT_THAT(refusal(manifest), HasSubstr("model.json: ")) << manifest;
}

TEST(TfjsWeights, NoticesFilesThatChange) {
  int opened = 0;
  const auto manifest = base::parse_json(one(weight("w", "[2]")), "model.json");
  EXPECT_THROW(read_tfjs_weights(manifest,
                                 [&](const std::string& name) {
                                   return testing_zip::bytes_of_text(opened++ ? "1234" : "12345678",
                                                                     name);
                                 }),
               FormatError);
}

TEST(TfjsWeights, ReadsAFolder) {
  std::string folder = (std::filesystem::temp_directory_path() / "cornu_tfjs_XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/a", std::ios::binary) << raw<float>({4, 5});
  const auto manifest = base::parse_json(one(weight("w", "[2]")), "model.json");
  EXPECT_THAT(read_tfjs_weights(manifest, shards_in(folder))[0].second.values(), ElementsAre(4, 5));
  std::filesystem::create_symlink(folder + "/a", folder + "/link");
  const auto linked =
      base::parse_json(cat("[", group("\"link\"", weight("w", "[2]")), "]"), "model.json");
  EXPECT_THROW(read_tfjs_weights(linked, shards_in(folder)), IoError);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace cornu::formats
