#include "cornu/formats/keras_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cornu/formats/model_test_util.h"
#include "cornu/formats/network_config.h"
#include "cornu/model/model.h"

namespace cornu::formats {
namespace {

using namespace testing_model;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kBuilt = ", 'build_input_shape': [null, 4]";

struct Filled {
  Model model;
  std::vector<std::string> warnings;
};

Filled fill(const std::string& config, const WeightFile& file) {
  const auto network =
      network_from_config(base::parse_json(json(config), "config"), dialect_of("3.8.0"), "m.keras");
  Filled filled{Model(network), {}};
  const Hdf5File opened(file.bytes());
  read_keras_weights(*network, opened.root(), {}, "m.keras", filled.warnings);
  return filled;
}

std::string error(const std::string& config, const WeightFile& file) {
  try {
    fill(config, file);
  } catch (const FormatError& e) {
    return e.what();
  }
  return "no error";
}

// The first number of each weight.
std::vector<float> firsts(const Model& m) {
  std::vector<float> all;
  for (const Tensor& t : m.get_weights()) all.push_back(t.values()[0]);
  return all;
}

// Two Dense layers 4 -> 4 -> 4 and a ReLU between them, their weights being 1 and 2 everywhere.
const std::string kTwo =
    sequential({dense("a", "", 4), layer("ReLU", "r", ""), dense("b", "", 4)}, kBuilt);
WeightFile two(const std::string& first, const std::string& second) {
  return WeightFile().dense(first, 4, 1).dense(second, 4, 2);
}

TEST(KerasWeightsTest, WeightsOfTheModelItselfAreLeftOut) {
  WeightFile file = two("layers/dense", "layers/dense_1");
  file.group("vars");
  EXPECT_THAT(fill(kTwo, file).warnings, ElementsAre());
  const Filled filled = fill(kTwo, file.put("vars/0", {2}).put("vars/1", {}));
  EXPECT_THAT(filled.warnings,
              ElementsAre("m.keras: the model 's' has 2 weights of its own, which are of no layer; "
                          "they are left out"));
  EXPECT_THAT(firsts(filled.model), ElementsAre(1, 1, 2, 2));
}

TEST(KerasWeightsTest, GroupsAreNumberedWithinTheirClass) {
  for (const WeightFile& file : {
           two("layers/dense", "layers/dense_1").group("layers/re_lu/vars"),
           two("layers/dense", "layers/dense_1"),
           two("_layer_checkpoint_dependencies/dense", "_layer_checkpoint_dependencies/dense_1"),
           // Keras 2.12 and 2.13 count a layer with weights twice.
           two("_layer_checkpoint_dependencies/dense", "_layer_checkpoint_dependencies/dense_2"),
           // Keras on Windows wrote paths as one name.
           two("s\\_layer_checkpoint_dependencies\\dense",
               "s\\_layer_checkpoint_dependencies\\dense_1"),
       })
    EXPECT_THAT(firsts(fill(kTwo, file).model), ElementsAre(1, 1, 2, 2));
}

TEST(KerasWeightsTest, NumbersAreOrderedAsNumbers) {
  std::vector<std::string> layers;
  WeightFile file;
  for (int i = 0; i < 12; ++i) {
    layers.push_back(dense(cat("d", i), "", 4));
    file.dense(i ? cat("layers/dense_", i) : "layers/dense", 4, static_cast<float>(i));
  }
  const std::vector<float> all = firsts(fill(sequential(layers, kBuilt), file).model);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(all[2 * static_cast<size_t>(i)], i);
}

TEST(KerasWeightsTest, LayersWithoutWeightsMayHaveNoGroup) {
  const std::string none = layer("LayerNormalization", "n", "'center': false, 'scale': false");
  const std::string some = layer("LayerNormalization", "m", "'center': false");
  WeightFile file;
  file.put("layers/layer_normalization_1/vars/0", {4}, 5);
  EXPECT_THAT(firsts(fill(sequential({none, some}, kBuilt), file).model), ElementsAre(5));
}

TEST(KerasWeightsTest, ClassesWhoseNamesBeginAlikeAreKeptApart) {
  const std::string config = sequential(
      {layer("Conv2D", "c", "'filters': 1, 'kernel_size': 1, 'use_bias': false"),
       layer("Conv2DTranspose", "t", "'filters': 1, 'kernel_size': 1, 'use_bias': false")},
      ", 'build_input_shape': [null, 4, 4, 1]");
  WeightFile file;
  file.put("layers/conv2d_transpose/vars/0", {1, 1, 1, 1}, 2);
  file.put("layers/conv2d/vars/0", {1, 1, 1, 1}, 1);
  EXPECT_THAT(firsts(fill(config, file).model), ElementsAre(1, 2));
}

TEST(KerasWeightsTest, NestedModelsAndWrappersHaveGroupsInside) {
  const std::string inner = sequential({input("x", "[null, 5, 4]"), dense("d", "", 4)}, "", "q");
  const std::string wrapped = layer("TimeDistributed", "t", cat("'layer': ", dense("w", "", 4)));
  WeightFile file;
  file.dense("layers/sequential/layers/dense", 4, 1);
  file.dense("layers/time_distributed/layer", 4, 2);
  const std::string config =
      sequential({inner, wrapped}, ", 'build_input_shape': [null, 5, 4]", "outer");
  EXPECT_THAT(firsts(fill(config, file).model), ElementsAre(1, 1, 2, 2));
  WeightFile missing;
  missing.dense("layers/sequential/layers/dense", 4, 1).group("layers/time_distributed");
  EXPECT_THAT(error(config, missing), HasSubstr("for the layer inside 't'"));
}

TEST(KerasWeightsTest, LayersThatModelsShareAreStoredOnce) {
  const std::string id = ", 'shared_object_id': 9";
  const auto inner = [&](const std::string& name, const std::string& second) {
    return sequential({input("x"), layer("Dense", "d", "'units': 4", "", id), dense(second, "", 4)},
                      "", name);
  };
  WeightFile file;
  file.dense("layers/sequential/layers/dense", 4, 1);
  file.dense("layers/sequential/layers/dense_1", 4, 2);
  file.dense("layers/sequential_1/layers/dense_1", 4, 3);
  const std::string config = sequential({inner("p", "e"), inner("q", "f")}, kBuilt, "outer");
  EXPECT_THAT(firsts(fill(config, file).model), ElementsAre(1, 1, 2, 2, 3, 3));
}

TEST(KerasWeightsTest, WhatDoesNotFitIsRefusedByName) {
  const auto file = [] { return two("layers/dense", "layers/dense_1"); };
  EXPECT_EQ(error(kTwo, file().name("layers/dense/vars", "a")), "no error");
  for (const auto& [broken, fragment] : std::vector<std::pair<WeightFile, std::string>>{
           {file().name("layers/dense_1/vars", "z"), "are of layer 'z', but the model has 'b'"},
           {WeightFile().dense("layers/dense", 4), "no weights for layer 'b' (Dense number 1)"},
           {WeightFile().dense("layers/dense_1", 4), "no weights for layer 'a' (Dense number 0)"},
           {WeightFile(), "there are no weights for layer 'a'"},
           {file().put("layers/dense/vars/2", {1}), "'a' has 2 weights, the file holds 3"},
           {file().put("layers/dense/vars/1", {5}),
            "weight 1 (bias) of layer 'a' has shape (4,), "
            "the file holds (5,)"},
           {file().put("layers/dense/vars/0", {2, 8}), "has shape (4, 4), the file holds (2, 8)"},
           {WeightFile().dense("layers/dense", 4).put("layers/dense_1/vars/0", {4, 4}),
            "layer 'b' has 2 weights, the file holds 1"},
           {two("layers/dense", "layers/dense_x"), "no weights for layer 'b'"},
           {WeightFile()
                .dense("layers/dense", 4)
                .put("layers/dense_1/vars/0", {4, 4})
                .put("layers/dense_1/vars/7", {4}),
            "there is no weight 1 (bias) of layer 'b'"},
           {WeightFile()
                .dense("layers/dense", 4)
                .put("layers/dense_1/vars/0", {4, 4})
                .group("layers/dense_1/vars/1"),
            "there is no weight 1 (bias) of layer 'b'"},
       })
    EXPECT_THAT(error(kTwo, broken), AllOf(StartsWith("m.keras: "), HasSubstr(fragment)));
}

TEST(KerasWeightsTest, WeightsOfAModelWithoutShapesAreNotLost) {
  EXPECT_THAT(error(sequential({dense("a")}), WeightFile().dense("layers/dense")),
              AllOf(StartsWith("m.keras: "), HasSubstr("no input shape")));
  EXPECT_EQ(error(sequential({dense("a")}), WeightFile().group("layers")), "no error");
}

TEST(KerasWeightsTest, NumbersThatAreNoneAreToldOf) {
  WeightFile file = two("layers/dense", "layers/dense_1");
  file.put("layers/dense/vars/1", {4}, NAN).put("layers/dense_1/vars/1", {4}, -INFINITY);
  EXPECT_THAT(fill(kTwo, file).warnings,
              ElementsAre("m.keras: weight 1 (bias) of layer 'a' holds NaN",
                          "m.keras: weight 1 (bias) of layer 'b' holds infinity"));
}

}  // namespace
}  // namespace cornu::formats
