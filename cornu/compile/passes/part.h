#pragma once

#include <optional>
#include <vector>

#include "cornu/graph/graph.h"

namespace cornu::compile {

// Parts of tensors: how each op computes a box of its result from boxes of its operands.

// The cells [begin, end) of an axis, counted from the start of the whole tensor.
struct Span {
  int64_t begin = 0, end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};
using Box = std::vector<Span>;  // one per axis

Box whole(const Shape& shape);
Shape shape_of(const Box& box);
bool contains(const Box& outer, const Box& inner);
void unite(Box& box, const Box& other);

// The smallest box around `box` that the node can compute alone: the whole result, where it cannot
// be cut.
Box widened(const graph::Graph& g, const graph::Node& node, Box box);

// What it then needs of its operand number i: everything where the op looks everywhere. `out` is
// widened.
Box needed(const graph::Graph& g, const graph::Node& node, size_t i, const Box& out);

// The part of operand i the node would read where `made` is there and `need` of it is needed: a
// convolution passes over the cells behind its last window, a Pad crops.
Box taken(const graph::Node& node, size_t i, const Box& need, const Box& made);

// What these boxes of the outputs, one for each, need of every node: nothing of some.
using Boxes = std::vector<std::optional<Box>>;
Boxes needs(const graph::Graph& g, const std::vector<Box>& outputs);

// The Pad that leaves `box` of what is there.
ops::Pad crop_of(const Box& there, const Box& box);

// The op that computes `out` from the parts `in` of its operands.
ops::Op cut(const graph::Graph& g, const graph::Node& node, const std::vector<Box>& in,
            const Box& out);

}  // namespace cornu::compile
