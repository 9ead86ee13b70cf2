#pragma once

#include <optional>
#include <string>

#include "cornu/base/json.h"
#include "cornu/train/callback.h"
#include "cornu/train/callbacks.h"

namespace cornu::train {

// ValueError: "EarlyStopping: `patience` must be …. Received: patience=-1", unless it holds.
void require(bool holds, const char* callback, const char* argument, const char* must,
             const std::string& received);
// After how many batches something is done; 0: at the end of each epoch.
int64_t batches_of(const Frequency& frequency, const char* callback, const char* argument);

// A monitored value: which way it improves, and its best so far.
class Monitor {
 public:
  // `min_delta` is how much better counts; `best` what is to be beaten first, none: nothing is.
  Monitor(const char* callback, std::string name, std::string mode, double min_delta,
          std::optional<double> best);

  const std::string& name() const { return name_; }
  // Finds out the direction, once the metrics are there. ValueError when it is not known.
  void resolve(const Context& context);
  bool improves(double value, std::optional<double> reference) const;
  // Whether it is better than the best, which it then is.
  bool take(double value);
  const std::optional<double>& best() const { return best_; }
  void forget() { best_ = std::nullopt; }

  base::Json state() const { return best_; }
  void set_state(const base::Json& state);

 private:
  std::string callback_, name_, mode_;
  double min_delta_;
  std::optional<double> best_;
  int direction_ = 0;  // 0: not known yet
};

}  // namespace cornu::train
