#pragma once

#include <cstdint>

#include "cornu/kernels/epilogue.h"
#include "cornu/kernels/lines.h"
#include "cornu/kernels/segments.h"

namespace cornu::kernels {

// Weights beyond this come from further away than the second-level cache, each time anew.
constexpr int64_t kFarWeights = 256 * 1024;

// The inner kernel of every convolution, a matrix product whose left rows lie anywhere in memory:
//   out[m][n] = relu(start[m][n] + sum_{run, k} rows[run][m][k] * weights[first[run] + k][n])
// summed in the order written. Nothing outside these ranges is read or written.
struct Tile {
  const float* const* rows = nullptr;  // [runs][M]
  const int32_t* first = nullptr;      // [runs]: the row of `weights` a run starts at
  int64_t runs = 0, length = 0;        // length: numbers per run
  int64_t rows_shift = 0;              // added to every pointer of `rows`
  const float* weights = nullptr;      // [K][panel], aligned to its vectors
  const float* start = nullptr;  // [M][panel], start_stride apart (0: one row for all, a bias)
  int64_t start_stride = 0;
  float* const* out = nullptr;  // [M]
  int64_t out_shift = 0;        // added to every pointer of `out`
  int64_t columns = 0;          // of each out row, <= panel
  const Relu* relu = nullptr;   // or null
  // Whether the weights are far away, so that they are fetched ahead of their use. Near ones would
  // only be asked for twice, which takes a twentieth of the time.
  bool far = true;
  // Not null: what is wanted after this, fetched meanwhile, a cache line further with every number
  // of the sum.
  const float* ahead = nullptr;
};
using TileFn = void (*)(const Tile&);

// The inner kernel of the gradients in weights, a sum of outer products over segments of rows:
//   sums[m][n] += sum_{segment, p} a[segment.a + p * a_stride + m] * b[(segment.b + p) * b_stride +
//   n]
// where the whole sum is added at once: long sums lose less that way.
struct OuterTile {
  const Segment* segments = nullptr;
  int64_t segment_count = 0;
  const float* a = nullptr;  // rows of M numbers
  int64_t a_stride = 0;
  const float* b = nullptr;  // rows of a panel
  int64_t b_stride = 0;
  float* sums = nullptr;  // [M][panel], sums_stride apart
  int64_t sums_stride = 0;
  // Not null: fetched meanwhile, a cache line further at every step, instead of a's coming rows,
  // which are near by then.
  const float* ahead = nullptr;
};
using OuterFn = void (*)(const OuterTile&);

// The tile functions of one target. Index [v - 1] is for panels of v vectors.
struct Gemm {
  static constexpr int kMaxRows = 16, kMaxVectors = 4;
  const char* target;
  int lanes;
  int rows[kMaxVectors];               // the best M; 0: no tiles so wide
  TileFn tile[kMaxVectors][kMaxRows];  // [M - 1], M <= rows
  OuterFn outer[2][kMaxRows];          // the same
};
const Gemm& gemm();

}  // namespace cornu::kernels
