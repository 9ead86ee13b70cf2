// Weights as named arrays: .npz and .safetensors.

#include "cornu/formats/weight_arrays.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "tests/golden/golden_case.h"
#include "tests/support/written.h"

namespace cornu::formats {
namespace {

using base::cat;
using ::cornu::testing::expect_same_numbers;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_model::Folder;

std::vector<std::string> names(const Model& model) {
  std::vector<std::string> all;
  for (const auto& [name, value] : weight_arrays(*model.network())) all.push_back(name);
  return all;
}

TEST(WeightArrays, EveryGoldenModelThereAndBack) {
  const Folder folder;
  for (const std::string& name : ::cornu::testing::golden_models()) {
    SCOPED_TRACE(name);
    const Model model = load_model(::cornu::testing::golden_model(name));
    for (const char* suffix : {"w.npz", "w.safetensors"}) {
      model.save_weights(folder.path(suffix));
      const Model fresh = model_from_json(model.to_json());
      EXPECT_TRUE(fresh.load_weights(folder.path(suffix)).empty());
      expect_same_numbers(fresh, model);
    }
  }
}

TEST(WeightArrays, AreNamedAsKerasNamesThem) {
  EXPECT_THAT(
      names(Sequential({Input({.shape = {2}}), Dense({.units = 1, .name = "d"})}, {.name = "s"})),
      ElementsAre("s/d/kernel", "s/d/bias"));
  const Layer shared = Dense({.units = 2, .use_bias = false, .name = "d"});
  const Sequential chain({Input({.shape = {2}}), shared}, {.name = "s"});
  const Symbol x = Input({.shape = {2}}), y = Input({.shape = {3, 2}});
  const Model inner({.inputs = x, .outputs = Dense({.units = 2, .name = "e"})(x), .name = "f"});
  const Layer steps =
      TimeDistributed({.layer = Dense({.units = 2, .use_bias = false, .name = "e"}), .name = "t"});
  EXPECT_THAT(names(Model({.inputs = {x, y}, .outputs = {shared(chain(inner(x))), steps(y)}})),
              ElementsAre("e/kernel", "e/bias", "s/d/kernel", "t/e/kernel"));
  const Symbol z = Input({.shape = {2}});
  const Model other({.inputs = z, .outputs = Dense({.units = 2, .name = "e"})(z), .name = "g"});
  EXPECT_THAT(names(Model({.inputs = x, .outputs = other(inner(x))})),
              ElementsAre("e/kernel", "e/bias", "e/kernel_1", "e/bias_1"));
}

Model dense() {
  return Sequential({Input({.shape = {2}}), Dense({.units = 2, .name = "d"})}, {.name = "s"});
}

TEST(WeightArrays, OtherPathsWithTheSameEnd) {
  const Folder folder;
  const Model model = dense();
  const Tensor kernel(Shape{2, 2}, {1, 2, 3, 4}), bias(Shape{2}, {5, 6});
  for (const char* path : {"s/d", "d", "sequential_7/d", "a/b/d"}) {
    save_npz(folder.path("w"), {{cat(path, "/bias:0"), bias}, {cat(path, "/kernel:0"), kernel}});
    model.set_weights({Tensor(Shape{2, 2}), Tensor(Shape{2})});
    EXPECT_TRUE(model.load_weights(folder.path("w")).empty());
    EXPECT_THAT(model.get_weights()[0].values(), ElementsAre(1, 2, 3, 4)) << path;
    EXPECT_THAT(model.get_weights()[1].values(), ElementsAre(5, 6)) << path;
  }
}

TEST(WeightArrays, WhatDoesNotFit) {
  const Folder folder;
  const Model model = dense();
  const std::string path = folder.path("w.safetensors");
  const Tensor kernel(Shape{2, 2}, {1, 2, 3, 4}), bias(Shape{2}, {5, 6}), other(Shape{3});
  const auto error = [&](const NamedArrays& arrays, LoadWeightsOptions o = {}) {
    save_safetensors(path, arrays);
    model.set_weights({Tensor(Shape{2, 2}), Tensor(Shape{2})});
    try {
      return cat(model.load_weights(path, o).size(), " warnings");
    } catch (const FormatError& e) {
      EXPECT_EQ(model.get_weights()[0].values()[0], 0);
      return std::string(e.what());
    }
  };
  EXPECT_EQ(error({{"s/d/kernel", kernel}, {"s/d/bias", bias}}), "0 warnings");
  EXPECT_THAT(error({{"s/d/kernel", kernel}}), HasSubstr("no array 's/d/bias'"));
  EXPECT_THAT(error({{"s/d/kernel", kernel}, {"s/d/bias", other}}),
              HasSubstr("'s/d/bias' has shape (2,), the file holds (3,)"));
  EXPECT_THAT(error({{"s/d/kernel", kernel}, {"s/d/bias", bias}, {"x", other}}),
              HasSubstr("the array 'x' is no weight"));
  // Either could be meant.
  EXPECT_THAT(error({{"a/d/kernel", kernel}, {"b/d/kernel", kernel}, {"s/d/bias", bias}}),
              HasSubstr("no array 's/d/kernel'"));
  EXPECT_EQ(error({{"s/d/kernel", kernel}, {"x", other}}, {.by_name = true}), "0 warnings");
  EXPECT_THAT(model.get_weights()[0].values(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(error({{"s/d/kernel", kernel}, {"x", other}}, {.skip_mismatch = true}), "2 warnings");
  EXPECT_THAT(model.get_weights()[0].values(), ElementsAre(1, 2, 3, 4));
  EXPECT_THROW(model.save_weights(folder.path("w.npy")), ValueError);
}

}  // namespace
}  // namespace cornu::formats
