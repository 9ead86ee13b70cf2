#include "cornu/ops/random.h"

#include <gtest/gtest.h>

#include <set>

#include "cornu/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using Kind = Random::Kind;

// The key of a seed, for a batch that begins with this sample.
Tensor key(uint64_t seed, uint64_t first_sample = 0) {
  Tensor k(Shape{6});
  for (size_t i = 0; i < 4; ++i) k.values()[i] = static_cast<float>(seed >> (16 * i) & 0xffff);
  for (size_t i = 0; i < 2; ++i)
    k.values()[4 + i] = static_cast<float>(first_sample >> (16 * i) & 0xffff);
  return k;
}

TEST(Random, NumbersAreWordsOfTheStream) {
  const uint64_t seed = 0xfedcba9876543210;
  for (const Kind kind : {Kind::kUniform, Kind::kNormal}) {
    const Tensor y = run_op(Random{kind, Shape{2, 3, 5}, 7}, {key(seed, 0x2000a)});
    const base::Philox stream(seed, 7);
    for (uint64_t i = 0; i < 30; ++i) {
      const uint32_t word = stream.bits32(uint64_t{0x2000a} * 15 + i);
      const double want = kind == Kind::kUniform ? base::unit(word) : base::normal(word);
      EXPECT_EQ(y.values()[i], static_cast<float>(want));
    }
  }
}

TEST(Random, DoNotDependOnHowTheBatchIsCut) {
  const Tensor whole = run_op(Random{Kind::kNormal, Shape{5, 3}, 1}, {key(4, 100)});
  const Tensor head = run_op(Random{Kind::kNormal, Shape{2, 3}, 1}, {key(4, 100)});
  const Tensor tail = run_op(Random{Kind::kNormal, Shape{3, 3}, 1}, {key(4, 102)});
  EXPECT_TRUE(bit_equal(run_op(Concat{0}, {head, tail}), whole));
}

TEST(Random, SeedSiteAndSampleMatter) {
  std::set<std::vector<float>> seen;
  for (const Tensor& k : {key(1), key(2), key(uint64_t{1} << 48), key(1, 1), key(1, 1 << 20)})
    for (const int64_t site : {0, 1})
      seen.insert(numbers(run_op(Random{Kind::kUniform, Shape{4}, site}, {k})));
  EXPECT_EQ(seen.size(), 10u);
}

TEST(Random, HaveTheirDistribution) {
  for (const Kind kind : {Kind::kUniform, Kind::kNormal}) {
    const Tensor y = run_op(Random{kind, Shape{1000, 100}, 3}, {key(9)});
    double sum = 0, squares = 0;
    for (const float v : y.values()) {
      ASSERT_TRUE(kind == Kind::kNormal || (v > 0 && v < 1));
      sum += v;
      squares += static_cast<double>(v) * v;
    }
    const double mean = sum / 1e5, variance = squares / 1e5 - mean * mean;
    EXPECT_NEAR(mean, kind == Kind::kUniform ? 0.5 : 0, 0.015);
    EXPECT_NEAR(variance, kind == Kind::kUniform ? 1 / 12.0 : 1, 0.02);
  }
}

TEST(Random, UniformNumbersStayBelowOne) {
  EXPECT_LT(random_number<float>(Kind::kUniform, 0xffffffff), 1);
  EXPECT_LT(random_number<double>(Kind::kUniform, 0xffffffff), 1);
  EXPECT_GT(random_number<float>(Kind::kUniform, 0), 0);
}

TEST(Random, ShapeRule) {
  EXPECT_EQ(infer_shape(Random{Kind::kUniform, Shape{0, 3}}, {Shape{6}}), (Shape{0, 3}));
  EXPECT_THROW(infer_shape(Random{Kind::kUniform, Shape{2}}, {Shape{5}}), InternalError);
  EXPECT_THROW(infer_shape(Random{Kind::kUniform, Shape{2}}, {}), InternalError);
  EXPECT_THROW(infer_shape(Random{Kind::kUniform, Shape{}}, {Shape{6}}), InternalError);
  EXPECT_THROW(infer_shape(Random{Kind::kUniform, Shape{None, 2}}, {Shape{6}}), InternalError);
}

}  // namespace
}  // namespace cornu::ops
