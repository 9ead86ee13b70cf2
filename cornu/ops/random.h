#pragma once

// Random numbers by position (base/random.h).

#include <algorithm>
#include <limits>
#include <vector>

#include "cornu/base/random.h"
#include "cornu/ops/evaluate.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

// The number that one word of the stream makes. Uniform ones stay below 1 when rounded to T.
template <class T>
T random_number(Random::Kind kind, uint32_t word) {
  if (kind == Random::Kind::kNormal) return static_cast<T>(base::normal(word));
  return std::min(static_cast<T>(base::unit(word)), 1 - std::numeric_limits<T>::epsilon() / 2);
}

Shape shape_rule(const Random& op, const std::vector<Shape>& in);

template <class T>
void reference(const Random& op, Inputs<T> in, View<T> out, Rows rows);

}  // namespace cornu::ops
