#include "cornu/train/callbacks_monitor.h"

#include <cmath>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::train {

void require(bool holds, const char* callback, const char* argument, const char* must,
             const std::string& received) {
  if (holds) return;
  throw ValueError(base::cat(callback, ": `", argument, "` must be ", must,
                             ". Received: ", argument, "=", received));
}

int64_t batches_of(const Frequency& frequency, const char* callback, const char* argument) {
  if (frequency.word() == "epoch") return 0;
  const bool number = frequency.word().empty() && frequency.batches() > 0;
  require(number, callback, argument, "\"epoch\" or a positive number of batches",
          frequency.word().empty() ? base::to_text(frequency.batches())
                                   : base::quoted(frequency.word()));
  return frequency.batches();
}

Monitor::Monitor(const char* callback, std::string name, std::string mode, double min_delta,
                 std::optional<double> best)
    : callback_(callback),
      name_(std::move(name)),
      mode_(std::move(mode)),
      min_delta_(std::fabs(min_delta)),
      best_(best) {
  require(!name_.empty(), callback, "monitor", "the name of a value", "''");
  require(mode_ == "auto" || mode_ == "min" || mode_ == "max", callback, "mode",
          "one of \"auto\", \"min\" and \"max\"", base::quoted(mode_));
  require(std::isfinite(min_delta_), callback, "min_delta", "a finite number",
          base::to_text(min_delta));
}

void Monitor::resolve(const Context& context) {
  if (direction_ != 0) return;
  if (mode_ != "auto") {
    direction_ = mode_ == "min" ? -1 : 1;
    return;
  }
  const std::string metric = name_.starts_with("val_") ? name_.substr(4) : name_;
  if (metric == "loss" || metric.ends_with("_loss")) {
    direction_ = -1;
  } else if (context.direction) {
    direction_ = context.direction(metric);
  }
  if (direction_ != 0) return;
  throw ValueError(base::cat(
      callback_, ": `mode` must be given: whether ", base::quoted(name_),
      " should be maximized or minimized is not known. Pass mode=\"max\" if higher values are "
      "better, mode=\"min\" if lower ones are. Received: monitor=",
      base::quoted(name_), ", mode='auto'"));
}

// Keras compares in float32.
bool Monitor::improves(double value, std::optional<double> reference) const {
  if (!reference) return true;
  const auto margin = static_cast<float>(value - direction_ * min_delta_);
  const auto other = static_cast<float>(*reference);
  return direction_ > 0 ? margin > other : margin < other;
}

bool Monitor::take(double value) {
  if (!improves(value, best_)) return false;
  best_ = value;
  return true;
}

void Monitor::set_state(const base::Json& state) {
  best_ = state.is_null() ? std::nullopt : std::optional(state.as_double());
}

}  // namespace cornu::train
