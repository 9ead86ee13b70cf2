#include "cornu/train/data.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "cornu/base/error.h"
#include "cornu/base/random.h"
#include "cornu/base/text.h"

namespace cornu {

void Dataset::skip(int64_t count) {
  for (int64_t i = 0; i < count && next(); ++i) {
  }
}

std::vector<Tensor> train::samples(const std::vector<Tensor>& arrays, int64_t begin, int64_t end) {
  std::vector<Tensor> parts;
  for (const Tensor& t : arrays) {
    const int64_t row = t.shape()[0] == 0 ? 0 : t.size() / t.shape()[0];
    Shape shape = t.shape();
    shape[0] = end - begin;
    parts.emplace_back(std::move(shape),
                       t.values().subspan(static_cast<size_t>(begin * row),
                                          static_cast<size_t>((end - begin) * row)));
  }
  return parts;
}

namespace {

class ArrayDataset final : public Dataset {
 public:
  ArrayDataset(std::vector<Tensor> x, std::vector<Tensor> y, ArrayDatasetOptions o)
      : all_{std::move(x), std::move(y), std::move(o.sample_weight)},
        batch_size_(o.batch_size),
        shuffles_(o.shuffle) {
    if (batch_size_ < 1)
      throw ValueError(
          base::cat("`batch_size` must be positive. Received: batch_size=", batch_size_));
    if (all_.x.empty()) throw ValueError("`x` must hold at least one array");
    check(all_.x, "x");
    check(all_.y, "y");
    check(all_.sample_weight, "sample_weight");
    samples_ = all_.x[0].shape()[0];
    order_.resize(static_cast<size_t>(samples_));
    std::iota(order_.begin(), order_.end(), int64_t{0});
  }

  std::optional<int64_t> steps() const override {
    return (samples_ + batch_size_ - 1) / batch_size_;
  }
  void start(uint64_t seed) override {
    at_ = 0;
    if (!shuffles_) return;
    std::iota(order_.begin(), order_.end(), int64_t{0});
    base::shuffle(order_, seed);
  }
  void skip(int64_t count) override { at_ = std::min(samples_, at_ + count * batch_size_); }
  const Batch* next() override {
    const int64_t count = std::min(batch_size_, samples_ - at_);
    if (count <= 0) return nullptr;
    Batch& batch = count == batch_size_ ? full_ : rest_;
    gather(all_.x, count, batch.x);
    gather(all_.y, count, batch.y);
    gather(all_.sample_weight, count, batch.sample_weight);
    at_ += count;
    return &batch;
  }

 private:
  void check(const std::vector<Tensor>& arrays, const char* name) const {
    for (const Tensor& t : arrays)
      if (t.shape().rank() == 0 || t.shape()[0] != all_.x[0].shape()[0])
        throw ValueError(base::cat("all arrays must have the same number of samples. Received: `",
                                   name, "` with shape=", t.shape(),
                                   " and `x` with shape=", all_.x[0].shape()));
  }

  // The rows of the next `count` samples. `to` is made at the first call and kept.
  void gather(const std::vector<Tensor>& from, int64_t count, std::vector<Tensor>& to) const {
    to.resize(from.size());
    for (size_t i = 0; i < from.size(); ++i) {
      if (to[i].shape().rank() == 0 || to[i].shape()[0] != count ||
          to[i].shape().rank() != from[i].shape().rank()) {
        Shape shape = from[i].shape();
        shape[0] = count;
        to[i] = Tensor(std::move(shape));
      }
      const int64_t row = to[i].size() / count;
      float* out = to[i].data();
      for (int64_t k = 0; k < count; ++k)
        std::copy_n(from[i].data() + order_[static_cast<size_t>(at_ + k)] * row, row,
                    out + k * row);
    }
  }

  const Batch all_;
  const int64_t batch_size_;
  const bool shuffles_;
  int64_t samples_ = 0, at_ = 0;
  std::vector<int64_t> order_;
  Batch full_, rest_;
};

class GeneratorDataset final : public Dataset {
 public:
  GeneratorDataset(std::function<std::optional<Batch>()> next_batch, std::optional<int64_t> steps)
      : next_batch_(std::move(next_batch)), steps_(steps) {}
  std::optional<int64_t> steps() const override { return steps_; }
  void start(uint64_t) override {}
  const Batch* next() override {
    batch_ = next_batch_();
    return batch_ ? &*batch_ : nullptr;
  }

 private:
  std::function<std::optional<Batch>()> next_batch_;
  std::optional<int64_t> steps_;
  std::optional<Batch> batch_;
};

}  // namespace

std::shared_ptr<Dataset> array_dataset(std::vector<Tensor> x, std::vector<Tensor> y,
                                       ArrayDatasetOptions o) {
  return std::make_shared<ArrayDataset>(std::move(x), std::move(y), std::move(o));
}

std::shared_ptr<Dataset> generator_dataset(std::function<std::optional<Batch>()> next_batch,
                                           std::optional<int64_t> steps) {
  return std::make_shared<GeneratorDataset>(std::move(next_batch), steps);
}

}  // namespace cornu
