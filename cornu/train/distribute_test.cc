#include "cornu/train/distribute.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <cmath>
#include <thread>

#include "cornu/base/error.h"
#include "cornu/layers/conv.h"
#include "cornu/layers/core.h"
#include "cornu/layers/dense.h"
#include "cornu/layers/normalization.h"
#include "cornu/layers/reshaping.h"
#include "cornu/model/model.h"
#include "cornu/train/trainer.h"

namespace cornu::train {
namespace {

// Threads that take each other for processes.
class Room {
 public:
  explicit Room(int size) : size_(size), parts_(static_cast<size_t>(size)), barrier_(size) {}
  std::shared_ptr<base::Communicator> member(int rank) {
    return std::make_shared<Member>(*this, rank);
  }

 private:
  class Member final : public base::Communicator {
   public:
    Member(Room& room, int rank) : room_(room), rank_(rank) {}
    int rank() const override { return rank_; }
    int size() const override { return room_.size_; }
    void sum(std::span<float> numbers) override { add(numbers); }
    void sum(std::span<double> numbers) override { add(numbers); }
    void broadcast(std::span<std::byte> bytes) override {
      share(bytes.data());
      const auto* first = static_cast<const std::byte*>(room_.parts_[0]);
      if (rank_ != 0) std::copy_n(first, bytes.size(), bytes.data());
      room_.barrier_.arrive_and_wait();
    }

   private:
    void share(void* own) {
      room_.parts_[static_cast<size_t>(rank_)] = own;
      room_.barrier_.arrive_and_wait();
    }
    template <class T>
    void add(std::span<T> numbers) {
      share(numbers.data());
      std::vector<T> sums(numbers.size(), 0);
      for (void* part : room_.parts_)
        for (size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<const T*>(part)[i];
      room_.barrier_.arrive_and_wait();
      std::copy(sums.begin(), sums.end(), numbers.begin());
    }

    Room& room_;
    int rank_;
  };

  int size_;
  std::vector<void*> parts_;
  std::barrier<> barrier_;
};

Sequential network() {
  set_random_seed(5);
  return Sequential({
      Input({.shape = {4, 4, 2}}),
      Conv2D({.filters = 3, .kernel_size = 3}),
      BatchNormalization({.momentum = 0.7, .synchronized = true}),
      Flatten(),
      Dense({.units = 2}),
  });
}

CompileOptions options() {
  return {.optimizer = SGD({.learning_rate = 0.05, .momentum = 0.9}), .loss = "mse"};
}

// Data whose mean is not 0: where a process used only its own, it shows.
Batch batch(int64_t samples) {
  Tensor x(Shape{samples, 4, 4, 2}), y(Shape{samples, 2});
  for (int64_t i = 0; i < x.size(); ++i)
    x.data()[i] = 0.5f + std::sin(static_cast<float>(i * i % 89));
  for (int64_t i = 0; i < y.size(); ++i) y.data()[i] = std::cos(static_cast<float>(i));
  return {{x}, {y}, {}};
}

// The part of `all` that a rank of `size` gets.
Batch part(const Batch& all, int rank, int size) {
  const int64_t total = all.x[0].shape()[0];
  const int64_t begin = total * rank / size, end = total * (rank + 1) / size;
  Batch own{samples(all.x, begin, end), samples(all.y, begin, end), {}};
  own.share = static_cast<double>(end - begin) / static_cast<double>(total);
  return own;
}

TEST(Distribute, SynchronizedStatisticsAreThoseOfTheWholeBatch) {
  constexpr int kSteps = 4;
  const Batch whole = batch(7);
  const Sequential alone = network();
  {
    Trainer trainer(*alone.network(), options());
    trainer.prepare(whole);
    for (int i = 0; i < kSteps; ++i) trainer.run(graph::Mode::kTrain, whole);
  }
  for (int size : {2, 3}) {
    Room room(size);
    std::vector<Sequential> models;
    for (int rank = 0; rank < size; ++rank) models.push_back(network());
    std::vector<std::thread> threads;
    for (int rank = 0; rank < size; ++rank)
      threads.emplace_back([&, rank] {
        const Batch own = part(whole, rank, size);
        Trainer trainer(*models[static_cast<size_t>(rank)].network(), options());
        trainer.prepare(own);
        trainer.join(room.member(rank));
        for (int i = 0; i < kSteps; ++i) trainer.run(graph::Mode::kTrain, own);
      });
    for (std::thread& t : threads) t.join();
    const std::vector<Tensor> expected = alone.get_weights();
    for (const Sequential& model : models) {
      const std::vector<Tensor> weights = model.get_weights();
      for (size_t i = 0; i < weights.size(); ++i)
        for (int64_t k = 0; k < weights[i].size(); ++k)
          ASSERT_NEAR(std::as_const(weights[i]).data()[k], std::as_const(expected[i]).data()[k],
                      1e-5)
              << size << " processes, weight " << i << ", number " << k;
    }
  }
}

TEST(Distribute, AProcessLostWithinAStepEndsIt) {
  class Lost final : public base::Communicator {
   public:
    int rank() const override { return 0; }
    int size() const override { return 2; }
    void sum(std::span<float>) override { throw IoError("another process is lost"); }
    void sum(std::span<double>) override { throw IoError("another process is lost"); }
    void broadcast(std::span<std::byte>) override {}
  };
  const Sequential model = network();
  const Batch data = batch(4);
  Trainer trainer(*model.network(), options());
  trainer.prepare(data);
  trainer.join(std::make_shared<Lost>());
  const std::vector<Tensor> before = model.get_weights();
  EXPECT_THROW(trainer.run(graph::Mode::kTrain, data), IoError);
  const std::vector<Tensor> after = model.get_weights();
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(std::equal(before[i].values().begin(), before[i].values().end(),
                           after[i].values().begin()));
}

}  // namespace
}  // namespace cornu::train
