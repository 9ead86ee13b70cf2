#include "cornu/formats/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/formats/npy_parser.h"
#include "cornu/formats/numbers.h"
#include "cornu/formats/zip_test_util.h"

namespace cornu::formats {
namespace {

using base::cat;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_zip::bytes_of_text;
using testing_zip::put;

std::string npy(const std::string& dict, std::string_view data, int version = 1) {
  std::string out = cat("\x93NUMPY", static_cast<char>(version), '\0');
  put(&out, dict.size() + 1, version == 1 ? 2 : 4);
  return cat(out, dict, "\n", data);
}

std::string dict(std::string_view type, std::string_view shape, std::string_view order = "False") {
  return cat("{'descr': '", type, "', 'fortran_order': ", order, ", 'shape': ", shape, ", }");
}

Tensor parse(const std::string& file) { return parse_npy(bytes_of_text(file, "a.npy")); }

std::string refusal(const std::string& file) {
  try {
    parse(file);
    return "accepted";
  } catch (const FormatError& e) {
    return e.what();
  }
}

template <class T>
std::string raw(std::initializer_list<T> values, bool big_endian = false) {
  std::string out;
  for (T v : values) {
    std::string one(sizeof(T), '\0');
    std::memcpy(one.data(), &v, sizeof(T));
    if (big_endian) std::reverse(one.begin(), one.end());
    out += one;
  }
  return out;
}

template <class T>
void expect_read(std::string_view code, std::initializer_list<T> values) {
  std::vector<float> expected;
  for (T v : values) expected.push_back(static_cast<float>(v));
  const std::string shape = cat("(", values.size(), ",)");
  for (const char order : {'<', '>'}) {
    const Tensor t = parse(npy(dict(cat(order, code), shape), raw(values, order == '>')));
    EXPECT_EQ(t.shape(), Shape{values.size()});
    EXPECT_THAT(t.values(), testing::ElementsAreArray(expected)) << order << code;
  }
}

TEST(Npy, ReadsEveryNumberType) {
  expect_read<int8_t>("i1", {-128, 0, 127});
  expect_read<uint8_t>("u1", {0, 255});
  expect_read<int16_t>("i2", {-32768, 258});
  expect_read<uint16_t>("u2", {65535, 258});
  expect_read<int32_t>("i4", {-70000, 16909060});
  expect_read<uint32_t>("u4", {4294967295u, 1});
  expect_read<int64_t>("i8", {-(int64_t{1} << 40), 3});
  expect_read<uint64_t>("u8", {~uint64_t{0}, 3});
  expect_read<float>("f4", {1.5f, -0.25f, std::numeric_limits<float>::infinity()});
  expect_read<double>("f8", {0.1, 1e300, -1e-300});
  EXPECT_THAT(parse(npy(dict("|b1", "(3,)"), std::string_view("\0\1\2", 3))).values(),
              ElementsAre(0.0f, 1.0f, 1.0f));
  EXPECT_THAT(parse(npy(dict("<f2", "(2,)"), std::string_view("\x00\x3c\x00\xc0", 4))).values(),
              ElementsAre(1.0f, -2.0f));
}

// Every half, against its definition: sign * 2^(e-15) * (1 + m/1024), subnormal 2^-14 * m/1024.
TEST(Npy, WidensEveryHalf) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const float got = float_from_half(static_cast<uint16_t>(half));
    const int exponent = (half >> 10) & 31;
    const double mantissa = (half & 1023) / 1024.0;
    const double sign = half >> 15 ? -1 : 1;
    if (exponent == 31 && mantissa != 0) {
      ASSERT_TRUE(std::isnan(got)) << half;
      continue;
    }
    const double size = exponent == 31  ? std::numeric_limits<double>::infinity()
                        : exponent == 0 ? std::ldexp(mantissa, -14)
                                        : std::ldexp(1 + mantissa, exponent - 15);
    ASSERT_EQ(got, static_cast<float>(sign * size)) << half;
    ASSERT_EQ(std::signbit(got), half >> 15 != 0) << half;
  }
}

TEST(Npy, ReadsShapesOrdersAndVersions) {
  const std::string six = raw<float>({0, 1, 2, 3, 4, 5});
  EXPECT_EQ(parse(npy(dict("<f4", "(2, 3)"), six)).shape(), (Shape{2, 3}));
  EXPECT_EQ(parse(npy(dict("<f4", "()"), six.substr(0, 4))).shape(), Shape{});
  EXPECT_EQ(parse(npy(dict("<f4", "(0, 5)"), "")).shape(), (Shape{0, 5}));
  EXPECT_THAT(parse(npy(dict("<f4", "(3, 2)", "True"), six)).values(),
              ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(parse(npy(dict("<f4", "(1, 2, 3)", "True"), six)).values(),
              ElementsAre(0, 2, 4, 1, 3, 5));
  EXPECT_EQ(parse(npy(dict("<f4", "(0, 5)", "True"), "")).size(), 0);
  for (int version : {1, 2, 3})
    EXPECT_EQ(parse(npy(dict("<f4", "(6,)"), six, version)).values()[5], 5.0f);
  EXPECT_EQ(parse(npy("{\"shape\":(6,),\"fortran_order\":False,\"descr\":\"<f4\"}   ", six)).size(),
            6);
}

TEST(Npy, RefusesOtherTypes) {
  EXPECT_THAT(refusal(npy(dict("|O", "(1,)"), "12345678")), HasSubstr("Python objects"));
  for (const char* type : {"<c8", "<U3", "|S4", "<f16", "<M8[ns]", "f4", "<", "", "!f4", "<f3"})
    EXPECT_THAT(refusal(npy(dict(type, "(1,)"), "1234")), HasSubstr("the type '")) << type;
  EXPECT_THAT(
      refusal(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "1234")),
      HasSubstr("structured"));
}

