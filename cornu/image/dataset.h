#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cornu/base/none.h"
#include "cornu/train/data.h"

namespace cornu {

// The class of each picture of a folder: "inferred" from the folder that it is in; None: pictures
// only; or a number per file, in the order of the files: those of a folder in alphabetical order,
// then those of its folders. ValueError for another word.
class CORNU_API ImageLabels {
 public:
  ImageLabels(const char* inferred);
  ImageLabels(std::nullptr_t) = delete;
  ImageLabels(std::nullopt_t) {}
  ImageLabels(std::vector<int64_t> numbers) : numbers_(std::move(numbers)) {}
  ImageLabels(std::initializer_list<int64_t> numbers) : numbers_(numbers) {}
  bool inferred() const { return inferred_; }
  const std::optional<std::vector<int64_t>>& numbers() const { return numbers_; }

 private:
  bool inferred_ = false;
  std::optional<std::vector<int64_t>> numbers_;
};

// keras.utils.image_dataset_from_directory:
// https://keras.io/api/data_loading/image/#imagedatasetfromdirectory-function.
struct ImageDatasetOptions {
  ImageLabels labels = "inferred";
  // "int": the number of the class, (N). "categorical": one-hot, (N, classes). "binary": 0 or 1,
  // (N, 1), of two classes. None: pictures only.
  std::optional<std::string> label_mode = "int";
  // The folders to take, in the order their numbers are to have, where labels are inferred. Empty:
  // all, in alphabetical order.
  std::vector<std::string> class_names = {};
  std::string color_mode = "rgb";  // or "grayscale", "rgba"
  int64_t batch_size = 32;
  std::array<int64_t, 2> image_size = {256, 256};  // height, width
  bool shuffle = true;                             // a new order each epoch
  // Decides the split between training and validation. Needed for one that shuffles.
  std::optional<uint64_t> seed = None;
  std::optional<double> validation_split = None;
  std::string subset = {};                 // of a split: "training" or "validation"
  std::string interpolation = "bilinear";  // or "nearest", "bicubic", "lanczos3", "lanczos5"
  bool follow_links = false;
  bool crop_to_aspect_ratio = false;  // cut to the wanted proportions before resizing
};

// Pictures of a folder as batches (N, height, width, channels) of numbers 0 to 255, read as they
// are needed.
class CORNU_API ImageDataset : public Dataset {
 public:
  // The folders'; the numbers given as labels, sorted; nothing for pictures only.
  virtual const std::vector<std::string>& class_names() const = 0;
  virtual const std::vector<std::string>& file_paths() const = 0;
};

// The PNG and JPEG files (by their suffixes .png, .jpg, .jpeg) below a folder, one subfolder per
// class where labels are inferred, else wherever they are. Hidden files are passed over. Throws
// ValueError for options that do not fit one another and for a folder without pictures, IoError;
// and, when a batch is made, FormatError naming a damaged file.
CORNU_API std::shared_ptr<ImageDataset> image_dataset_from_directory(const std::string& directory,
                                                                     ImageDatasetOptions o = {});

}  // namespace cornu
