#include "cornu/image/dataset.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "cornu/base/error.h"
#include "cornu/base/random.h"
#include "cornu/base/text.h"
#include "cornu/image/image.h"
#include "cornu/ops/evaluate.h"

namespace cornu {
namespace {

namespace fs = std::filesystem;
using base::cat;

[[noreturn]] void bad(const char* argument, const char* needed, const std::string& got) {
  throw ValueError(cat("image_dataset_from_directory: `", argument, "` must be ", needed,
                       ". Received: ", argument, "=", base::quoted(got)));
}

int channels_of(const std::string& color_mode) {
  if (color_mode == "grayscale") return 1;
  if (color_mode == "rgb") return 3;
  if (color_mode == "rgba") return 4;
  bad("color_mode", "'rgb', 'rgba' or 'grayscale'", color_mode);
}

ops::Resize::Mode mode_of(const std::string& interpolation) {
  using Mode = ops::Resize::Mode;
  if (interpolation == "bilinear") return Mode::kBilinear;
  if (interpolation == "nearest") return Mode::kNearest;
  if (interpolation == "bicubic") return Mode::kBicubic;
  if (interpolation == "lanczos3") return Mode::kLanczos3;
  if (interpolation == "lanczos5") return Mode::kLanczos5;
  bad("interpolation", "'bilinear', 'nearest', 'bicubic', 'lanczos3' or 'lanczos5'", interpolation);
}

void check(const ImageDatasetOptions& o) {
  if (o.label_mode && *o.label_mode != "int" && *o.label_mode != "categorical" &&
      *o.label_mode != "binary")
    bad("label_mode", "'int', 'categorical', 'binary' or None", *o.label_mode);
  if (!o.class_names.empty() && !(o.labels.inferred() && o.label_mode))
    throw ValueError(
        "image_dataset_from_directory: you can only pass `class_names` if `labels` is 'inferred'");
  if (o.batch_size < 1) bad("batch_size", "positive", cat(o.batch_size));
  for (int64_t n : o.image_size)
    if (n < 1) bad("image_size", "two positive sizes", cat(n));
  if (o.validation_split.has_value() != !o.subset.empty())
    throw ValueError(
        "image_dataset_from_directory: `validation_split` and `subset` belong together");
  if (!o.validation_split) return;
  if (!(*o.validation_split > 0 && *o.validation_split < 1))
    bad("validation_split", "between 0 and 1", cat(*o.validation_split));
  if (o.subset != "training" && o.subset != "validation")
    bad("subset", "'training' or 'validation'", o.subset);
  if (o.shuffle && !o.seed)
    throw ValueError(
        "image_dataset_from_directory: a split that shuffles needs a `seed`, so that the two "
        "subsets do not overlap");
}

// ---- files --------------------------------------------------------------------------------------

struct File {
  std::string path;
  int64_t label;
};

bool is_picture(const fs::path& path) {
  const std::string suffix = base::lower(path.extension().string());
  return suffix == ".png" || suffix == ".jpg" || suffix == ".jpeg";
}

bool hidden(const fs::path& path) { return path.filename().string().starts_with("."); }

std::vector<std::string> folders_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const fs::directory_entry& e : fs::directory_iterator(directory))
    if (e.is_directory() && !hidden(e.path())) names.push_back(e.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// The folder of a file and its name.
std::pair<std::string_view, std::string_view> place(std::string_view path) {
  const size_t name = path.rfind('/') + 1;
  return {path.substr(0, name), path.substr(name)};
}

// The pictures below a folder, in the order of ImageLabels, which is that of Python's os.walk when
// sorted.
void add_pictures(const fs::path& folder, int64_t label, bool follow_links,
                  std::vector<File>& files) {
  const auto options =
      follow_links ? fs::directory_options::follow_directory_symlink : fs::directory_options::none;
  const size_t first = files.size();
  for (auto it = fs::recursive_directory_iterator(folder, options);
       it != fs::recursive_directory_iterator(); ++it) {
    if (hidden(it->path())) {
      if (it->is_directory()) it.disable_recursion_pending();
    } else if (it->is_regular_file() && is_picture(it->path())) {
      files.push_back({it->path().string(), label});
    }
  }
  std::sort(files.begin() + static_cast<std::ptrdiff_t>(first), files.end(),
            [](const File& a, const File& b) { return place(a.path) < place(b.path); });
}

// ---- pictures -----------------------------------------------------------------------------------

// The middle of a picture, in the proportions wanted.
Tensor cropped(const Tensor& picture, const std::array<int64_t, 2>& wanted) {
  const int64_t h = picture.shape()[0], w = picture.shape()[1], c = picture.shape()[2];
  const int64_t height = std::max<int64_t>(1, std::min(h, w * wanted[0] / wanted[1]));
  const int64_t width = std::max<int64_t>(1, std::min(w, h * wanted[1] / wanted[0]));
  const int64_t top = (h - height) / 2, left = (w - width) / 2;
  Tensor out(Shape{height, width, c});
  float* to = out.data();
  for (int64_t y = 0; y < height; ++y)
    std::copy_n(picture.data() + ((top + y) * w + left) * c, width * c, to + y * width * c);
  return out;
}

class FolderDataset final : public ImageDataset {
 public:
  FolderDataset(const std::string& directory, ImageDatasetOptions o)
      : o_(std::move(o)), channels_(channels_of(o_.color_mode)), mode_(mode_of(o_.interpolation)) {
    check(o_);
    if (!fs::is_directory(directory)) throw IoError(cat(directory, ": it is no folder"));
    find(directory);
    if (files_.empty())
      throw ValueError(cat("image_dataset_from_directory: no pictures (.png, .jpg, .jpeg) in ",
                           base::quoted(directory)));
    if (o_.validation_split) split();
    for (const File& file : files_) paths_.push_back(file.path);
  }

  const std::vector<std::string>& class_names() const override { return o_.class_names; }
  const std::vector<std::string>& file_paths() const override { return paths_; }
  std::optional<int64_t> steps() const override {
    return (std::ssize(files_) + o_.batch_size - 1) / o_.batch_size;
  }
  void start(uint64_t seed) override {
    at_ = 0;
    order_ = files_;
    if (o_.shuffle) base::shuffle(order_, seed);
  }
  void skip(int64_t count) override {
    at_ = std::min(std::ssize(order_), at_ + count * o_.batch_size);
  }
  const Batch* next() override {
    const int64_t count = std::min<int64_t>(o_.batch_size, std::ssize(order_) - at_);
    if (count <= 0) return nullptr;
    const auto [height, width] = o_.image_size;
    const int64_t classes = std::ssize(o_.class_names);
    const bool one_hot = o_.label_mode == "categorical", column = o_.label_mode == "binary";
    batch_.x = {Tensor(Shape{count, height, width, channels_})};
    batch_.y.clear();
    Tensor y(one_hot ? Shape{count, classes} : column ? Shape{count, 1} : Shape{count});
    float *pixels = batch_.x[0].data(), *targets = y.data();
    for (int64_t i = 0; i < count; ++i) {
      const File& file = order_[static_cast<size_t>(at_ + i)];
      read(file.path, pixels + i * height * width * channels_);
      if (one_hot)
        targets[i * classes + file.label] = 1;
      else
        targets[i] = static_cast<float>(file.label);
    }
    if (labelled()) batch_.y.push_back(std::move(y));
    at_ += count;
    return &batch_;
  }

 private:
  bool labelled() const { return o_.label_mode && (o_.labels.inferred() || o_.labels.numbers()); }

  void find(const std::string& directory) {
    if (labelled() && o_.labels.inferred())
      find_classes(directory);
    else
      add_pictures(directory, 0, o_.follow_links, files_);
    if (labelled() && o_.labels.numbers()) set_labels(directory, *o_.labels.numbers());
    if (labelled() && o_.label_mode == "binary" && o_.class_names.size() != 2)
      throw ValueError(
          cat("image_dataset_from_directory: `label_mode` 'binary' needs two classes. Received: ",
              o_.class_names.size()));
  }

  void find_classes(const std::string& directory) {
    const std::vector<std::string> folders = folders_in(directory);
    if (o_.class_names.empty()) o_.class_names = folders;
    for (const std::string& name : o_.class_names)
      if (std::find(folders.begin(), folders.end(), name) == folders.end())
        throw ValueError(cat("image_dataset_from_directory: `class_names` has ", base::quoted(name),
                             ", which is no folder of ", base::quoted(directory)));
    for (size_t i = 0; i < o_.class_names.size(); ++i)
      add_pictures(fs::path(directory) / o_.class_names[i], static_cast<int64_t>(i),
                   o_.follow_links, files_);
  }

  void set_labels(const std::string& directory, const std::vector<int64_t>& labels) {
    if (labels.size() != files_.size())
      throw ValueError(
          cat("image_dataset_from_directory: expected the length of `labels` to match the number "
              "of files in the target directory. It is ",
              labels.size(), " while there are ", files_.size(), " files in ",
              base::quoted(directory)));
    const std::set<int64_t> classes(labels.begin(), labels.end());
    for (int64_t label : classes) o_.class_names.push_back(cat(label));
    // As columns or as 0 and 1 there is a place for these only.
    for (size_t i = 0; i < labels.size(); ++i) {
      if (o_.label_mode != "int" && (labels[i] < 0 || labels[i] >= std::ssize(classes)))
        throw ValueError(cat("image_dataset_from_directory: with `label_mode` ",
                             base::quoted(*o_.label_mode), " the `labels` must be from 0 to ",
                             std::ssize(classes) - 1, ", as many as there are classes. Received: ",
                             labels[i], " for ", base::quoted(files_[i].path)));
      files_[i].label = labels[i];
    }
  }

  // The last share of the files, after shuffling them, is for validation (Keras).
  void split() {
    if (o_.shuffle) base::shuffle(files_, *o_.seed);
    const auto held =
        static_cast<std::ptrdiff_t>(*o_.validation_split * static_cast<double>(files_.size()));
    const auto cut = files_.end() - held;
    if (o_.subset == "training")
      files_.erase(cut, files_.end());
    else
      files_.erase(files_.begin(), cut);
    if (files_.empty())
      throw ValueError(cat("image_dataset_from_directory: `validation_split` leaves nothing for ",
                           o_.subset, ". Received: validation_split=", *o_.validation_split));
  }

  void read(const std::string& path, float* out) const {
    Tensor picture = load_image(path, {.channels = channels_});
    if (o_.crop_to_aspect_ratio) picture = cropped(picture, o_.image_size);
    const Shape& s = picture.shape();
    const Shape from{1, s[0], s[1], s[2]}, to{1, o_.image_size[0], o_.image_size[1], s[2]};
    const ops::View<const float> in{&from, picture.data()};
    ops::evaluate<float>(ops::Resize{mode_, {o_.image_size[0], o_.image_size[1]}}, {&in, 1},
                         {&to, out}, {0, ops::row_count(to)});
  }

  ImageDatasetOptions o_;
  const int channels_;
  const ops::Resize::Mode mode_;
  std::vector<File> files_, order_;
  std::vector<std::string> paths_;
  int64_t at_ = 0;
  Batch batch_;
};

}  // namespace

ImageLabels::ImageLabels(const char* inferred) : inferred_(true) {
  if (std::string_view(inferred) != "inferred")
    bad("labels", "'inferred', None or a list of integers", inferred);
}

std::shared_ptr<ImageDataset> image_dataset_from_directory(const std::string& directory,
                                                           ImageDatasetOptions o) {
  try {
    return std::make_shared<FolderDataset>(directory, std::move(o));
  } catch (const fs::filesystem_error& e) {
    throw IoError(cat(directory, ": ", e.code().message()));
  }
}

}  // namespace cornu
