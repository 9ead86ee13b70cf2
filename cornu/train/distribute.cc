#include "cornu/train/distribute.h"

#include <mutex>

namespace cornu {
namespace {

std::mutex mutex;
std::shared_ptr<base::Communicator> current;

class SharedDataset final : public Dataset {
 public:
  SharedDataset(std::shared_ptr<Dataset> data, std::shared_ptr<base::Communicator> communicator)
      : data_(std::move(data)), communicator_(std::move(communicator)) {}

  std::optional<int64_t> steps() const override { return data_->steps(); }
  void start(uint64_t seed) override { data_->start(seed); }
  void skip(int64_t count) override { data_->skip(count); }
  const Batch* next() override {
    const Batch* whole = data_->next();
    if (!whole || whole->x.empty() || whole->x[0].shape().rank() == 0) return whole;
    const int64_t total = whole->x[0].shape()[0], size = communicator_->size();
    const int64_t rank = communicator_->rank();
    if (total < size) {  // everybody computes all of it
      part_ = *whole;
      part_.share = 1.0 / static_cast<double>(size);
      part_.counts = rank == 0;
      return &part_;
    }
    const int64_t begin = total * rank / size, end = total * (rank + 1) / size;
    part_ = {train::samples(whole->x, begin, end), train::samples(whole->y, begin, end),
             train::samples(whole->sample_weight, begin, end)};
    part_.first_sample = begin;
    part_.share = static_cast<double>(end - begin) / static_cast<double>(total);
    return &part_;
  }

 private:
  std::shared_ptr<Dataset> data_;
  std::shared_ptr<base::Communicator> communicator_;
  Batch part_;
};

}  // namespace

void set_communicator(std::shared_ptr<base::Communicator> communicator) {
  const std::lock_guard lock(mutex);
  current = std::move(communicator);
}

std::shared_ptr<base::Communicator> communicator() {
  const std::lock_guard lock(mutex);
  return current;
}

void train::SharedStep::mean(std::span<float> numbers) noexcept {
  if (!communicator_ || error_) return;
  for (float& v : numbers) v *= share_;
  try {
    communicator_->sum(numbers);
  } catch (...) {
    error_ = std::current_exception();
  }
}

void train::SharedStep::finish() const {
  if (error_) std::rethrow_exception(error_);
}

std::shared_ptr<Dataset> train::shared_dataset(std::shared_ptr<Dataset> data,
                                               std::shared_ptr<base::Communicator> communicator) {
  if (!communicator) return data;
  return std::make_shared<SharedDataset>(std::move(data), std::move(communicator));
}

}  // namespace cornu
