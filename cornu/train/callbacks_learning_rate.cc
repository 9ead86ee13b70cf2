#include <algorithm>
#include <cmath>

#include "cornu/base/text.h"
#include "cornu/train/callbacks.h"
#include "cornu/train/callbacks_monitor.h"
#include "cornu/train/optimizer.h"

namespace cornu {
namespace {

using base::cat;
using base::Json;

// Keras keeps the rate as a float32.
double rate_of(const Optimizer& optimizer) {
  return static_cast<double>(static_cast<float>(optimizer.learning_rate()));
}

using Schedule = std::function<double(int64_t, double)>;

class LearningRateScheduler final : public Callback {
 public:
  LearningRateScheduler(Schedule schedule, int verbose)
      : schedule_(std::move(schedule)), verbose_(verbose) {
    train::require(schedule_ != nullptr, "LearningRateScheduler", "schedule", "a function", "None");
  }

  void on_epoch_begin(int64_t epoch, Logs&) override {
    const double rate = schedule_(epoch, rate_of(optimizer()));
    optimizer().set_learning_rate(rate);
    if (verbose_ > 0) {
      print(cat("\nEpoch ", epoch + 1, ": LearningRateScheduler setting learning rate to ", rate,
                ".\n"));
    }
  }
  void on_epoch_end(int64_t, Logs& logs) override {
    logs.set("learning_rate", rate_of(optimizer()));
  }

 private:
  Schedule schedule_;
  int verbose_;
};

class ReduceLROnPlateau final : public Callback {
 public:
  explicit ReduceLROnPlateau(ReduceLROnPlateauOptions o)
      : o_(std::move(o)), monitor_(kName, o_.monitor, o_.mode, o_.min_delta, std::nullopt) {
    using train::require;
    require(o_.factor >= 0 && o_.factor < 1, kName, "factor", "at least 0 and below 1",
            base::to_text(o_.factor));
    require(o_.patience >= 0, kName, "patience", "at least 0", base::to_text(o_.patience));
    require(o_.cooldown >= 0, kName, "cooldown", "at least 0", base::to_text(o_.cooldown));
    require(o_.min_lr >= 0, kName, "min_lr", "at least 0", base::to_text(o_.min_lr));
  }

  void on_train_begin(Logs&) override {
    monitor_.forget();
    cooldown_left_ = wait_ = 0;
  }

  void on_epoch_end(int64_t epoch, Logs& logs) override {
    monitor_.resolve(context());
    logs.set("learning_rate", rate_of(optimizer()));
    const double* value = logs.find(o_.monitor);
    if (!value) {
      std::string names;
      for (const auto& item : logs) names += (names.empty() ? "" : ",") + item.first;
      return warn(cat("Learning rate reduction is conditioned on metric `", o_.monitor,
                      "` which is not available. Available metrics are: ", names, "."));
    }
    if (cooldown_left_ > 0) {
      --cooldown_left_;
      wait_ = 0;
    }
    if (monitor_.take(*value)) {
      wait_ = 0;
    } else if (cooldown_left_ == 0 && ++wait_ >= o_.patience) {
      reduce(epoch);
    }
  }

  Json state() const override {
    return Json::object(
        {{"best", monitor_.state()}, {"cooldown_left", cooldown_left_}, {"wait", wait_}});
  }
  void set_state(const Json& state) override {
    monitor_.set_state(state.at("best"));
    cooldown_left_ = state.at("cooldown_left").as_int();
    wait_ = state.at("wait").as_int();
  }

 private:
  static constexpr const char* kName = "ReduceLROnPlateau";

  void reduce(int64_t epoch) {
    const double old_rate = rate_of(optimizer());
    if (old_rate <= static_cast<double>(static_cast<float>(o_.min_lr))) return;
    const double rate = std::max(old_rate * o_.factor, o_.min_lr);
    optimizer().set_learning_rate(rate);
    if (o_.verbose > 0) {
      print(cat("\nEpoch ", epoch + 1, ": ReduceLROnPlateau reducing learning rate to ", rate,
                ".\n"));
    }
    cooldown_left_ = o_.cooldown;
    wait_ = 0;
  }

  ReduceLROnPlateauOptions o_;
  train::Monitor monitor_;
  int64_t cooldown_left_ = 0, wait_ = 0;
};

}  // namespace

CallbackPtr callbacks::LearningRateScheduler(Schedule schedule, int verbose) {
  return std::make_shared<cornu::LearningRateScheduler>(std::move(schedule), verbose);
}
CallbackPtr callbacks::LearningRateScheduler(std::function<double(int64_t)> schedule, int verbose) {
  Schedule of_epoch;
  if (schedule) {
    of_epoch = [schedule = std::move(schedule)](int64_t epoch, double) { return schedule(epoch); };
  }
  return std::make_shared<cornu::LearningRateScheduler>(std::move(of_epoch), verbose);
}
CallbackPtr callbacks::ReduceLROnPlateau(ReduceLROnPlateauOptions o) {
  return std::make_shared<cornu::ReduceLROnPlateau>(std::move(o));
}

}  // namespace cornu
