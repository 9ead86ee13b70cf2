#include "cornu/formats/tfjs_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"

namespace cornu::formats {
namespace {

using namespace testing_model;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Entry {
  std::string name;
  Shape shape;
  float value;
  std::string more = "";  // "'quantization': …", then one byte per number
};

class TfjsModelTest : public ::testing::Test {
 protected:
  LoadResult load_model(const std::string& model_json) {
    return load_tfjs_model(base::parse_json(json(model_json), "model.json"),
                           folder_.path("model.json"));
  }
  LoadResult load_with(const std::string& config, const std::vector<Entry>& entries) {
    std::vector<std::string> weights;
    std::string data;
    for (const Entry& e : entries) {
      std::vector<std::string> dims;
      for (int64_t d : e.shape) dims.push_back(std::to_string(d));
      weights.push_back(cat("{'name': '", e.name, "', 'shape': ", list(dims),
                            ", 'dtype': 'float32'", e.more.empty() ? "" : ", ", e.more, "}"));
      data += e.more.empty()
                  ? floats(e.shape.size(), e.value)
                  : std::string(static_cast<size_t>(e.shape.size()), static_cast<char>(e.value));
    }
    folder_.write("shard", data);
    return load_model(cat("{'modelTopology': {'keras_version': '2.10.0', 'model_config': ", config,
                          "}, 'weightsManifest': [{'paths': ['shard'], 'weights': ", list(weights),
                          "}]}"));
  }
  // The first number of each weight.
  std::vector<float> firsts(const std::string& config, const std::vector<Entry>& entries) {
    std::vector<float> all;
    for (const Tensor& t : load_with(config, entries).model.get_weights())
      all.push_back(t.values()[0]);
    return all;
  }
  std::string error(const std::string& config, const std::vector<Entry>& entries) {
    return error_of([&] { load_with(config, entries); });
  }
  template <class F>
  static std::string error_of(F&& f) {
    try {
      f();
    } catch (const FormatError& e) {
      return e.what();
    }
    return "no error";
  }

