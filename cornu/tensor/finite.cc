#include "cornu/tensor/finite.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace cornu {

bool all_finite(std::span<const float> values) {
  // Times 0 all that is finite adds up to 0.
  constexpr size_t kLanes = 16;  // the compiler makes vectors of these
  std::array<float, kLanes> sums = {};
  const size_t whole = values.size() / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes)
    for (size_t k = 0; k < kLanes; ++k) sums[k] += 0 * values[i + k];
  for (float v : values.subspan(whole)) sums[0] += 0 * v;
  return std::all_of(sums.begin(), sums.end(), [](float s) { return s == 0; });
}

}  // namespace cornu
