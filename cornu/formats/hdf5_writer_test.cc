#include "cornu/formats/hdf5_writer.h"

#include <gtest/gtest.h>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/formats/hdf5.h"
#include "cornu/formats/zip_test_util.h"
#include "tests/support/compare.h"

namespace cornu::formats {
namespace {

using base::cat;
using ::cornu::testing::bit_equal;

Hdf5File reread(const Hdf5Group& root) {
  return Hdf5File(testing_zip::bytes_of_text(write_hdf5(root).text(), "test.h5"));
}

TEST(Hdf5Writer, EveryKindOfData) {
  Hdf5Group root;
  Hdf5Group& deep = root.group("a").group("b c").group("层");
  const Tensor odd({3, 1}, {1.5f, -2, 3}), scalar(Shape{}, {7}), none({2, 0});
  deep.add("odd", odd);
  deep.add("scalar", scalar);
  root.add("none", none);
  root.add_int("big", int64_t{1} << 53);
  root.group("empty");
  root.set("text", "");
  deep.set("text", "ß\xf0\x9f\x98\x80");
  const Hdf5File file = reread(root);
  const Hdf5Object* b = file.root().find("a/b c/层");
  ASSERT_NE(b, nullptr);
  EXPECT_TRUE(bit_equal(b->find("odd")->tensor(), odd));
  EXPECT_TRUE(bit_equal(b->find("scalar")->tensor(), scalar));
  EXPECT_TRUE(bit_equal(file.root().find("none")->tensor(), none));
  EXPECT_EQ(file.root().find("big")->number_type(), NumberType::kInt64);
  EXPECT_EQ(file.root().find("big")->data().u64(0, "it"), uint64_t{1} << 53);
  EXPECT_TRUE(file.root().find("empty")->links().empty());
  EXPECT_EQ(file.root().string_attribute("text"), "");
  EXPECT_EQ(b->string_attribute("text"), "ß\xf0\x9f\x98\x80");
}

// Up to three levels of the B-tree, every link found again.
TEST(Hdf5Writer, ManyLinks) {
  for (const int count : {0, 1, 8, 9, 256, 257, 8192, 8193}) {
    Hdf5Group root;
    for (int i = 0; i < count; ++i) root.add_int(cat("layer_", i), i);
    const Hdf5File file = reread(root);
    ASSERT_EQ(file.root().links().size(), static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      const Hdf5Object* found = file.root().find(cat("layer_", i));
      ASSERT_NE(found, nullptr) << i;
      EXPECT_EQ(found->data().u64(0, "it"), static_cast<uint64_t>(i));
    }
  }
}

// Keras's rule for lists beyond 64512 bytes: as few equal parts as fit.
TEST(Hdf5Writer, ListsOfNames) {
  struct Row {
    size_t count, width, parts;
  };
  for (const Row& row : {Row{0, 0, 1}, Row{3, 5, 1}, Row{6451, 10, 1}, Row{6452, 10, 2},
                         Row{20000, 10, 4}, Row{2, 64512, 2}}) {
    std::vector<std::string> names;
    for (size_t i = 0; i < row.count; ++i) {
      const std::string number = std::to_string(i);
      names.push_back(number + std::string(row.width - std::min(row.width, number.size()), 'x'));
    }
    Hdf5Group root;
    root.set_list("names", names);
    const Hdf5File file = reread(root);
    EXPECT_EQ(file.root().string_list_attribute("names"), names);
    EXPECT_EQ(file.root().has_attribute("names"), row.parts == 1);
    EXPECT_EQ(file.root().has_attribute(cat("names", row.parts - 1)), row.parts > 1);
    EXPECT_FALSE(file.root().has_attribute(cat("names", row.parts)));
  }
  Hdf5Group root;
  EXPECT_THROW(root.set_list("names", {std::string(64513, 'x')}), ValueError);
}

// More strings than one collection of the heap takes, and one of a size beyond 64 kB.
TEST(Hdf5Writer, ManyStrings) {
  Hdf5Group root;
  const std::string config(200000, 'c');
  root.set("model_config", config);
  for (int i = 0; i < 5000; ++i) root.group(cat(i)).set("name", cat("layer ", i));
  const Hdf5File file = reread(root);
  EXPECT_EQ(file.root().string_attribute("model_config"), config);
  for (int i = 0; i < 5000; ++i)
    ASSERT_EQ(file.root().find(cat(i))->string_attribute("name"), cat("layer ", i));
}

TEST(Hdf5Writer, EqualTreesMakeEqualBytes) {
  const auto make = [](bool backwards) {
    Hdf5Group root;
    for (int i = 0; i < 20; ++i) {
      const int name = backwards ? 19 - i : i;
      root.group(cat(name)).set("name", cat(name));
      root.group(cat(name)).add("0", Tensor::full({3}, static_cast<float>(name)));
    }
    return write_hdf5(root).text();
  };
  EXPECT_EQ(make(false), make(true));
}

}  // namespace
}  // namespace cornu::formats
