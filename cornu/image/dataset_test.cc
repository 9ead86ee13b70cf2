#include "cornu/image/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/image/image.h"

namespace cornu {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// cats/ and dogs/ with pictures of one grey each, whose number tells the file.
class ImageDatasetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / base::cat("cornu-images-", getpid());
    for (int i = 0; i < 5; ++i) add("dogs", i, static_cast<float>(100 + i));
    for (int i = 0; i < 4; ++i) add("cats", i, static_cast<float>(i));
    std::ofstream(folder_ / "cats" / "notes.txt") << "no picture";
    std::ofstream(folder_ / "cats" / ".hidden.png") << "no picture either";
  }
  void TearDown() override { fs::remove_all(folder_); }
  void add(const std::string& name, int number, float grey) {
    fs::create_directories(folder_ / name);
    save_png((folder_ / name / base::cat(number, ".png")).string(),
             Tensor::full(Shape{7, 5, 3}, grey));
  }
  std::string folder() const { return folder_.string(); }

  // The grey of each picture with its label, in the order of an epoch.
  static std::vector<std::pair<float, float>> epoch(Dataset& data, uint64_t seed) {
    std::vector<std::pair<float, float>> all;
    data.start(seed);
    while (const Batch* batch = data.next()) {
      const Tensor& x = batch->x[0];
      const int64_t count = x.shape()[0], each = x.size() / count;
      for (int64_t i = 0; i < count; ++i)
        all.emplace_back(std::round(x.data()[i * each]), batch->y[0].data()[i]);
    }
    return all;
  }

  fs::path folder_;
};

TEST_F(ImageDatasetTest, ReadsClassesInOrder) {
  const auto data = image_dataset_from_directory(
      folder(), {.batch_size = 4, .image_size = {6, 8}, .shuffle = false});
  EXPECT_THAT(data->class_names(), ElementsAre("cats", "dogs"));
  EXPECT_EQ(data->file_paths().size(), 9u);
  EXPECT_EQ(data->steps(), 3);
  data->start(0);
  const Batch* first = data->next();
  EXPECT_EQ(first->x[0].shape(), (Shape{4, 6, 8, 3}));
  EXPECT_EQ(first->y[0].shape(), Shape{4});
  const std::vector<std::pair<float, float>> want = {
      {0, 0}, {1, 0}, {2, 0}, {3, 0}, {100, 1}, {101, 1}, {102, 1}, {103, 1}, {104, 1}};
  EXPECT_EQ(epoch(*data, 0), want);
}

TEST_F(ImageDatasetTest, ShufflesBySeedAndSkips) {
  const auto data = image_dataset_from_directory(folder(), {.batch_size = 2, .image_size = {2, 2}});
  const auto one = epoch(*data, 1), again = epoch(*data, 1), other = epoch(*data, 2);
  EXPECT_EQ(one, again);
  EXPECT_NE(one, other);
  EXPECT_EQ(std::set(one.begin(), one.end()), std::set(other.begin(), other.end()));
  data->start(1);
  data->skip(2);
  EXPECT_EQ(data->next()->x[0].data()[0], one[4].first);
}

TEST_F(ImageDatasetTest, SplitsWithoutOverlap) {
  ImageDatasetOptions o{.image_size = {1, 1}, .seed = 3, .validation_split = 0.34};
  o.subset = "training";
  const auto training = image_dataset_from_directory(folder(), o);
  o.subset = "validation";
  const auto validation = image_dataset_from_directory(folder(), o);
  std::set<std::string> all(training->file_paths().begin(), training->file_paths().end());
  EXPECT_EQ(all.size(), 6u);
  all.insert(validation->file_paths().begin(), validation->file_paths().end());
  EXPECT_EQ(validation->file_paths().size(), 3u);
  EXPECT_EQ(all.size(), 9u);
}

TEST_F(ImageDatasetTest, LabelsInEveryForm) {
  ImageDatasetOptions o{.image_size = {1, 1}, .shuffle = false};
  o.label_mode = "categorical";
  auto data = image_dataset_from_directory(folder(), o);
  data->start(0);
  const Batch* batch = data->next();
  EXPECT_EQ(batch->y[0].shape(), (Shape{9, 2}));
  EXPECT_EQ(batch->y[0].data()[0], 1);
  EXPECT_EQ(batch->y[0].data()[17], 1);
  o.label_mode = "binary";
  data = image_dataset_from_directory(folder(), o);
  data->start(0);
  EXPECT_EQ(data->next()->y[0].shape(), (Shape{9, 1}));
}

TEST_F(ImageDatasetTest, PicturesOnly) {
  add("dogs/small", 0, 50);
  add("", 7, 60);
  for (const bool mode : {false, true}) {
    ImageDatasetOptions o{.color_mode = "grayscale", .image_size = {1, 1}, .shuffle = false};
    if (mode)
      o.label_mode = None;  // the folders' names do not matter then
    else
      o.labels = None;
    for (const char* label_mode : {"int", "binary"}) {
      if (!mode) o.label_mode = label_mode;
      const auto data = image_dataset_from_directory(folder(), o);
      EXPECT_THAT(data->class_names(), IsEmpty());
      data->start(0);
      const Batch* batch = data->next();
      EXPECT_TRUE(batch->y.empty());
      EXPECT_EQ(batch->x[0].shape(), (Shape{11, 1, 1, 1}));
    }
    o.class_names = {"cats"};
    EXPECT_THROW(image_dataset_from_directory(folder(), o), ValueError);
  }
}

