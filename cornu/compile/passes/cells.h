#pragma once

// What several passes ask of an op: whether it looks at each cell by itself. The cells of a tensor
// are all its axes but the last.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cornu/ops/op.h"

namespace cornu::compile {

inline bool is_all(const std::vector<int64_t>& numbers, int64_t value) {
  return std::all_of(numbers.begin(), numbers.end(), [=](int64_t n) { return n == value; });
}

// Edges that add nothing and take nothing away.
inline bool is_bare(const std::vector<ops::Edge>& edges) {
  return std::all_of(edges.begin(), edges.end(),
                     [](const ops::Edge& e) { return e == ops::Edge{}; });
}

// Every cell of the result is made of the same cell of x alone.
inline bool looks_at_one_cell(const ops::Conv& conv, const Shape& kernel) {
  return kernel.size() == kernel[-1] * kernel[-2] && is_all(conv.stride, 1) && is_bare(conv.pad);
}

// The same numbers meet all cells of what it is added to.
inline bool same_everywhere(const Shape& s) { return s.rank() == 0 || s.size() == s[-1]; }

}  // namespace cornu::compile
