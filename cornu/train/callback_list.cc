#include "cornu/train/callback_list.h"

#include <algorithm>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/train/progress.h"

namespace cornu::train {

using base::Json;

// Keeps what fit() returns.
class HistoryRecorder final : public Callback {
 public:
  void on_train_begin(Logs&) override { history_ = {}; }
  void on_epoch_end(int64_t epoch, Logs& logs) override { history_.add(epoch, logs); }
  Json state() const override { return history_.state(); }
  void set_state(const Json& state) override { history_ = History::from_state(state); }
  const History& history() const { return history_; }

 private:
  History history_;
};

CallbackList::CallbackList(const std::vector<CallbackPtr>& callbacks, const Context& context)
    : callbacks_(callbacks), history_(std::make_shared<HistoryRecorder>()) {
  first_process_ = context.first_process;
  for (size_t i = 0; i < callbacks.size(); ++i) {
    if (!callbacks[i]) throw ValueError(base::cat("`callbacks` has a null pointer at ", i, "."));
  }
  callbacks_.push_back(history_);
  if (context.verbose > 0) {
    progress_ = std::make_shared<ProgbarLogger>();
    callbacks_.push_back(progress_);
  }
  std::stable_partition(callbacks_.begin(), callbacks_.end(),
                        [](const CallbackPtr& c) { return !c->runs_last(); });
  for (const CallbackPtr& callback : callbacks_) callback->set_context(context);
}

template <class... Arguments>
void CallbackList::tell(void (Callback::*event)(Arguments...), Arguments... arguments) {
  for (const CallbackPtr& callback : callbacks_)
    if (first_process_ || !callback->only_writes_files()) (callback.get()->*event)(arguments...);
}

// Batch after batch has the same names: only their first logs are sorted, the others allocate
// nothing.
Logs& CallbackList::sorted(const Logs& logs) {
  bool known = logs.size() == sorted_.size();
  for (const Logs::Item& item : logs) known = known && sorted_.contains(item.first);
  if (!known) {
    std::vector<Logs::Item> items(logs.begin(), logs.end());
    std::sort(items.begin(), items.end());
    sorted_.clear();
    for (const auto& [name, value] : items) sorted_.set(name, value);
  }
  for (const auto& [name, value] : logs) sorted_.set(name, value);
  return sorted_;
}

void CallbackList::on_train_begin(Logs& logs) { tell<Logs&>(&Callback::on_train_begin, logs); }
void CallbackList::on_train_end(Logs& logs) { tell<Logs&>(&Callback::on_train_end, logs); }
void CallbackList::on_epoch_begin(int64_t epoch, Logs& logs) {
  tell<int64_t, Logs&>(&Callback::on_epoch_begin, epoch, logs);
}
void CallbackList::on_epoch_resume(int64_t epoch, Logs& logs) {
  if (progress_) progress_->on_epoch_begin(epoch, logs);
}
void CallbackList::on_epoch_end(int64_t epoch, Logs& logs) {
  tell<int64_t, Logs&>(&Callback::on_epoch_end, epoch, logs);
}
void CallbackList::on_train_batch_begin(int64_t batch, Logs& logs) {
  tell<int64_t, Logs&>(&Callback::on_train_batch_begin, batch, logs);
}
void CallbackList::on_train_batch_end(int64_t batch, Logs& logs) {
  tell<int64_t, Logs&>(&Callback::on_train_batch_end, batch, sorted(logs));
}
void CallbackList::on_test_begin(Logs& logs) { tell<Logs&>(&Callback::on_test_begin, logs); }
void CallbackList::on_test_end(Logs& logs) { tell<Logs&>(&Callback::on_test_end, sorted(logs)); }
void CallbackList::on_test_batch_begin(int64_t batch, Logs& logs) {
  tell<int64_t, Logs&>(&Callback::on_test_batch_begin, batch, logs);
}
void CallbackList::on_test_batch_end(int64_t batch, Logs& logs) {
  tell<int64_t, Logs&>(&Callback::on_test_batch_end, batch, sorted(logs));
}

const History& CallbackList::history() const { return history_->history(); }

// How a run is shown is no part of its state: it may go on with another `verbose`.
std::vector<Callback*> CallbackList::stateful() const {
  std::vector<Callback*> out;
  for (const CallbackPtr& callback : callbacks_) {
    if (callback != progress_) out.push_back(callback.get());
  }
  return out;
}

Json CallbackList::state() const {
  std::vector<Json> states;
  for (const Callback* callback : stateful()) {
    const auto tensors = static_cast<int64_t>(callback->state_tensors().size());
    states.push_back(Json::object({{"state", callback->state()}, {"tensors", tensors}}));
  }
  return Json::array(states);
}

std::vector<Tensor> CallbackList::state_tensors() const {
  std::vector<Tensor> all;
  for (const Callback* callback : stateful()) {
    for (Tensor& tensor : callback->state_tensors()) all.push_back(std::move(tensor));
  }
  return all;
}

void CallbackList::set_state(const Json& state, const std::vector<Tensor>& tensors) {
  const std::vector<Callback*> callbacks = stateful();
  if (state.size() != callbacks.size()) {
    throw ValueError(base::cat(
        "`callbacks` must be those of the interrupted run. Received: ", callbacks.size() - 1,
        " callbacks, the checkpoint has ", static_cast<int64_t>(state.size()) - 1, "."));
  }
  size_t at = 0;
  for (size_t i = 0; i < callbacks.size(); ++i) {
    const auto count = static_cast<uint64_t>(state[i].at("tensors").as_int());
    if (count > tensors.size() - at) {
      throw FormatError("the states of the callbacks lack tensors");
    }
    const auto begin = tensors.begin() + static_cast<std::ptrdiff_t>(at);
    callbacks[i]->set_state(state[i].at("state"));
    callbacks[i]->set_state_tensors({begin, begin + static_cast<std::ptrdiff_t>(count)});
    at += count;
  }
}

}  // namespace cornu::train
