#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include "cornu/kernels/split.h"

namespace cornu::kernels {

// Pieces of scratch memory for the tasks at work, taken and given back: at least as many as tasks
// run at a time.
class Slots {
 public:
  static constexpr int kMost = 16;
  explicit Slots(int count) : free_((uint32_t{1} << count) - 1) {}

  int take() {
    for (;;) {
      uint32_t free = free_.load(std::memory_order_relaxed);
      const int slot = std::countr_zero(free);
      if (free != 0 &&
          free_.compare_exchange_weak(free, free & (free - 1), std::memory_order_acquire))
        return slot;
    }
  }
  void give_back(int slot) { free_.fetch_or(uint32_t{1} << slot, std::memory_order_release); }

 private:
  std::atomic<uint32_t> free_;
};

// Runs work(range, memory) on the parts of [0, tasks), of which no more are at work at a time than
// there are pieces of `size` numbers of memory.
template <class F>
void split_with_slots(base::ThreadPool& pool, int64_t tasks, int slots, float* memory, int64_t size,
                      F&& work) noexcept {
  const int64_t runs = pool.threads() > slots ? std::min<int64_t>(tasks, slots) : tasks;
  Slots free(slots);
  pool.parallel_for(runs, [&](int64_t i) {
    const int slot = free.take();
    work(part(tasks, i, runs), memory + slot * size);
    free.give_back(slot);
  });
}

}  // namespace cornu::kernels