// Those of a folder before those of its folders: os.walk's order, not that of the whole paths.
TEST_F(ImageDatasetTest, LabelsOfOnesOwn) {
  add("", 7, 60);  // "cats/0.png" is before "z7.png"
  fs::rename(folder_ / "7.png", folder_ / "z7.png");
  const std::vector<int64_t> labels = {5, 3, 3, 3, 3, 0, 0, 5, 3, 0};
  ImageDatasetOptions o{.labels = labels, .batch_size = 4, .image_size = {1, 1}, .shuffle = false};
  const std::vector<std::pair<float, float>> want = {
      {60, 5}, {0, 3}, {1, 3}, {2, 3}, {3, 3}, {100, 0}, {101, 0}, {102, 5}, {103, 3}, {104, 0}};
  auto data = image_dataset_from_directory(folder(), o);
  EXPECT_THAT(data->class_names(), ElementsAre("0", "3", "5"));
  EXPECT_EQ(epoch(*data, 0), want);
  o.shuffle = true;  // a label stays with its picture
  data = image_dataset_from_directory(folder(), o);
  const auto shuffled = epoch(*data, 1);
  EXPECT_NE(shuffled, want);
  EXPECT_EQ(std::set(shuffled.begin(), shuffled.end()), std::set(want.begin(), want.end()));
  o.seed = 4;
  o.validation_split = 0.3;
  std::set<std::pair<float, float>> parts;
  for (const char* subset : {"training", "validation"}) {
    o.subset = subset;
    const auto part = epoch(*image_dataset_from_directory(folder(), o), 1);
    parts.insert(part.begin(), part.end());
  }
  EXPECT_EQ(parts, std::set(want.begin(), want.end()));
}

TEST_F(ImageDatasetTest, LabelsOfOnesOwnInEveryForm) {
  ImageDatasetOptions o{.labels = {1, 0, 2, 1, 1, 0, 0, 0, 2},
                        .label_mode = "categorical",
                        .image_size = {1, 1},
                        .shuffle = false};
  auto data = image_dataset_from_directory(folder(), o);
  data->start(0);
  const Batch* batch = data->next();
  ASSERT_EQ(batch->y[0].shape(), (Shape{9, 3}));
  for (size_t i = 0; i < 9; ++i)
    for (size_t k = 0; k < 3; ++k)
      EXPECT_EQ(batch->y[0].values()[3 * i + k],
                (*o.labels.numbers())[i] == static_cast<int64_t>(k) ? 1.0f : 0.0f);
  o.label_mode = "binary";
  EXPECT_THROW(image_dataset_from_directory(folder(), o), ValueError);
  o.labels = {1, 0, 1, 1, 1, 0, 0, 0, 1};
  data = image_dataset_from_directory(folder(), o);
  data->start(0);
  batch = data->next();
  ASSERT_EQ(batch->y[0].shape(), (Shape{9, 1}));
  EXPECT_EQ(batch->y[0].values()[0], 1);
  EXPECT_EQ(batch->y[0].values()[1], 0);
}

TEST_F(ImageDatasetTest, SaysWhatIsWrong) {
  const auto expect = [&](ImageDatasetOptions o, const char* text) {
    try {
      image_dataset_from_directory(folder(), o);
      ADD_FAILURE() << text;
    } catch (const ValueError& e) {
      EXPECT_THAT(e.what(), HasSubstr(text));
    }
  };
  expect({.label_mode = "labels"}, "label_mode='labels'");
  expect({.labels = {0, 1, 2}},
         "expected the length of `labels` to match the number of files in the target directory. It "
         "is 3 while there are 9 files in '");
  expect({.labels = {0, 0, 0, 0, 0, 0, 0, 0, 0}, .class_names = {"cats"}},
         "you can only pass `class_names` if `labels` is 'inferred'");
  expect({.labels = {0, 0, 0, 0, 0, 0, 0, 0, 0}, .label_mode = "binary"},
         "needs two classes. Received: 1");
  for (int64_t odd : {-1, 2})
    expect({.labels = {0, 0, 0, 0, 0, 0, 0, odd, 0}, .label_mode = "categorical"},
           base::cat("`labels` must be from 0 to 1, as many as there are classes. Received: ", odd,
                     " for '", folder(), "/dogs/3.png'")
               .c_str());
  EXPECT_THROW(ImageLabels("none"), ValueError);
  expect({.color_mode = "blue"}, "color_mode='blue'");
  expect({.interpolation = "area"}, "interpolation='area'");
  expect({.class_names = {"cats", "mice"}}, "'mice'");
  expect({.batch_size = 0}, "`batch_size` must be positive");
  expect({.validation_split = 0.5}, "belong together");
  expect({.validation_split = 0.5, .subset = "training"}, "needs a `seed`");
  EXPECT_THROW(image_dataset_from_directory(folder() + "/none"), IoError);
  std::ofstream(folder_ / "cats" / "broken.png") << "no picture";
  const auto data = image_dataset_from_directory(folder(), {.shuffle = false});
  data->start(0);
  EXPECT_THROW(data->next(), FormatError);
}

}  // namespace
}  // namespace cornu
