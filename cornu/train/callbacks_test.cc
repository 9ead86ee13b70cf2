#include "cornu/train/callbacks.h"

#include <gtest/gtest.h>

#include <limits>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/train/callbacks_test_util.h"

namespace cornu::train {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The value of each epoch under one name.
std::function<Logs(int64_t)> series(std::string name, std::vector<double> values) {
  return [=](int64_t epoch) { return Logs{{name, values.at(static_cast<size_t>(epoch))}}; };
}

struct StopCase {
  EarlyStoppingOptions options;
  std::vector<double> values;
  int64_t epochs_run;
  float weight;  // the number of batches that the model kept at last has seen
};

TEST(EarlyStopping, StopsAndRestoresAsKeras) {
  EarlyStoppingOptions plain{.monitor = "loss"};
  EarlyStoppingOptions patient{.monitor = "loss", .patience = 2};
  EarlyStoppingOptions restoring{.monitor = "loss", .patience = 2, .restore_best_weights = true};
  EarlyStoppingOptions wide{.monitor = "loss", .min_delta = 0.5};
  EarlyStoppingOptions negative_wide{.monitor = "loss", .min_delta = -0.5};
  EarlyStoppingOptions up{.monitor = "loss", .mode = "max"};
  EarlyStoppingOptions known{.monitor = "val_accuracy"};
  EarlyStoppingOptions baseline{
      .monitor = "loss", .patience = 2, .baseline = 0.5, .restore_best_weights = true};
  EarlyStoppingOptions late{
      .monitor = "loss", .patience = 1, .restore_best_weights = true, .start_from_epoch = 3};
  const std::vector<StopCase> cases = {
      {plain, {3, 2, 1, 1, 0}, 4, 8},
      {plain, {1, 2, 3, 4, 5}, 2, 4},
      {plain, {1, kNaN, 0, 0, 0}, 2, 4},
      {patient, {3, 4, 2, 3, 3, 1}, 5, 10},
      {restoring, {3, 4, 2, 3, 3, 1}, 5, 6},
      {restoring, {5, 4, 3, 2, 1}, 5, 10},
      {wide, {3, 2, 1.6, 0, 0}, 3, 6},
      {negative_wide, {3, 2, 1.6, 0, 0}, 3, 6},
      {up, {1, 2, 3, 2, 9}, 4, 8},
      {known, {1, 2, 3, 2, 9}, 4, 8},
      // Better than before, but not than the baseline: waiting goes on.
      {baseline, {0.9, 0.8, 0.7, 0.1}, 4, 8},
      {baseline, {0.9, 0.8, 0.85, 0.1}, 3, 4},
      {late, {1, 2, 3, 4, 5, 6}, 5, 8},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    const StopCase& c = cases[i];
    FakeFit fit;
    fit.epochs = static_cast<int64_t>(c.values.size());
    fit.epoch_logs = series(c.options.monitor, c.values);
    fit.run({callbacks::EarlyStopping(c.options)});
    EXPECT_EQ(static_cast<int64_t>(fit.history.epoch.size()), c.epochs_run) << i;
    EXPECT_EQ(fit.weight(), c.weight) << i;
  }
}

TEST(EarlyStopping, MayBeUsedAgain) {
  const CallbackPtr callback =
      callbacks::EarlyStopping({.monitor = "loss", .restore_best_weights = true});
  for (int run = 0; run < 2; ++run) {
    FakeFit fit;
    fit.epoch_logs = series("loss", {5, 4, 6, 1});
    fit.run({callback});
    EXPECT_EQ(fit.history.epoch.size(), 3u);
    EXPECT_EQ(fit.weight(), 4);
  }
}

TEST(EarlyStopping, SaysWhatItCannotDo) {
  FakeFit fit;
  fit.epoch_logs = [](int64_t) { return Logs{{"accuracy", 1}, {"loss", 1}}; };
  fit.run({callbacks::EarlyStopping({})});
  EXPECT_EQ(fit.printed,
            "UserWarning: Early stopping conditioned on metric `val_loss` which is not available. "
            "Available metrics are: accuracy,loss\n");
  EXPECT_EQ(fit.history.epoch.size(), 4u);
  try {
    fit.run({callbacks::EarlyStopping({.monitor = "val_zeal"})});
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_STREQ(e.what(),
                 "EarlyStopping: `mode` must be given: whether 'val_zeal' should be maximized or "
                 "minimized is not known. Pass mode=\"max\" if higher values are better, "
                 "mode=\"min\" if lower ones are. Received: monitor='val_zeal', mode='auto'");
  }
}

// The sample of layers.md part 16.
TEST(Callbacks, PrintWhatKerasPrints) {
  TemporaryFolder folder;
  FakeFit fit;
  fit.verbose = 2;
  fit.epoch_logs = [&fit](int64_t epoch) {
    fit.seconds = 0.025;  // of the next epoch
    return epoch == 0 ? Logs{{"loss", 0.62671},
                             {"mae", 0.72459},
                             {"val_loss", 0.61438},
                             {"val_mae", 0.71676}}
                      : Logs{{"loss", 0.44847},
                             {"mae", 0.59041},
                             {"val_loss", 0.53129},
                             {"val_mae", 0.66081}};
  };
  fit.seconds = 0.035;
  const std::string path = folder / "ck_{epoch:02d}.weights.h5";
  fit.run({callbacks::ReduceLROnPlateau({.patience = 1, .verbose = 1, .min_delta = 1}),
           callbacks::LearningRateScheduler([](int64_t, double rate) { return rate * 0.5; }, 1),
           callbacks::ModelCheckpoint(
               {.filepath = path, .verbose = 1, .save_best_only = true, .save_weights_only = true}),
           callbacks::EarlyStopping({.min_delta = 1, .verbose = 1, .restore_best_weights = true})});
  std::string printed = fit.printed;
  for (size_t at; (at = printed.find(folder.path() + "/")) != printed.npos;) {
    printed.erase(at, folder.path().size() + 1);
  }
  EXPECT_EQ(printed, R"(
Epoch 1: LearningRateScheduler setting learning rate to 0.02500000037252903.
Epoch 1/4

Epoch 1: val_loss improved from None to 0.61438, saving model to ck_01.weights.h5

Epoch 1: finished saving model to ck_01.weights.h5
2/2 - 0s - 35ms/step - loss: 0.6267 - mae: 0.7246 - val_loss: 0.6144 - val_mae: 0.7168 - learning_rate: 0.0250

Epoch 2: LearningRateScheduler setting learning rate to 0.012500000186264515.
Epoch 2/4

Epoch 2: ReduceLROnPlateau reducing learning rate to 0.0012500000186264515.

Epoch 2: val_loss improved from 0.61438 to 0.53129, saving model to ck_02.weights.h5

Epoch 2: finished saving model to ck_02.weights.h5
2/2 - 0s - 25ms/step - loss: 0.4485 - mae: 0.5904 - val_loss: 0.5313 - val_mae: 0.6608 - learning_rate: 0.0012
Epoch 2: early stopping
Restoring model weights from the end of the best epoch: 1.
)");
  EXPECT_EQ(fit.history["learning_rate"],
            (std::vector<double>{0.02500000037252903, static_cast<double>(0.00125f)}));
}

std::vector<double> rates(const ReduceLROnPlateauOptions& options, std::vector<double> values) {
  FakeFit fit;
  fit.optimizer.set_learning_rate(1);
  fit.epochs = static_cast<int64_t>(values.size());
  fit.epoch_logs = series(options.monitor, std::move(values));
  std::vector<double> out;
  fit.run({callbacks::ReduceLROnPlateau(options),
           callbacks::LambdaCallback({.on_epoch_end = [&](int64_t, Logs&) {
             out.push_back(fit.optimizer.learning_rate());
           }})});
  return out;
}

TEST(ReduceLROnPlateau, ReducesAsKeras) {
  using R = std::vector<double>;
  EXPECT_EQ(rates({.monitor = "loss", .factor = 0.5, .patience = 1}, {3, 3, 2, 2, 2, 1}),
            (R{1, 0.5, 0.5, 0.25, 0.125, 0.125}));
  EXPECT_EQ(rates({.monitor = "loss", .factor = 0.5, .patience = 2}, {3, 3, 3, 3, 3, 3}),
            (R{1, 1, 0.5, 0.5, 0.25, 0.25}));
  EXPECT_EQ(
      rates({.monitor = "loss", .factor = 0.5, .patience = 1, .cooldown = 2}, {3, 3, 3, 3, 3, 3}),
      (R{1, 0.5, 0.5, 0.25, 0.25, 0.125}));
  EXPECT_EQ(
      rates({.monitor = "loss", .factor = 0.5, .patience = 1, .min_lr = 0.25}, {3, 3, 3, 3, 3}),
      (R{1, 0.5, 0.25, 0.25, 0.25}));
  EXPECT_EQ(rates({.monitor = "accuracy", .factor = 0.5, .patience = 1}, {1, 2, 3, 3, 2}),
            (R{1, 1, 1, 0.5, 0.25}));
  EXPECT_EQ(
      rates({.monitor = "loss", .factor = 0.5, .patience = 1, .min_delta = 0.1}, {1, 0.95, 0.8}),
      (R{1, 0.5, 0.5}));
}

TEST(ReduceLROnPlateau, WarnsWithoutItsValue) {
  FakeFit fit;
  fit.run({callbacks::ReduceLROnPlateau()});
  EXPECT_EQ(fit.printed,
            "UserWarning: Learning rate reduction is conditioned on metric `val_loss` which is not "
            "available. Available metrics are: loss,learning_rate.\n");
}

TEST(LearningRateScheduler, SetsAndLogsTheRate) {
  FakeFit fit;
  fit.run(
      {callbacks::LearningRateScheduler([](int64_t epoch) { return 0.5 / double(epoch + 1); })});
  EXPECT_EQ(fit.history["learning_rate"],
            (std::vector<double>{0.5, 0.25, double(float(0.5 / 3)), 0.125}));
  EXPECT_EQ(fit.printed, "");
  fit.optimizer = SGD({.learning_rate = schedules::ExponentialDecay(
                           {.initial_learning_rate = 0.1, .decay_steps = 1, .decay_rate = 0.5})});
  EXPECT_THROW(fit.run({callbacks::LearningRateScheduler([](int64_t) { return 0.1; })}),
               StateError);
}

TEST(TerminateOnNaN, StopsInTheMiddle) {
  for (const double bad : {kNaN, std::numeric_limits<double>::infinity()}) {
    FakeFit fit;
    fit.steps = 5;
    fit.batch_logs = [=](int64_t epoch, int64_t batch) {
      return Logs{{"loss", epoch == 1 && batch == 2 ? bad : 1}};
    };
    fit.run({callbacks::TerminateOnNaN()});
    EXPECT_EQ(fit.printed, "Batch 2: Invalid loss, terminating training\n");
    EXPECT_EQ(fit.weight(), 8);
    EXPECT_THROW(fit.run({callbacks::TerminateOnNaN({.raise_error = true})}), StateError);
  }
}

TEST(LambdaCallback, CallsWhatItIsGiven) {
  std::string heard;
  FakeFit fit;
  fit.epochs = fit.steps = 1;
  fit.validates = true;
  const auto of_run = [&](const char* name) { return [&heard, name](Logs&) { heard += name; }; };
  const auto of_number = [&](const char* name) {
    return [&heard, name](int64_t n, Logs&) { heard += base::cat(name, n); };
  };
  fit.run({callbacks::LambdaCallback({.on_epoch_begin = of_number(" epoch "),
                                      .on_epoch_end = of_number(" /epoch "),
                                      .on_train_begin = of_run("train"),
                                      .on_train_end = of_run(" /train"),
                                      .on_train_batch_begin = of_number(" batch "),
                                      .on_train_batch_end = of_number(" /batch "),
                                      .on_test_begin = of_run(" test"),
                                      .on_test_end = of_run(" /test")}),
           callbacks::LambdaCallback({})});
  EXPECT_EQ(heard, "train epoch 0 batch 0 /batch 0 test /test /epoch 0 /train");
}

std::string error_of(const std::function<CallbackPtr()>& make) {
  try {
    make();
  } catch (const ValueError& e) {
    return e.what();
  }
  return "";
}

TEST(Callbacks, RefuseBadArguments) {
  using namespace callbacks;
  EXPECT_EQ(error_of([] { return EarlyStopping({.patience = -1}); }),
            "EarlyStopping: `patience` must be at least 0. Received: patience=-1");
  EXPECT_EQ(
      error_of([] { return EarlyStopping({.mode = "best"}); }),
      "EarlyStopping: `mode` must be one of \"auto\", \"min\" and \"max\". Received: mode='best'");
  EXPECT_EQ(error_of([] { return ReduceLROnPlateau({.factor = 1}); }),
            "ReduceLROnPlateau: `factor` must be at least 0 and below 1. Received: factor=1.0");
  EXPECT_EQ(
      error_of([] { return ModelCheckpoint({.filepath = "a.weights.h5", .save_freq = "batch"}); }),
      "ModelCheckpoint: `save_freq` must be \"epoch\" or a positive number of batches. "
      "Received: save_freq='batch'");
  EXPECT_EQ(error_of([] { return ModelCheckpoint({.filepath = "a.npz"}); }),
            "ModelCheckpoint: `filepath` must be a name that ends in `.keras` (Keras model format) "
            "or `.h5`. Received: filepath='a.npz'");
  const std::vector<std::function<CallbackPtr()>> bad = {
      [] { return EarlyStopping({.monitor = ""}); },
      [] { return EarlyStopping({.min_delta = kNaN}); },
      [] { return EarlyStopping({.start_from_epoch = -1}); },
      [] { return ReduceLROnPlateau({.factor = kNaN}); },
      [] { return ReduceLROnPlateau({.factor = -0.1}); },
      [] { return ReduceLROnPlateau({.patience = -1}); },
      [] { return ReduceLROnPlateau({.cooldown = -1}); },
      [] { return ReduceLROnPlateau({.min_lr = -1}); },
      [] { return ModelCheckpoint({.filepath = "a.keras", .save_weights_only = true}); },
      [] { return ModelCheckpoint({.filepath = "a.keras", .save_freq = 0}); },
      [] { return BackupAndRestore({}); },
      [] { return BackupAndRestore({.backup_dir = "a", .save_freq = -5}); },
      [] { return CSVLogger({}); },
      [] { return CSVLogger({.filename = "a", .separator = ""}); },
      [] { return CSVLogger({.filename = "a", .separator = ", "}); },
      [] { return TensorBoard({.log_dir = ""}); },
      [] { return TensorBoard({.histogram_freq = -1}); },
      [] { return TensorBoard({.update_freq = "day"}); },
      [] { return LearningRateScheduler(std::function<double(int64_t)>()); },
  };
  for (size_t i = 0; i < bad.size(); ++i) EXPECT_NE(error_of(bad[i]), "") << i;
}

}  // namespace
}  // namespace cornu::train
