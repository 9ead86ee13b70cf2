#include <algorithm>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/model/model.h"
#include "cornu/train/callbacks.h"
#include "cornu/train/callbacks_monitor.h"

namespace cornu {
namespace {

using base::cat;
using base::Json;

constexpr const char* kName = "EarlyStopping";

class EarlyStopping final : public Callback {
 public:
  explicit EarlyStopping(EarlyStoppingOptions o)
      : o_(std::move(o)), monitor_(kName, o_.monitor, o_.mode, o_.min_delta, std::nullopt) {
    using train::require;
    require(o_.patience >= 0, kName, "patience", "at least 0", base::to_text(o_.patience));
    require(o_.start_from_epoch >= 0, kName, "start_from_epoch", "at least 0",
            base::to_text(o_.start_from_epoch));
  }

  void on_train_begin(Logs&) override {
    monitor_.forget();
    wait_ = stopped_epoch_ = best_epoch_ = 0;
    best_weights_.clear();
    have_weights_ = false;
  }

  void on_epoch_end(int64_t epoch, Logs& logs) override {
    monitor_.resolve(context());
    const double* value = logs.find(o_.monitor);
    if (!value) {
      std::string names;
      for (const auto& item : logs) names += (names.empty() ? "" : ",") + item.first;
      warn(cat("Early stopping conditioned on metric `", o_.monitor,
               "` which is not available. Available metrics are: ", names));
    }
    if (!value || epoch < o_.start_from_epoch) return;
    // Whatever comes later, the first weights are the best until then.
    if (o_.restore_best_weights && !have_weights_) keep_weights(epoch);
    ++wait_;
    if (monitor_.take(*value)) {
      best_epoch_ = epoch;
      if (o_.restore_best_weights) keep_weights(epoch);
      if (!o_.baseline || monitor_.improves(*value, o_.baseline)) wait_ = 0;
      return;
    }
    if (wait_ >= o_.patience && epoch > 0) {
      stopped_epoch_ = epoch;
      request_stop();
    }
  }

  void on_train_end(Logs&) override {
    if (stopped_epoch_ > 0 && o_.verbose > 0) {
      print(cat("Epoch ", stopped_epoch_ + 1, ": early stopping\n"));
    }
    if (!have_weights_) return;
    if (o_.verbose > 0) {
      print(
          cat("Restoring model weights from the end of the best epoch: ", best_epoch_ + 1, ".\n"));
    }
    model().set_weights(best_weights_);
  }

  Json state() const override {
    return Json::object({{"best", monitor_.state()},
                         {"best_epoch", best_epoch_},
                         {"wait", wait_},
                         {"stopped_epoch", stopped_epoch_},
                         {"have_weights", have_weights_}});
  }
  void set_state(const Json& state) override {
    monitor_.set_state(state.at("best"));
    best_epoch_ = state.at("best_epoch").as_int();
    wait_ = state.at("wait").as_int();
    stopped_epoch_ = state.at("stopped_epoch").as_int();
    have_weights_ = state.at("have_weights").as_bool();
    if (stopped_epoch_ > 0) request_stop();  // the run was as good as over
  }
  std::vector<Tensor> state_tensors() const override { return best_weights_; }
  void set_state_tensors(const std::vector<Tensor>& tensors) override { best_weights_ = tensors; }

 private:
  void keep_weights(int64_t epoch) {
    best_weights_ = model().get_weights();
    best_epoch_ = epoch;
    have_weights_ = true;
  }

  EarlyStoppingOptions o_;
  train::Monitor monitor_;
  int64_t wait_ = 0, stopped_epoch_ = 0, best_epoch_ = 0;
  bool have_weights_ = false;
  std::vector<Tensor> best_weights_;
};

}  // namespace

CallbackPtr callbacks::EarlyStopping(EarlyStoppingOptions o) {
  return std::make_shared<cornu::EarlyStopping>(std::move(o));
}

}  // namespace cornu
