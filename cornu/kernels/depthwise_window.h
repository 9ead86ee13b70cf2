#pragma once

// What convolutions with few filters per group read: the lines of x around some results, copied so
// that every filter finds its input channels in its own lane, zeros stand where x ends, and
// neighbouring results read neighbouring vectors whatever the stride.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cornu/kernels/depthwise_tile.h"
#include "cornu/kernels/phases.h"
#include "cornu/kernels/split.h"

namespace cornu::kernels {

// How the input channels come to the lanes of the filters: vector v, of filters from v * lanes on,
// has a plane for each input channel of a group.
struct LanePlaces {
  LanePlaces() = default;
  LanePlaces(int64_t lanes, int64_t groups, int64_t group_in, int64_t group_out);
  bool plain(int64_t vector) const { return plain_[static_cast<size_t>(vector)]; }
  // Copies `cells` cells of x, so far apart, to the planes of some vectors: the first at `to`, the
  // others so far apart. `ahead`: of LaneCopy.
  void copy(const DepthTiles& tiles, Range vectors, const float* from, int64_t from_stride,
            int64_t cells, float* to, int64_t to_stride, int64_t ahead) const;

 private:
  struct Load {
    int64_t channel;  // where it begins
    int64_t table;    // in tables_, `lanes` of them; -1: the numbers stay in their order
    int64_t keep;     // lanes that loads before this one have filled
  };
  int64_t channels_ = 0, group_in_ = 1;
  std::vector<Load> loads_;
  std::vector<size_t> first_;  // of each plane, and the end
  std::vector<int32_t> tables_;
  std::vector<bool> plain_;  // per vector: one load, in order
};

// The lines around a chunk of neighbouring results. A line has its planes one after the other, and
// in each of them the cells by their remainder of the stride.
struct WindowShape {
  int64_t lanes = 0, group_in = 0;
  int64_t vectors = 1;  // at most, at a time
  int64_t cells = 0;    // results of a chunk, along the last axis
  int64_t slots = 0;    // lines held, per tap of the first axis
  static constexpr size_t kMostRemainders = 16;
  std::vector<int64_t> remainders;  // of the stride that some tap reads
  std::vector<int64_t> tap_offset;  // per tap of the last axis
  int64_t reach = 0;        // how many cells of a remainder are read after those of the last result
  int64_t plane_cells = 0;  // of one remainder

  // The largest chunks, then the most vectors, that stay in the first-level cache.
  WindowShape(const Geometry& geometry, const Phase& phase, int64_t lanes);
  int64_t plane() const { return static_cast<int64_t>(remainders.size()) * plane_cells * lanes; }
  int64_t size(const Phase& phase) const {
    return phase.axis[0].taps * slots * vectors * group_in * plane();
  }
};

class Window {
 public:
  Window(const Geometry& geometry, const Phase& phase, const WindowShape& shape,
         const LanePlaces& places, const DepthTiles& tiles, const float* x, float* memory,
         bool looks_ahead)
      : g_(geometry),
        phase_(phase),
        shape_(shape),
        places_(places),
        tiles_(tiles),
        x_(x),
        memory_(memory) {
    if (looks_ahead)
      ahead_ = phase.axis[1].in_step * line_step(phase) * phase.axis[2].in * geometry.in_pitch;
  }

  // Of the lines `plane` of axis 0 of an image, the results `columns`, the vectors `vectors`.
  void start(int64_t image, int64_t plane, Range columns, Range vectors);
  // Makes the lines that line `o` of results reads; those outside x are left out. For vector v the
  // offsets in the window go up by v * vector_stride().
  void read(int64_t o, DepthLines& lines);
  int64_t vector_stride() const { return shape_.group_in * shape_.plane(); }

  // From line to line of results, in the order that shares most lines of x.
  static int64_t line_step(const Phase& phase) {
    return phase.axis[1].in_step == 1 ? phase.axis[1].tap_step : 1;
  }
  // Calls f(o) for all of the lines [begin, end), in that order.
  template <class F>
  static void for_lines(const Phase& phase, Range lines, F&& f) {
    const int64_t step = line_step(phase);
    for (int64_t r = 0; r < step && lines.begin + r < lines.end; ++r)
      for (int64_t o = lines.begin + r; o < lines.end; o += step) f(o);
  }

 private:
  void copy_line(int64_t line, float* to) const;

  // Of the cells that a line has of one remainder of the stride, those inside x, the first of them
  // `at` numbers from where the line of x begins.
  struct Inside {
    int64_t begin, end, at;
  };

  const Geometry& g_;
  const Phase& phase_;
  const WindowShape& shape_;
  const LanePlaces& places_;
  const DepthTiles& tiles_;
  const float* x_;
  float* memory_;
  int64_t image_ = 0, at0_ = 0, ahead_ = 0;
  Range vectors_{};
  Inside inside_[WindowShape::kMostRemainders];
  int64_t held_[DepthLines::kMost];  // the line of x in each slot, or -1
};

// The chunks of a phase, for which tasks are made: image, line of axis 0, band of lines, columns,
// vectors, the last going fastest.
struct Chunks {
  int64_t images = 0, planes = 0, lines = 0, columns = 0, vectors = 0;  // in all
  int64_t band = 1, cells = 1, block = 1;                               // in a chunk
  int64_t bands() const { return (lines + band - 1) / band; }
  int64_t column_chunks() const { return (columns + cells - 1) / cells; }
  int64_t blocks() const { return (vectors + block - 1) / block; }
  int64_t units() const { return images * planes * bands() * column_chunks(); }

  struct Chunk {
    int64_t image, plane;
    Range lines, columns;
  };
  Chunk unit(int64_t index) const;
  Range block_of(int64_t index) const {
    return {index * block, std::min((index + 1) * block, vectors)};
  }
};
Chunks chunks_of(const Geometry& geometry, const Phase& phase, const WindowShape& shape);

bool takes_windows(const Geometry& geometry);
// Kernel::gain: groups of as many filters as fill vectors are better off by themselves.
double window_gain(const Geometry& geometry, int64_t lanes);

// Where x itself is read: every filter has a channel of its own, and there are filters and results
// enough.
bool reads_x(const Geometry& geometry, const Phase& phase, const DepthTiles& tiles);
// Chunks of some lines, with all vectors where these chunks are enough for the threads.
Chunks chunks_of_x(const Geometry& geometry, const Phase& phase, int64_t lanes, int64_t lines);
// The lines of x that lines `rows` (one or two) of results read, as they begin at `column` of them.
void lines_of_x(const Geometry& geometry, const Phase& phase, const Chunks::Chunk& chunk,
                Range rows, int64_t lanes, DepthLines& lines);

// Axes of one cell go to the front, so that lines are long.
void use_last_axis(Geometry& geometry);

}  // namespace cornu::kernels
