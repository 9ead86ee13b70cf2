#include "cornu/ops/random.h"

#include <algorithm>

#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"
#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/random.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef CORNU_KERNELS_RANDOM_BLOCKS
#define CORNU_KERNELS_RANDOM_BLOCKS
namespace cornu::kernels {

// Blocks of a Philox stream made together. The loops over them are plain: the compiler turns them
// into vectors of each target.
constexpr int kBlocks = 16;
struct Words {
  uint32_t of[4][kBlocks];  // word i of each block
};
struct RandomFns {
  // The blocks from `first` on.
  Words (*words)(uint64_t seed, uint64_t site, uint64_t first);
  // Uniform numbers, in the order of the stream.
  void (*uniform)(const Words& words, float* to);
};

}  // namespace cornu::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace cornu::kernels::HWY_NAMESPACE {
namespace {

// As base::philox().
Words philox_words(uint64_t seed, uint64_t site, uint64_t first) {
  const auto low = [](uint64_t v) { return static_cast<uint32_t>(v); };
  const auto high = [](uint64_t v) { return static_cast<uint32_t>(v >> 32); };
  Words w;
  for (int j = 0; j < kBlocks; ++j) {
    w.of[0][j] = low(first + static_cast<uint64_t>(j));
    w.of[1][j] = high(first + static_cast<uint64_t>(j));
    w.of[2][j] = low(site);
    w.of[3][j] = high(site);
  }
  uint32_t key0 = low(seed), key1 = high(seed);
  for (int round = 0; round < 10; ++round) {
    for (int j = 0; j < kBlocks; ++j) {
      const uint64_t a = uint64_t{0xD2511F53} * w.of[0][j], b = uint64_t{0xCD9E8D57} * w.of[2][j];
      w.of[0][j] = high(b) ^ w.of[1][j] ^ key0;
      w.of[1][j] = low(b);
      w.of[2][j] = high(a) ^ w.of[3][j] ^ key1;
      w.of[3][j] = low(a);
    }
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return w;
}

void uniform(const Words& words, float* to) {
  for (int j = 0; j < kBlocks; ++j)
    for (int i = 0; i < 4; ++i)
      to[4 * j + i] = ops::random_number<float>(ops::Random::Kind::kUniform, words.of[i][j]);
}

const RandomFns* target_random() {
  static const RandomFns all{philox_words, uniform};
  return &all;
}

}  // namespace
}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cornu::kernels {
HWY_EXPORT(target_random);
namespace {

constexpr int64_t kPiece = 4 * kBlocks;  // numbers made together

struct State {
  ops::Random::Kind kind;
  int64_t size;
  uint64_t per_sample, site;
  const RandomFns* fns;
};

void normal(const Words& words, float* to) {
  for (int j = 0; j < kBlocks; ++j)
    for (int i = 0; i < 4; ++i)
      to[4 * j + i] = ops::random_number<float>(ops::Random::Kind::kNormal, words.of[i][j]);
}

void run(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  const auto part = [&](size_t i) { return static_cast<uint64_t>(call.in[0][i]); };
  const uint64_t seed = part(0) | part(1) << 16 | part(2) << 32 | part(3) << 48;
  const uint64_t first = (part(4) | part(5) << 16) * s.per_sample;  // word of number 0
  const bool is_uniform = s.kind == ops::Random::Kind::kUniform;
  split(*call.pool, s.size, is_uniform ? 16 * 1024 : 1024, [&](Range r) {
    float numbers[kPiece];
    for (int64_t at = r.begin; at < r.end;) {
      const uint64_t word = first + static_cast<uint64_t>(at);
      const Words words = s.fns->words(seed, s.site, word / 4);
      is_uniform ? s.fns->uniform(words, numbers) : normal(words, numbers);
      const auto skip = static_cast<int64_t>(word % 4);
      const int64_t count = std::min(kPiece - skip, r.end - at);
      std::copy_n(numbers + skip, count, call.out + at);
      at += count;
    }
  });
}

bool accepts(const Problem& p) { return std::holds_alternative<ops::Random>(*p.op); }

Prepared prepare(const Problem& p) {
  const auto& op = std::get<ops::Random>(*p.op);
  uint64_t per_sample = 1;
  for (int64_t a = 1; a < op.shape.rank(); ++a) per_sample *= static_cast<uint64_t>(op.shape[a]);
  return prepared_with(State{op.kind, p.out.size(), per_sample, static_cast<uint64_t>(op.site),
                             CORNU_CHOOSE(target_random)()},
                       run, p);
}

}  // namespace

const Kernel kRandom{"random", accepts, prepare};

}  // namespace cornu::kernels
#endif
