#pragma once

#include <vector>

#include "cornu/compile/choice.h"
#include "cornu/graph/graph.h"

namespace cornu::compile {

// Memory that one or several tensors share: `cells` rows of `width` numbers, needed from step
// `first` to step `last` (numbers of nodes).
struct Buffer {
  int64_t cells = 0, width = 0;
  int64_t first = 0, last = 0;
  graph::NodeId output = -1;  // the output of the graph that is all of it, if there is one

  int64_t size() const { return cells * width; }
};

// Where a tensor lies: in each cell of a buffer from this channel on.
struct Spot {
  int64_t buffer = -1;  // -1: not in one (inputs, constants)
  int64_t channel = 0;
  int64_t pitch = 0;  // as kernels::Operand::pitch
};

// Which tensors share a buffer.
struct Buffers {
  std::vector<Buffer> buffers;
  std::vector<Spot> spots;                  // of each node
  std::vector<std::vector<bool>> in_place;  // of each concatenation: parts that need no copying
  // Of each node: the tensors that it is a concatenation of, where all who read it read these.
  std::vector<std::vector<graph::NodeId>> segments;

  bool is_gone(graph::NodeId concat) const;  // nothing is left to copy
};

// Reshapes lie where their operand does. Where `share`, besides:
// - A concatenation along the last axis is not made where all who read it can read its parts.
// - The parts of another one lie in the concatenation's own place, where
//   all kernels that write and read them can do with a pitch. Concatenations of the same parts,
//   as of dense blocks, share one buffer. A part that cannot lie there is copied.
// - The result of an elementwise step takes the place of an operand that is not needed any more,
//   where that does not keep more memory.
// - A part that is needed long after the concatenation (what goes around a whole dense block) is
//   copied too, where this takes less memory in all: the buffer is free for the next one sooner.
// Inputs and outputs of the graph keep their own memory; parts of an output lie in it.
Buffers assign_buffers(const graph::Graph& g, const std::vector<Choice>& choices, bool share);

// The arena that the buffers take, without scratch memory, in floats.
int64_t arena_of(const Buffers& buffers);

}  // namespace cornu::compile
