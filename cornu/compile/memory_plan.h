#pragma once

#include <memory>
#include <vector>

#include "cornu/compile/plan.h"
#include "cornu/compile/select.h"

namespace cornu::compile {

// Gives the buffers and every step's scratch a place in one arena, reusing the place of what is no
// longer needed, and lays the steps out flat.
std::shared_ptr<Plan> plan_memory(const graph::Graph& g, const Buffers& buffers,
                                  std::vector<Selected> selected);

// The arena itself, apart from graphs: blocks of `size` floats, alive for steps [first, last].
struct Block {
  int64_t size, first, last;
  int64_t offset = 0;  // set by place_blocks
};
// Places the blocks so that no two alive at the same step overlap, largest first, each in the
// lowest gap that takes it. Returns the arena's size. Offsets and sizes are multiples of 16 floats.
int64_t place_blocks(std::vector<Block>& blocks);

}  // namespace cornu::compile
