#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cornu/kernels/kernel.h"

namespace cornu::compile {

// Where a step finds or leaves a tensor.
struct Location {
  enum class Kind : uint8_t { kNone, kArena, kInput, kOutput, kConstant };
  Kind kind = Kind::kNone;
  int64_t index = 0;   // floats into the arena; number of the input, output or constant
  int64_t offset = 0;  // floats into the output
  friend bool operator==(const Location&, const Location&) = default;
};

// One call of a kernel. kNone operands were packed into the state.
struct Step {
  kernels::RunFn run = nullptr;
  std::shared_ptr<const void> state;
  std::vector<Location> in;
  Location out;
  int64_t scratch = 0;  // floats into the arena
  // For people: which layer, op and kernel, why this one, and the work in floating-point
  // operations.
  std::string layer, op, kernel, reason;
  double flops = 0;
};

// A graph made ready to run: flat, immutable, shared by any number of callers, each of whom brings
// the arena. Everything that can be decided before the numbers arrive has been.
struct Plan {
  std::vector<Step> steps;
  std::vector<Tensor> constants;
  std::vector<Shape> inputs, outputs;
  int64_t arena_floats = 0;
  int64_t weight_bytes = 0;  // of the constants, and of what the steps' states have packed
  int64_t plain_floats = 0;  // what the arena would be with a buffer per tensor and no passes
};

}  // namespace cornu::compile
