#include "cornu/formats/save.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "cornu/cornu.h"
#include "cornu/formats/hdf5.h"
#include "cornu/formats/hdf5_writer.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/formats/zip.h"
#include "cornu/formats/zip_writer.h"
#include "cornu/model/network.h"
#include "tests/support/compare.h"

namespace cornu::formats {
namespace {

using base::Json;
using ::cornu::testing::bit_equal;
using testing_model::Folder;

std::string read(const std::string& path) { return base::read_file(path).text(); }

// Bit for bit, structure by structure.
void expect_same_numbers(const Model& a, const Model& b) {
  const auto x = a.get_weights(), y = b.get_weights();
  ASSERT_EQ(x.size(), y.size());
  for (size_t i = 0; i < x.size(); ++i) EXPECT_TRUE(bit_equal(x[i], y[i])) << i;
}

Tensor ramp(const Shape& shape) {
  Tensor t(shape);
  for (int64_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<float>((i * 37) % 101) / 50 - 1;
  return t;
}

std::vector<Tensor> some_inputs(const Model& model) {
  std::vector<Tensor> inputs;
  for (Shape shape : model.input_shapes()) {
    for (int64_t i = 0; i < shape.rank(); ++i)
      if (!shape.known(i)) shape[i] = i == 0 ? 2 : 12;
    inputs.push_back(ramp(shape));
  }
  return inputs;
}

// Saved, loaded and saved again: the same configuration, weights, results and bytes.
Model expect_round_trip(const Model& model, const Folder& folder) {
  const std::string first = folder.path("first.keras"), second = folder.path("second.keras");
  model.save(first);
  const LoadResult loaded = load(first);
  EXPECT_TRUE(loaded.warnings.empty());
  EXPECT_EQ(model::model_object(*loaded.model.network()).dump(),
            model::model_object(*model.network()).dump());
  expect_same_numbers(model, loaded.model);
  const std::vector<Tensor> x = some_inputs(model);
  const auto before = model.predict(x), after = loaded.model.predict(x);
  EXPECT_EQ(before.size(), after.size());
  for (size_t i = 0; i < std::min(before.size(), after.size()); ++i)
    EXPECT_TRUE(bit_equal(before[i], after[i]));
  loaded.model.save(second);
  EXPECT_EQ(read(first), read(second));
  return loaded.model;
}

// ---- Keras's own files
// ----------------------------------------------------------------------------------

const std::string kCases = CORNU_SOURCE_DIR "/tests/golden/cases/";

class SaveGolden : public ::testing::TestWithParam<std::string> {};

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  const std::string manifest = CORNU_SOURCE_DIR "/tests/golden/manifest.json";
  for (const Json& c : base::parse_json(read(manifest), "manifest").elements())
    names.emplace_back(c.at("name").as_string());
  return names;
}

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
  const std::string theirs = kCases + GetParam() + ".keras", ours = folder.path("ours.keras");
  const Model model = load_model(theirs);
  model.save(ours);
  const auto config = [](const std::string& path) {
    return base::parse_json(read_member(path, "config.json").value(), path);
  };
  expect_same_json(config(theirs), config(ours), "");
}

TEST_P(SaveGolden, RoundTrip) {
  const Folder folder;
  expect_round_trip(load_model(kCases + GetParam() + ".keras"), folder);
}

INSTANTIATE_TEST_SUITE_P(Keras, SaveGolden, ::testing::ValuesIn(golden_names()),
                         [](const auto& parameter) { return parameter.param; });

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
        std::string("../up").substr(0, 2), std::string("vars"), std::string(" ")})
    layers.push_back(Dense({.units = 2, .name = name}));
  expect_round_trip(Sequential(layers, {.name = "模型 1"}), folder);
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
