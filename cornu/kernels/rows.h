#pragma once

// Where the numbers of a tile lie: the indirection that hides stride, dilation, padding and batch
// from the inner kernels.

#include <cstdint>

#include "cornu/kernels/phases.h"
#include "cornu/kernels/split.h"

namespace cornu::kernels {

inline constexpr int kMaxRows = 16;

// A few consecutive results of a phase, counted through batch and axes.
struct Cells {
  int count = 0;
  const float* image[kMaxRows];        // of the cell's batch entry
  int64_t in[Phase::kAxes][kMaxRows];  // the input cell of tap 0 per axis, may be outside
  int64_t out[kMaxRows];               // the output cell
};

// Walks through the results of a phase.
class Walker {
 public:
  // Starts at result `cell` of [0, batch * phase.count()).
  Walker(const Geometry& geometry, const Phase& phase, const float* x, int64_t cell);
  // The next `count` results, count <= kMaxRows.
  void take(int count, Cells& cells);

 private:
  const Phase& phase_;
  const float* image_;
  int64_t image_size_, out_image_, out_size_;
  int64_t at_[Phase::kAxes];
};

// A line of results: where its result 0 would begin in x and in the output, and whether its taps
// along the other axes lie within x.
struct Line {
  bool inside = false;
  int64_t in = 0, out = 0;
};
// Lines are counted through batch and axes.
Line line_of(const Geometry& geometry, const Phase& phase, int64_t line);

// The same of results [begin, end), counted within their line, with all their taps: results inside
// have the same tables as others inside, as many, moved.
struct Place {
  bool inner = false;
  int64_t in = 0, out = 0;
};
Place place_of(const Geometry& geometry, const Phase& phase, const Line& line, Range cells);

// What fill_rows wrote: `runs` runs of `length` numbers.
struct Runs {
  int64_t runs = 0, length = 0;
};

// Writes rows[run][m], the address of the numbers that cell m reads in that run, and first[run],
// the row of the packed weights (tap * group_in) the run starts at, for the taps [begin, end). A
// run is one tap's channels, or a whole line of taps where these lie side by side inside x for all
// cells. Cells outside x point at `zero`, zero_length() zeros; taps outside for all cells are left
// out.
Runs fill_rows(const Geometry& geometry, const Phase& phase, const Cells& cells, const float* zero,
               int64_t begin, int64_t end, const float** rows, int32_t* first);
int64_t zero_length(const Geometry& geometry);

// A copy of the lines of x that the taps of some results of a line read, [line of taps][cell]
// [channel of a group] with zeros where cells lie outside x: there, no result has a border.
// How many cells of each line `count` results read.
inline int64_t staged_cells(const Axis& axis, int64_t count) {
  return (count - 1) * axis.in_step + (axis.taps - 1) * axis.tap_step + 1;
}
// Writes it, for `results` of line number `line`, the lines of taps to_stride numbers apart. x is
// the group's first channel.
void stage(const Geometry& geometry, const Phase& phase, int64_t line, Range results,
           const float* x, float* to, int64_t to_stride);

// How many numbers the copy for whole lines takes; 0 where it does not pay for the convolution
// (channels enough, no border) or is more than kStaged.
inline constexpr int64_t kStaged = 8 * 1024;
int64_t staged_size(const Geometry& geometry, const Phase& phase);
// The phase that the results of a line are, with the copy as x, and with an output of their own.
Phase staged_line(const Phase& phase);

}  // namespace cornu::kernels
