#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "cornu/train/data.h"
#include "cornu/train/trainer.h"

namespace cornu::train {

// The batches of fit(), epoch after epoch (Keras: EpochIterator). An epoch is a pass over the data;
// with `steps_per_epoch` it is so many batches, the next one goes on where it stopped, and one in
// which the data end is cut short. A pass over the data begins with a seed of the trainer's.
class Feed {
 public:
  Feed(Dataset& data, Trainer& trainer, std::optional<int64_t> steps_per_epoch)
      : data_(data), trainer_(trainer), steps_per_epoch_(steps_per_epoch) {}

  // Batches per epoch; None: only the end will tell.
  std::optional<int64_t> steps() const {
    return steps_per_epoch_ ? steps_per_epoch_ : data_.steps();
  }
  void start_epoch();
  // The batch for this step of the epoch, counted from 0; null where the epoch ends.
  const Batch* next(int64_t step);
  // Whether an epoch that ended after so many steps was to have more.
  bool cut_short(int64_t steps) const { return steps_per_epoch_ && steps < *steps_per_epoch_; }

  // Batches taken from the present pass: with the trainer's position, where the data stand. 0: the
  // next epoch begins another pass.
  int64_t taken() const { return taken_; }
  // Goes on in the pass that the trainer's position tells of, after so many batches. `look` sees
  // the first one of that pass, if there is one.
  void go_on(int64_t taken, const std::function<void(const Batch&)>& look);

 private:
  void start_pass();
  const Batch* take();

  Dataset& data_;
  Trainer& trainer_;
  std::optional<int64_t> steps_per_epoch_;
  int64_t taken_ = 0;
};

}  // namespace cornu::train
