#pragma once

// For the tests: a kernel's results must be those of the op's reference loops, on every target of
// this CPU, the same to the last bit for any number of threads, and nothing beside them is written.

#include <string>
#include <vector>

#include "cornu/kernels/kernel.h"

namespace cornu::kernels {

struct Check {
  ops::Op op;
  std::vector<Shape> in;
  // What the numbers are: small integers, whose sums are exact, must give equal results; others
  // results within rounding. kKey: whole numbers below 2^16, as a key of random numbers is.
  enum class Numbers { kIntegers, kReals, kPositive, kKey } numbers = Numbers::kReals;
  std::vector<bool> constant = {};  // per operand: known when the problem is prepared
  bool special = false;             // puts NaN and infinities into operand 0
  bool strict = false;              // Problem::strict
  double loss = 0;  // how far results may be off besides, in parts of their root mean square
};

// Of the kernel of that name, which must accept; "": of the one that is chosen. Adds GoogleTest
// failures.
void check_kernel(const std::string& kernel, const Check& check);

// Each entry of a batch alone gives the same bits as in the batch, by the same kernel, on every
// target. "": of the one that is chosen.
void check_batch(const std::string& kernel, const Check& check);

// The names of all kernels that accept the problem.
std::vector<std::string> kernels_for(const Check& check);

// The name of the kernel that is chosen, "" when none is.
std::string kernel_for(const ops::Op& op, const std::vector<Shape>& in);

}  // namespace cornu::kernels
