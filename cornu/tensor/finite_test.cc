#include "cornu/tensor/finite.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace cornu {
namespace {

TEST(AllFinite, FindsTheOddOneAnywhere) {
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(all_finite({}));
  for (const size_t size : {1, 15, 16, 17, 100}) {
    std::vector<float> values(size, std::numeric_limits<float>::max());
    EXPECT_TRUE(all_finite(values));
    for (const float odd : {inf, -inf, std::numeric_limits<float>::quiet_NaN()})
      for (size_t i = 0; i < size; ++i) {
        values[i] = odd;
        EXPECT_FALSE(all_finite(values)) << size << ' ' << i;
        values[i] = -0.0f;
      }
  }
}

}  // namespace
}  // namespace cornu
