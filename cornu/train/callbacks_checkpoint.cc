#include <filesystem>
#include <system_error>

#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/text.h"
#include "cornu/train/callbacks.h"
#include "cornu/train/callbacks_monitor.h"
#include "cornu/train/log_file.h"
#include "cornu/train/number_text.h"

namespace cornu {
namespace {

namespace fs = std::filesystem;
using base::cat;
using base::Json;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

const std::function<void(const std::string&)>& present(
    const std::function<void(const std::string&)>& function, const char* callback) {
  if (!function) throw StateError(cat(callback, " works only where fit() runs it."));
  return function;
}

// Says when `every` batches have passed.
class BatchCounter {
 public:
  explicit BatchCounter(int64_t every) : every_(every) {}
  bool of_epochs() const { return every_ == 0; }
  bool passed() {
    if (of_epochs() || ++count_ < every_) return false;
    count_ = 0;
    return true;
  }
  Json state() const { return count_; }
  void set_state(const Json& state) { count_ = state.as_int(); }

 private:
  int64_t every_, count_ = 0;
};

class ModelCheckpoint final : public Callback {
 public:
  explicit ModelCheckpoint(ModelCheckpointOptions o)
      : o_(std::move(o)),
        monitor_(kName, o_.monitor, o_.mode, 0, o_.initial_value_threshold),
        batches_(train::batches_of(o_.save_freq, kName, "save_freq")) {
    const std::string& path = o_.filepath;
    if (o_.save_weights_only) {
      train::require(path.ends_with(".weights.h5"), kName, "filepath",
                     "a name that ends in `.weights.h5` when save_weights_only=True",
                     base::quoted(path));
    } else {
      train::require(path.ends_with(".keras") || path.ends_with(".h5"), kName, "filepath",
                     "a name that ends in `.keras` (Keras model format) or `.h5`",
                     base::quoted(path));
    }
  }

  void on_epoch_begin(int64_t epoch, Logs&) override { epoch_ = epoch; }
  void on_train_batch_end(int64_t batch, Logs& logs) override {
    if (batches_.passed()) consider(epoch_, batch, logs);
  }
  void on_epoch_end(int64_t epoch, Logs& logs) override {
    if (batches_.of_epochs()) consider(epoch, -1, logs);
  }

  Json state() const override {
    return Json::object(
        {{"best", monitor_.state()}, {"batches", batches_.state()}, {"epoch", epoch_}});
  }
  void set_state(const Json& state) override {
    monitor_.set_state(state.at("best"));
    batches_.set_state(state.at("batches"));
    epoch_ = state.at("epoch").as_int();
  }

 private:
  static constexpr const char* kName = "ModelCheckpoint";

  // batch: -1 at the end of an epoch.
  void consider(int64_t epoch, int64_t batch, const Logs& logs) {
    const std::string path = path_of(epoch, batch, logs);
    if (!wanted(epoch, logs, path)) return;
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      throw IoError(
          cat("Please specify a non-directory filepath for ModelCheckpoint. Filepath used "
              "is an existing directory: ",
              path));
    }
    train::make_folder(fs::path(path).parent_path().string());
    present(o_.save_weights_only ? context().save_weights : context().save, kName)(path);
    say(cat("\nEpoch ", epoch + 1, ": finished saving model to ", path));
  }

  bool wanted(int64_t epoch, const Logs& logs, const std::string& path) {
    const std::string begin = cat("\nEpoch ", epoch + 1, ": ");
    if (!o_.save_best_only) {
      say(cat(begin, "saving model to ", path));
      return true;
    }
    const double* value = logs.find(o_.monitor);
    if (!value) {
      warn(cat("Can save best model only with ", o_.monitor, " available."));
      return true;
    }
    monitor_.resolve(context());
    const std::string best = monitor_.best() ? train::fixed(*monitor_.best(), 5) : "None";
    if (!monitor_.take(*value)) {
      say(cat(begin, o_.monitor, " did not improve from ", best));
      return false;
    }
    say(cat(begin, o_.monitor, " improved from ", best, " to ", train::fixed(*value, 5),
            ", saving model to ", path));
    return true;
  }

