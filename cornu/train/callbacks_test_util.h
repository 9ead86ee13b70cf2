#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "cornu/base/error.h"
#include "cornu/layers/dense.h"
#include "cornu/model/model.h"
#include "cornu/train/callback_list.h"
#include "cornu/train/callbacks.h"
#include "cornu/train/optimizer.h"

namespace cornu::train {

// A folder of the test's own, gone afterwards.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("cornu_callbacks_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Killed {};

// What fit() does around a training step, without the step: a model of one weight that "learns" by
// counting its batches, and logs that the test says. Time runs 1 s per batch.
class FakeFit {
 public:
  std::function<Logs(int64_t epoch, int64_t batch)> batch_logs = [](int64_t, int64_t) {
    return Logs{{"loss", 1}};
  };
  std::function<Logs(int64_t epoch)> epoch_logs = [](int64_t) { return Logs{{"loss", 1}}; };
  std::function<int(const std::string&)> direction = [](const std::string& name) {
    return name == "accuracy" ? 1 : 0;
  };
  int64_t epochs = 4, steps = 2;
  double seconds = 1;
  int verbose = 0;
  int64_t kill_after = -1;  // so many batches of this run
  bool validates = false;   // tells of a validation before each epoch ends

  Optimizer optimizer = SGD({.learning_rate = 0.05});
  Sequential model = Sequential({Dense({.units = 1, .use_bias = false, .input_shape = {1}})});
  std::string printed;
  std::vector<std::string> saved;
  History history;

  FakeFit() { set_weight(0); }
  float weight() const { return model.get_weights()[0].values()[0]; }
  void set_weight(float w) { model.set_weights({Tensor({1, 1}, {w})}); }

  void run(const std::vector<CallbackPtr>& callbacks) {
    CallbackList list(callbacks, context(&list));
    stop_ = resumed_ = false;
    epoch_ = batch_ = 0;
    Logs logs;
    list.on_train_begin(logs);
    int64_t batches = 0;
    while (epoch_ < epochs && !stop_) {
      logs.clear();
      resumed_&& batch_ > 0 ? list.on_epoch_resume(epoch_, logs)
                            : list.on_epoch_begin(epoch_, logs);
      while (batch_ < steps && !stop_) {
        if (batches++ == kill_after) throw Killed();
        const int64_t batch = batch_;
        Logs values = batch_logs(epoch_, batch);
        list.on_train_batch_begin(batch, values);
        set_weight(weight() + 1);
        now_ += seconds;
        ++batch_;
        list.on_train_batch_end(batch, values);
      }
      Logs values = epoch_logs(epoch_);
      if (validates) {
        Logs validation = {{"loss", 0.5}};
        list.on_test_begin(validation);
        list.on_test_end(validation);
      }
      const int64_t epoch = epoch_++;
      batch_ = 0;
      list.on_epoch_end(epoch, values);
    }
    list.on_train_end(logs);
    history = list.history();
  }

 private:
  struct Checkpoint {
    std::string callbacks;
    std::vector<Tensor> tensors;
    float weight;
    double rate;
    int64_t epoch, batch;
    double now;
  };

  Context context(CallbackList* list) {
    Context c;
    c.model = &model;
    c.optimizer = &optimizer;
    c.epochs = epochs;
    c.steps = steps;
    c.verbose = verbose;
    c.stop = [this] { stop_ = true; };
    c.direction = [this](const std::string& name) { return direction(name); };
    c.print = [this](const std::string& text) { printed += text; };
    c.clock = [this] { return now_; };
    const auto save = [this](const std::string& path) {
      std::ofstream(path) << weight();
      saved.push_back(path);
    };
    c.save = save;
    c.save_weights = save;
    c.checkpoint = [this, list](const std::string& path) {
      const std::string id = "checkpoint " + std::to_string(checkpoints().size());
      std::ofstream(path) << id;
      checkpoints()[id] = {list->state().dump(),
                           list->state_tensors(),
                           weight(),
                           optimizer.learning_rate(),
                           epoch_,
                           batch_,
                           now_};
    };
    c.restore = [this, list](const std::string& path) {
      const auto found = checkpoints().find(read_text(path));
      if (found == checkpoints().end()) throw FormatError("damaged");
      const Checkpoint& kept = found->second;
      list->set_state(base::parse_json(kept.callbacks, "checkpoint"), kept.tensors);
      set_weight(kept.weight);
      optimizer.set_learning_rate(kept.rate);
      epoch_ = kept.epoch;
      batch_ = kept.batch;
      now_ = kept.now;
      resumed_ = true;
    };
    return c;
  }
  // What a file would hold, by what it does hold.
  static std::map<std::string, Checkpoint>& checkpoints() {
    static std::map<std::string, Checkpoint> all;
    return all;
  }

  bool stop_ = false, resumed_ = false;
  int64_t epoch_ = 0, batch_ = 0;
  double now_ = 0;
};

}  // namespace cornu::train