TEST(Npy, RefusesSizesThatLie) {
  EXPECT_THAT(refusal(npy(dict("<f4", "(2,)"), "1234")),
              HasSubstr("takes 8 bytes, but the file holds 4"));
  EXPECT_THAT(refusal(npy(dict("<f4", "(1,)"), "12345")), HasSubstr("takes 4 bytes"));
  EXPECT_THAT(refusal(npy(dict("<f4", "(4294967296, 4294967296)"), "")),
              HasSubstr("no file can hold"));
  EXPECT_THAT(refusal(npy(dict("<f4", "(4294967296, 4294967296, 0)"), "")),
              HasSubstr("no file can hold"));
  EXPECT_THAT(refusal(npy(dict("<f4", "(99999999999999999999,)"), "")), HasSubstr("not of sizes"));
  EXPECT_THAT(refusal(npy(dict("<f4", "(-1,)"), "")), HasSubstr("not of sizes"));
  std::string axes = "(";
  for (int i = 0; i < 33; ++i) axes += "1,";
  EXPECT_THAT(refusal(npy(dict("<f4", axes + ")"), "1234")), HasSubstr("too many dimensions"));
}

TEST(Npy, RefusesBadHeaders) {
  EXPECT_THAT(refusal(""), HasSubstr("signature"));
  EXPECT_THAT(refusal("\x93NUMPX\1\0"), HasSubstr("signature"));
  EXPECT_THAT(refusal(npy(dict("<f4", "(1,)"), "1234", 4)), HasSubstr("version 4"));
  std::string minor = npy(dict("<f4", "(1,)"), "1234");
  minor[7] = 1;
  EXPECT_THAT(refusal(minor), HasSubstr("minor version"));
  std::string huge = npy(dict("<f4", "(1,)"), "1234", 2);
  huge[11] = '\x7f';
  EXPECT_THAT(refusal(huge), HasSubstr("a header of"));
  const std::string good = npy(dict("<f4", "(1,)"), "1234");
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_THAT(refusal(good.substr(0, size)), HasSubstr("a.npy: ")) << size;
  for (const char* bad :
       {"", "{", "{}", "[]", "{'descr'}", "{'descr': '<f4'}", "{'descr: '<f4'}", "{'x': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [1]}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1.0,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}"})
    EXPECT_THAT(refusal(npy(bad, "1234")), HasSubstr("the array's header holds")) << bad;
}

TEST(Npz, ReadsArraysInOrder) {
  const auto archive = testing_zip::make_zip(
      {{"x.npy", npy(dict("<f4", "(1,)"), raw<float>({7})), false, false, true},
       {"arr_0.npy", npy(dict("|u1", "(2,)"), "\1\2"), true}});
  const auto arrays = parse_npz(archive.bytes());
  ASSERT_EQ(arrays.size(), 2u);
  EXPECT_EQ(arrays[0].first, "x");
  EXPECT_THAT(arrays[0].second.values(), ElementsAre(7.0f));
  EXPECT_EQ(arrays[1].first, "arr_0");
  EXPECT_THAT(arrays[1].second.values(), ElementsAre(1.0f, 2.0f));
  EXPECT_THROW(parse_npz(testing_zip::make_zip({{"readme", "x"}}).bytes()), FormatError);
}

// 16 MiB of zeros in less than 100 kB.
TEST(Npz, UnpacksInProportionToTheFile) {
  const auto archive = testing_zip::make_zip(
      {{"x.npy", npy(dict("|u1", "(16777216,)"), std::string(16 << 20, '\0')), true}});
  EXPECT_THROW(parse_npz(archive.bytes()), FormatError);
  std::string noise(1 << 20, '\0');  // does not pack, and so may have much beside it
  uint32_t state = 1;
  for (char& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  const auto both = testing_zip::make_zip(
      {{"x.npy", npy(dict("|u1", "(16777216,)"), std::string(16 << 20, '\0')), true},
       {"y.npy", npy(dict("|u1", "(1048576,)"), noise), true}});
  EXPECT_EQ(parse_npz(both.bytes())[0].second.size(), 16 << 20);
}

TEST(Npz, RefusesToWriteWhatItWouldNotRead) {
  const std::string path = "/dev/null/none.npz";
  const Tensor t(Shape{1});
  for (const char* name : {"x:0", "../a", "/a", "a\\b", "a/../b", "\xff"})
    EXPECT_THROW(save_npz(path, {{name, t}}), ValueError) << name;
  EXPECT_THROW(save_npz(path, {{"a", t}, {"a", t}}), ValueError);
  EXPECT_THROW(save_npz(path, {{"ab:0/c d", t}}), IoError);
}

TEST(Npy, SavesWhatItLoads) {
  std::string folder = (std::filesystem::temp_directory_path() / "cornu_npy_XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/a.npy";
  for (const Shape& shape :
       {Shape{2, 3}, Shape{}, Shape{0}, Shape{1, 1, 1, 7}, Shape{123456789, 0}}) {
    Tensor t(shape);
    for (int64_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<float>(i) - 0.5f;
    save_npy(path, t);
    const Tensor back = load_npy(path);
    EXPECT_EQ(back.shape(), shape);
    EXPECT_THAT(back.values(), testing::ElementsAreArray(t.values()));
    EXPECT_EQ((std::filesystem::file_size(path) - static_cast<size_t>(t.size()) * 4) % 64, 0u);
  }
  std::filesystem::remove_all(folder);
  EXPECT_THROW(load_npy(path), IoError);
  EXPECT_THROW(load_npz(path), IoError);
  EXPECT_THROW(save_npy(path, Tensor()), IoError);
}

}  // namespace
}  // namespace cornu::formats
