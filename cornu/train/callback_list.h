#pragma once

#include <vector>

#include "cornu/train/callback.h"
#include "cornu/train/history.h"

namespace cornu::train {

class HistoryRecorder;

// All callbacks of a run, told of each thing in turn: the user's in their order, then the History,
// then the progress bar or lines (which `verbose` = 0 leaves out), then those that run last. As in
// Keras, the logs of batches and of tests come sorted by name, and are not the caller's.
class CORNU_API CallbackList {
 public:
  // ValueError for a null pointer.
  CallbackList(const std::vector<CallbackPtr>& callbacks, const Context& context);

  void on_train_begin(Logs& logs);
  void on_train_end(Logs& logs);
  void on_epoch_begin(int64_t epoch, Logs& logs);
  // Instead of on_epoch_begin where an interrupted epoch goes on: callbacks know of it already, and
  // only what is shown begins anew.
  void on_epoch_resume(int64_t epoch, Logs& logs);
  void on_epoch_end(int64_t epoch, Logs& logs);
  void on_train_batch_begin(int64_t batch, Logs& logs);
  void on_train_batch_end(int64_t batch, Logs& logs);
  void on_test_begin(Logs& logs);
  void on_test_end(Logs& logs);
  void on_test_batch_begin(int64_t batch, Logs& logs);
  void on_test_batch_end(int64_t batch, Logs& logs);

  const History& history() const;

  // The states of all, for a checkpoint; to be set where the same callbacks were made anew, after
  // on_train_begin() of all but those that run last (which is where these call Context::restore).
  // ValueError when they are not those of as many callbacks, FormatError when they are damaged.
  base::Json state() const;
  std::vector<Tensor> state_tensors() const;
  void set_state(const base::Json& state, const std::vector<Tensor>& tensors);

 private:
  template <class... Arguments>
  void tell(void (Callback::*event)(Arguments...), Arguments... arguments);

  std::vector<Callback*> stateful() const;
  Logs& sorted(const Logs& logs);

  std::vector<CallbackPtr> callbacks_;
  CallbackPtr progress_;  // null: not shown
  Logs sorted_;
  bool first_process_ = true;
  std::shared_ptr<HistoryRecorder> history_;
};

}  // namespace cornu::train