  Folder folder_;
};

const std::string kShape = ", 'build_input_shape': [null, 4]";
const std::string kTwo = sequential({dense("d_1", "", 4), dense("d_2", "", 4)}, kShape);

std::vector<Entry> entries(const std::string& first, const std::string& second) {
  return {{second + "/bias", {4}, 4},
          {first + "/kernel", {4, 4}, 1},
          {second + "/kernel", {4, 4}, 3},
          {first + "/bias", {4}, 2}};
}

TEST_F(TfjsModelTest, WeightsGoByTheirNames) {
  for (const auto& [first, second] : std::vector<std::pair<std::string, std::string>>{
           {"d_1", "d_2"},
           {"d_1/inner", "d_2/inner"},  // TF.js drops the part before the last
           {"model/d_1", "other/d_2"},  // layers of nested models
           {"d_1_1", "d_2_1"},          // loaded and saved again
           {"d_1", "d_2_1"}})
    EXPECT_THAT(firsts(kTwo, entries(first, second)), ElementsAre(1, 2, 3, 4)) << first;
}

TEST_F(TfjsModelTest, Keras2NamesOfDepthwiseKernels) {
  const std::string config =
      sequential({layer("DepthwiseConv2D", "d", "'kernel_size': 1, 'use_bias': false")},
                 ", 'build_input_shape': [null, 4, 4, 2]");
  EXPECT_THAT(firsts(config, {{"d/depthwise_kernel", {1, 1, 2, 1}, 7}}), ElementsAre(7));
}

TEST_F(TfjsModelTest, WhatIsNotCertainIsRefused) {
  // Either could be d_1/kernel; neither is.
  EXPECT_THAT(error(kTwo, {{"d_1_1/kernel", {4, 4}, 1},
                           {"d_1_2/kernel", {4, 4}, 1},
                           {"d_1/bias", {4}, 1},
                           {"d_2/kernel", {4, 4}, 1},
                           {"d_2/bias", {4}, 1}}),
              AllOf(StartsWith("model.json: "), HasSubstr("there is no weight 'd_1/kernel' (1 of "
                                                          "the model's 4 weights are missing)")));
  std::vector<Entry> more = entries("d_1", "d_2");
  more.push_back({"e/kernel", {1}, 0});
  EXPECT_THAT(error(kTwo, more), HasSubstr("the weight 'e/kernel' belongs to no layer"));
  EXPECT_THAT(error(kTwo, {}), HasSubstr("4 of the model's 4 weights are missing"));
  EXPECT_THAT(error(sequential({dense("d_1", "", 3)}, kShape),
                    {{"d_1/kernel", {3, 4}, 1}, {"d_1/bias", {3}, 1}}),
              HasSubstr("weight 'd_1/kernel' of layer 'd_1' has shape (4, 3), the file holds "
                        "(3, 4)"));
  EXPECT_THAT(error(sequential({dense("d_1", "", 4)}), {{"d_1/bias", {4}, 1}}),
              HasSubstr("belongs to no layer"));
}

TEST_F(TfjsModelTest, QuantisedWeightsAreWidened) {
  const std::string q = "'quantization': {'dtype': 'uint8', 'scale': 0.5, 'min': -1}";
  EXPECT_THAT(firsts(sequential({dense("d", "", 4)}, kShape),
                     {{"d/kernel", {4, 4}, 6, q}, {"d/bias", {4}, 2}}),
              ElementsAre(2, 2));
}

TEST_F(TfjsModelTest, NumbersThatAreNoneAreToldOf) {
  EXPECT_THAT(load_with(sequential({dense("d", "", 4)}, kShape),
                        {{"d/kernel", {4, 4}, 1}, {"d/bias", {4}, INFINITY}})
                  .warnings,
              ElementsAre("model.json: weight 'd/bias' holds infinity"));
}

TEST_F(TfjsModelTest, TheModelOfTfjsItself) {
  const LoadResult loaded = load_model(
      "{'format': 'layers-model', 'modelTopology': {'class_name': 'Sequential', "
      "'config': {'name': 's', 'layers': []}, 'keras_version': 'tfjs-layers 4.22.0'}, "
      "'weightsManifest': []}");
  EXPECT_EQ(loaded.keras_version, "tfjs-layers 4.22.0");
}

TEST_F(TfjsModelTest, OtherJsonIsRefusedByWhatItIs) {
  for (const auto& [text, fragment] : std::vector<std::pair<std::string, std::string>>{
           {"{}", "lacks \"modelTopology\""},
           {"{'format': 'graph-model', 'modelTopology': {}}", "graph-model"},
           {"{'modelTopology': {'node': []}}", "graph-model"},
           {cat("{'modelTopology': ", kTwo, "}"), "lacks \"weightsManifest\""},
           {"{'modelTopology': 7, 'weightsManifest': []}", "lacks 'class_name'"},
           {"{'modelTopology': {'model_config': null}, 'weightsManifest': []}", "class_name"},
           {cat("{'modelTopology': ", kTwo, ", 'weightsManifest': {}}"), "expected a list"}})
    EXPECT_THAT(error_of([&] { load_model(text); }),
                AllOf(StartsWith("model.json: "), HasSubstr(fragment)))
        << text;
}

// The converter keeps it in the topology, TF.js's own save() beside it.
TEST_F(TfjsModelTest, TrainingConfiguration) {
  const std::string training =
      "{'loss': 'mean_squared_error', 'metrics': ['mae'], 'optimizer_config': {'class_name': "
      "'Adam', 'config': {'learning_rate': 0.25, 'beta_1': 0.5, 'beta_2': 0.999, 'epsilon': 1e-07, "
      "'decay': 0}}}";
  const std::string model = sequential({layer("Activation", "a", "'activation': 'relu'")}, kShape);
  const std::string weights = ", 'weightsManifest': []";
  for (const std::string& file :
       {cat("{'modelTopology': {'model_config': ", model, ", 'training_config': ", training, "}",
            weights, "}"),
        cat("{'modelTopology': ", model, ", 'trainingConfig': ", training, weights, "}")}) {
    const Model loaded = load_model(file).model;
    ASSERT_TRUE(loaded.compiled());
    EXPECT_EQ(loaded.optimizer().learning_rate(), 0.25);
    EXPECT_THAT(compile_warnings(loaded), ::testing::IsEmpty());
  }
  EXPECT_FALSE(load_model(cat("{'modelTopology': ", model, weights, "}")).model.compiled());
}

}  // namespace
}  // namespace cornu::formats
