#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/base/json.h"
#include "cornu/tensor/tensor.h"
#include "cornu/train/logs.h"

namespace cornu {

class Model;
class Optimizer;

namespace train {

// What a running fit() or evaluate() lends to its callbacks. Empty functions are not there.
struct Context {
  Model* model = nullptr;
  Optimizer* optimizer = nullptr;
  int64_t epochs = 1;
  int64_t steps = -1;         // of an epoch; -1: not known before its end
  int verbose = 0;            // 0 silent, 1 bar, 2 a line per epoch
  bool first_process = true;  // of those that train together: the one that writes files
  int columns = 0;            // of the terminal that is printed to; 0: not known, or no terminal
  std::function<void()> stop = {};  // ends the run after the present batch
  // +1 where more is better, -1 where less is, 0 where that is not known; by the name of a log
  // without its "val_".
  std::function<int(const std::string& log_name)> direction = {};
  std::function<void(const std::string& text)> print = {};  // parts of lines too
  std::function<double()> clock = {};                       // seconds; null: a steady clock
  std::function<void(const std::string& path)> save = {};   // the model; atomic, as below
  std::function<void(const std::string& path)> save_weights = {};
  // All that the run needs to go on from here with equal bits, including the states of the
  // callbacks; and going back to what such a file holds.
  std::function<void(const std::string& path)> checkpoint = {};
  std::function<void(const std::string& path)> restore = {};
};

// A warning as it is printed: "UserWarning: …" on a line of its own.
std::string user_warning(const std::string& text);

}  // namespace train

// What fit() and evaluate() tell of their progress (Keras: keras.callbacks.Callback). Override
// what is of interest. Epochs and batches count from 0, batches within their epoch. Logs are shared
// by all callbacks of a run: what one adds to those of an epoch is printed and kept in the History.
// All is called from the thread that runs fit(); what throws ends the run.
class CORNU_API Callback {
 public:
  Callback() = default;
  virtual ~Callback() = default;
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;

  virtual void on_train_begin(Logs&) {}
  virtual void on_train_end(Logs&) {}
  virtual void on_epoch_begin(int64_t /*epoch*/, Logs&) {}
  virtual void on_epoch_end(int64_t /*epoch*/, Logs&) {}
  virtual void on_train_batch_begin(int64_t /*batch*/, Logs&) {}
  virtual void on_train_batch_end(int64_t /*batch*/, Logs&) {}
  virtual void on_test_begin(Logs&) {}
  virtual void on_test_end(Logs&) {}
  virtual void on_test_batch_begin(int64_t /*batch*/, Logs&) {}
  virtual void on_test_batch_end(int64_t /*batch*/, Logs&) {}

  // What this has gathered, for going on after an interruption as if there had been none: state()
  // is kept in checkpoints and given to set_state() after on_train_begin(). Large arrays go apart.
  virtual base::Json state() const { return {}; }
  virtual void set_state(const base::Json& /*state*/) {}
  virtual std::vector<Tensor> state_tensors() const { return {}; }
  virtual void set_state_tensors(const std::vector<Tensor>& /*tensors*/) {}

  // Whether this is told of everything after all others, such as what saves what they have become.
  virtual bool runs_last() const { return false; }

  // Whether this does nothing but write files, which one of several processes is enough for.
  virtual bool only_writes_files() const { return false; }

  void set_context(train::Context context) { context_ = std::move(context); }

 protected:
  const train::Context& context() const { return context_; }
  // What is being trained; StateError outside of a run.
  Model& model() const;
  Optimizer& optimizer() const;
  // Ends the run after the present batch (Keras: model.stop_training = True).
  void request_stop() const;
  // Where the progress bar goes.
  void print(const std::string& text) const;
  // Prints user_warning(); the same words once only.
  void warn(const std::string& text);

 private:
  train::Context context_;
  std::vector<std::string> warned_;
};

using CallbackPtr = std::shared_ptr<Callback>;

}  // namespace cornu
