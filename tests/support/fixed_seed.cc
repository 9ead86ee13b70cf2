// Part of every test program: each test begins with the same random numbers, so that what passes
// once passes always.

#include <gtest/gtest.h>

#include "cornu/base/random.h"

namespace {

class FixedSeed final : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override { cornu::set_random_seed(1); }
};

[[maybe_unused]] const bool added = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new FixedSeed);
  return true;
}();

}  // namespace
