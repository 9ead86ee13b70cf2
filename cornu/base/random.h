#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "cornu/base/export.h"

// Random numbers that depend on a key and a position alone: number i of a stream is the same
// whoever asks for it, in whatever order, on any number of threads and on any platform.
namespace cornu::base {

// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011).
CORNU_API std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter,
                                         std::array<uint32_t, 2> key);

// 2^64 blocks of four 32-bit words. Different keys, and different streams of one key, are
// independent.
class CORNU_API Philox {
 public:
  explicit Philox(uint64_t key, uint64_t stream = 0) : key_(key), stream_(stream) {}
  std::array<uint32_t, 4> block(uint64_t index) const {
    return philox({low(index), high(index), low(stream_), high(stream_)}, {low(key_), high(key_)});
  }
  // Word i, and 64 bits from words 2i and 2i + 1. Whoever needs many takes blocks.
  uint32_t bits32(uint64_t i) const { return block(i / 4)[i % 4]; }
  uint64_t bits64(uint64_t i) const {
    const std::array<uint32_t, 4> b = block(i / 2);
    return b[i % 2 * 2] | static_cast<uint64_t>(b[i % 2 * 2 + 1]) << 32;
  }

 private:
  static uint32_t low(uint64_t v) { return static_cast<uint32_t>(v); }
  static uint32_t high(uint64_t v) { return static_cast<uint32_t>(v >> 32); }
  uint64_t key_, stream_;
};

// One number from one word. Only +, -, *, / and sqrt are used, which IEEE 754 rounds one way, so
// that the numbers do not depend on a libm.
//   unit              uniform in (0, 1): (word + 0.5) / 2^32
//   normal            standard normal, within +-6.34
//   truncated_normal  standard normal given that it lies within [-2, 2], which is what redrawing
//                     until it does would give, at a fixed price of one word
inline double unit(uint32_t word) { return (word + 0.5) * 0x1p-32; }
CORNU_API double normal(uint32_t word);
CORNU_API double truncated_normal(uint32_t word);

// The x for which a standard normal number is below x with probability p, 1e-11 <= p <= 1 - 1e-11.
// Wichura's algorithm AS 241 (1988), relative error about 1e-15.
CORNU_API double normal_quantile(double p);

// Puts a list in an order that the key alone decides (Fisher and Yates), every order being as
// likely as any other but for a share of size / 2^64.
template <class T>
void shuffle(std::vector<T>& list, uint64_t key) {
  const Philox random(key);
  for (std::size_t i = list.size(); i > 1; --i)
    std::swap(list[i - 1], list[static_cast<std::size_t>(random.bits64(i) % i)]);
}

// A fresh key: the next of the stream that set_random_seed() started, else from the system.
// Thread-safe.
CORNU_API uint64_t next_seed();

}  // namespace cornu::base

namespace cornu {

// Makes all that follows repeatable: initial weights now, shuffling and dropout once there is
// training. Thread-safe.
CORNU_API void set_random_seed(uint64_t seed);

}  // namespace cornu
