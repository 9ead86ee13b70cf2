#include "cornu/train/feed.h"

namespace cornu::train {

void Feed::start_pass() {
  data_.start(trainer_.next_shuffle_seed());
  taken_ = 0;
}

void Feed::start_epoch() {
  if (taken_ == 0 || !steps_per_epoch_) start_pass();
}

const Batch* Feed::take() {
  const bool over = data_.steps() && taken_ >= *data_.steps();
  const Batch* batch = over ? nullptr : data_.next();
  taken_ = batch ? taken_ + 1 : 0;
  return batch;
}

const Batch* Feed::next(int64_t step) {
  if (steps_per_epoch_ && step >= *steps_per_epoch_) return nullptr;
  const bool within = taken_ > 0;
  const Batch* batch = take();
  if (batch || step > 0 || !within) return batch;
  start_pass();  // the last pass ended with the last epoch
  return take();
}

void Feed::go_on(int64_t taken, const std::function<void(const Batch&)>& look) {
  --trainer_.position().shuffles;  // with the order that it began with
  start_pass();
  const Batch* first = take();
  if (!first) return;
  look(*first);
  data_.skip(taken - 1);
  taken_ = taken;
}

}  // namespace cornu::train
