// Reading and writing each format on a small model while every allocation, and every call of the
// system, fails in turn: an error that says so, no leak (under AddressSanitizer), and a file that
// was there is still whole.

#include <gmock/gmock.h>

#include <cerrno>
#include <filesystem>

#include "cornu/base/file.h"
#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "tests/faults/faults.h"
#include "tests/support/cost.h"
#include "tests/support/written.h"

namespace cornu {
namespace {

using faults::allocation;
using faults::fault;
using formats::testing_model::Folder;
namespace fs = std::filesystem;
using Arrays = std::vector<std::pair<std::string, Tensor>>;

// One that was trained for a step, so that there is training to be read and written.
Sequential model_of(float value) {
  Sequential model({Input({.shape = {4}}), Dense({.units = 3, .name = "d"}), ReLU({.name = "r"})},
                   {.name = "s"});
  model.compile({.optimizer = "adam", .loss = "mse"});
  model.train_on_batch(Tensor::full({2, 4}, 1), Tensor::full({2, 3}, 1));
  model.set_weights({Tensor::full({4, 3}, value), Tensor::full({3}, value)});
  return model;
}

std::vector<Tensor> tensors_of(Arrays arrays) {
  std::vector<Tensor> tensors;
  for (auto& [name, tensor] : arrays) tensors.push_back(std::move(tensor));
  return tensors;
}

// A format: how a model is written to `path` and how its weights are read.
struct Format {
  const char* name;
  const char* file;
  void (*write)(const Model& model, const std::string& path);
  std::vector<Tensor> (*read)(const std::string& path);
};

Arrays named(const Model& model) {
  Arrays arrays;
  for (const Tensor& t : model.get_weights()) arrays.emplace_back(base::cat("a", arrays.size()), t);
  return arrays;
}
void save(const Model& model, const std::string& path) { model.save(path); }
std::vector<Tensor> loaded(const std::string& path) { return load(path).model.get_weights(); }

void save_weights(const Model& model, const std::string& path) { model.save_weights(path); }
std::vector<Tensor> loaded_weights(const std::string& path) {
  const Sequential model({Input({.shape = {4}}), Dense({.units = 3, .name = "d"})}, {.name = "s"});
  model.load_weights(path);
  return model.get_weights();
}

const Format kFormats[] = {
    {"Keras", "m.keras", save, loaded},
    {"Hdf5", "m.h5", save, loaded},
    {"Weights", "m.weights.h5", save_weights, loaded_weights},
    {"WeightsNpz", "m.weights.npz", save_weights, loaded_weights},
    {"WeightsSafetensors", "m.weights.safetensors", save_weights, loaded_weights},
    {"Tfjs", "web/model.json",
     [](const Model& m, const std::string& path) { export_tfjs(m, path); }, loaded},
    {"Json", "config.json",
     [](const Model& m, const std::string& path) {
       base::AtomicFile file(path);
       file.write(m.to_json());
       file.commit();
     },
     [](const std::string& path) {
       load(path);
       return std::vector<Tensor>();
     }},
    {"Onnx", "m.onnx", [](const Model& m, const std::string& path) { export_onnx(m, path); },
     [](const std::string& path) {
       return std::vector<Tensor>{Tensor::full({1}, static_cast<float>(fs::file_size(path)))};
     }},
    {"Safetensors", "m.safetensors",
     [](const Model& m, const std::string& path) { save_safetensors(path, named(m)); },
     [](const std::string& path) { return tensors_of(load_safetensors(path)); }},
    {"Npz", "m.npz", [](const Model& m, const std::string& path) { save_npz(path, named(m)); },
     [](const std::string& path) { return tensors_of(load_npz(path)); }},
    {"Npy", "m.npy",
     [](const Model& m, const std::string& path) { save_npy(path, m.get_weights()[0]); },
     [](const std::string& path) { return std::vector<Tensor>{load_npy(path)}; }},
    {"Doctor", "m.keras", save,
     [](const std::string& path) {
       const Diagnosis d = diagnose(path);
       if (!d.model) throw FormatError(d.error);
       return d.model->get_weights();
     }},
};

class FaultTest : public ::testing::TestWithParam<Format> {
 protected:
  FaultTest() : path_(folder_.path(GetParam().file)) {
    fs::create_directories(fs::path(path_).parent_path());
  }
  std::vector<std::string> files() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path("")))
      all.push_back(entry.path().string());
    return all;
  }

  // Writes both models, and leaves the first there.
  void note(const Model& before, const Model& after) {
    for (const auto& [model, bytes, weights] :
         {std::tuple{&after, &new_bytes_, &new_weights_}, {&before, &old_bytes_, &old_weights_}}) {
      GetParam().write(*model, path_);
      *bytes = base::read_file(path_).text();
      *weights = GetParam().read(path_);
    }
  }
  // The file is the old or the new one, with all that belongs to it: a TF.js model has files beside
  // it. Nothing unfinished lies there.
  bool is_whole_and_new() const {
    const std::string bytes = base::read_file(path_).text();
    const bool is_new = bytes == new_bytes_;
    EXPECT_TRUE(is_new || bytes == old_bytes_);
    testing::expect_same(GetParam().read(path_), is_new ? new_weights_ : old_weights_);
    for (const std::string& file : files()) EXPECT_FALSE(file.ends_with(".tmp")) << file;
    return is_new;
  }

  const Folder folder_;
  const std::string path_;
  std::string old_bytes_, new_bytes_;
  std::vector<Tensor> old_weights_, new_weights_;
};

