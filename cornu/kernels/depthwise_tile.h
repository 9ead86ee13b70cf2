#pragma once

#include <cstdint>
#include <vector>

#include "cornu/kernels/epilogue.h"

namespace cornu::kernels {

// The inner kernel of depthwise convolutions, whose channels do not mix:
//   out[m][f] = relu(bias[f] + sum_run rows[run][m][f / multiplier] * weights[first[run]][f])
struct DepthTile {
  const float* const* rows = nullptr;  // [runs][M]: the channels of the cells each result reads
  const int32_t* first = nullptr;      // [runs]: the row of `weights`
  int64_t runs = 0;
  int64_t rows_shift = 0, out_shift = 0;  // added to every pointer of `rows`, of `out`
  // Where the results of a tile lie side by side, as do their taps, so many to a line: how far
  // apart neighbouring cells are in memory. The runs are then whole lines of taps.
  int64_t cell_stride = 0;
  const float* weights = nullptr;  // [taps][filters]
  const float* bias = nullptr;     // [filters]
  float* const* out = nullptr;     // [M]
  int64_t filters = 0, multiplier = 1;
  // For a multiplier above 1: per block of `lanes` filters, the last one moved back to end with the
  // filters, the channel its loads start at and which of the loaded channels each filter reads.
  const int32_t* block_channel = nullptr;
  const int32_t* lane_channel = nullptr;  // [blocks][lanes]
  const Relu* relu = nullptr;             // or null
};

// The two tables above, for vectors of `lanes` <= channels.
struct FilterPlaces {
  std::vector<int32_t> block_channel, lane_channel;
};
FilterPlaces place_filters(int64_t lanes, int64_t channels, int64_t multiplier);

using DepthTileFn = void (*)(const DepthTile&);

struct DepthTiles {
  static constexpr int kMaxRows = 8;
  const char* target;
  int lanes, rows;            // rows: the best M
  DepthTileFn one[kMaxRows];  // multiplier 1: [M - 1]
  // Of tiles of all `rows` whose cells lie side by side, 3, 5 or 7 taps to a line: each number of x
  // is read once per line; index taps / 2 - 1.
  DepthTileFn side_by_side[3];
  DepthTileFn many[kMaxRows];  // other multipliers; needs at least `lanes` channels
};
const DepthTiles& depth_tiles();

}  // namespace cornu::kernels
