#include "cornu/base/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <set>
#include <thread>
#include <vector>

namespace cornu::base {
namespace {

// The known answers published with Random123 (kat_vectors, philox4x32 10).
TEST(Philox, KnownAnswers) {
  using Words = std::array<uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  // The first digits of pi.
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, PositionsAndStreams) {
  const Philox a(7);
  for (uint64_t i = 0; i < 12; ++i) EXPECT_EQ(a.bits32(i), a.block(i / 4)[i % 4]);
  EXPECT_EQ(a.bits64(3), a.bits32(6) | static_cast<uint64_t>(a.bits32(7)) << 32);
  // Key, stream and position all matter, the upper halves too.
  const uint64_t high = uint64_t{1} << 32;
  std::set<uint32_t> first;
  for (const Philox& p : {Philox(7), Philox(8), Philox(7 + high), Philox(7, 1), Philox(7, high)})
    first.insert(p.bits32(0));
  first.insert(a.block(high)[0]);
  EXPECT_EQ(first.size(), 6u);
}

TEST(Random, UnitStaysInside) {
  EXPECT_GT(unit(0), 0);
  EXPECT_LT(unit(0xffffffff), 1);
  EXPECT_EQ(unit(0x80000000) - unit(0x7fffffff), 0x1p-32);
}

TEST(Random, NormalQuantileInvertsTheNormalDistribution) {
  const auto below = [](double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); };
  EXPECT_EQ(normal_quantile(0.5), 0);
  int checked = 0;
  for (double p = 1e-11; p < 0.5; p *= 1.07, ++checked) {
    const double x = normal_quantile(p);
    EXPECT_NEAR(below(x) / p, 1, 2e-13) << p;
    EXPECT_NEAR(normal_quantile(1 - p), -normal_quantile(1 - (1 - p)), 1e-12) << p;
  }
  EXPECT_GT(checked, 300);
}

TEST(Random, NormalIsBoundedAndRising) {
  EXPECT_NEAR(normal(0), -6.337957754553789, 1e-12);
  EXPECT_NEAR(normal(0xffffffff), 6.337957754553789, 1e-6);
  EXPECT_NEAR(truncated_normal(0), -2, 1e-8);
  EXPECT_NEAR(truncated_normal(0xffffffff), 2, 1e-8);
  double last = -7, last_truncated = -3;
  for (uint64_t word = 0; word <= 0xffffffff; word += 0x00fedcba) {
    const double n = normal(static_cast<uint32_t>(word));
    const double t = truncated_normal(static_cast<uint32_t>(word));
    EXPECT_GT(n, last);
    EXPECT_GT(t, last_truncated);
    last = n, last_truncated = t;
  }
}

// Bits, not tolerances: these must be the same on every platform. The values are those of Python's
// statistics.NormalDist().inv_cdf, rounded to float.
TEST(Random, NormalNumbersAreBitExact) {
  EXPECT_EQ(static_cast<float>(normal(0x12345678)), -0x1.77b264p+0f);
  EXPECT_EQ(static_cast<float>(normal(0x00000001)), -0x1.8aa6c8p+2f);
  EXPECT_EQ(static_cast<float>(normal(0xc0000000)), 0x1.5956b8p-1f);
  EXPECT_EQ(static_cast<float>(truncated_normal(0xdeadbeef)), 0x1.0ca7bcp+0f);
  EXPECT_EQ(static_cast<float>(truncated_normal(0x01234567)), -0x1.ed4d34p+0f);
}

TEST(Seeds, SetRandomSeedRepeats) {
  set_random_seed(5);
  const std::vector<uint64_t> first = {next_seed(), next_seed(), next_seed()};
  set_random_seed(5);
  const std::vector<uint64_t> again = {next_seed(), next_seed(), next_seed()};
  set_random_seed(6);
  EXPECT_EQ(first, again);
  EXPECT_EQ(std::set<uint64_t>(first.begin(), first.end()).size(), 3u);
  EXPECT_NE(next_seed(), first[0]);
}

TEST(Seeds, ThreadsNeverDrawTheSameSeed) {
  set_random_seed(1);
  std::vector<std::vector<uint64_t>> drawn(4);
  std::vector<std::thread> threads;
  for (auto& seeds : drawn)
    threads.emplace_back([&seeds] {
      for (int i = 0; i < 1000; ++i) seeds.push_back(next_seed());
    });
  for (std::thread& t : threads) t.join();
  std::set<uint64_t> all;
  for (const auto& seeds : drawn) all.insert(seeds.begin(), seeds.end());
  EXPECT_EQ(all.size(), 4000u);
}

}  // namespace
}  // namespace cornu::base
