// Random models of 1 to 20 layers through every format and back: equal bits, and equal
// configurations where the format keeps them. Names are what people and machines make of names.

#include <gtest/gtest.h>

#include <random>

#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "tests/support/compare.h"

namespace cornu::formats {
namespace {

using base::cat;
using ::cornu::testing::bit_equal;
using testing_model::Folder;

class RandomModel {
 public:
  explicit RandomModel(uint32_t seed) : random_(seed) {}

  Model make() {
    const int64_t count = 1 + pick(20);
    const Symbol start = Input({.shape = {8, 8, 1 + pick(3)}, .name = name()});
    Symbol x = start;
    for (int64_t i = 0; i < count; ++i) {
      const Symbol next = layer(x);
      const bool fits = next.shape() == x.shape() && next.shape().rank() == 4;
      x = fits && pick(3) == 0 ? Add({.name = name()})({x, next}) : next;
    }
    const Model model({.inputs = start, .outputs = {x}, .name = cat("模型 ", pick(100))});
    for (const auto& weight : model.weights()) {
      Tensor value(weight->shape());
      for (float& v : value.values()) v = static_cast<float>(pick(2001) - 1000) / 512;
      weight->assign(value);
    }
    return model;
  }

 private:
  int64_t pick(int64_t below) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(below));
  }
  // Different each time.
  std::string name() {
    static const std::vector<std::string> kStems = {"conv2d", "a b",  "层", "x:0", "é-\\",
                                                    "kernel", "vars", "..", "_"};
    return cat(kStems[static_cast<size_t>(pick(std::ssize(kStems)))], "_", ++names_);
  }
  Symbol layer(const Symbol& x) {
    const int64_t filters = 1 + pick(3);
    const bool bias = pick(2) == 0;
    switch (pick(9)) {
      case 0:
        return Conv2D({.filters = filters,
                       .kernel_size = {3, 1 + pick(3)},
                       .padding = "same",
                       .use_bias = bias,
                       .name = name()})(x);
      case 1:
        return DepthwiseConv2D({.kernel_size = 3,
                                .padding = "same",
                                .depth_multiplier = 1 + pick(2),
                                .use_bias = bias,
                                .name = name()})(x);
      case 2:
        return SeparableConv2D({.filters = filters,
                                .kernel_size = 2,
                                .padding = "same",
                                .use_bias = bias,
                                .name = name()})(x);
      case 3:
        return Conv2DTranspose({.filters = filters,
                                .kernel_size = 2,
                                .padding = "same",
                                .use_bias = bias,
                                .name = name()})(x);
      case 4:
        return BatchNormalization({.center = bias, .scale = pick(2) == 0, .name = name()})(x);
      case 5:
        return ReLU({.name = name()})(x);
      case 6:
        return ZeroPadding2D({.padding = 1, .name = name()})(
            Cropping2D({.cropping = 1, .name = name()})(x));
      case 7:
        return Dense({.units = 1 + pick(4), .activation = "tanh", .name = name()})(x);
      default: {
        const Sequential nested({Input({.shape = {8, 8, x.shape()[3]}}),
                                 Conv2D({.filters = filters, .kernel_size = 1, .name = name()}),
                                 BatchNormalization({.name = name()})},
                                {.name = name()});
        return nested(x);
      }
    }
  }

  std::mt19937 random_;
  int names_ = 0;
};

TEST(RoundTrip, RandomModels) {
  const Folder folder;
  for (uint32_t seed = 0; seed < 250; ++seed) {
    const Model model = RandomModel(seed).make();
    const auto weights = model.get_weights();
    const auto expect_same = [&](const Model& other, const char* format) {
      const auto loaded = other.get_weights();
      ASSERT_EQ(loaded.size(), weights.size()) << seed << " " << format;
      for (size_t i = 0; i < weights.size(); ++i)
        ASSERT_TRUE(bit_equal(loaded[i], weights[i])) << seed << " " << format << " " << i;
    };
    const std::string json = model.to_json();
    for (const char* name : {"m.keras", "m.h5"}) {
      model.save(folder.path(name));
      const LoadResult loaded = load(folder.path(name));
      EXPECT_TRUE(loaded.warnings.empty()) << seed;
      EXPECT_EQ(loaded.model.to_json(), json) << seed << name;
      expect_same(loaded.model, name);
    }
    export_tfjs(model, folder.path("m.json"));
    expect_same(load_model(folder.path("m.json")), "TensorFlow.js");
    model.save_weights(folder.path("m.weights.h5"));
    for (const char* name : {"m.weights.h5", "m.keras", "m.h5"}) {
      const Model fresh = model_from_json(json);
      EXPECT_TRUE(fresh.load_weights(folder.path(name)).empty());
      expect_same(fresh, name);
    }
  }
}

}  // namespace
}  // namespace cornu::formats
