// Files as HDF5's tools write them when they are asked for more than Keras asks for: by h5py
// (testdata/make.py), and made here byte for byte to be broken.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <random>

#include "cornu/base/file.h"
#include "cornu/formats/hdf5.h"
#include "cornu/formats/hdf5_claims.h"
#include "cornu/formats/hdf5_test_util.h"

namespace cornu::formats {
namespace {

using base::cat;
using testing::HasSubstr;
using namespace testing_hdf5;

base::Bytes h5py_file(const std::string& name) {
  return base::read_file(CORNU_SOURCE_DIR "/cornu/formats/testdata/" + name);
}

// Element i is i * step.
void expect_count(const Hdf5File& file, const std::string& path, const Shape& shape, double step) {
  const Hdf5Object* object = file.root().find(path);
  ASSERT_NE(object, nullptr) << path;
  for (int round = 0; round < 2; ++round) {  // what was read is given back, and read again
    const Tensor t = object->tensor();
    ASSERT_EQ(t.shape(), shape) << path;
    for (int64_t i = 0; i < t.size(); ++i)
      ASSERT_EQ(t.values()[static_cast<size_t>(i)],
                static_cast<float>(step * static_cast<double>(i)))
          << path << " " << i;
  }
}

std::string refusal(const base::Bytes& bytes) {
  try {
    const Hdf5File file(bytes);
    std::vector<const Hdf5Object*> todo{&file.root()};
    while (!todo.empty()) {
      const Hdf5Object* object = todo.back();
      todo.pop_back();
      if (object->is_dataset()) object->tensor();
      for (const auto& link : object->links()) todo.push_back(link.object);
    }
    return "accepted";
  } catch (const FormatError& e) {
    return e.what();
  }
}

std::string read_error(const Hdf5File& file, const std::string& path) {
  try {
    file.root().find(path)->tensor();
    return "read";
  } catch (const FormatError& e) {
    return e.what();
  }
}

TEST(Hdf5Chunks, NumbersOfOtherKinds) {
  const Hdf5File file(h5py_file("numbers.h5"));
  for (const char* floats : {"f2", "f4", "f8", "bfloat16"}) expect_count(file, floats, {2, 3}, 0.5);
  for (const char* integers : {"i2", "i8"}) expect_count(file, integers, {2, 3}, 1);
  expect_count(file, "chunked", {40}, 0.5);
}

TEST(Hdf5Chunks, ReadsWhatH5pyWrites) {
  const Hdf5File file(h5py_file("chunked.h5"));
  expect_count(file, "plain", {7, 5}, 0.5);
  expect_count(file, "deflated", {7, 5}, 0.5);
  expect_count(file, "shuffled", {40, 3}, 1);
  expect_count(file, "checked", {4, 9}, 0.5);
  expect_count(file, "all", {2, 3, 4, 5}, 0.5);
  expect_count(file, "grows", {3, 3}, 0.5);
  expect_count(file, "many", {500}, 0.5);
  expect_count(file, "empty", {0, 3}, 0.5);
  EXPECT_TRUE(file.root().find("all")->is_chunked());
}

TEST(Hdf5Chunks, SaysWhatItDoesNotRead) {
  const Hdf5File file(h5py_file("chunked.h5"));
  EXPECT_THAT(read_error(file, "lzf"), HasSubstr("a filter other than deflate"));
  EXPECT_THAT(read_error(file, "hole"), HasSubstr("some of whose chunks were never written"));
  EXPECT_THAT(refusal(h5py_file("large_group.h5")), HasSubstr("large groups of the new style"));
}

TEST(Hdf5Chunks, ReadsNewerFiles) {
  for (const char* name : {"latest.h5", "v108.h5"}) {
    const Hdf5File file(h5py_file(name));
    EXPECT_EQ(file.root().string_attribute("keras_version"), "2.15.0");
    EXPECT_EQ(file.root().string_list_attribute("layer_names"),
              (std::vector<std::string>{"conv", "dense"}));
    EXPECT_EQ(file.root().find("dense")->string_attribute("attribute_6"), std::string(50, 'x'));
    expect_count(file, "conv/kernel:0", {3, 3, 1, 2}, 0.5);
    expect_count(file, "conv/bias:0", {2}, 0.5);
    expect_count(file, "dense/kernel:0", {2, 4}, 0.5);
    expect_count(file, "scalar", {}, 0.5);
  }
}

TEST(Hdf5Chunks, ChecksumsAreThoseOfLookup3) {
  const auto hash = [](std::string_view text) {
    return hdf5_checksum(std::as_bytes(std::span(text.data(), text.size())));
  };
  EXPECT_EQ(hash(""), 0xdeadbeef);  // values of Jenkins's own driver
  EXPECT_EQ(hash("Four score and seven years ago"), 0x17770551u);
}

// 3 x 3 numbers 1, 2, ... in chunks of 2 x 2, deflated or not.
Builder grid(bool deflated = false) {
  Builder b;
  std::vector<Builder::Chunk> chunks;
  for (uint64_t row : {0, 2})
    for (uint64_t column : {0, 2}) {
      std::string bytes;
      for (uint64_t r = row; r < row + 2; ++r)
        for (uint64_t c = column; c < column + 2; ++c) {
          const auto value = static_cast<float>(3 * r + c + 1);
          bytes.append(reinterpret_cast<const char*>(&value), 4);
        }
      if (deflated) {
        std::string packed(100, '\0');
        uLongf size = packed.size();
        ::compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                   reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
        bytes = packed.substr(0, size);
      }
      chunks.push_back({{row, column}, bytes});
    }
  const std::string layout = b.chunked("w", {2, 2}, chunks);
  const size_t w =
      b.chunked_dataset("w", {3, 3}, layout, deflated ? std::vector<int>{1} : std::vector<int>{});
  b.finish(b.group("root", {{"w", w}}));
  return b;
}

TEST(Hdf5Chunks, PutsChunksTogether) {
  for (bool deflated : {false, true}) {
    const Hdf5File file(grid(deflated).bytes());
    const Tensor t = file.root().find("w")->tensor();
    for (size_t i = 0; i < 9; ++i) EXPECT_EQ(t.values()[i], static_cast<float>(i + 1));
  }
}

TEST(Hdf5Chunks, RefusesBadChunks) {
  const auto changed = [](size_t at, uint64_t value, int bytes, const char* where = "w.chunks",
                          bool deflated = false) {
    Builder b = grid(deflated);
    b.set(where, at, value, bytes);
    return refusal(b.bytes());
  };
  constexpr size_t kFirst = 24, kEach = 40;  // a chunk's key and address in the tree
  EXPECT_EQ(changed(kFirst, 16, 4), "accepted");
  EXPECT_THAT(changed(4, 0, 1), HasSubstr("B-tree node's type"));
  EXPECT_THAT(changed(6, 3, 2), HasSubstr("some of whose chunks"));
  EXPECT_THAT(changed(6, 65, 2), HasSubstr("too many children"));
  EXPECT_THAT(changed(kFirst, 12, 4), HasSubstr("a chunk of the wrong size"));
  EXPECT_THAT(changed(kFirst + 8, 1, 8), HasSubstr("outside its dataset"));
  EXPECT_THAT(changed(kFirst + 8, 4, 8), HasSubstr("outside its dataset"));
  EXPECT_THAT(changed(kFirst + 8, 2, 8), HasSubstr("chunks out of order"));
  EXPECT_THAT(changed(kFirst + kEach + 16, 0, 8), HasSubstr("chunks out of order"));
  EXPECT_THAT(changed(kFirst + 4 * kEach + 8, 2, 8), "accepted");  // the key behind the last
  EXPECT_THAT(changed(kFirst + 4 * kEach + 8, 1, 8), HasSubstr("chunks out of order"));
  EXPECT_THAT(changed(kFirst + 24, 1, 8), HasSubstr("inside an element"));
  EXPECT_THAT(changed(kFirst + 32, 1 << 30, 8), HasSubstr("a chunk of data"));
  EXPECT_THAT(changed(kFirst + kEach + 32, 96, 8), HasSubstr("overlap"));
  EXPECT_THAT(changed(0, 0, 4, "w.chunk", true), HasSubstr("does not unpack to 16 bytes"));
  EXPECT_THAT(changed(kFirst + 4, 1, 4, "w.chunks", true), HasSubstr("not to 16"));
}

// What other readers do not find, since it is not where the keys say, they take for zeros.
TEST(Hdf5Chunks, RefusesKeysThatDisagree) {
  const std::string good = h5py_file("chunked.h5").text();
  EXPECT_NO_THROW(Hdf5File(testing_zip::bytes_of_text(good, "good")));
  const size_t node = good.find(std::string("TREE\1\1", 6));
  ASSERT_NE(node, good.npos);
  constexpr size_t kKey = 24, kEach = 32;  // of one axis
  for (const size_t i : {0, 1, 2}) {
    std::string bad = good;
    ++bad[node + kKey + i * kEach + 8];
    EXPECT_THAT(refusal(testing_zip::bytes_of_text(bad, "bad")), HasSubstr("chunk")) << i;
  }
}

TEST(Hdf5Chunks, ShufflesByTheSizeThatTheFilterSays) {
  const std::string good = h5py_file("numbers.h5").text();
  const size_t value = good.find(std::string("shuffle\0", 8)) + 8;
  ASSERT_EQ(good.substr(value, 4), std::string("\4\0\0\0", 4));
  const auto second = [&](int size) {
    std::string bytes = good;
    bytes[value] = static_cast<char>(size);
    const Hdf5File file(testing_zip::bytes_of_text(bytes, "shuffled"));
    return file.root().find("chunked")->tensor().values()[1];
  };
  EXPECT_EQ(second(4), 0.5f);
  EXPECT_NE(second(2), 0.5f);
  EXPECT_THROW(second(0), FormatError);
}

TEST(Hdf5Chunks, RefusesBadLayouts) {
  const auto with = [](std::vector<uint64_t> dims, std::vector<uint64_t> chunk_shape,
                       std::vector<int> filters = {}) {
    Builder b;
    const std::string layout = b.chunked("w", chunk_shape, {});
    return refusal(
        b.finish(b.group("root", {{"w", b.chunked_dataset("w", dims, layout, filters)}})));
  };
  EXPECT_THAT(with({2, 2}, {2}), HasSubstr("another number of axes"));
  EXPECT_THAT(with({2}, {0}), HasSubstr("chunks of size 0"));
  EXPECT_THAT(with({2}, {}), HasSubstr("chunks of 0 axes"));
  EXPECT_THAT(with({2}, {2}), HasSubstr("some of whose chunks"));
  EXPECT_EQ(with({0}, {2}), "accepted");
  // Shapes that are not stored, and chunks larger than what they hold.
  EXPECT_THAT(with({1 << 30}, {1 << 20}), HasSubstr("unpacked data pass the limit"));
  EXPECT_THAT(with({1}, {1u << 31}), HasSubstr("unpacked data pass the limit"));
  EXPECT_THAT(with({1ull << 61, 8}, {1, 1}), HasSubstr("overflows"));
  EXPECT_THAT(with({1}, {1}, std::vector<int>(33, 1)), HasSubstr("33 filters"));
  EXPECT_THAT(with({1}, {1}, {1, 1}), HasSubstr("deflated twice"));
  EXPECT_THAT(with({1}, {1}, {4}), HasSubstr("a filter other than"));
}

std::string text_of(const std::string& name) { return h5py_file(name).text(); }

TEST(Hdf5Chunks, RefusesWrongChecksums) {
  const std::string good = text_of("latest.h5");
  const auto changed = [&](size_t at) {
    std::string bad = good;
    bad[at] ^= 1;
    return refusal(testing_zip::bytes_of_text(bad, "test.h5"));
  };
  EXPECT_EQ(refusal(testing_zip::bytes_of_text(good, "test.h5")), "accepted");
  EXPECT_THAT(changed(44), HasSubstr("the checksum of the superblock is wrong"));
  const size_t header = good.find("OHDR");
  EXPECT_THAT(changed(header + 30), HasSubstr("the checksum of an object header is wrong"));
  const std::string chunked = text_of("chunked.h5");
  // Data that does not have its checksum any more; the file's other peculiarities aside.
  std::string bad = chunked;
  for (size_t at = 0; at + 1 < bad.size(); ++at) {
    if (bad.compare(at, 4, "TREE") != 0 || bad[at + 4] != 1) continue;
    const auto number = [&](size_t where, int bytes) {
      uint64_t value = 0;
      for (int i = bytes; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bad[where + i]);
      return value;
    };
    if (number(at + 24, 4) == 4 * 4 * 4 + 4 && number(at + 28, 4) == 0)
      bad[number(at + 24 + 32, 8)] ^= 1;
  }
  EXPECT_THAT(read_error(Hdf5File(testing_zip::bytes_of_text(bad, "test.h5")), "checked"),
              HasSubstr("a chunk's checksum is wrong"));
}

// Whatever bytes change, the file is read or refused.
TEST(Hdf5Chunks, SurvivesRandomDamage) {
  std::mt19937 random(11);
  const std::string files[] = {text_of("chunked.h5"), text_of("v108.h5"), grid(true).data};
  int accepted = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string hurt = files[round % 3];
    for (auto n = 1 + random() % 3; n > 0; --n) {
      static constexpr uint64_t kValues[] = {0, 1, 2, 8, 0x7f, 0xff, 0xffff, ~uint64_t{0}, 96, 800};
      poke(&hurt, random() % (hurt.size() - 8), kValues[random() % 10], 1 << random() % 4);
    }
    accepted += refusal(testing_zip::bytes_of_text(hurt, "test.h5")) == "accepted";
  }
  EXPECT_GT(accepted, 100);
  EXPECT_LT(accepted, 5900);
}

}  // namespace
}  // namespace cornu::formats