  std::string path_of(int64_t epoch, int64_t batch, const Logs& logs) const {
    std::vector<train::Field> fields = {{"epoch", static_cast<double>(epoch + 1), true}};
    for (const auto& [name, value] : logs) fields.push_back({name, value});
    if (batch >= 0) fields.push_back({"batch", static_cast<double>(batch + 1), true});
    try {
      return train::format_fields(o_.filepath, fields);
    } catch (const ValueError& error) {
      throw ValueError(cat(kName, ": `filepath` cannot be formatted: ", error.what(),
                           ". Received: filepath=", base::quoted(o_.filepath)));
    }
  }

  void say(const std::string& text) const {
    if (o_.verbose > 0) print(text + "\n");
  }

  ModelCheckpointOptions o_;
  train::Monitor monitor_;
  BatchCounter batches_;
  int64_t epoch_ = 0;
};

// In the folder of backups.
constexpr const char *kLatest = "latest.keras", *kPrevious = "previous.keras";

class BackupAndRestore final : public Callback {
 public:
  explicit BackupAndRestore(BackupAndRestoreOptions o)
      : o_(std::move(o)), batches_(train::batches_of(o_.save_freq, kName, "save_freq")) {
    train::require(!o_.backup_dir.empty(), kName, "backup_dir", "the name of a folder", "''");
    latest_ = fs::path(o_.backup_dir) / kLatest;
    previous_ = fs::path(o_.backup_dir) / kPrevious;
  }

  // What is kept must be what all others have become, and going back must undo what they began.
  bool runs_last() const override { return true; }

  void on_train_begin(Logs&) override {
    went_back_ = false;
    const auto& restore = present(context().restore, kName);
    if (is_there(latest_)) {
      try {
        return restore(latest_.string());
      } catch (const FormatError&) {
        if (!is_there(previous_)) throw;
      } catch (const IoError&) {
        if (!is_there(previous_)) throw;
      }
      warn(cat(latest_.string(), " is damaged; going on with ", previous_.string(), "."));
    }
    if (!is_there(previous_)) return;
    restore(previous_.string());
    went_back_ = true;
  }
  void on_train_batch_end(int64_t, Logs&) override {
    if (batches_.passed()) save();
  }
  void on_epoch_end(int64_t, Logs&) override {
    if (batches_.of_epochs()) save();
  }
  void on_train_end(Logs&) override {
    if (o_.delete_checkpoint && context().first_process) remove_backup(o_.backup_dir);
  }

  Json state() const override { return batches_.state(); }
  void set_state(const Json& state) override { batches_.set_state(state); }

 private:
  static constexpr const char* kName = "BackupAndRestore";

  void save() {
    train::make_folder(o_.backup_dir);
    std::error_code ignored;
    // Between the two there is no `latest`, but `previous` is whole. A damaged `latest` must not
    // become the previous one.
    if (o_.double_checkpoint && context().first_process && !went_back_)
      fs::rename(latest_, previous_, ignored);
    went_back_ = false;
    present(context().checkpoint, kName)(latest_.string());
  }

  BackupAndRestoreOptions o_;
  BatchCounter batches_;
  fs::path latest_, previous_;
  bool went_back_ = false;  // to `previous`, and nothing was saved since
};

}  // namespace

void remove_backup(const std::string& backup_dir) {
  const fs::path folder(backup_dir);
  std::error_code ignored;
  fs::remove(folder / kPrevious, ignored);  // first: a run that finds it alone goes back further
  fs::remove(folder / kLatest, ignored);
  base::remove_unfinished((folder / kLatest).string());
  fs::remove(folder, ignored);  // only if nothing else is in it
}

CallbackPtr callbacks::ModelCheckpoint(ModelCheckpointOptions o) {
  return std::make_shared<cornu::ModelCheckpoint>(std::move(o));
}
CallbackPtr callbacks::BackupAndRestore(BackupAndRestoreOptions o) {
  return std::make_shared<cornu::BackupAndRestore>(std::move(o));
}

}  // namespace cornu
