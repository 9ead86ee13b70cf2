#include "cornu/formats/hdf5.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/formats/hdf5_test_util.h"

namespace cornu::formats {
namespace {

using base::cat;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using namespace testing_hdf5;

template <class T>
std::string raw(std::initializer_list<T> values) {
  std::string out(values.size() * sizeof(T), '\0');
  std::memcpy(out.data(), values.begin(), out.size());
  return out;
}

// Opens a file and reads all its datasets and texts.
void read_all(const base::Bytes& bytes) {
  const Hdf5File file(bytes);
  std::vector<const Hdf5Object*> todo{&file.root()};
  while (!todo.empty()) {
    const Hdf5Object* object = todo.back();
    todo.pop_back();
    if (object->is_dataset()) object->tensor();
    if (object->has_attribute("text")) object->string_attribute("text");
    object->string_list_attribute("names");
    for (const auto& link : object->links()) todo.push_back(link.object);
  }
}

std::string refusal(const base::Bytes& bytes) {
  try {
    read_all(bytes);
    return "accepted";
  } catch (const FormatError& e) {
    return e.what();
  }
}

// /w: float32 (2, 3); /g: a group with texts; /g/v: int64 scalar.
Builder model() {
  Builder b;
  const size_t w = b.dataset("w", float32_type(), {2, 3}, raw<float>({0, 1, 2, 3, 4, 5}));
  const size_t v = b.dataset("v", integer_type(8, true), {}, raw<int64_t>({-7}));
  const std::string elements = b.variable({"hello", "conv/kernel:0"});
  const size_t g = b.group("g", {{"v", v}},
                           {attribute("text", variable_type(), space({}), elements.substr(0, 16)),
                            attribute("names", variable_type(), space({2}), elements)});
  b.finish(b.group("root", {{"g", g}, {"w", w}},
                   {attribute("text", fixed_type(4), space({}), "abc\0")}));
  return b;
}

// A file of one dataset.
Builder one(const std::string& type, const std::vector<uint64_t>& dims, const std::string& data) {
  Builder b;
  b.finish(b.group("root", {{"w", b.dataset("w", type, dims, data)}}));
  return b;
}

// A file whose root has one more message.
std::string with_message(uint16_t type, const std::string& body, int flags = 0) {
  Builder b;
  return refusal(b.finish(b.group("root", {}, {message(type, body, flags)})));
}

std::string changed(const std::string& name, size_t offset, uint64_t value, int bytes) {
  Builder b = model();
  b.set(name, offset, value, bytes);
  return refusal(b.bytes());
}

TEST(Hdf5, ReadsGroupsDatasetsAndTexts) {
  const Hdf5File file(model().bytes());
  const Hdf5Object& root = file.root();
  ASSERT_EQ(root.links().size(), 2u);
  EXPECT_EQ(root.links()[0].name, "g");
  EXPECT_TRUE(root.find("g")->is_group());
  const Hdf5Object* w = root.find("w");
  ASSERT_TRUE(w && w->is_dataset());
  EXPECT_EQ(w->path(), "/w");
  EXPECT_EQ(w->shape(), (Shape{2, 3}));
  EXPECT_THAT(w->tensor().values(), ElementsAre(0, 1, 2, 3, 4, 5));
  const Hdf5Object* v = root.find("g/v");
  ASSERT_TRUE(v);
  EXPECT_EQ(v->path(), "/g/v");
  EXPECT_EQ(v->shape(), Shape{});
  EXPECT_EQ(v->number_type(), NumberType::kInt64);
  EXPECT_THAT(v->tensor().values(), ElementsAre(-7));
  EXPECT_EQ(root.string_attribute("text"), "abc");
  EXPECT_EQ(root.find("g")->string_attribute("text"), "hello");
  EXPECT_THAT(*root.find("g")->string_list_attribute("names"),
              ElementsAre("hello", "conv/kernel:0"));
  EXPECT_EQ(root.string_list_attribute("names"), std::nullopt);
  for (const char* path : {"x", "g/x", "w/x", "", "/w", "g//v", "g/v/"})
    EXPECT_EQ(root.find(path), nullptr) << path;
}

TEST(Hdf5, ReadsEveryNumberType) {
  const auto read = [](const std::string& type, uint64_t count, const std::string& data) {
    const Hdf5File file(one(type, {count}, data).bytes());
    const Tensor t = file.root().find("w")->tensor();
    return std::vector<float>(t.values().begin(), t.values().end());
  };
  EXPECT_THAT(read(float16_type(), 2, raw<uint16_t>({0x3c00, 0xc000})), ElementsAre(1, -2));
  EXPECT_THAT(read(float64_type(), 2, raw<double>({0.1, -3})), ElementsAre(0.1f, -3));
  EXPECT_THAT(read(integer_type(1, true), 1, "\xff"), ElementsAre(-1));
  EXPECT_THAT(read(integer_type(1, false), 1, "\xff"), ElementsAre(255));
  EXPECT_THAT(read(integer_type(2, true), 1, "\xff\xff"), ElementsAre(-1));
  EXPECT_THAT(read(integer_type(2, false), 1, "\xff\xff"), ElementsAre(65535));
  EXPECT_THAT(read(integer_type(4, true), 1, raw<int32_t>({-5})), ElementsAre(-5));
  EXPECT_THAT(read(integer_type(4, false), 1, raw<uint32_t>({5})), ElementsAre(5));
  EXPECT_THAT(read(integer_type(8, false), 1, raw<uint64_t>({5})), ElementsAre(5));
  EXPECT_THAT(read(float32_type(), 0, ""), ElementsAre());
  EXPECT_THAT(read(bfloat16_type(), 3, raw<uint16_t>({0x3f80, 0xc040, 0x0001})),
              ElementsAre(1, -3, std::ldexp(1.0f, -133)));
}

TEST(Hdf5, ReadsNumbersWithTheHighestByteFirst) {
  const auto check = [](const std::string& type, std::string data, const std::vector<float>& want) {
    const size_t each = data.size() / want.size();
    for (size_t i = 0; i < data.size(); i += each) std::reverse(&data[i], &data[i] + each);
    const Hdf5File file(one(big_endian(type), {want.size()}, data).bytes());
    EXPECT_THAT(file.root().find("w")->tensor().values(), ElementsAreArray(want));
  };
  check(float16_type(), raw<uint16_t>({0x3c00, 0xc000}), {1, -2});
  check(bfloat16_type(), raw<uint16_t>({0x3f80, 0xc040}), {1, -3});
  check(float32_type(), raw<float>({0.1f, -3}), {0.1f, -3});
  check(float64_type(), raw<double>({0.1, -3}), {0.1f, -3});
  check(integer_type(1, true), raw<int8_t>({-1}), {-1});
  check(integer_type(2, true), raw<int16_t>({-2, 258}), {-2, 258});
  check(integer_type(4, false), raw<uint32_t>({258}), {258});
  check(integer_type(8, true), raw<int64_t>({-5, 1 << 20}), {-5, 1 << 20});
  // More than is turned around at a time.
  std::vector<float> many((1 << 18) + 3);
  std::iota(many.begin(), many.end(), 0.0f);
  const auto* bytes = reinterpret_cast<const char*>(many.data());
  check(float32_type(), std::string(bytes, bytes + 4 * many.size()), many);
}

TEST(Hdf5, ReadsBfloat16AsKerasKeepsIt) {
  const auto read = [](size_t size, const std::string& dtype, const std::string& data) {
    Builder b;
    const size_t w = b.dataset("w", opaque_type(size), {data.size() / size}, data,
                               {attribute("dtype", fixed_type(dtype.size()), space({}), dtype)});
    const Hdf5File file(b.finish(b.group("root", {{"w", w}})));
    return file.root().find("w")->tensor();
  };
  EXPECT_THAT(read(2, "bfloat16", raw<uint16_t>({0x3f80, 0xc040})).values(), ElementsAre(1, -3));
  EXPECT_THROW(read(2, "float16", raw<uint16_t>({0x3f80})), FormatError);
  EXPECT_THROW(read(4, "bfloat16", raw<uint16_t>({0x3f80, 0xc040})), FormatError);
}

TEST(Hdf5, RefusesOtherTypesByName) {
  const auto read = [](std::string type, size_t at, int value) {
    type[at] = static_cast<char>(value);
    return refusal(one(type, {1}, std::string(static_cast<uint8_t>(type[4]), 'x')).bytes());
  };
  EXPECT_THAT(read(float32_type(), 1, 0x60), HasSubstr("/w: floats of an unusual format"));
  EXPECT_THAT(read(integer_type(4, true), 10, 31), HasSubstr("unusual size"));
  EXPECT_THAT(read(integer_type(4, true), 4, 3), HasSubstr("unusual size"));
  for (size_t at : {2, 8, 10, 12, 13, 14, 15, 16})
    EXPECT_THAT(read(float32_type(), at, 99), HasSubstr("unusual format")) << at;
  const char* names[] = {"times", "bit fields", "opaque", "compound", "references", "enumerations"};
  const int classes[] = {2, 4, 5, 6, 7, 8};
  for (int i = 0; i < 6; ++i)
    EXPECT_THAT(read(float32_type(), 0, 0x10 + classes[i]), HasSubstr(names[i]));
  EXPECT_THAT(read(float32_type(), 0, 0x1a), HasSubstr("arrays within arrays"));
  EXPECT_THAT(read(float32_type(), 0, 0x1b), HasSubstr("unknown class"));
  EXPECT_THAT(read(float32_type(), 0, 0x01), HasSubstr("data type of version 0"));
  EXPECT_THAT(read(float32_type(), 0, 0x41), HasSubstr("data type of version 4"));
  EXPECT_THAT(read(float32_type(), 4, 0), HasSubstr("size 0"));
  EXPECT_THAT(read(fixed_type(4), 0, 0x13), HasSubstr("text where numbers should be"));
  EXPECT_THAT(read(fixed_type(4), 1, 3), HasSubstr("padded"));
  EXPECT_THAT(read(variable_type(), 1, 0), HasSubstr("variable-length lists"));
  EXPECT_THAT(read(variable_type(), 4, 8), HasSubstr("element size 8"));
  EXPECT_THAT(read(variable_type(), 12, 9), HasSubstr("characters of 9 bytes"));
}

TEST(Hdf5, ReadsTextsOfEveryKind) {
  Builder b;
  const std::vector<std::string> attributes = {
      attribute("nuls", fixed_type(6, 1), space({}), padded("ab\0c\0", 6)),
      attribute("nul", fixed_type(6, 0), space({}), std::string("ab\0cde", 6)),
      attribute("spaces", fixed_type(6, 2), space({}), "ab c  "),
      attribute("both", fixed_type(6, 2), space({}), std::string("ab c \0", 6)),
      attribute("list", fixed_type(3), space({2}, true), std::string("a\0\0bcd", 6)),
      attribute("empty", float64_type(), space({0}), ""),
      attribute("split0", fixed_type(1), space({2}), "ab"),
      attribute("split1", fixed_type(2), space({1}), "cd"),
      attribute("v2", fixed_type(3), space({}), "two", 2),
      attribute("v3", fixed_type(3), space({}), "thr", 3),
      attribute("number", float32_type(), space({}), raw<float>({1})),
      attribute("variable", variable_type(), space({}), b.variable({std::string("C\0hidden", 8)})),
  };
  const Hdf5File file(b.finish(b.group("root", {}, attributes, 4)));
  const Hdf5Object& root = file.root();
  EXPECT_EQ(root.string_attribute("nuls"), "ab");
  EXPECT_EQ(root.string_attribute("nul"), "ab");
  EXPECT_EQ(root.string_attribute("spaces"), "ab c");
  EXPECT_EQ(root.string_attribute("both"), "ab c");
  EXPECT_EQ(root.string_attribute("variable"), "C");
  EXPECT_EQ(root.text_attribute("variable").text(), "C");
  EXPECT_EQ(root.string_attribute("v2"), "two");
  EXPECT_EQ(root.string_attribute("v3"), "thr");
  EXPECT_THAT(*root.string_list_attribute("list"), ElementsAre("a", "bcd"));
  EXPECT_THAT(*root.string_list_attribute("split"), ElementsAre("a", "b", "cd"));
  EXPECT_TRUE(root.string_list_attribute("empty")->empty());
  EXPECT_THROW(root.string_attribute("number"), FormatError);
  EXPECT_THROW(root.string_list_attribute("number"), FormatError);
  EXPECT_THROW(root.string_attribute("list"), FormatError);
  EXPECT_THROW(root.string_attribute("none"), FormatError);
}

TEST(Hdf5, RefusesTextsThatOthersReadOtherwise) {
  Builder b = model();
  EXPECT_EQ(refusal(b.bytes()), "accepted");
  const size_t free = 16 + 24 + 32 + 8;  // behind "hello" and "conv/kernel:0"
  b.set("gcol", free, 8, 8);
  EXPECT_THAT(refusal(b.bytes()), HasSubstr("free room"));
  b.set("gcol", free, 16, 8);
  b.set("gcol", 16, 2, 2);  // the first one's
  EXPECT_THAT(refusal(b.bytes()), HasSubstr("two objects of one number"));
}

TEST(Hdf5, ReadsLargeGroups) {
  Builder b;
  std::vector<std::pair<std::string, uint64_t>> links;
  for (int i = 1000; i < 2500; ++i)
    links.emplace_back(cat("layer_", i),
                       b.dataset("w", integer_type(4, true), {1}, raw<int32_t>({i})));
  const Hdf5File file(b.finish(b.group("root", links)));
  ASSERT_EQ(file.root().links().size(), 1500u);
  for (int i : {1000, 1007, 1008, 2300, 2499})
    EXPECT_THAT(file.root().find(cat("layer_", i))->tensor().values(), ElementsAre(i));
}

TEST(Hdf5, ReadsCompactDatasets) {
  Builder b;
  const size_t w = b.header("w", {message(1, space({2})), message(3, float32_type()),
                                  message(8, u(3, 1) + u(0, 1) + u(8, 2) + raw<float>({3, 4}))});
  const Hdf5File file(b.finish(b.group("root", {{"w", w}})));
  EXPECT_THAT(file.root().find("w")->tensor().values(), ElementsAre(3, 4));
}

TEST(Hdf5, RefusesFeaturesByName) {
  EXPECT_THAT(with_message(0x02, u(0, 10)), HasSubstr("large groups of the new style"));
  EXPECT_THAT(with_message(0x02, u(0, 2) + u(kUndefined, 8)), HasSubstr("a group of two styles"));
  const auto link = [](int kind, const std::string& name, int version = 1) {
    return with_message(0x06,
                        u(version, 1) + u(8, 1) + u(kind, 1) + u(name.size(), 1) + name + u(0, 8));
  };
  EXPECT_THAT(link(0, "x"), HasSubstr("a group of two styles"));
  EXPECT_THAT(link(1, "x"), HasSubstr("soft links are not read"));
  EXPECT_THAT(link(64, "x"), HasSubstr("external links are not read"));
  EXPECT_THAT(link(7, "x"), HasSubstr("unknown kind 7"));
  EXPECT_THAT(link(0, "x", 2), HasSubstr("a link's version"));
  EXPECT_THAT(link(0, "a/b"), HasSubstr("slash"));
  EXPECT_THAT(link(0, ""), HasSubstr("a name"));
  EXPECT_THAT(with_message(0x07, ""), HasSubstr("external data files are not read"));
  EXPECT_THAT(with_message(0x0f, ""), HasSubstr("shared messages"));
  EXPECT_THAT(with_message(0x15, u(0, 10)), HasSubstr("densely stored attributes"));
  EXPECT_THAT(with_message(0x16, u(0, 1) + u(2, 4)), HasSubstr("linked more than once"));
  EXPECT_THAT(with_message(0x7777, ""), HasSubstr("unknown type"));
  EXPECT_THAT(with_message(0x0d, "x", 2), HasSubstr("shared messages"));
  const auto layout = [](const std::string& body, std::vector<std::string> more = {}) {
    Builder b;
    more.insert(more.begin(),
                {message(1, space({1})), message(3, float32_type()), message(8, body)});
    const size_t w = b.header("w", more);
    return refusal(b.finish(b.group("root", {{"w", w}})));
  };
  EXPECT_THAT(layout(u(4, 1) + u(2, 1)), HasSubstr("chunked storage"));
  EXPECT_THAT(layout(u(3, 1) + u(3, 1)), HasSubstr("virtual datasets are not read"));
  EXPECT_THAT(layout(u(3, 1) + u(4, 1)), HasSubstr("unknown class 4"));
  EXPECT_THAT(layout(u(5, 1) + u(1, 1)), HasSubstr("layout of version 5"));
  EXPECT_THAT(layout(u(3, 1) + u(1, 1) + u(kUndefined, 8) + u(4, 8)), HasSubstr("never written"));
  EXPECT_THAT(layout(u(3, 1) + u(0, 1) + u(4, 2) + "abcd",
                     {message(0x0b, u(1, 1) + u(1, 1) + u(0, 6) + u(1, 8))}),
              HasSubstr("filtered"));
  EXPECT_THAT(layout(u(3, 1) + u(0, 1) + u(60000, 2) + "abcd"), HasSubstr("compact data"));
  EXPECT_THAT(layout(u(3, 1) + u(0, 1) + u(4, 2) + "abcd", {message(1, space({1}))}),
              HasSubstr("two shapes"));
}

TEST(Hdf5, RefusesBadSuperblocks) {
  const auto change = [](size_t at, uint64_t value, int bytes) {
    Builder b = model();
    poke(&b.data, at, value, bytes);
    return refusal(b.bytes());
  };
  EXPECT_THAT(change(0, 'x', 1), HasSubstr("signature of an HDF5 file"));
  EXPECT_THAT(change(8, 4, 1), HasSubstr("superblock of the unknown version 4"));
  EXPECT_THAT(change(9, 1, 1), HasSubstr("the version of free space is 1"));
  EXPECT_THAT(change(10, 1, 1), HasSubstr("the version of the root group's entry is 1"));
  EXPECT_THAT(change(12, 1, 1), HasSubstr("the version of shared messages is 1"));
  EXPECT_THAT(change(13, 4, 1), HasSubstr("the size of offsets is 4"));
  EXPECT_THAT(change(14, 4, 1), HasSubstr("the size of lengths is 4"));
  EXPECT_THAT(change(16, 0, 2), HasSubstr("a group K of 0"));
  EXPECT_THAT(change(16, 0xffff, 2), HasSubstr("a symbol node"));
  EXPECT_THAT(change(18, 0xffff, 2), HasSubstr("a B-tree node"));
  EXPECT_THAT(change(24, 8, 8), HasSubstr("base address"));
  EXPECT_THAT(change(32, 8, 8), HasSubstr("a superblock with an extension"));
  EXPECT_THAT(change(40, 1 << 20, 8), HasSubstr("cut short"));
  EXPECT_THAT(change(40, 0, 8), HasSubstr("superblock"));
  EXPECT_THAT(change(48, 0, 8), HasSubstr("driver"));
  EXPECT_THAT(change(64, kUndefined, 8), HasSubstr("an object header"));
  EXPECT_THAT(change(72, 1, 4), HasSubstr("disagrees"));
  EXPECT_THAT(change(72, 2, 4), HasSubstr("soft links are not read"));
  EXPECT_THAT(change(72, 3, 4), HasSubstr("unknown kind 3"));
}

TEST(Hdf5, RefusesBadObjectHeaders) {
  EXPECT_THAT(changed("w.header", 0, 0x5244484f, 4), HasSubstr("object header of an unknown"));
  EXPECT_THAT(changed("w.header", 0, 7, 1), HasSubstr("expected an object header"));
  EXPECT_THAT(changed("w.header", 2, 3, 2), HasSubstr("more messages"));
  EXPECT_THAT(changed("w.header", 2, 5, 2), HasSubstr("fewer messages"));
  EXPECT_THAT(changed("w.header", 4, 2, 4), HasSubstr("linked more than once"));
  EXPECT_THAT(changed("w.header", 8, 0xffffffff, 4), HasSubstr("an object header"));
  EXPECT_THAT(changed("w.header", 18, 0xfff8, 2), HasSubstr("a message"));
  EXPECT_THAT(changed("w.header", 18, 7, 2), HasSubstr("multiple of 8"));
  EXPECT_THAT(changed("w.header", 16, 0, 2), HasSubstr("neither group nor dataset"));
  Builder b;
  const size_t w = b.group("w", {}, {message(1, space({}))});
  EXPECT_THAT(refusal(b.finish(b.group("root", {{"w", w}}))), HasSubstr("both group and dataset"));
}

TEST(Hdf5, RefusesShapesThatLie) {
  const std::string data = raw<float>({1, 2, 3, 4});
  EXPECT_THAT(refusal(one(float32_type(), {5}, data).bytes()),
              HasSubstr("/w: its shape (5,) takes 20 bytes, but 16 are stored"));
  EXPECT_THAT(refusal(one(float32_type(), {3}, data).bytes()), HasSubstr("takes 12 bytes"));
  EXPECT_THAT(refusal(one(float32_type(), {1 << 30, 1 << 30}, data).bytes()),
              HasSubstr("takes 4611"));
  EXPECT_THAT(refusal(one(float32_type(), {1ull << 32, 1ull << 32}, data).bytes()),
              HasSubstr("overflows"));
  EXPECT_THAT(refusal(one(float32_type(), {1ull << 63}, data).bytes()),
              HasSubstr("a dimension of"));
  EXPECT_THAT(refusal(one(float32_type(), std::vector<uint64_t>(9, 1), data).bytes()),
              HasSubstr("9 dimensions"));
  const auto shape = [](const std::string& body) {
    Builder b;
    const size_t w = b.header("w", {message(1, body), message(3, float32_type()),
                                    message(8, u(3, 1) + u(0, 1) + u(4, 2) + "abcd")});
    return refusal(b.finish(b.group("root", {{"w", w}})));
  };
  EXPECT_EQ(shape(u(2, 1) + u(1, 1) + u(0, 1) + u(1, 1) + u(1, 8)), "accepted");
  EXPECT_EQ(shape(u(2, 1) + u(0, 1) + u(0, 1) + u(0, 1)), "accepted");
  EXPECT_THAT(shape(u(2, 1) + u(0, 1) + u(0, 1) + u(2, 1)), HasSubstr("null"));
  EXPECT_THAT(shape(u(3, 8)), HasSubstr("data space of version 3"));
  EXPECT_THAT(shape(u(1, 1) + u(1, 1) + u(2, 6) + u(1, 8)), HasSubstr("permuted"));
  EXPECT_THAT(shape(u(1, 1) + u(1, 1) + u(1, 6) + u(1, 8) + u(0, 8)),
              HasSubstr("above its largest"));
  EXPECT_THAT(shape(u(1, 1) + u(1, 1) + u(0, 6)), HasSubstr("the file ends inside a dimension"));
}

TEST(Hdf5, RefusesAddressesOutsideTheFile) {
  Builder b = model();
  const size_t layout = b.place["w.header"] + 16 + 32 + 32 + 16 + 8;
  const uint64_t data = b.place["w.data"];
  ASSERT_EQ(b.bytes().u64(layout + 2, "x"), data);
  for (uint64_t address : {uint64_t{b.data.size()} - 8, uint64_t{1} << 40, kUndefined - 8}) {
    poke(&b.data, layout + 2, address, 8);
    EXPECT_THAT(refusal(b.bytes()), HasSubstr("a dataset's data")) << address;
  }
  for (uint64_t address : {uint64_t{model().data.size()} - 4, uint64_t{1} << 40, kUndefined}) {
    EXPECT_THAT(changed("root.header", 24, address, 8), HasSubstr("a B-tree node"));
    EXPECT_THAT(changed("root.header", 32, address, 8), HasSubstr("a local heap"));
    EXPECT_THAT(changed("root.heap", 24, address, 8), HasSubstr("the names of a group"));
    EXPECT_THAT(changed("root.heap", 8, address, 8), HasSubstr("the names of a group"));
    EXPECT_THAT(changed("root.tree", 32, address, 8), HasSubstr("a symbol node"));
    EXPECT_THAT(changed("root.symbols", 16, address, 8), HasSubstr("an object header"));
  }
}

TEST(Hdf5, RefusesBadTrees) {
  EXPECT_THAT(changed("root.tree", 0, 'X', 1), HasSubstr("expected a B-tree node"));
  EXPECT_THAT(changed("root.tree", 4, 1, 1), HasSubstr("B-tree node's type"));
  EXPECT_THAT(changed("root.tree", 5, 1, 1), HasSubstr("expected a B-tree node"));
  EXPECT_THAT(changed("root.tree", 6, 33, 2), HasSubstr("too many children"));
  EXPECT_THAT(changed("root.symbols", 0, 'X', 1), HasSubstr("expected a symbol node"));
  EXPECT_THAT(changed("root.symbols", 4, 2, 1), HasSubstr("symbol node's version"));
  EXPECT_THAT(changed("root.symbols", 6, 9, 2), HasSubstr("too many entries"));
  EXPECT_THAT(changed("root.symbols", 24, 2, 4), HasSubstr("soft links are not read"));
  EXPECT_THAT(changed("root.symbols", 24, 1, 4), HasSubstr("disagrees"));
  EXPECT_THAT(changed("root.heap", 0, 'X', 1), HasSubstr("expected a local heap"));
  EXPECT_THAT(changed("root.heap", 4, 1, 1), HasSubstr("local heap's version"));
  // A node that is its own child.
  Builder b = model();
  b.set("root.tree", 5, 1, 1);
  b.set("root.tree", 32, b.place["root.tree"], 8);
  EXPECT_THAT(refusal(b.bytes()), HasSubstr("wrong level"));
}

TEST(Hdf5, RefusesCyclesAndSharing) {
  Builder b = model();
  b.set("g.symbols", 16, b.place["root.header"], 8);
  EXPECT_THAT(refusal(b.bytes()), HasSubstr("the object /g/v is linked twice"));
  b = model();
  b.set("root.symbols", 16, b.place["w.header"], 8);
  EXPECT_THAT(refusal(b.bytes()), HasSubstr("linked twice"));
  b = model();
  b.set("g.header", 24, b.place["root.tree"], 8);
  EXPECT_THAT(refusal(b.bytes()), HasSubstr("is linked twice"));
  // A continuation of itself.
  Builder c;
  c.finish(c.group("root", {}, {message(0x0d, "x")}, 1));
  const size_t block = c.place["root.continuation"];
  c.set("root.continuation", 0, 0x00100010, 4);
  c.data.resize(c.data.size() + 4096);
  poke(&c.data, 40, c.data.size(), 8);
  poke(&c.data, block + 8, block, 8);
  poke(&c.data, c.place["root.header"] + 2, 0xffff, 2);
  EXPECT_NE(refusal(c.bytes()), "accepted");
  // Two datasets of one and the same data.
  Builder d;
  const size_t x = d.dataset("x", float32_type(), {2}, raw<float>({1, 2}));
  const size_t y = d.dataset("y", float32_type(), {2}, raw<float>({1, 2}));
  d.finish(d.group("root", {{"x", x}, {"y", y}}));
  EXPECT_EQ(refusal(d.bytes()), "accepted");
  poke(&d.data, d.place["y.header"] + 16 + 24 + 32 + 16 + 8 + 2, d.place["x.data"] + 4, 8);
  EXPECT_THAT(refusal(d.bytes()), HasSubstr("overlap"));
}

TEST(Hdf5, RefusesDeepGroups) {
  const auto nested = [](int depth) {
    Builder b;
    size_t group = b.group("g", {});
    for (int i = 1; i < depth; ++i) group = b.group("g", {{"g", group}});
    return refusal(b.finish(group));
  };
  EXPECT_EQ(nested(32), "accepted");
  EXPECT_THAT(nested(33), HasSubstr("nested more than 32 deep"));
}

TEST(Hdf5, RefusesBadNames) {
  const auto named = [](const std::string& name) {
    Builder b;
    return refusal(b.finish(b.group("root", {{name, b.group("g", {})}})));
  };
  EXPECT_EQ(named("a\\b"), "accepted");
  EXPECT_EQ(named(std::string(200, 'n') + "é:0"), "accepted");
  for (const char* name : {"", "a\nb", "\x7f", "\xff"})
    EXPECT_THAT(named(name), HasSubstr("a name"));
  EXPECT_THAT(named("a/b"), HasSubstr("slash"));
  EXPECT_THAT(changed("root.symbols", 8, 1000, 8), HasSubstr("outside its heap"));
  EXPECT_THAT(changed("root.symbols", 8, 16, 8), HasSubstr("not in order"));
  Builder b;
  b.finish(b.group("root", {{"abcdefg", b.group("g", {})}}));
  b.set("root.names", 15, 'h', 1);
  EXPECT_THAT(refusal(b.bytes()), HasSubstr("without end"));
  // Names that share their bytes are paid for each time.
  Builder c;
  std::vector<std::pair<std::string, uint64_t>> links;
  for (char first = 'a'; first < 'f'; ++first)
    links.emplace_back(std::string(1, first), c.group("g", {}));
  c.finish(c.group("root", links));
  const size_t names = c.place["root.names"];
  c.data.replace(names, 48, std::string("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstu\0", 48));
  for (size_t i = 0; i < 5; ++i) c.set("root.symbols", 8 + 40 * i, i, 8);
  EXPECT_THAT(refusal(c.bytes()), HasSubstr("without end"));
}

TEST(Hdf5, RefusesBadAttributes) {
  const auto with = [](const std::string& attribute_message) {
    Builder b;
    return refusal(b.finish(b.group("root", {}, {attribute_message})));
  };
  const std::string good = attribute("names", fixed_type(2), space({2}), "abcd");
  EXPECT_EQ(with(good), "accepted");
  const auto change = [&](size_t at, uint64_t value, int bytes) {
    std::string bad = good;
    poke(&bad, 8 + at, value, bytes);
    return with(bad);
  };
  EXPECT_THAT(change(0, 4, 1), HasSubstr("attribute of version 4"));
  EXPECT_THAT(change(0, 0, 1), HasSubstr("attribute of version 0"));
  EXPECT_THAT(change(0, 0x0102, 2), HasSubstr("shared data type"));
  EXPECT_THAT(change(2, 5, 2), HasSubstr("without end"));
  EXPECT_THAT(change(2, 0, 2), HasSubstr("without end"));
  EXPECT_THAT(change(2, 0xffff, 2), HasSubstr("an attribute's name"));
  EXPECT_THAT(change(4, 0xffff, 2), HasSubstr("an attribute's type"));
  EXPECT_THAT(change(6, 0xffff, 2), HasSubstr("an attribute's shape"));
  EXPECT_THAT(change(8, 0, 1), HasSubstr("a name that is empty"));
  EXPECT_THAT(change(8 + 8 + 8 + 8, 1 << 30, 8), HasSubstr("an attribute's data"));
  EXPECT_THAT(change(8 + 8 + 8 + 8, 1ull << 61, 8), HasSubstr("an attribute's data"));
  EXPECT_THAT(with(attribute("names", fixed_type(1 << 30), space({1ull << 60}), "")),
              HasSubstr("overflows"));
  EXPECT_THAT(with(attribute("n", fixed_type(1), space({1}), std::string(16, 'x'))),
              HasSubstr("more data"));
  EXPECT_THAT(with(good + good).substr(0, 8), HasSubstr("test.h5"));
  Builder b;
  EXPECT_THAT(refusal(b.finish(b.group("root", {}, {good, good}))),
              HasSubstr("two attributes are named 'names'"));
}

TEST(Hdf5, RefusesBadHeaps) {
  EXPECT_THAT(changed("gcol", 0, 'X', 1), HasSubstr("expected a global heap"));
  EXPECT_THAT(changed("gcol", 4, 2, 1), HasSubstr("global heap's version"));
  EXPECT_THAT(changed("gcol", 8, 1 << 20, 8), HasSubstr("a global heap"));
  EXPECT_THAT(changed("gcol", 8, 8, 8), HasSubstr("a global heap"));
  EXPECT_THAT(changed("gcol", 16, 9, 2), HasSubstr("does not hold (object 1)"));
  EXPECT_THAT(changed("gcol", 24, 4, 8), HasSubstr("a string in the global heap"));
  EXPECT_THAT(changed("gcol", 24, kUndefined, 8), HasSubstr("a heap object"));
  // Many elements that point to one long string.
  Builder b;
  const std::string element = b.variable({std::string(2000, 'x')});
  std::string elements;
  for (int i = 0; i < 1000; ++i) elements += element;
  b.finish(b.group("root", {}, {attribute("names", variable_type(), space({1000}), elements)}));
  EXPECT_THAT(refusal(b.bytes()), HasSubstr("the strings of an attribute pass the limit"));
}

TEST(Hdf5, RefusesEveryCut) {
  const Builder b = model();
  for (size_t size = 0; size < b.data.size(); ++size) {
    Builder cut = b;
    cut.data.resize(size);
    EXPECT_THAT(refusal(cut.bytes()), HasSubstr("test.h5: ")) << size;
  }
}

// Whatever bytes change, the file is read or refused.
TEST(Hdf5, SurvivesRandomDamage) {
  std::mt19937 random(7);
  const Builder b = model();
  int accepted = 0;
  for (int round = 0; round < 8000; ++round) {
    Builder hurt = b;
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      const size_t at = random() % (hurt.data.size() - 8);
      static constexpr uint64_t kValues[] = {0, 1, 2, 8, 0x7f, 0xff, 0xffff, ~uint64_t{0}, 96, 800};
      poke(&hurt.data, at, kValues[random() % 10], 1 << random() % 4);
    }
    accepted += refusal(hurt.bytes()) == "accepted";
  }
  EXPECT_GT(accepted, 100);
  EXPECT_LT(accepted, 7600);
}

}  // namespace
}  // namespace cornu::formats
