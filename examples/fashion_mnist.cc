// Trains a small network on the 60,000 pictures of Fashion-MNIST, saves it as Keras would, opens it
// again and draws what it takes some pictures for.
//   fashion_mnist FOLDER OUTPUT_FOLDER [EPOCHS]
// FOLDER holds the four .gz files, as Debian's dataset-fashion-mnist brings them.
#include <cornu/cornu.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "gallery.h"

using namespace cornu;

namespace {

struct Data {
  Tensor x, y;  // (samples, 28, 28, 1), numbers 0 to 1; (samples), the classes
};

Data read(const std::string& folder, const char* part) {
  Tensor images = load_idx(folder + "/" + part + "-images-idx3-ubyte.gz");
  for (float& v : images.values()) v /= 255;
  return {images.reshaped({images.shape()[0], 28, 28, 1}),
          load_idx(folder + "/" + part + "-labels-idx1-ubyte.gz")};
}

// [network]
Sequential make_network() {
  const auto conv = [](int64_t filters) {
    return Conv2D({.filters = filters, .kernel_size = 3, .padding = "same", .use_bias = false});
  };
  return Sequential({
      Input({.shape = {28, 28, 1}}),
      conv(32),
      BatchNormalization(),
      ReLU(),
      MaxPooling2D(),
      conv(64),
      BatchNormalization(),
      ReLU(),
      MaxPooling2D(),
      conv(64),
      BatchNormalization(),
      ReLU(),
      Flatten(),
      Dense({.units = 10, .activation = "softmax"}),
  });
}
// [end]

constexpr const char* kNames[] = {"T-shirt", "Trouser", "Pullover", "Dress", "Coat",
                                  "Sandal",  "Shirt",   "Sneaker",  "Bag",   "Boot"};

// 32 pictures of the test set with the class the network gives them, red where it is wrong.
void draw(const Data& test, const Tensor& answers, const std::string& path) {
  std::vector<gallery::Entry> entries;
  for (int64_t i = 0; i < 32; ++i) {
    const float* row = answers.data() + i * 10;
    const int64_t guess = std::max_element(row, row + 10) - row;
    const bool right = static_cast<float>(guess) == test.y.data()[i];
    entries.push_back(
        {i, kNames[guess], right ? gallery::Colour{0, 110, 50} : gallery::Colour{200, 30, 30}});
  }
  gallery::save(path, test.x, entries, 8);
}

int run(const std::string& folder, const std::string& out, int64_t epochs) {
  const Data training = read(folder, "train"), test = read(folder, "t10k");
  const std::string file = out + "/fashion_mnist.keras";
  set_random_seed(1);
  // [train]
  Sequential model = make_network();
  const int64_t batch_size = 128;
  const int64_t steps = epochs * ((training.x.shape()[0] + batch_size - 1) / batch_size);
  // One cycle: up to the highest rate in a quarter of the steps, then down along a cosine.
  LearningRate one_cycle = schedules::CosineDecay({.initial_learning_rate = 4e-4,
                                                   .decay_steps = steps - steps / 4,
                                                   .alpha = 1e-3,
                                                   .warmup_target = 1e-2,
                                                   .warmup_steps = steps / 4});
  model.compile({.optimizer = Adam({.learning_rate = one_cycle}),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
  model.fit(training.x, training.y, {.batch_size = batch_size, .epochs = epochs});
  Logs measured = model.evaluate(test.x, test.y, {.batch_size = 500, .verbose = 0});
  std::printf("test accuracy %.4f\n", *measured.find("accuracy"));

  model.save(file);  // Keras opens it, with the optimizer's state
  const Tensor answers = load_model(file).predict(test.x, {.batch_size = 500});
  // [end]
  const Tensor before = model.predict(test.x, {.batch_size = 500});
  if (!std::equal(answers.values().begin(), answers.values().end(), before.values().begin())) {
    std::fprintf(stderr, "the saved model answers something else\n");
    return 1;
  }
  std::printf("saved, opened again: the same answers to all %lld pictures\n",
              static_cast<long long>(test.x.shape()[0]));
  draw(test, answers, out + "/fashion_mnist.png");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3)
    return std::fprintf(stderr, "usage: fashion_mnist FOLDER OUTPUT_FOLDER [EPOCHS]\n"), 2;
  try {
    return run(argv[1], argv[2], argc > 3 ? std::atoll(argv[3]) : 6);
  } catch (const Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
