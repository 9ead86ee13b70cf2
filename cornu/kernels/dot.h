#pragma once

#include <cstdint>

#include "cornu/kernels/epilogue.h"

namespace cornu::kernels {

// The inner kernel of convolutions with few outputs, whose vectors lie along the channels:
//   out[m][n] = relu(bias[n] + sum_{run, k} rows[run][m][k] * weights[n][first[run] + k])
// where `length` and `first` are whole vectors. The lanes of a sum are added up at the end.
// Nothing outside these ranges is read or written.
struct DotTile {
  const float* const* rows = nullptr;  // [runs][M]
  const int32_t* first = nullptr;      // [runs]
  int64_t runs = 0, length = 0;        // length: numbers per run
  int64_t rows_shift = 0;              // added to every pointer of `rows`
  const float* weights = nullptr;
  int64_t weights_stride = 0;   // from output to output
  const float* bias = nullptr;  // [m][n], for all m of the largest tile, and 3 numbers more
  float* const* out = nullptr;  // [M]
  int64_t out_shift = 0;        // added to every pointer of `out`
  const Relu* relu = nullptr;   // or null
};
using DotFn = void (*)(const DotTile&);

// The functions of one target.
struct DotTiles {
  static constexpr int kMaxRows = 16, kMaxOutputs = 4;
  const char* target;
  int lanes;
  int rows[kMaxOutputs];              // the best M for n outputs, at [n - 1]
  DotFn tile[kMaxOutputs][kMaxRows];  // [n - 1][M - 1], M <= rows
};
const DotTiles& dot_tiles();

}  // namespace cornu::kernels