// How it ended: "done" or the class of the error.
template <class F>
std::string ending_of(F&& f, std::string* message) {
  try {
    f();
    return "done";
  } catch (const std::exception& e) {
    allocation = {};
    fault = {};
    *message = e.what();
    return testing::class_of(e);
  }
}

// f() with each of its allocations failing in turn; each(ending, message) after each but the last,
// which none fails. Returns how many there were, or nearly.
template <class F, class E>
int64_t for_every_allocation(bool lasting, F&& f, E&& each) {
  // A sanitizer makes each ten times as dear.
  const int64_t step = testing::kSanitized && lasting ? 7 : 1;
  for (int64_t at = 0;; at += step) {
    std::string message, ending;
    ending.reserve(100);
    bool struck = false;
    ending = ending_of(
        [&] {
          allocation = {.left = at, .lasting = lasting};
          f();
          struck = allocation.struck;
          allocation = {};
        },
        &message);
    struck = struck || ending != "done";
    if (!struck) return at;
    each(ending, message);
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << "allocation " << at << ", " << ending << ' ' << message;
      return at;
    }
  }
}

TEST_P(FaultTest, ReadingWithoutMemory) {
  const Format& format = GetParam();
  format.write(model_of(1), path_);
  const std::vector<Tensor> expected = format.read(path_);
  for (const bool lasting : {false, true}) {
    std::vector<Tensor> got;
    const int64_t count = for_every_allocation(
        lasting, [&] { got = format.read(path_); },
        [&](const std::string& ending, const std::string&) {
          EXPECT_THAT(ending, ::testing::AnyOf("bad_alloc", "OutOfMemory", "done"));
          if (ending == "done") testing::expect_same(got, expected);
        });
    EXPECT_GE(count, testing::kSanitized ? 1 : 5);
    testing::expect_same(got, expected);
    RecordProperty("allocations", std::to_string(count));
  }
}

TEST_P(FaultTest, WritingWithoutMemory) {
  const Format& format = GetParam();
  const Sequential before = model_of(1), after = model_of(2);
  note(before, after);
  for (const bool lasting : {false, true}) {
    const int64_t count = for_every_allocation(
        lasting, [&] { format.write(after, path_); },
        [&](const std::string& ending, const std::string&) {
          EXPECT_THAT(ending, ::testing::AnyOf("bad_alloc", "OutOfMemory", "done"));
          const bool is_new = is_whole_and_new();
          EXPECT_TRUE(is_new || ending != "done");
          if (is_new) format.write(before, path_);
        });
    EXPECT_GE(count, 5);
    EXPECT_TRUE(is_whole_and_new());
    RecordProperty("allocations", std::to_string(count));
    format.write(before, path_);
  }
}

TEST_P(FaultTest, WritingToABrokenDisk) {
  const Format& format = GetParam();
  const Sequential before = model_of(1), after = model_of(2);
  note(before, after);
  int64_t failures = 0;
  for (const int error : {EIO, ENOSPC, EINTR, EMFILE})
    for (int64_t at = 0;; ++at) {
      std::string message;
      bool struck = false;
      fault = {{.left = at}, error};
      const std::string ending = ending_of(
          [&] {
            format.write(after, path_);
            struck = fault.struck;
            fault = {};
          },
          &message);
      const bool is_new = is_whole_and_new();
      EXPECT_TRUE(is_new || ending != "done") << at << ' ' << error;
      if (is_new) format.write(before, path_);
      if (ending == "done" && !struck) break;
      if (ending == "done") continue;
      EXPECT_EQ(ending, "IoError") << message;
      EXPECT_THAT(message, ::testing::HasSubstr(folder_.path("")));
      ++failures;
      ASSERT_LT(at, 1000);
    }
  EXPECT_GE(failures, 3 * 4);
}

TEST_P(FaultTest, ReadingFromABrokenDisk) {
  const Format& format = GetParam();
  format.write(model_of(1), path_);
  const std::vector<Tensor> expected = format.read(path_);
  int64_t failures = 0;
  for (const int error : {EIO, EINTR, EMFILE, ENOMEM, EACCES, ESTALE})
    for (const bool lasting : {false, true})
      for (int64_t at = 0; !(error == EINTR && lasting); ++at) {  // interrupted for ever: it waits
        std::string message;
        std::vector<Tensor> got;
        fault = {{.left = at, .lasting = lasting}, error};
        bool struck = false;
        const std::string ending = ending_of(
            [&] {
              got = format.read(path_);
              struck = fault.struck;
              fault = {};
            },
            &message);
        if (ending == "done") {
          testing::expect_same(got, expected);
          if (!struck) break;
        } else {
          EXPECT_THAT(ending, ::testing::AnyOf("IoError", "OutOfMemory")) << message;
          EXPECT_THAT(message, ::testing::HasSubstr(folder_.path(""))) << at << ' ' << error;
          ++failures;
        }
        ASSERT_LT(at, 1000);
      }
  EXPECT_GE(failures, std::string_view(format.name) == "Onnx" ? 0 : 10);
}

TEST_P(FaultTest, ReadingALittleAtATime) {
  const Format& format = GetParam();
  format.write(model_of(1), path_);
  const std::vector<Tensor> expected = format.read(path_);
  fault = {{}, 0, true};
  const std::vector<Tensor> got = format.read(path_);
  fault = {};
  testing::expect_same(got, expected);
}

INSTANTIATE_TEST_SUITE_P(All, FaultTest, ::testing::ValuesIn(kFormats),
                         [](const auto& format) { return format.param.name; });

}  // namespace
}  // namespace cornu
