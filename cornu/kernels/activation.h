#pragma once

#include <cstdint>

#include "cornu/ops/op.h"

namespace cornu::kernels {

// y[i] = fn(x[i]) as ops::apply means it, many numbers at a time; y may be x.
using ActivationFn = void (*)(const ops::Unary& fn, const float* x, float* y, int64_t count);

struct Relu;

// Rows of a result that something is added to: row = relu(row + its row of what is added), where
// that lies at the same place: the same cell and number within it.
struct AddedRows {
  float* const* rows = nullptr;      // [count]; null: no row
  int64_t count = 0, row_shift = 0;  // added to every pointer
  int64_t length = 0;
  const float* result = nullptr;              // the whole
  const float* added = nullptr;               // the whole
  int64_t result_pitch = 0, added_pitch = 0;  // numbers from cell to cell
  const Relu* relu = nullptr;                 // or null
};
using AddFn = void (*)(const AddedRows&);
AddFn add_fn();

// Of the target in use; null for functions that loops over single numbers compute well enough.
ActivationFn activation_fn(const ops::Unary& fn);

}  // namespace cornu::kernels
