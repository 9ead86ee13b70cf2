#include "cornu/formats/save.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <set>

#include "cornu/base/file.h"
#include "cornu/cornu.h"
#include "cornu/formats/hdf5.h"
#include "cornu/formats/hdf5_writer.h"
#include "cornu/formats/keras_archive.h"
#include "cornu/formats/keras_training.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/formats/zip.h"
#include "cornu/model/network.h"
#include "tests/golden/golden_case.h"
#include "tests/support/compare.h"
#include "tests/support/written.h"

namespace cornu::formats {
namespace {

using base::Json;
using ::cornu::testing::bit_equal;
using ::cornu::testing::expect_same_numbers;
using ::cornu::testing::expect_same_results;
using ::cornu::testing::golden_model;
using ::cornu::testing::golden_models;
using ::cornu::testing::ramp;
using testing_model::Folder;

std::string read(const std::string& path) { return base::read_file(path).text(); }

// Saved, loaded and saved again: the same configuration, weights, results and bytes.
Model expect_round_trip_as(const std::string& suffix, const Model& model, const Folder& folder) {
  const std::string first = folder.path("first" + suffix), second = folder.path("second" + suffix);
  model.save(first);
  const LoadResult loaded = load(first);
  EXPECT_TRUE(loaded.warnings.empty());
  EXPECT_EQ(model::model_object(*loaded.model.network()).dump(),
            model::model_object(*model.network()).dump());
  expect_same_numbers(model, loaded.model);
  expect_same_results(model, loaded.model);
  loaded.model.save(second);
  EXPECT_TRUE(read(first) == read(second));
  return loaded.model;
}

Model expect_round_trip(const Model& model, const Folder& folder) {
  expect_round_trip_as(".h5", model, folder);
  return expect_round_trip_as(".keras", model, folder);
}

// ---- Keras's own files
// ----------------------------------------------------------------------------------

const std::string kCases = CORNU_SOURCE_DIR "/tests/golden/cases/";

class SaveGolden : public ::testing::TestWithParam<std::string> {};

// Keys of Keras's newest files that we leave out, so that every Keras 3 takes ours: each says
// nothing (null, or the default). And the numbers Keras gives to objects, which are addresses.
const std::set<std::string, std::less<>> kLeftOut = {
    "optional",   "renorm",      "renorm_clipping",     "renorm_momentum",
    "input_axes", "output_axes", "quantization_config", "shared_object_id"};

// What of `theirs` is not in `ours`, and the reverse; the order of keys does not count.
void expect_same_json(const Json& theirs, const Json& ours, const std::string& path) {
  ASSERT_EQ(theirs.kind(), ours.kind()) << path << " " << theirs.dump() << " " << ours.dump();
  if (theirs.is_object()) {
    for (const auto& [key, value] : theirs.items()) {
      const std::string below = base::cat(path, "/", key);
      const auto own = ours.find(key);
      if (own)
        expect_same_json(value, *own, below);
      else
        EXPECT_TRUE(kLeftOut.contains(key)) << below << " is missing";
    }
    for (const auto& [key, value] : ours.items())
      EXPECT_TRUE(theirs.contains(key)) << path << "/" << key << " is more than Keras writes";
  } else if (theirs.is_array()) {
    ASSERT_EQ(theirs.size(), ours.size()) << path;
    for (size_t i = 0; i < theirs.size(); ++i)
      expect_same_json(theirs[i], ours[i], base::cat(path, "/", i));
  } else {
    EXPECT_EQ(theirs.dump(), ours.dump()) << path;
  }
}

TEST_P(SaveGolden, WritesWhatKerasWrote) {
  const Folder folder;
  const std::string theirs = golden_model(GetParam()), ours = folder.path("ours.keras");
  const Model model = load_model(theirs);
  model.save(ours);
  const auto config = [](const std::string& path) {
    return base::parse_json(read_member(path, "config.json").value(), path);
  };
  expect_same_json(config(theirs), config(ours), "");
}

// The same model as Keras saved it in both ways.
TEST_P(SaveGolden, HDF5IsWhatKerasWrote) {
  const std::string theirs = kCases + GetParam() + ".h5";
  if (!base::file_exists(theirs)) return;
  const Folder folder;
  const LoadResult loaded = load(theirs);
  EXPECT_TRUE(loaded.warnings.empty());
  EXPECT_EQ(loaded.keras_version, "3.15.1");
  const Model twin = load_model(golden_model(GetParam()));
  expect_same_numbers(loaded.model, twin);
  EXPECT_EQ(loaded.model.to_json(), twin.to_json());
  const std::string ours = folder.path("ours.h5");
  twin.save(ours);
  const Hdf5File a(base::read_file(theirs)), b(base::read_file(ours));
  const auto config = [](const Hdf5File& file) {
    return base::parse_json(file.root().string_attribute("model_config"), "config");
  };
  expect_same_json(config(a), config(b), "");
  const auto names = [](const Hdf5File& file, const std::string& group, const char* attribute) {
    return file.root().find(group)->string_list_attribute(attribute).value();
  };
  EXPECT_EQ(names(a, "model_weights", "layer_names"), names(b, "model_weights", "layer_names"));
  for (const auto& link : a.root().find("model_weights")->links()) {
    const std::string group = link.object->path().substr(1);
    EXPECT_EQ(names(a, group, "weight_names"), names(b, group, "weight_names")) << group;
  }
}

TEST_P(SaveGolden, JsonRoundTrip) {
  const Model model = load_model(golden_model(GetParam()));
  const std::string text = model.to_json();
  const Model made = model_from_json(text);
  EXPECT_EQ(made.to_json(), text);
  ASSERT_EQ(made.weights().size(), model.weights().size());
  const Folder folder;
  const std::string path = folder.write("model.json", text);
  EXPECT_EQ(load(path).warnings.size(), 1u);  // no weights
}

TEST_P(SaveGolden, RoundTrip) {
  const Folder folder;
  expect_round_trip(load_model(golden_model(GetParam())), folder);
}

INSTANTIATE_TEST_SUITE_P(Keras, SaveGolden, ::testing::ValuesIn(golden_models()),
                         [](const auto& parameter) { return parameter.param; });

TEST(SaveGoldenCases, AreThere) { EXPECT_GE(golden_models().size(), 201u); }

// ---- models made here
// -------------------------------------------------------------------------------------

// Nested models, shared layers, several inputs and outputs, arithmetic, a wrapped layer.
TEST(Save, EveryKindOfGraph) {
  const Layer shared = Dense({.units = 3, .name = "shared"});
  const Symbol p = Input({.shape = {4}, .name = "p"}), q = Input({.shape = {4}, .name = "q"});
  const Model inner(
      {.inputs = {p, q}, .outputs = {shared(p) + shared(q), shared(q)}, .name = "in"});
  const Sequential chain({Dense({.units = 4}), shared, ReLU()}, {.name = "chain"});
  const Symbol a = Input({.shape = {4}, .name = "a"}), b = Input({.shape = {4}, .name = "b"});
  const Symbols first = inner.call({a, b}), second = inner.call({b, a});
  const Symbol mixed = Concatenate({})({first[0], second[1], chain(a)});
  const Symbol steps = TimeDistributed(chain)(Reshape({.target_shape = {1, 4}})(b));
  const Model model({.inputs = {a, b},
                     .outputs = {2.0 * mixed - 1.0, 1.0 / (steps * steps + 1.0), second[0]},
                     .name = "whole model"});
  const Folder folder;
  const Model loaded = expect_round_trip(model, folder);
  EXPECT_EQ(loaded.count_params(), model.count_params());  // what is shared stays so
}

// A model that starts in the middle of another one.
TEST(Save, InputInTheMiddle) {
  const Symbol x = Input({.shape = {5}});
  const Symbol middle = Dense({.units = 4, .name = "first"})(x);
  const Symbol y = Dense({.units = 2, .name = "second"})(ReLU()(middle) + middle);
  const Model model({.inputs = middle, .outputs = {y}});
  const Folder folder;
  model.save(folder.path("m.keras"));
  const Model loaded = load_model(folder.path("m.keras"));
  expect_same_numbers(model, loaded);
  const Tensor in = ramp({3, 4});
  EXPECT_TRUE(bit_equal(model.predict(in), loaded.predict(in)));
}

TEST(Save, BeforeItIsBuilt) {
  const Folder folder;
  const Sequential model({Dense({.units = 4}), ReLU()});
  model.save(folder.path("m.keras"));
  const Model loaded = load_model(folder.path("m.keras"));
  EXPECT_FALSE(loaded.built());
  EXPECT_EQ(loaded.layers().size(), 2u);
  EXPECT_THROW(model.save_weights(folder.path("m.weights.h5")), StateError);
  EXPECT_THROW(model.load_weights(folder.path("m.keras")), StateError);
}

TEST(Save, FrozenLayers) {
  const Folder folder;
  const Layer frozen = Dense({.units = 3});
  frozen.set_trainable(false);
  const Sequential model({Input({.shape = {2}}), frozen, BatchNormalization()});
  expect_round_trip(model, folder);
  model.save(folder.path("m.keras"));
  EXPECT_EQ(load_model(folder.path("m.keras")).trainable_weights().size(), 2u);
}

TEST(Save, HostileNames) {
  const Folder folder;
  std::vector<Layer> layers = {Input({.shape = {2}, .name = "in put"})};
  for (const std::string& name :
       {std::string(200, 'n'), std::string("层 ßé\xf0\x9f\x98\x80"), std::string("a\\b:c?*\"<>|"),
        std::string(".."), std::string("vars"), std::string(" ")})
    layers.push_back(Dense({.units = 2, .name = name}));
  expect_round_trip(Sequential(layers, {.name = "模型 1"}), folder);
  for (const std::string& name : {std::string("\xff"), std::string("a\0b", 3)})
    EXPECT_THROW(Sequential({Input({.shape = {2}}), Dense({.units = 1, .name = name})})
                     .save(folder.path("bad.keras")),
                 ValueError);
  EXPECT_FALSE(base::file_exists(folder.path("bad.keras")));
}

// ---- training
// -------------------------------------------------------------------------------------------

// What train/ would give.
struct Compiled : model::Training {
  explicit Compiled(model::TrainingState s) : state_(std::move(s)) {}
  model::TrainingState state() const override { return state_; }
  int64_t optimizer_params() const override { return 0; }
  model::TrainingState state_;
};

Json compile_config(const std::string& rate = "0.25") {
  return base::parse_json(
      "{\"optimizer\": {\"class_name\": \"Adam\", \"config\": {\"name\": \"adam\", "
      "\"learning_rate\": " +
          rate + "}}, \"loss\": \"mse\"}",
      "test");
}

Sequential small() { return Sequential({Input({.shape = {4}}), Dense({.units = 3})}); }

TEST(SaveTraining, RoundTrip) {
  const Folder folder;
  const std::string path = folder.path("m.keras");
  for (const bool schedule : {false, true}) {
    const Sequential model = small();
    model::TrainingState state{
        compile_config(schedule ? "{\"class_name\": \"CosineDecay\"}" : "0.25"),
        model::OptimizerState{}};
    state.optimizer->iteration = (int64_t{1} << 53) + 1;
    if (!schedule) state.optimizer->learning_rate = 0.125f;
    for (const Shape& shape : {Shape{4, 3}, Shape{3}, Shape{}})
      state.optimizer->slots.push_back({"momentum", ramp(shape)});
    model.network()->training = std::make_shared<Compiled>(state);
    model.save(path);
    const LoadResult loaded = load(path);
    EXPECT_TRUE(loaded.warnings.empty());
    const auto& read_back = loaded.model.network()->loaded_training;
    ASSERT_TRUE(read_back && read_back->optimizer);
    EXPECT_EQ(read_back->compile_config.dump(), state.compile_config.dump());
    EXPECT_EQ(read_back->optimizer->iteration, state.optimizer->iteration);
    EXPECT_EQ(read_back->optimizer->learning_rate, state.optimizer->learning_rate);
    ASSERT_EQ(read_back->optimizer->slots.size(), 3u);
    for (size_t i = 0; i < 3; ++i)
      EXPECT_TRUE(bit_equal(read_back->optimizer->slots[i].value, state.optimizer->slots[i].value));
    // What a file said is kept by a model that is only loaded.
    loaded.model.save(folder.path("again.keras"));
    EXPECT_TRUE(read(path) == read(folder.path("again.keras")));
  }
}

TEST(SaveTraining, NotCompiledOrNotTrained) {
  const Folder folder;
  const std::string path = folder.path("m.keras");
  const Sequential model = small();
  model.save(path);
  EXPECT_FALSE(load_model(path).network()->loaded_training.has_value());
  model.network()->training =
      std::make_shared<Compiled>(model::TrainingState{compile_config(), {}});
  model.save(path);
  const Model loaded = load_model(path);
  ASSERT_TRUE(loaded.network()->loaded_training.has_value());
  EXPECT_FALSE(loaded.network()->loaded_training->optimizer.has_value());
}

// Damage of the optimizer is no reason not to open the model.
TEST(SaveTraining, DamagedOptimizer) {
  const auto read_training = [](const Hdf5Group& root, std::vector<std::string>& warnings) {
    const Hdf5File file(testing_zip::bytes_of_text(write_hdf5(root).text(), "m.h5"));
    return read_keras_training(compile_config(), file.root(), "m.keras", warnings);
  };
  using Vars = std::function<void(Hdf5Group&)>;
  const std::vector<Vars> damages = {
      [](Hdf5Group& v) { v.add("0", Tensor(Shape{}, {1})); },          // no integer
      [](Hdf5Group& v) { v.add_int("0", -1); },                        //
      [](Hdf5Group& v) { v.add_int("1", 1); },                         // 0 is missing
      [](Hdf5Group& v) { v.add_int("0", 1), v.add("2", ramp({1})); },  // 1 is
      [](Hdf5Group& v) { v.add_int("0", 1), v.add("1", ramp({2})); },  // a rate of two numbers
      [](Hdf5Group& v) { v.add_int("0", 1), v.group("1"); },           // a group
      [](Hdf5Group& v) { v.add_int("0", 1), v.add("1", Tensor(Shape{}, {NAN})); },
  };
  for (size_t i = 0; i < damages.size(); ++i) {
    Hdf5Group root;
    damages[i](root.group("optimizer").group("vars"));
    std::vector<std::string> warnings;
    const auto training = read_training(root, warnings);
    ASSERT_TRUE(training.has_value()) << i;
    EXPECT_FALSE(training->optimizer.has_value()) << i;
    ASSERT_EQ(warnings.size(), 1u) << i;
    EXPECT_NE(warnings[0].find("m.keras: optimizer: "), std::string::npos) << warnings[0];
    EXPECT_NE(warnings[0].find("fresh"), std::string::npos) << warnings[0];
  }
}

// ---- members and weights
// ----------------------------------------------------------------------------------

TEST(Save, FurtherMembers) {
  const Folder folder;
  const std::string path = folder.path("m.keras");
  const Sequential model({Input({.shape = {2}}), Dense({.units = 2})});
  const std::string state("\0state\xff", 7);
  save_keras(model, path, {{"cornu/state", state}, {"more", ""}});
  EXPECT_EQ(read_member(path, "cornu/state"), state);
  EXPECT_EQ(read_member(path, "more"), "");
  EXPECT_FALSE(read_member(path, "none").has_value());
  expect_same_numbers(model, load_model(path));
  for (const char* bad : {"", "/a", "a/../b", "a\\b", "config.json"})
    EXPECT_THROW(save_keras(model, path, {{bad, "x"}}), ValueError) << bad;
  EXPECT_EQ(read_member(path, "cornu/state"), state);  // what was there stays
  std::string bytes = read(path);
  bytes[bytes.find(state) + 1] ^= 1;
  folder.write("damaged.keras", bytes);
  EXPECT_THROW(read_member(folder.path("damaged.keras"), "cornu/state"), FormatError);
}

// Whatever bit of a file changes: it is refused, or nothing that counts has changed.
TEST(Save, NoticesEveryFlippedBit) {
  const Sequential model = small();
  model.network()->training = std::make_shared<Compiled>(
      model::TrainingState{compile_config(), model::OptimizerState{3, 0.5f, {{"m", ramp({2})}}}});
  const std::string bytes = keras_archive(model, {{"cornu/state", "state"}}).text();
  const std::string same = keras_archive(model).text();
  const size_t directory = bytes.find("PK\x01\x02");
  int accepted = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      // Between the headers one bit of each byte will do.
      if (i > 200 && i + 300 < directory && static_cast<int>(i % 8) != bit) continue;
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      try {
        const LoadResult loaded =
            load_keras_archive(testing_zip::bytes_of_text(flipped, "flipped.keras"));
        EXPECT_TRUE(keras_archive(loaded.model).text() == same) << "byte " << i << ", bit " << bit;
        ++accepted;
      } catch (const FormatError&) {
      }
    }
  EXPECT_LT(accepted, 1000);  // dates and the like
}

TEST(Save, WeightsAlone) {
  const Folder folder;
  const std::string path = folder.path("m.weights.h5"), archive = folder.path("m.keras");
  const auto make = [](int64_t units) {
    return Sequential({Input({.shape = {4}}), Dense({.units = units}), BatchNormalization()});
  };
  const Sequential model = make(3), other = make(3), wide = make(5);
  model.save_weights(path);
  model.save(archive);
  const auto old = wide.get_weights();
  for (const std::string& from : {path, archive}) {
    other.set_weights({ramp({4, 3}), ramp({3}), ramp({3}), ramp({3}), ramp({3}), ramp({3})});
    // Layer names are part of the file: another model's do not agree.
    EXPECT_THROW(other.load_weights(from), FormatError);
    model.set_weights(other.get_weights());
    model.load_weights(from);
    EXPECT_FALSE(bit_equal(model.get_weights()[0], other.get_weights()[0]));
    EXPECT_THROW(wide.load_weights(from), FormatError);
  }
  for (size_t i = 0; i < old.size(); ++i) EXPECT_TRUE(bit_equal(old[i], wide.get_weights()[i]));
  EXPECT_THROW(model.save_weights(folder.path("m.h5")), ValueError);
  EXPECT_THROW(model.load_weights(folder.path("none.weights.h5")), IoError);
}

// A disk that fills up while the file is written.
TEST(Save, FullDisk) {
  const Folder folder;
  const Sequential model({Input({.shape = {100}}), Dense({.units = 100})});
  const std::string path = folder.path("m.keras");
  model.save(path);
  const std::string old = read(path);
  model.set_weights({Tensor({100, 100}), Tensor(Shape{100})});
  struct rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t most : {rlim_t{0}, rlim_t{100}, rlim_t{20000}, rlim_t{old.size() - 1}}) {
    const struct rlimit small = {most, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    std::string message;
    try {
      model.save(path);
    } catch (const IoError& e) {
      message = e.what();
    }
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_NE(message.find(path), std::string::npos) << most;
    EXPECT_TRUE(read(path) == old);
    size_t files = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(path).parent_path()))
      ++files;
    EXPECT_EQ(files, 1u);  // no rest of the failed one
  }
  std::signal(SIGXFSZ, handler);
}

TEST(Save, RefusesWhatItWouldNotWrite) {
  const Folder folder;
  const Sequential model({Input({.shape = {2}}), Dense({.units = 2})});
  const std::string path = folder.write("there.keras", "what was there");
  EXPECT_THROW(model.save(path, {.overwrite = false}), IoError);
  EXPECT_THROW(model.save(folder.path("m.onnx")), ValueError);
  EXPECT_THROW(model.save(folder.path("no/such/folder.keras")), IoError);
  EXPECT_EQ(read(path), "what was there");
  model.save(path);
  EXPECT_NO_THROW(load_model(path));
}

}  // namespace
}  // namespace cornu::formats
