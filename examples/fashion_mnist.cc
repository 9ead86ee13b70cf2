// Trains a small network on the 60,000 pictures of Fashion-MNIST, saves it as Keras would, and opens
// it again.
//   fashion_mnist FOLDER OUTPUT_FOLDER [EPOCHS]
#include <cornu/cornu.h>
#include <cornu/image/image.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

using namespace cornu;

namespace {

struct Data {
  Tensor x, y;  // (samples, 28, 28, 1), numbers 0 to 1; (samples)
};

Data read(const std::string& folder, const char* part) {
  Tensor images = load_idx(folder + "/" + part + "-images-idx3-ubyte.gz");
  for (float& v : images.values()) v /= 255;
  return {images.reshaped({images.shape()[0], 28, 28, 1}),
          load_idx(folder + "/" + part + "-labels-idx1-ubyte.gz")};
}

Layer conv(int64_t filters) {
  return Conv2D({.filters = filters, .kernel_size = 3, .padding = "same", .use_bias = false});
}

constexpr const char* kNames[] = {"T-shirt", "Trouser", "Pullover", "Dress",      "Coat",
                                  "Sandal",  "Shirt",   "Sneaker",  "Ankle boot", "Bag"};

int run(const std::string& folder, const std::string& out, int64_t epochs) {
  const Data training = read(folder, "train"), test = read(folder, "t10k");
  set_random_seed(1);

  // [train]
  Sequential model({
      Input({.shape = {28, 28, 1}}),
      conv(32), BatchNormalization(), ReLU(), MaxPooling2D(),
      conv(64), BatchNormalization(), ReLU(), MaxPooling2D(),
      conv(64), BatchNormalization(), ReLU(), Flatten(),
      Dense({.units = 10, .activation = "softmax"}),
  });
  const int64_t batch_size = 128, steps = epochs * ((training.x.shape()[0] + 127) / batch_size);
  // One cycle: up to the highest rate in a quarter of the steps, then down along a cosine.
  LearningRate one_cycle = schedules::CosineDecay({.initial_learning_rate = 4e-4,
                                                   .decay_steps = steps - steps / 4,
                                                   .alpha = 1e-3,
                                                   .warmup_target = 1e-2,
                                                   .warmup_steps = steps / 4});
  model.compile({.optimizer = Adam({.learning_rate = one_cycle}),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
  History history = model.fit(training.x, training.y, {.batch_size = batch_size, .epochs = epochs});
  Logs measured = model.evaluate(test.x, test.y, {.batch_size = 500, .verbose = 0});
  model.save(out + "/fashion_mnist.keras");
  // [end]
  std::printf("test accuracy %.4f\n", *measured.find("accuracy"));
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
