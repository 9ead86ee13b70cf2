#pragma once

// What tests share: numbers to feed in, and comparisons that NaN cannot slip through.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <random>

#include "cornu/tensor/tensor.h"

namespace cornu::testing {

// max |got - want| / (1 + |want|) of two ranges of numbers. Equal infinities and two NaN differ by
// 0; infinite if only one is NaN, if different infinities meet or if the lengths differ.
template <class A, class B>
double max_error(const A& got, const B& want) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (std::size(got) != std::size(want)) return kInfinity;
  double worst = 0;
  for (size_t i = 0; i < std::size(got); ++i) {
    const auto a = static_cast<double>(got[i]), b = static_cast<double>(want[i]);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double error = std::fabs(a - b) / (1 + std::fabs(b));
    if (!(error < kInfinity)) return kInfinity;
    worst = std::fmax(worst, error);
  }
  return worst;
}

inline double max_error(const Tensor& got, const Tensor& want) {
  if (got.shape() != want.shape()) return std::numeric_limits<double>::infinity();
  return max_error(got.values(), want.values());
}

// Equal shapes and equal bytes: tells -0 from 0, and a NaN equals itself.
inline bool bit_equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size()) * sizeof(float)) == 0;
}

// The sum of products, in double; NaN if the shapes differ.
inline double dot(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (size_t i = 0; i < a.values().size(); ++i)
    sum += static_cast<double>(a.values()[i]) * b.values()[i];
  return sum;
}

// Uniform in [low, high), the same for the same seed everywhere.
inline Tensor random_tensor(Shape shape, uint64_t seed, float low = -1, float high = 1) {
  Tensor t(std::move(shape));
  std::mt19937_64 random(seed);
  for (float& v : t.values())
    v = low + (high - low) * static_cast<float>(random() >> 40) * 0x1p-24f;
  return t;
}

// Whole numbers in [low, high]: sums of products of small ones are exact in float.
inline Tensor random_integers(Shape shape, uint64_t seed, int low = -4, int high = 4) {
  Tensor t(std::move(shape));
  std::mt19937_64 random(seed);
  const auto count = static_cast<uint64_t>(high - low + 1);
  for (float& v : t.values())
    v = static_cast<float>(low + static_cast<int>((random() >> 16) % count));
  return t;
}

}  // namespace cornu::testing
