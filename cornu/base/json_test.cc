#include "cornu/base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "cornu/base/bytes.h"
#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/base/utf8.h"

namespace cornu::base {
namespace {

using testing::HasSubstr;

Json parse(std::string_view text, const JsonLimits& limits = {}) {
  return parse_json(text, "test.json", limits);
}

// Text of the FormatError that parsing throws, or "accepted".
std::string refusal(std::string_view text, const JsonLimits& limits = {}) {
  try {
    parse(text, limits);
    return "accepted";
  } catch (const FormatError& e) {
    return e.what();
  }
}

std::string repeat(std::string_view s, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += s;
  return out;
}

TEST(Json, ReadsEveryKind) {
  const Json j = parse(
      " {\"a\": null, \"b\": [true, false, 1, -2, 3.5, \"x\"],\r\n\t\"c\": {\"d\": {}}, \"e\": "
      "[]} ");
  ASSERT_TRUE(j.is_object());
  EXPECT_EQ(j.size(), 4u);
  EXPECT_TRUE(j.at("a").is_null());
  const Json b = j.at("b");
  ASSERT_EQ(b.size(), 6u);
  EXPECT_TRUE(b[0].as_bool());
  EXPECT_FALSE(b[1].as_bool());
  EXPECT_EQ(b[2].as_int(), 1);
  EXPECT_EQ(b[3].as_double(), -2.0);
  EXPECT_EQ(b[4].as_double(), 3.5);
  EXPECT_EQ(b[5].as_string(), "x");
  EXPECT_TRUE(j.at("c").at("d").is_object());
  EXPECT_TRUE(j.at("c").at("d").empty());
  EXPECT_TRUE(j.at("e").is_array());
  EXPECT_FALSE(j.contains("f"));
  EXPECT_FALSE(b.contains("a"));
}

TEST(Json, ScalarsAloneAreTexts) {
  EXPECT_TRUE(parse("null").is_null());
  EXPECT_EQ(parse("7").as_int(), 7);
  EXPECT_EQ(parse("\"\"").as_string(), "");
}

TEST(Json, TellsIntegersFromFloats) {
  EXPECT_TRUE(parse("2").is_int());
  EXPECT_FALSE(parse("2.0").is_int());
  EXPECT_FALSE(parse("2e0").is_int());
  EXPECT_TRUE(parse("9223372036854775807").is_int());
  EXPECT_EQ(parse("-9223372036854775808").as_int(), std::numeric_limits<int64_t>::min());
  const Json big = parse("9223372036854775808");
  EXPECT_FALSE(big.is_int());
  EXPECT_EQ(big.as_double(), 9223372036854775808.0);
  EXPECT_EQ(parse("-0.0").as_double(), 0.0);
  EXPECT_TRUE(std::signbit(parse("-0.0").as_double()));
  EXPECT_EQ(parse("0.0010000000474974513").as_double(), 0.0010000000474974513);
}

TEST(Json, ReadsPythonsNaNAndInfinities) {
  const Json j = parse("[NaN, Infinity, -Infinity, 1.5, \"NaN\"]");
  EXPECT_TRUE(std::isnan(j[0].as_double()));
  EXPECT_EQ(j[1].as_double(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(j[2].as_double(), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(j[0].is_number());
  EXPECT_FALSE(j[0].is_finite());
  EXPECT_FALSE(j[2].is_finite());
  EXPECT_TRUE(j[3].is_finite());
  EXPECT_FALSE(j[4].is_number());
}

TEST(Json, KeepsKeyOrderAndTheLastOfEqualKeys) {
  const Json j = parse("{\"z\": 1, \"a\": 2, \"z\": [3], \"m\": 4, \"a\": 5}");
  std::string seen;
  for (auto [key, value] : j.items()) seen += cat(key, "=", value.dump(), " ");
  EXPECT_EQ(seen, "z=[3] a=5 m=4 ");
}

TEST(Json, FindsKeysOfBigObjects) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) text += cat(i ? ", " : "", "\"key", (i * 7919) % 500, "\": ", i);
  const Json j = parse(text + "}");
  ASSERT_EQ(j.size(), 500u);
  for (int i = 500; i < 1000; ++i) EXPECT_EQ(j.at(cat("key", (i * 7919) % 500)).as_int(), i);
  EXPECT_FALSE(j.contains("key500"));
  size_t i = 0;
  for (auto [key, value] : j.items()) EXPECT_EQ(key, cat("key", (i++ * 7919) % 500));
}

TEST(Json, DecodesEscapes) {
  EXPECT_EQ(parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"").as_string(), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(parse("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"").as_string(), "Aé€😀");
  EXPECT_EQ(parse("\"é€😀\"").as_string(), "é€😀");
  EXPECT_EQ(parse("\"a\\u0000b\"").as_string(), std::string_view("a\0b", 3));
}

TEST(Json, RefusesBadStrings) {
  EXPECT_THAT(refusal("\"\\ud83d\""), HasSubstr("high surrogate"));
  EXPECT_THAT(refusal("\"\\ud83d\\u0041\""), HasSubstr("high surrogate"));
  EXPECT_THAT(refusal("\"\\ude00\""), HasSubstr("low surrogate"));
  EXPECT_THAT(refusal("\"\\u12g4\""), HasSubstr("hexadecimal"));
  EXPECT_THAT(refusal("\"\\u12"), HasSubstr("hexadecimal"));
  EXPECT_THAT(refusal("\"\\x41\""), HasSubstr("unknown escape"));
  EXPECT_THAT(refusal("\"\\"), HasSubstr("unknown escape"));
  EXPECT_THAT(refusal("\"a\nb\""), HasSubstr("control character"));
  EXPECT_THAT(refusal("\"abc"), HasSubstr("ends inside a string"));
  EXPECT_THAT(refusal("\"\xc0\xaf\""), HasSubstr("UTF-8"));          // overlong
  EXPECT_THAT(refusal("\"\xed\xa0\x80\""), HasSubstr("UTF-8"));      // surrogate
  EXPECT_THAT(refusal("\"\xf4\x90\x80\x80\""), HasSubstr("UTF-8"));  // above U+10FFFF
  EXPECT_THAT(refusal("\"\xe2\x82\""), HasSubstr("UTF-8"));          // cut
  EXPECT_THAT(refusal("\"\xff\""), HasSubstr("UTF-8"));
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text : {"",           " ",     "{",       "[",       "[1",
                           "[1,",        "[1,]",  "{\"a\"",  "{\"a\":", "{\"a\":1",
                           "{\"a\":1,}", "{a:1}", "{'a':1}", "{1:2}",   "[1 2]",
                           "1 2",        "]",     "}",       "[}",      "{]",
                           "[1}",        "tru",   "nul",     "True",    "None",
                           "nan",        "-NaN",  "inf",     "+1",      "01",
                           "-",          "1.",    ".5",      "1e",      "1e+",
                           "0x10",       "--1",   "// c\n1", "[1]]",    "\xef\xbb\xbf{}",
                           "\xff"})
    EXPECT_THAT(refusal(text), testing::StartsWith("test.json: line 1, column ")) << text;
  EXPECT_THAT(refusal("[1,\n  2,\n  x]"), HasSubstr("line 3, column 3: expected a value"));
  EXPECT_THAT(refusal(std::string_view("[1]\0", 4)), HasSubstr("after the end"));
}

TEST(Json, RefusesNumbersOutOfRange) {
  EXPECT_THAT(refusal("1e400"), HasSubstr("out of range"));
  EXPECT_THAT(refusal("-1e400"), HasSubstr("out of range"));
  EXPECT_THAT(refusal(std::string(100000, '9')), HasSubstr("out of range"));
  EXPECT_EQ(parse("5e-324").as_double(), 5e-324);
  EXPECT_EQ(parse("0." + std::string(100000, '3')).as_double(), 1.0 / 3);
}

TEST(Json, LimitsDepthSizeAndCount) {
  EXPECT_EQ(parse(repeat("[", 256) + repeat("]", 256)).size(), 1u);
  EXPECT_THAT(refusal(repeat("[", 257) + repeat("]", 257)), HasSubstr("256 levels"));
  EXPECT_THAT(refusal(repeat("{\"a\":", 1000000)), HasSubstr("256 levels"));
  EXPECT_THAT(refusal("[1,2,3]", {.free_values = 3}), HasSubstr("more than 3 values"));
  EXPECT_EQ(parse("[1,2,3]", {.free_values = 4}).size(), 3u);
  EXPECT_EQ(parse("[1,2,3]" + std::string(57, ' '), {.free_values = 3}).size(), 3u);
  EXPECT_THAT(refusal("[1,2,3]", {.max_bytes = 6}), HasSubstr("over the limit of 6"));
  const std::string longest = repeat("\\n", 1 << 20);
  EXPECT_EQ(parse("\"" + longest + "\"").as_string().size(), 1u << 20);
  EXPECT_THAT(refusal("\"" + longest + "x\""), HasSubstr("a string of more than 1048576 bytes"));
}

TEST(Json, ReadsFilesAndPartsOfThem) {
  const std::string text = "<[1, \"a\"]>";
  const auto parse_part = [&](uint64_t offset, uint64_t size, const JsonLimits& limits) {
    const Bytes file = Bytes::view(std::as_bytes(std::span(text)), "file");
    return parse_json(file.at(offset, size, "the text"), "part", limits).dump();
  };
  EXPECT_EQ(parse_part(1, 8, {}), "[1, \"a\"]");
  EXPECT_THROW(parse_part(0, 8, {}), FormatError);
  EXPECT_THROW(parse_part(1, 0, {}), FormatError);
  EXPECT_THROW(parse_part(1, 8, {.max_bytes = 7}), FormatError);
}

// A text whose bytes cannot be looked at again.
class ReadOnce : public ByteSource {
 public:
  explicit ReadOnce(std::string text) : ByteSource("file", text.size()), text_(std::move(text)) {}
  const std::byte* load(uint64_t offset, uint64_t) override {
    return reinterpret_cast<const std::byte*>(text_.data() + offset);
  }
  void release(uint64_t offset, uint64_t size) noexcept override {
    text_.replace(offset, size, size, '#');
  }

 private:
  std::string text_;
};

TEST(Json, GivesBackWhatIsRead) {
  std::string text = "[";
  for (int i = 0; i < 30000; ++i)
    text += cat(i ? "," : "", "\n  \"", std::string(100, 'x'), i, '"');
  const auto parse_once = [](const std::string& t) {
    return parse_json(Bytes(std::make_shared<ReadOnce>(t)), "test.json");
  };
  EXPECT_EQ(parse_once(text + "]").dump(), parse(text + "]").dump());
  try {
    parse_once(text + ", x]");
    FAIL() << "accepted";
  } catch (const FormatError& e) {
    EXPECT_EQ(e.what(), refusal(text + ", x]"));
    EXPECT_THAT(e.what(), HasSubstr("line 30001, column 112: expected a value, found 'x'"));
  }
}

// Neither parsing, copying, writing nor destroying may use the stack in proportion to the depth.
TEST(Json, DeepValuesNeedNoStack) {
  const int depth = 400000;
  const std::string text = repeat("[", depth) + repeat("]", depth);
  Json j = parse(text, {.free_values = 1u << 20, .max_depth = 1u << 20});
  EXPECT_EQ(j.dump(), text);
  const Json copy = Json::array({j});
  j = Json();
  EXPECT_EQ(copy.dump(), "[" + text + "]");
}

TEST(Json, DumpsAsPythonDoes) {
  const std::string text =
      "{\"a\": [1, 2.0, 1e-07, 1e+16, 0.1, -0.0, NaN, -Infinity], \"\\u00e9\\ud83d\\ude00\": "
      "\"\\\"\\\\/\\n\\u0001\\u007f\", \"t\": true, \"n\": null, \"o\": {}, \"l\": []}";
  EXPECT_EQ(parse(text).dump(), text);
}

TEST(Json, Builds) {
  Json j = Json::object({{"name", "conv"},
                         {"kernel_size", Json::array({3, 3})},
                         {"use_bias", true},
                         {"rate", 0.5f},
                         {"seed", nullptr},
                         {"none", std::optional<int>()},
                         {"some", std::optional<int>(3)},
                         {"shape", Json::list(std::vector<int64_t>{1, 2})},
                         {"deep", Json::object({{"x", Json::array({Json::object(), "é"})}})}});
  EXPECT_EQ(j.dump(),
            "{\"name\": \"conv\", \"kernel_size\": [3, 3], \"use_bias\": true, \"rate\": 0.5, "
            "\"seed\": null, \"none\": null, \"some\": 3, \"shape\": [1, 2], "
            "\"deep\": {\"x\": [{}, \"\\u00e9\"]}}");
  j.set("name", j.at("deep"));
  j.set("new", Json::array({}));
  EXPECT_EQ(j.size(), 10u);
  EXPECT_EQ(j.at("name").dump(), "{\"x\": [{}, \"\\u00e9\"]}");
  EXPECT_TRUE(j.at("new").is_array());
  EXPECT_THROW(Json("\xff"), ValueError);
  EXPECT_THROW(Json::object({{"\xff", 1}}), ValueError);
}

TEST(Json, CopiesOfBigObjectsStillFindTheirKeys) {
  std::vector<std::pair<std::string, Json>> items;
  for (int i = 0; i < 100; ++i) items.emplace_back(cat("k", i), Json::array({i}));
  const Json inner = Json::object(items);
  const Json outer = Json::array({"x", inner, inner});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(outer[2].at(cat("k", i))[0].as_int(), i);
}

TEST(Json, WrongKindIsAnErrorThatNamesTheFile) {
  const Json j = parse("{\"a\": \"text\", \"l\": [1]}");
  EXPECT_THROW(j.at("a").as_int(), FormatError);
  EXPECT_THROW(j.at("a").as_double(), FormatError);
  EXPECT_THROW(j.at("l").as_string(), FormatError);
  EXPECT_THROW(j.at("l")[1], FormatError);
  EXPECT_THROW(j[0], FormatError);
  EXPECT_THROW(j.at("l").at("a"), FormatError);
  EXPECT_THROW(Json().as_bool(), FormatError);
  EXPECT_THROW(Json(1).set("a", 1), FormatError);
  EXPECT_EQ(parse("2.0").find("a"), std::nullopt);
  try {
    j.at("filters");
    ADD_FAILURE();
  } catch (const FormatError& e) {
    EXPECT_THAT(e.what(), HasSubstr("test.json: expected an object with the key 'filters'"));
  }
}

// Random values survive being written and read; mutated texts are read or refused, nothing else.
TEST(Json, RoundTripsRandomValues) {
  std::mt19937 random(1);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 100; ++round) {
    std::vector<Json> pool{Json(),    true, pick(1000) - 500, std::ldexp(pick(1000), pick(80) - 40),
                           "a\"\\\n", "ü€😀"};
    for (int i = 0; i < 30; ++i) {
      std::vector<Json> elements;
      std::vector<std::pair<std::string, Json>> items;
      for (int k = pick(20); k > 0; --k) {
        elements.push_back(pool[pool.size() - 1 - pick(6)]);
        if (elements.back().dump().size() > 4000) elements.pop_back();
      }
      for (const Json& e : elements) items.emplace_back(cat("k", pick(25)), e);
      pool.push_back(pick(2) ? Json::array(elements) : Json::object(items));
    }
    const std::string text = pool.back().dump();
    EXPECT_EQ(parse(text).dump(), text);
    std::string hurt = text;
    hurt[static_cast<size_t>(pick(static_cast<int>(hurt.size())))] = "[]{},:\"\\0e-\xc3"[pick(12)];
    try {
      const std::string once = parse(hurt).dump();
      EXPECT_EQ(parse(once).dump(), once);
    } catch (const FormatError& e) {
      EXPECT_THAT(e.what(), HasSubstr("test.json: line "));
    }
  }
}

TEST(Utf8, RoundTripsEveryCodePoint) {
  for (uint32_t code = 0; code <= 0x10ffff; ++code) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    std::string s;
    append_utf8(&s, code);
    size_t at = 0;
    ASSERT_TRUE(is_utf8(s)) << code;
    ASSERT_EQ(next_code_point(s, &at), code);
    ASSERT_EQ(at, s.size());
  }
}

}  // namespace
}  // namespace cornu::base
