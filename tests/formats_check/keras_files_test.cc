// What we save, walked the way Keras's loader does, by a script of its own over h5py
// (walk_keras.py, and walk_h5.py for whole models in HDF5): Keras is not needed for that. Skipped
// where no Python has h5py.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/formats/save.h"
#include "cornu/formats/zip_writer.h"
#include "cornu/model/network.h"
#include "tests/support/compare.h"
#include "tests/support/outside.h"

namespace cornu {
namespace {

using base::cat;
using formats::testing_model::Folder;
using testing::Outcome;
using testing::python;
using testing::run_outside;

const std::string kCases = CORNU_SOURCE_DIR "/tests/golden/cases/";

class KerasFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    if (python().empty()) GTEST_SKIP() << "no Python has h5py (Debian: python3-h5py)";
  }
  // All archives of the folder.
  Outcome walk() const {
    return run_outside(cat(python(), " ", CORNU_SOURCE_DIR, "/tests/formats_check/walk_keras.py ",
                           folder_.path(""), "*.keras"));
  }
  void expect_all_good(int files) const {
    const Outcome r = walk();
    EXPECT_EQ(r.status, 0) << r.output;
    EXPECT_EQ(r.output, cat(files, " files, 0 complaints\n"));
  }

  // The model in both forms.
  void save(const Model& model, const std::string& name) const {
    model.save(folder_.path(name + ".keras"));
    model.save(folder_.path(name + ".h5"));
  }
  void expect_good_h5(int files) const {
    const Outcome r = run_outside(
        cat(python(), " ", CORNU_SOURCE_DIR, "/tests/formats_check/walk_h5.py ", folder_.path("")));
    EXPECT_EQ(r.status, 0) << r.output;
    EXPECT_EQ(r.output, cat(files, " files, 0 complaints\n"));
  }

  Folder folder_;
};

TEST_F(KerasFiles, GoldenCases) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kCases))
    if (entry.path().extension() == ".keras") {
      save(load_model(entry.path()), entry.path().stem());
      ++files;
    }
  EXPECT_GE(files, 201);
  expect_all_good(files);
  expect_good_h5(files);
}

// Nested and shared models and layers, calls of them in the outputs, arithmetic, wrappers.
TEST_F(KerasFiles, Graphs) {
  const Layer shared = Dense({.units = 3, .name = "shared"});
  const Symbol p = Input({.shape = {4}}), q = Input({.shape = {4}});
  const Model inner({.inputs = {p, q}, .outputs = {shared(p) + shared(q), shared(q)}});
  const Sequential chain({Dense({.units = 4}), shared, BatchNormalization()});
  const Symbol a = Input({.shape = {4}}), b = Input({.shape = {4}});
  const Symbols first = inner.call({a, b}), second = inner.call({b, a});
  const Symbol steps = TimeDistributed(chain)(Reshape({.target_shape = {1, 4}})(b));
  const Symbol last = 2.0 * Concatenate({})({first[0], second[1], chain(a)}) - 1.0;
  save(Model({.inputs = {a, b}, .outputs = {last, steps, second[0], chain(b)}}), "graph");
  save(Model({.inputs = first[0], .outputs = {ReLU()(first[0] * first[0])}}), "middle");
  const Layer conv = Conv2D({.filters = 2, .kernel_size = {3, 3}});
  const Symbol image = Input({.shape = {8, 8, 2}});
  save(Model({.inputs = image, .outputs = {conv(image), conv(conv(image))}}), "shared");
  expect_all_good(3);
  expect_good_h5(3);
}

TEST_F(KerasFiles, HostileNames) {
  std::vector<Layer> layers = {Input({.shape = {2}, .name = "in put"})};
  for (const std::string& name :
       {std::string(200, 'n'), std::string("层 ßé\xf0\x9f\x98\x80"), std::string("a\\b:c?*\"<>|"),
        std::string(".."), std::string(" ")})
    layers.push_back(Dense({.units = 2, .name = name}));
  save(Sequential(layers, {.name = "模型 1"}), "names");
  expect_all_good(1);
  expect_good_h5(1);
}

TEST_F(KerasFiles, ManyLayers) {
  std::vector<Layer> layers = {Input({.shape = {1}})};
  for (int i = 0; i < 5000; ++i) layers.push_back(Dense({.units = 1, .name = cat("d", i)}));
  save(Sequential(layers), "many");
  expect_all_good(1);
  expect_good_h5(1);
}

struct Compiled : model::Training {
  explicit Compiled(model::TrainingState s) : state_(std::move(s)) {}
  model::TrainingState state() const override { return state_; }
  int64_t optimizer_params() const override { return 0; }
  model::TrainingState state_;
};

