#pragma once

#include <cstdint>

#include "cornu/kernels/epilogue.h"

namespace cornu::kernels {

// The inner kernels of convolutions with few filters per group. A vector holds filters; what it
// reads are vectors of as many numbers of x: of x itself, where every filter has a channel of its
// own, or of a window (depthwise_window.h), where the channels have been brought to the filters.

// Lines of x, one per input channel of a group and line of taps: where they begin, and the weights
// of the first and of the second line of results, or -1.
struct DepthLines {
  static constexpr int kMost = 512;
  struct Line {
    int64_t x;
    int32_t weights[2];
  };
  int count = 0;
  Line line[kMost];
};

// One or two lines of results, of some vectors of filters. Result p of line r is
//   relu(bias + sum_line,tap x[line.x + tap_offset(tap) + p * cell_stride] *
//                            weights[line.weights[r] + tap * lanes])
struct DepthTile {
  const float* x = nullptr;
  int64_t cell_stride = 0;
  const DepthLines* lines = nullptr;
  const int64_t* tap_offset = nullptr;  // where taps do not lie side by side
  int64_t taps = 0;
  const float* weights = nullptr;  // [vector][...][lanes]
  const float* bias = nullptr;     // [filters], and what fills the last vector
  float* out = nullptr;
  int64_t out_stride = 0, out_line = 0;  // from result to result, from line to line
  int64_t rows = 1, cells = 0;           // lines, results of a line
  int64_t filters = 0;
  int64_t weights_stride = 0;  // from vector to vector
  const Relu* relu = nullptr;  // or null

  // Of a window: from vector to vector. Fewer filters than lanes may be left for the last one.
  int64_t window_stride = 0;
  // Of x itself, whose filters are lanes at least; the last vector ends with them. The cells of x
  // that exist, counted from where lines begin.
  int64_t begin = 0, end = 0;
  // Lines of x that will be read next, and the results: from here on, so many, so far apart.
  int64_t ahead = 0, ahead_lines = 0, line_stride = 0, out_ahead = 0;
};
using DepthTileFn = void (*)(const DepthTile&);

// Copies cells, so far apart, to vectors side by side.
struct LaneCopy {
  const float* from = nullptr;
  int64_t from_stride = 0, cells = 0;
  float* to = nullptr;
  int64_t vectors = 1, to_stride = 0;  // copy, permute: so many per cell
  const int32_t* table = nullptr;      // but copy: per vector and lane the number taken
  int64_t keep = 0;                    // add_lanes: lanes of `to` that stay
  int64_t ahead = 0;                   // how far on what is read next lies, or 0
};

struct DepthTiles {
  static constexpr int kWidths = 4, kMostWidth = 14, kKinds = 4;
  static constexpr int kCells = 7;  // computed at a time of x itself
  const char* target;
  int lanes;
  int rows;             // lines of results that are computed at a time of x itself
  int widths[kWidths];  // results computed at a time of a window, falling
  // By what is known about a line's taps: 3, 5, 7 of them side by side; or nothing.
  DepthTileFn of_window[kKinds][kWidths];
  DepthTileFn of_x[2][8];              // [stride - 1][taps], side by side; some are null
  void (*copy)(const LaneCopy&);       // vectors side by side in a cell, in order
  void (*permute)(const LaneCopy&);    // all from one vector of the cell
  void (*add_lanes)(const LaneCopy&);  // the same, beside lanes that are there already
  void (*gather)(const LaneCopy&);     // of cells shorter than a vector

  static int kind(int64_t taps, bool side_by_side) {
    return side_by_side && (taps == 3 || taps == 5 || taps == 7) ? static_cast<int>(taps / 2) : 0;
  }
  // Computes that many results of a window with the least work.
  DepthTileFn best(int kind, int64_t cells) const;
};
const DepthTiles& depth_tiles();

}  // namespace cornu::kernels
