#pragma once

// Sums of float numbers in double: long sums as exact as their result can show, in one pass over
// memory.

#include <cstdint>

namespace cornu::kernels {

// What is summed up over numbers x, with a second operand dy and a mean where those are named.
enum class Term {
  kSum,         // x
  kMoments,     // x and x^2
  kNormalized,  // dy and dy * (x - mean)
  kMax,         // no sums, but found the same way; NaN wins
  kMin,
};
inline constexpr int kTerms = 5;

// A matrix of numbers. Every function takes whole vectors in one order that depends on the matrix's
// size alone.
struct Block {
  const float* x = nullptr;  // [rows][columns], rows `stride` apart
  const float* dy = nullptr;
  const float* mean = nullptr;  // of each result
  int64_t rows = 0, columns = 0, stride = 0;
  double *first = nullptr, *second = nullptr;  // results; `second` of the terms that have two
};
using SumFn = void (*)(const Block&);

struct Sums {
  SumFn columns[kTerms];  // of each column, over all rows
  SumFn lines[kTerms];    // of each row, over all columns
};
// Of the target in use.
const Sums& sums();

}  // namespace cornu::kernels
