#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cornu/base/export.h"
#include "cornu/train/callback.h"

namespace cornu::train {

using Print = std::function<void(const std::string& text)>;
using Clock = std::function<double()>;  // seconds since whenever

// The terminal that standard output is.
struct Terminal {
  bool present = false;
  int columns = 0;  // 0: not known
};
CORNU_API Terminal standard_output_terminal();

struct ProgbarOptions {
  int64_t target = -1;     // steps; -1: not known
  int width = 20;          // of the bar, in characters
  int verbose = 1;         // 0 silent, 1 a bar that is redrawn, 2 one line at the end
  double interval = 0.05;  // seconds between two drawings
  std::string unit_name = "step";
  // A line that is redrawn must not be longer than the terminal is wide: what does not fit in this
  // many columns is left out until the last drawing. 0: Keras's text, whatever its length.
  int columns = 0;
  Print print = {};
  Clock clock = {};  // null: a steady clock
};

// Keras 3's progress bar and line (layers.md part 16), byte for byte:
//   12/60 ━━━━━━━━━━━━━━━━━━━━ 3s 9ms/step - accuracy: 0.4714 - loss: 1.4403
// Time runs from the constructor on.
class CORNU_API Progbar {
 public:
  explicit Progbar(ProgbarOptions options);

  // `current` steps are done; `values` are added to those that are shown.
  void update(int64_t current, const Logs& values, bool finalize);
  void set_target(int64_t target) { o_.target = target; }
  // So many steps were done before this began: an epoch that was interrupted goes on.
  void skip(int64_t steps) { skipped_ = steps; }

 private:
  double step_seconds(int64_t current, double now);
  void append_step_time(double seconds, std::string* out) const;
  void append_count(int64_t current, std::string* out) const;
  void append_bar(int64_t current, std::string* out) const;
  void append_values(bool bar, int64_t room, std::string* out) const;
  void draw(int64_t current, double now, double seconds, bool finalize);
  void write_line(int64_t current, double now, double seconds);

  ProgbarOptions o_;
  double start_;
  std::optional<double> first_step_end_, last_drawn_;
  int64_t skipped_ = 0;
  int64_t previous_width_ = 0;
  Logs values_;
  std::string bar_, info_, line_;  // kept, so that drawing allocates nothing
};

// Prints the progress of fit() and evaluate() (Keras: ProgbarLogger), as Context::verbose says.
// Within a fit, validation is silent.
class CORNU_API ProgbarLogger final : public Callback {
 public:
  void on_train_begin(Logs&) override;
  void on_train_end(Logs&) override;
  void on_epoch_begin(int64_t epoch, Logs& logs) override;
  void on_epoch_end(int64_t epoch, Logs& logs) override;
  void on_train_batch_end(int64_t batch, Logs& logs) override;
  void on_test_begin(Logs& logs) override;
  void on_test_end(Logs& logs) override;
  void on_test_batch_end(int64_t batch, Logs& logs) override;

 private:
  void start();
  void update(int64_t batch, const Logs& logs);
  void finish(const Logs& logs);

  std::optional<Progbar> bar_;
  int64_t seen_ = 0;
  int64_t counted_steps_ = -1;  // how many an epoch turned out to have
  bool in_fit_ = false;
};

}  // namespace cornu::train
