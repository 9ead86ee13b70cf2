#pragma once

#include <cstdint>
#include <span>

#include "cornu/base/export.h"
#include "cornu/ops/op.h"

namespace cornu::ops {

// A tensor to read or to write, of float or double.
template <class T>
struct View {
  const Shape* shape = nullptr;
  T* data = nullptr;
};

template <class T>
using Inputs = std::span<const View<const T>>;

// Rows [begin, end) of an output, a row being one run along its last axis (a rank-0 output has one
// row). Cutting the work by rows is how the plain loops are shared among threads.
struct Rows {
  int64_t begin = 0, end = 0;
};
CORNU_API int64_t row_count(const Shape& shape);
int64_t row_length(const Shape& shape);

// The reference loops: what an op means, in T arithmetic, for the given rows of the output.
// They allocate nothing. Leaves (Input, Variable, Constant) have nothing to compute and are a
// fault (InternalError). `out` must not overlap an input.
template <class T>
CORNU_API void evaluate(const Op& op, Inputs<T> in, View<T> out, Rows rows);

extern template void evaluate<float>(const Op&, Inputs<float>, View<float>, Rows);
extern template void evaluate<double>(const Op&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
