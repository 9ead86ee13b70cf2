#include <cmath>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/train/callbacks.h"

namespace cornu {
namespace {

class TerminateOnNaN final : public Callback {
 public:
  explicit TerminateOnNaN(TerminateOnNaNOptions o) : o_(o) {}
  void on_train_batch_end(int64_t batch, Logs& logs) override {
    const double* loss = logs.find("loss");
    if (!loss || std::isfinite(*loss)) return;
    if (o_.raise_error) {
      throw StateError(base::cat("NaN or Inf loss encountered at batch ", batch,
                                 ". Loss value: ", *loss, ". Terminating training immediately."));
    }
    print(base::cat("Batch ", batch, ": Invalid loss, terminating training\n"));
    request_stop();
  }

 private:
  TerminateOnNaNOptions o_;
};

class LambdaCallback final : public Callback {
 public:
  explicit LambdaCallback(LambdaCallbackOptions o) : o_(std::move(o)) {}

  void on_epoch_begin(int64_t epoch, Logs& logs) override { call(o_.on_epoch_begin, epoch, logs); }
  void on_epoch_end(int64_t epoch, Logs& logs) override { call(o_.on_epoch_end, epoch, logs); }
  void on_train_begin(Logs& logs) override { call(o_.on_train_begin, logs); }
  void on_train_end(Logs& logs) override { call(o_.on_train_end, logs); }
  void on_train_batch_begin(int64_t batch, Logs& logs) override {
    call(o_.on_train_batch_begin, batch, logs);
  }
  void on_train_batch_end(int64_t batch, Logs& logs) override {
    call(o_.on_train_batch_end, batch, logs);
  }
  void on_test_begin(Logs& logs) override { call(o_.on_test_begin, logs); }
  void on_test_end(Logs& logs) override { call(o_.on_test_end, logs); }
  void on_test_batch_begin(int64_t batch, Logs& logs) override {
    call(o_.on_test_batch_begin, batch, logs);
  }
  void on_test_batch_end(int64_t batch, Logs& logs) override {
    call(o_.on_test_batch_end, batch, logs);
  }

 private:
  template <class F, class... Arguments>
  static void call(const F& function, Arguments&&... arguments) {
    if (function) function(arguments...);
  }
  LambdaCallbackOptions o_;
};

}  // namespace

CallbackPtr callbacks::TerminateOnNaN(TerminateOnNaNOptions o) {
  return std::make_shared<cornu::TerminateOnNaN>(o);
}
CallbackPtr callbacks::LambdaCallback(LambdaCallbackOptions o) {
  return std::make_shared<cornu::LambdaCallback>(std::move(o));
}

}  // namespace cornu
