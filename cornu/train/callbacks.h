#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cornu/base/export.h"
#include "cornu/base/none.h"
#include "cornu/train/callback.h"

// Keras's callbacks (layers.md part 16): https://keras.io/api/callbacks/, with Keras's names,
// defaults and words. What an option does beyond the notes here is what Keras documents.
namespace cornu {

// When something is done: "epoch", at the end of each, or after every so many batches.
class Frequency {
 public:
  Frequency(const char* word) : word_(word) {}
  Frequency(std::string word) : word_(std::move(word)) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) Frequency(T batches) : batches_(static_cast<int64_t>(batches)) {}

  const std::string& word() const { return word_; }  // empty for a number of batches
  int64_t batches() const { return batches_; }

 private:
  std::string word_;
  int64_t batches_ = 0;
};

// Of all that monitor a value: `mode` is "min", "max" or "auto", which goes by the value's name and
// throws ValueError, at the end of the first epoch, when that is neither a loss nor a known metric.

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0;
  int64_t patience = 0;
  int verbose = 0;
  std::string mode = "auto";
  std::optional<double> baseline = None;
  bool restore_best_weights = false;
  int64_t start_from_epoch = 0;
};

struct ModelCheckpointOptions {
  // Formatted with `epoch` (from 1), `batch` (from 1, where batches are counted) and the logs:
  // "{epoch:02d}-{val_loss:.2f}.keras".
  std::string filepath = {};
  std::string monitor = "val_loss";
  int verbose = 0;
  bool save_best_only = false;
  bool save_weights_only = false;  // the name must end in ".weights.h5", else in ".keras" or ".h5"
  std::string mode = "auto";
  Frequency save_freq = "epoch";
  std::optional<double> initial_value_threshold = None;
};

struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  double factor = 0.1;
  int64_t patience = 10;
  int verbose = 0;
  std::string mode = "auto";
  double min_delta = 1e-4;
  int64_t cooldown = 0;
  double min_lr = 0;
};

struct CSVLoggerOptions {
  std::string filename = {};
  std::string separator = ",";
  bool append = false;
};

struct TerminateOnNaNOptions {
  bool raise_error = false;  // StateError instead of a stop
};

// Writes `log_dir`/train and `log_dir`/validation.
struct TensorBoardOptions {
  std::string log_dir = "logs";
  int64_t histogram_freq = 0;  // in epochs: of the weights; 0: none
  bool write_steps_per_second = false;
  Frequency update_freq = "epoch";  // or "batch"
};

// Keeps all that a run needs to go on after it was interrupted, with equal bits, in
// `backup_dir`/latest.keras. A new run with the same callbacks starts where that file says.
struct BackupAndRestoreOptions {
  std::string backup_dir = {};
  Frequency save_freq = "epoch";
  // Keep the file before the last too, and go on with that when the last one is damaged.
  bool double_checkpoint = false;
  bool delete_checkpoint = true;  // when the run is over
};

struct LambdaCallbackOptions {
  using OfEpochOrBatch = std::function<void(int64_t number, Logs& logs)>;
  using OfRun = std::function<void(Logs& logs)>;
  OfEpochOrBatch on_epoch_begin = {};
  OfEpochOrBatch on_epoch_end = {};
  OfRun on_train_begin = {};
  OfRun on_train_end = {};
  OfEpochOrBatch on_train_batch_begin = {};
  OfEpochOrBatch on_train_batch_end = {};
  OfRun on_test_begin = {};
  OfRun on_test_end = {};
  OfEpochOrBatch on_test_batch_begin = {};
  OfEpochOrBatch on_test_batch_end = {};
};

// Each throws ValueError that names the callback, the argument and the value.
namespace callbacks {
CORNU_API CallbackPtr EarlyStopping(EarlyStoppingOptions o = {});
CORNU_API CallbackPtr ModelCheckpoint(ModelCheckpointOptions o);
CORNU_API CallbackPtr ReduceLROnPlateau(ReduceLROnPlateauOptions o = {});
// The rate of each epoch, counted from 0, by its number and the rate before.
CORNU_API CallbackPtr LearningRateScheduler(
    std::function<double(int64_t epoch, double learning_rate)> schedule, int verbose = 0);
CORNU_API CallbackPtr LearningRateScheduler(std::function<double(int64_t epoch)> schedule,
                                            int verbose = 0);
CORNU_API CallbackPtr CSVLogger(CSVLoggerOptions o);
CORNU_API CallbackPtr TerminateOnNaN(TerminateOnNaNOptions o = {});
CORNU_API CallbackPtr TensorBoard(TensorBoardOptions o = {});
CORNU_API CallbackPtr BackupAndRestore(BackupAndRestoreOptions o);
CORNU_API CallbackPtr LambdaCallback(LambdaCallbackOptions o);
}  // namespace callbacks

// Removes what BackupAndRestore keeps in a folder, and the folder if nothing else is in it. For
// runs with delete_checkpoint = false that have saved their model.
CORNU_API void remove_backup(const std::string& backup_dir);

}  // namespace cornu
