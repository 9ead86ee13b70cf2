// What a file declares costs nothing: loading takes memory in proportion to the file, in a process
// that could not have more, and is quick.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "cornu/formats/hdf5_writer.h"
#include "cornu/formats/load.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/formats/tfjs.h"
#include "tests/support/cost.h"

namespace cornu {
namespace {

using namespace formats::testing_model;

using ::cornu::testing::Cost;
using ::cornu::testing::cost_of;
using ::cornu::testing::kSanitized;

constexpr int64_t kMiB = 1 << 20;

struct Attack {
  const char* what;
  std::string config;
  int64_t layers = 4;
};

std::string built(const std::vector<std::string>& layers, const std::string& shape) {
  return sequential(layers, cat(", 'build_input_shape': ", shape));
}
std::string repeated(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}
std::string chain(const std::string& class_name, const std::string& fields,
                  const std::string& shape, int count) {
  std::vector<std::string> layers;
  for (int i = 0; i < count; ++i) layers.push_back(layer(class_name, cat("l", i), fields));
  return built(layers, shape);
}

std::vector<Attack> attacks() {
  const std::string huge = "2147483647", image = "[null, 8, 8, 2147483647]";
  std::vector<Attack> all = {
      {"units", built({dense("a", "", 2147483647)}, "[null, 2147483647]")},
      {"units without shape", sequential({dense("a", "", 2147483647)})},
      {"filters", built({layer("Conv2D", "c", "'filters': 2147483647, 'kernel_size': 1000000")},
                        "[null, null, null, 3]")},
      {"depth",
       built({layer("DepthwiseConv2D", "c", "'kernel_size': 3, 'depth_multiplier': 9999")}, image)},
      {"channels", chain("BatchNormalization", "", image, 50), 50},
      {"alpha", chain("PReLU", "", "[null, 2147483647, 500]", 50), 50},
      {"normalisation", chain("LayerNormalization", "", image, 50), 50},
      {"reshape", built({layer("Reshape", "r", cat("'target_shape': [", huge, ", -1]"))},
                        "[null, 2147483647]")},
      {"axes",
       built({layer("Reshape", "r", cat("'target_shape': [1", repeated(", 1", 100000), "]")),
              layer("ReLU", "a", ""), layer("ReLU", "b", "")},
             "[null, 1]")},
      {"repeat", built({layer("RepeatVector", "r", cat("'n': ", huge))}, "[null, 2147483647]")},
      {"up", chain("UpSampling2D", "'size': 1000", "[null, 8, 8, 3]", 20), 20},
      {"zeros", chain("ZeroPadding2D", "'padding': 1000000000", "[null, 8, 8, 3]", 20), 20},
      {"flatten", chain("Flatten", "", "[null, 2147483647, 2147483647, 2147483647]", 3)},
      {"long", chain("ReLU", "", "[null, 4]", 5000), 5000},
      {"longer", chain("ReLU", "", "[null, 4]", 100000), 100000},
      {"name", built({dense(std::string(kMiB - 1000, 'n'), "", 4)}, "[null, 4]")},
      {"class name", built({layer(std::string(kMiB - 1000, 'n'), "a", "")}, "[null, 4]")},
      {"values", cat("{'a': [0", repeated(", 0", 1'000'000), "]}")},
      {"strings", cat("{'a': ['x'", repeated(", 'x'", 300'000), "]}")},
      {"long strings", cat("{'a': [0", repeated(", 0", 500'000), ", 'x'",
                           repeated(cat(", '", std::string(kMiB - 1000, 'x'), "'"), 14), "]}")},
      {"depth of lists", cat("{'class_name': 'Sequential', 'config': ", std::string(5000, '['),
                             std::string(5000, ']'), "}")},
  };
  std::string twice = sequential({layer("ReLU", "x", ""), layer("ReLU", "y", "")}, "", "m");
  for (int i = 0; i < 30; ++i) twice = sequential({twice}, "", cat("m", i));
  all.push_back({"nesting", built({twice}, "[null, 4]"), 64});
  return all;
}

// The same as HDF5.
std::string hdf5_file(const std::string& config) {
  formats::Hdf5Group root;
  root.set("keras_version", "2.15.0");
  root.set("model_config", json(config));
  formats::Hdf5Group& weights = root.group("model_weights");
  weights.set_list("layer_names", {});
  weights.set("keras_version", "2.15.0");
  return formats::write_hdf5(root).text();
}

// What loading a file may take, for a deflated one by its size before it was packed.
int64_t most_for(int64_t size, int64_t layers) {
  return size + size / 10 + 16 * kMiB + layers * 8192;
}

TEST(LoadMemoryTest, WhatAFileDeclaresCostsNothing) {
  const Folder folder;
  for (const Attack& attack : attacks()) {
    // The weights are not there: what was declared is never allocated.
    for (const std::string& file :
         {keras_archive(attack.config, WeightFile().data()), hdf5_file(attack.config)}) {
      const std::string path = folder.write("m.keras", file);
      const auto size = static_cast<int64_t>(file.size());
      const int64_t most = most_for(size, attack.layers);
      const int64_t before = cost_of([] {}, most).rss;  // what this process holds
      const Cost cost = cost_of([&] { load(path).model.summary_text(); }, most + 32 * kMiB);
      EXPECT_THAT(cost.ending, ::testing::AnyOf("done", "FormatError", "ValueError", "StateError"))
          << attack.what << ' ' << cost.message;
      if (kSanitized) continue;
      EXPECT_LT(cost.rss - before, most) << attack.what;
      EXPECT_LT(cost.seconds, size < kMiB ? 1 : 20) << attack.what;
    }
  }
}

struct Stack {
  int layers, units;
  int64_t bytes() const { return int64_t{4} * layers * units * (units + 1); }
};

// Dense layers from `units` to `units`.
std::string config_of(const Stack& s) {
  std::vector<std::string> all;
  for (int i = 0; i < s.layers; ++i)
    all.push_back(
        layer("Dense", cat("d", i), cat("'units': ", s.units, ", 'kernel_initializer': 'zeros'")));
  return built(all, cat("[null, ", s.units, "]"));
}
std::string dense_archive(const Stack& s, bool deflate) {
  WeightFile weights;
  for (int i = 0; i < s.layers; ++i)
    weights.dense(cat("layers/dense", i == 0 ? "" : cat("_", i)), s.units, {}, s.units);
  return keras_archive(config_of(s), weights.data(), "3.8.0", deflate);
}

// Few and large, many and small; or as many as CORNU_MEGABYTES says.
std::vector<Stack> stacks() {
  const char* asked = std::getenv("CORNU_MEGABYTES");
  if (asked) return {{std::max(1, std::atoi(asked) / 6), 1225}};
  return {{1, 2500}, {500, 130}};
}

// What the reading alone takes.
double seconds_to_read(const std::string& path) {
  return cost_of(
             [&] {
               std::ifstream file(path, std::ios::binary);
               std::vector<char> piece(kMiB);
               while (file.read(piece.data(), kMiB)) {
               }
             },
             8 * kMiB)
      .processor_seconds;
}

// The weights of a file are in memory once.
TEST(LoadMemoryTest, WeightsAreHeldOnce) {
  for (const Stack& stack : stacks()) {
    const Folder folder;
    folder.write("packed.keras", dense_archive(stack, true));
    folder.write("m.keras", dense_archive(stack, false));
    const int64_t size = stack.bytes();
    cost_of(
        [&] {
          const Model model = load_model(folder.path("m.keras"));
          model.save(folder.path("m.h5"));
          model.save_weights(folder.path("m.weights.h5"));
          model.save_weights(folder.path("m.safetensors"));
          export_tfjs(model, folder.path("m.json"));
        },
        4 * size + 200 * kMiB);
    const std::string config = json(config_of(stack));
    for (const char* name :
         {"m.keras", "packed.keras", "m.h5", "m.json", "m.weights.h5", "m.safetensors"}) {
      const std::string path = folder.path(name);
      const bool whole =
          path.ends_with(".keras") || path.ends_with("m.h5") || path.ends_with(".json");
      const int64_t before = cost_of([] {}, kMiB).rss;
      const Cost cost = cost_of(
          [&] { whole ? void(load(path)) : void(model_from_json(config).load_weights(path)); },
          4 * size + 200 * kMiB);
      EXPECT_EQ(cost.ending, "done") << name << ": " << cost.message;
      if (kSanitized) continue;
      EXPECT_LT(cost.rss - before, most_for(size, stack.layers)) << stack.layers << ' ' << name;
      if (!std::getenv("CORNU_MEGABYTES")) continue;
      std::printf(
          "%-14s %6.1f MB, %6.1f MiB of memory of %.1f, %.2f s of processor time, reading %.2f s\n",
          name, 1e-6 * static_cast<double>(size), static_cast<double>(cost.rss - before) / kMiB,
          static_cast<double>(most_for(size, stack.layers)) / kMiB, cost.processor_seconds,
          seconds_to_read(name == std::string("m.json") ? folder.path("m.weights.h5") : path));
    }
  }
}

TEST(LoadMemoryTest, TooLittleMemoryIsSaidSo) {
  if (kSanitized) GTEST_SKIP() << "memory cannot be limited under a sanitizer";
  const Folder folder;
  constexpr int64_t kUnits = (60 * kMiB) / 20;  // 60 MiB of weights
  const std::string path =
      folder.write("m.keras", keras_archive(built({dense("a", "", kUnits)}, "[null, 4]"),
                                            WeightFile().dense("layers/dense", kUnits, 1).data()));
  const auto ending = [&](int64_t more) { return cost_of([&] { load(path); }, more).ending; };
  EXPECT_EQ(ending(8 * kMiB), "OutOfMemory");   // not for the file
  EXPECT_EQ(ending(80 * kMiB), "OutOfMemory");  // nor for the weights
  EXPECT_EQ(ending(300 * kMiB), "done");
}

}  // namespace
}  // namespace cornu
