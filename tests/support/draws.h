#pragma once

#include <cstdint>
#include <random>
#include <utility>

#include "tests/support/compare.h"

namespace cornu::testing {

// What makers of random graphs draw with: the same for the same seed.
class Draws {
 public:
  explicit Draws(uint64_t seed) : rng_(seed), seed_(seed) {}

 protected:
  int64_t pick(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(rng_() % static_cast<uint64_t>(high - low + 1));
  }
  template <size_t N>
  int64_t one_of(const int64_t (&some)[N]) {
    return some[pick(0, static_cast<int64_t>(N) - 1)];
  }
  // Other numbers each time.
  Tensor numbers(Shape shape, float low, float high) {
    return random_tensor(std::move(shape), seed_ * 100 + ++drawn_, low, high);
  }

  std::mt19937_64 rng_;
  uint64_t seed_;

 private:
  uint64_t drawn_ = 0;
};

}  // namespace cornu::testing