TEST_F(KerasFiles, OptimizerState) {
  const Sequential model({Input({.shape = {4}}), Dense({.units = 3}), BatchNormalization()});
  model::TrainingState state;
  state.compile_config = base::parse_json(
      R"({"optimizer": {"module": "keras.optimizers", "class_name": "Adam", "config": {"name": "adam",
          "learning_rate": 0.5, "amsgrad": false, "use_ema": false,
          "gradient_accumulation_steps": null}, "registered_name": null}, "loss": "mse"})",
      "test");
  state.optimizer.emplace();
  state.optimizer->iteration = 7;
  state.optimizer->learning_rate = 0.25f;
  for (const Shape& shape : {Shape{4, 3}, Shape{3}, Shape{3}, Shape{3}})
    for (const char* slot : {"momentum", "velocity"})
      state.optimizer->slots.push_back({slot, Tensor(shape)});
  model.network()->training = std::make_shared<Compiled>(state);
  model.save(folder_.path("adam.keras"));
  formats::save_keras(model, folder_.path("checkpoint.keras"), {{"cornu/state", "{}"}});
  expect_all_good(2);
}

// Every optimizer after a step: Keras finds its variables, and what is loaded goes on as what was
// saved would.
TEST_F(KerasFiles, Trained) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kCases)) {
    const std::string name = entry.path().stem();
    if (entry.path().extension() != ".keras" || !name.starts_with("train_")) continue;
    SCOPED_TRACE(name);
    std::map<std::string, Tensor> arrays;
    for (auto& [key, tensor] : load_npz(kCases + name + ".npz")) arrays.emplace(key, tensor);
    const Tensor &x = arrays.at("x"), &y = arrays.at("y");
    const Model model = load_model(entry.path());
    model.train_on_batch(x, y);
    const std::string path = folder_.path(name + ".keras");
    model.save(path);
    const LoadResult loaded = load(path);
    EXPECT_TRUE(loaded.warnings.empty());
    model.train_on_batch(x, y);
    loaded.model.train_on_batch(x, y);
    const std::vector<Tensor> a = model.get_weights(), b = loaded.model.get_weights();
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(testing::bit_equal(a[i], b[i])) << i;
    ++files;
  }
  EXPECT_GE(files, 61);
  expect_all_good(files);
}

// 64-bit fields, which only archives beyond 4 GiB need, read by Python.
TEST_F(KerasFiles, Zip64) {
  const std::string path = folder_.path("big.zip");
  for (const int from : {0, 4, 100}) {
    const std::vector<formats::ZipMember> members = {{"a", formats::Content("abcde")},
                                                     {"b/c", formats::Content()}};
    folder_.write("big.zip", formats::write_zip(members, static_cast<uint64_t>(from)).text());
    const Outcome r = run_outside(cat(python(),
                                      " -c 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); "
                                      "print(z.testzip(), z.namelist(), z.read(\"a\"))' ",
                                      path));
    EXPECT_EQ(r.output, "None ['a', 'b/c'] b'abcde'\n");
  }
}

// The walk can fail: archives whose parts do not belong together.
TEST_F(KerasFiles, TheWalkComplains) {
  const auto member = [](const std::string& path, const char* name) {
    return formats::ZipMember{name, formats::Content(formats::read_member(path, name).value())};
  };
  const auto mixed = [&](const Model& config, const Model& weights) {
    const std::string one = folder_.path("one"), two = folder_.path("two");
    formats::save_keras(config, one);
    formats::save_keras(weights, two);
    const std::vector<formats::ZipMember> members = {
        member(one, "metadata.json"), member(one, "config.json"), member(two, "model.weights.h5")};
    folder_.write("mixed.keras", formats::write_zip(members).text());
    return walk().status;
  };
  const auto make = [](const char* name, int64_t units, bool norm) {
    std::vector<Layer> layers = {Input({.shape = {4}}), Dense({.units = units, .name = name})};
    if (norm) layers.push_back(BatchNormalization({.name = "norm"}));
    return Sequential(layers, {.name = "s"});
  };
  const Model model = make("a", 3, true);
  EXPECT_EQ(mixed(model, make("a", 3, true)), 0);
  EXPECT_NE(mixed(model, make("b", 3, true)), 0);
  EXPECT_NE(mixed(model, make("a", 2, true)), 0);
  EXPECT_NE(mixed(model, make("a", 3, false)), 0);
  EXPECT_NE(mixed(make("a", 3, false), model), 0);
}

}  // namespace
}  // namespace cornu
