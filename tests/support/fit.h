#pragma once

// What the tests of fit() train, and how they compare runs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cornu/cornu.h"
#include "tests/support/compare.h"

namespace cornu::testing {

// Classes that the mean of a picture tells.
struct Data {
  Tensor x, y;
};
inline Data pictures(int64_t count, uint32_t seed) {
  Data d{random_tensor(Shape{count, 6, 6, 2}, seed), Tensor(Shape{count})};
  for (int64_t i = 0; i < count; ++i) {
    double sum = 0;
    for (int64_t k = 0; k < 72; ++k) sum += d.x.data()[i * 72 + k];
    d.y.data()[i] = sum > 0 ? 1.0f : 0.0f;
  }
  return d;
}

// Everything whose state a run has to carry on: dropout, batch statistics, slots.
inline Sequential network() {
  return Sequential({
      Input({.shape = {6, 6, 2}}),
      Conv2D({.filters = 4, .kernel_size = 3, .padding = "same"}),
      BatchNormalization(),
      ReLU(),
      Dropout({.rate = 0.3}),
      SpatialDropout2D({.rate = 0.2}),
      Flatten(),
      Dense({.units = 2, .activation = "softmax"}),
  });
}

inline Sequential compiled(uint64_t seed, Optimizer optimizer = Adam({.learning_rate = 0.01})) {
  set_random_seed(seed);
  Sequential model = network();
  model.compile(
      {.optimizer = optimizer, .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  return model;
}

inline void expect_equal_bits(const Model& a, const Model& b) {
  const std::vector<Tensor> x = a.get_weights(), y = b.get_weights();
  ASSERT_EQ(x.size(), y.size());
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(std::memcmp(x[i].data(), y[i].data(), static_cast<size_t>(x[i].size()) * 4), 0)
        << "weight " << i;
}

template <class F>
void expect_error(F&& f, const std::vector<std::string>& fragments) {
  try {
    f();
    ADD_FAILURE() << "nothing was thrown; expected " << fragments[0];
  } catch (const Error& e) {
    for (const std::string& fragment : fragments)
      EXPECT_THAT(e.what(), ::testing::HasSubstr(fragment));
  }
}

// What is printed while it lives.
class Printed {
 public:
  Printed() {
    text_.clear();
    set_print_sink([](const std::string& text) { text_ += text; });
  }
  ~Printed() { set_print_sink(nullptr); }
  std::string text() const { return text_; }

 private:
  static inline std::string text_;
};

// Ends the run where a power cut might.
class Interrupt final : public Callback {
 public:
  explicit Interrupt(int64_t batches) : left_(batches) {}
  void on_train_batch_end(int64_t, Logs&) override {
    if (left_-- == 0) throw StateError("cut");
  }

 private:
  int64_t left_;
};

// Cuts a run after each of some numbers of batches and lets another model go on from its
// checkpoint.
template <class Run>
void expect_goes_on(
    Run&& run, const std::vector<int64_t>& cuts, const Frequency& save_freq,
    const std::function<Sequential(uint64_t seed)>& make = [](uint64_t seed) {
      return compiled(seed);
    }) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / base::cat("cornu-fit-", getpid());
  const auto callbacks = [&](int64_t cut_after) {
    return std::vector<CallbackPtr>{
        callbacks::ReduceLROnPlateau({.monitor = "loss", .patience = 0}),
        callbacks::EarlyStopping({.patience = 5, .restore_best_weights = true}),
        std::make_shared<Interrupt>(cut_after),
        callbacks::BackupAndRestore(
            {.backup_dir = (folder / "b").string(), .save_freq = save_freq})};
  };
  const Printed warnings_are_not_shown;
  Sequential whole = make(9);
  const History want = run(whole, callbacks(1000));
  for (int64_t cut : cuts) {
    Sequential first = make(9);
    EXPECT_THROW(run(first, callbacks(cut)), StateError);
    Sequential second = make(1234);  // whatever it is, the checkpoint says
    const History got = run(second, callbacks(1000));
    expect_equal_bits(whole, second);
    EXPECT_EQ(got.json(), want.json()) << "cut after " << cut;
  }
  std::filesystem::remove_all(folder);
}

}  // namespace cornu::testing
