#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "cornu/model/model.h"
#include "cornu/model/network.h"

namespace cornu::fuzz {

// Shapes of a model's inputs, unknown sizes made small ones; nothing where some size is not small.
inline std::optional<std::vector<Shape>> small_shapes(const model::Network& network) {
  std::vector<Shape> shapes;
  for (const Symbol& s : network.inputs()) {
    Shape shape = s.shape();
    for (int64_t i = 0; i < shape.rank(); ++i)
      if (!shape.known(i)) shape[i] = i == 0 ? 2 : 7;
    shapes.push_back(std::move(shape));
  }
  const auto small = [](const Shape& shape) {
    int64_t size = 1;
    for (int64_t d : shape)
      if (d > 64 || (size *= std::max<int64_t>(d, 1)) > 100000) return false;
    return true;
  };
  for (const Shape& shape : shapes)
    if (!small(shape)) return std::nullopt;
  for (const auto& call : network.steps())
    for (const Shape& shape : call->outputs)
      if (!small(shape)) return std::nullopt;
  return shapes;
}

}  // namespace cornu::fuzz
