#include "tests/support/pairwise.h"

#include <gtest/gtest.h>

namespace cornu::testing {
namespace {

// Every pair of levels of two factors is in some choice.
bool covers(const std::vector<Choice>& choices, const std::vector<size_t>& levels) {
  for (size_t a = 0; a < levels.size(); ++a)
    for (size_t b = a + 1; b < levels.size(); ++b)
      for (size_t i = 0; i < levels[a]; ++i)
        for (size_t j = 0; j < levels[b]; ++j)
          if (std::none_of(choices.begin(), choices.end(),
                           [&](const Choice& c) { return c[a] == i && c[b] == j; }))
            return false;
  return true;
}

TEST(Pairwise, EveryPairMeets) {
  for (const std::vector<size_t>& levels :
       {std::vector<size_t>{2, 2, 2}, {5, 3}, {1, 4, 1, 2}, {4, 4, 4, 4, 3, 3, 2, 2, 2, 34}})
    for (uint64_t seed = 0; seed < 3; ++seed) {
      std::vector<Choice> choices = Pairwise(levels, seed).choices();
      EXPECT_TRUE(covers(choices, levels));
      for (const Choice& c : choices) {
        ASSERT_EQ(c.size(), levels.size());
        for (size_t f = 0; f < levels.size(); ++f) EXPECT_LT(c[f], levels[f]);
      }
      std::erase_if(choices, [](const Choice& c) { return c[0] == 0 && c[1] == 0; });
      EXPECT_FALSE(covers(choices, levels));
    }
}

TEST(Pairwise, IsSmall) {
  // 13 factors of 3 levels: 3^13 combinations, and no fewer than 15 choices can cover the pairs.
  EXPECT_LE(Pairwise(std::vector<size_t>(13, 3), 1).choices().size(), 30u);
}

TEST(Pairwise, OneFactorAndNone) {
  EXPECT_EQ(Pairwise({3}, 1).choices(), (std::vector<Choice>{{0}, {1}, {2}}));
  EXPECT_TRUE(Pairwise({}, 1).choices().empty());
}

TEST(Pairwise, SeedsDiffer) {
  const std::vector<size_t> levels(6, 4);
  EXPECT_EQ(Pairwise(levels, 1).choices(), Pairwise(levels, 1).choices());
  EXPECT_NE(Pairwise(levels, 1).choices(), Pairwise(levels, 2).choices());
}

}  // namespace
}  // namespace cornu::testing
