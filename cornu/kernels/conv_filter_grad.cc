#include <algorithm>
#include <cstring>

#include "cornu/base/text.h"
#include "cornu/kernels/gemm.h"
#include "cornu/kernels/rows.h"
#include "cornu/kernels/segments.h"
#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"

namespace cornu::kernels {
namespace {

// The gradient in a kernel is, for each of its taps, a product of matrices: the rows of x that the
// tap reads at each output position, transposed, times the same positions' rows of dy.

// Positions taken at a time, about: what of x and dy they need stays in the first-level caches.
constexpr int64_t kPositions = 128;
// Of fewer channels than this, lines of x are copied with zeros beside them, those that one line of
// results reads interleaved: the numbers of a result's taps lie side by side.
constexpr int64_t kFewChannels = 8;
// Rows of the result that one task computes, where there are so many: rather more rows than tasks
// of the same ones, whose sums are added up at the end.
constexpr int64_t kLeastRows = 64, kMostRows = 256;
// Into how many tasks the work should fall, the positions of one at least, and how much memory the
// partial sums may take. All of it from the shapes alone: the sums do not depend on threads.
constexpr int64_t kTasks = 32;
constexpr int64_t kSlicePositions = 768;
constexpr int64_t kPartialFloats = 4 * 1024 * 1024;

struct State {
  Geometry geometry;  // of the convolution
  const Gemm* gemm = nullptr;
  int64_t columns = 0;  // of the partial sums: group_out and what fills the last vector
  // A block of rows of the result: some taps with all channels of a group, or one tap with some.
  int64_t block_taps = 1, block_channels = 1;
  int64_t slices = 1;  // of the positions
  int64_t step = 1;    // positions taken at a time
  // Where the channels are few: the copy of a line's lines of taps, one after another and
  // interleaved, and how many of these a step may read.
  bool stages = false;
  int64_t staged_stride = 0, staged_lines = 0;

  const Phase& phase() const { return geometry.phases[0]; }
  int64_t positions() const { return geometry.batch * phase().count(); }
  int64_t tap_blocks() const { return (phase().taps() + block_taps - 1) / block_taps; }
  int64_t channel_blocks() const {
    return (geometry.group_in + block_channels - 1) / block_channels;
  }
  int64_t blocks() const { return geometry.groups * tap_blocks() * channel_blocks(); }
  int64_t rows() const { return phase().taps() * geometry.group_in; }  // of the result
  int64_t partial_size() const { return geometry.groups * rows() * columns; }
  int64_t lines_of_taps() const { return phase().axis[0].taps * phase().axis[1].taps; }
  // What lies side by side in the copy: all taps, or those at one place of their lines.
  int64_t pieces() const { return phase().axis[2].tap_step == 1 ? 1 : phase().axis[2].taps; }
  // The row of the partial sums that is row `row` of the result.
  int64_t partial_row(int64_t row) const {
    if (!stages) return row;
    const int64_t channels = geometry.group_in, tap = row / channels;
    const int64_t of_line = phase().axis[2].taps;
    return (tap % of_line * lines_of_taps() + tap / of_line) * channels + row % channels;
  }
  // Per task: the copies, and dy's columns that do not fill a panel.
  int64_t staged_size() const { return lines_of_taps() * staged_stride; }
  int64_t filled_at() const { return ((staged_lines + 1) * staged_size() + 31) / 16 * 16; }
  int64_t buffer_size() const { return filled_at() + step * 2 * gemm->lanes; }
};

// One block of rows, of one slice of the positions.
struct Task {
  const State& s;
  const Call& call;
  int64_t group = 0, tap = 0, taps = 0, channel = 0, channels = 0;
  float* sums = nullptr;    // [taps * channels][columns]
  float* buffer = nullptr;  // buffer_size()

  void run(Range positions) const {
    std::fill_n(sums, taps * channels * s.columns, 0.0f);
    for (int64_t at = positions.begin; at < positions.end; at += s.step)
      s.stages ? add_staged(at, std::min(at + s.step, positions.end))
               : add_taps(at, std::min(at + s.step, positions.end));
  }

 private:
  const float* x() const { return call.in[0] + group * s.geometry.group_in + channel; }
  int64_t x_stride() const { return s.phase().axis[2].in_step * s.geometry.in_channels(); }

  void add_taps(int64_t begin, int64_t end) const {
    Segment segments[kPositions];
    fill_last_panel(begin, end);
    OuterTile tile;
    tile.segments = segments;
    tile.a_stride = x_stride();
    for (int64_t t = 0; t < taps; ++t) {
      tile.a = x();
      tile.segment_count = segments_of(s.geometry, tap + t, begin, end, segments);
      if (tile.segment_count > 0)
        add_products(tile, begin, channels, sums + t * channels * s.columns);
    }
  }

  // With few channels: all taps from a copy of the lines they read.
  void add_staged(int64_t begin, int64_t end) const {
    Segment segments[kPositions];
    fill_last_panel(begin, end);
    const Axis& axis = s.phase().axis[2];
    const int64_t cell = s.lines_of_taps() * s.geometry.group_in;  // interleaved
    const int64_t rows = s.rows() / s.pieces();
    OuterTile tile;
    tile.segments = segments;
    tile.segment_count = stage_lines(begin, end, segments);
    tile.a_stride = axis.in_step * cell;
    for (int64_t i = 0; i < s.pieces(); ++i) {
      tile.a = buffer + i * axis.tap_step * cell;
      add_products(tile, begin, rows, sums + i * rows * s.columns);
    }
  }

  // dy's rows of the next step, or null.
  const float* next_rows(int64_t begin) const {
    const Geometry& g = s.geometry;
    const bool there = g.groups == 1 && begin + 2 * s.step <= s.positions();
    return there ? call.in[1] + (begin + s.step) * g.out_channels() : nullptr;
  }

  int64_t stage_lines(int64_t begin, int64_t end, Segment* segments) const {
    const int64_t length = s.phase().axis[2].count;
    float* const plain = buffer + s.staged_lines * s.staged_size();
    int64_t count = 0;
    for (int64_t at = begin; at < end;) {
      const int64_t line = at / length, first = at - line * length;
      const int64_t results = std::min(length - first, end - at), to = count * s.staged_size();
      const bool single = s.lines_of_taps() == 1;
      stage(s.geometry, s.phase(), line, {first, first + results}, x(),
            single ? buffer + to : plain, s.staged_stride);
      const int64_t cells = staged_cells(s.phase().axis[2], results);
      if (!single)
        s.geometry.group_in <= 4 ? interleave<4>(plain, cells, buffer + to)
                                 : interleave<kFewChannels>(plain, cells, buffer + to);
      segments[count++] = {to, at - begin, results};
      at += results;
    }
    return count;
  }

  // Copies [line of taps][cell][channel] to [cell][line of taps][channel], W numbers at a time:
  // those beyond a cell's channels are overwritten by what follows.
  template <int64_t W>
  void interleave(const float* from, int64_t cells, float* to) const {
    const int64_t size = s.geometry.group_in, lines = s.lines_of_taps(), stride = s.staged_stride;
    for (const float* const end = from + cells * size; from != end; from += size)
      for (int64_t t = 0; t < lines; ++t, to += size)
        std::memcpy(to, from + t * stride, W * sizeof(float));
  }

  // Adds to `rows` rows of sums: all columns of dy's rows from position `begin` on, two vectors at
  // a time. Segments count dy's rows. Of a single tap dy's next rows are fetched meanwhile.
  void add_products(OuterTile tile, int64_t begin, int64_t rows, float* to) const {
    const Geometry& g = s.geometry;
    const int64_t lanes = s.gemm->lanes;
    const float* const a = tile.a;
    tile.sums_stride = s.columns;
    const float* next = taps == 1 ? next_rows(begin) : nullptr;
    const float* const next_end = next ? next + s.step * g.out_channels() : nullptr;
    for (int64_t column = 0; column < s.columns; column += 2 * lanes) {
      const int64_t left = g.group_out - column, panel = panel_at(column);
      const bool filled = left < panel;
      tile.b = filled ? buffer + s.filled_at()
                      : call.in[1] + begin * g.out_channels() + group * g.group_out + column;
      tile.b_stride = filled ? panel : g.out_channels();
      const auto v = static_cast<size_t>(panel / lanes - 1);
      const int64_t tiles = (rows + s.gemm->rows[v] - 1) / s.gemm->rows[v];
      for (int64_t i = 0; i < tiles; ++i) {
        const Range range = part(rows, i, tiles);
        tile.ahead = column > 0 && next < next_end ? next : nullptr;
        if (tile.ahead) next += s.step * kLine;
        tile.a = a + range.begin;
        tile.sums = to + range.begin * s.columns + column;
        s.gemm->outer[v][range.end - range.begin - 1](tile);
      }
    }
  }

  int64_t panel_at(int64_t column) const {
    return (s.geometry.group_out - column > s.gemm->lanes ? 2 : 1) * s.gemm->lanes;
  }

  // The columns of dy that do not fill a panel, and zeros beside them.
  void fill_last_panel(int64_t begin, int64_t end) const {
    const Geometry& g = s.geometry;
    const int64_t column = (s.columns - 1) / (2 * s.gemm->lanes) * 2 * s.gemm->lanes;
    const int64_t panel = panel_at(column), left = g.group_out - column;
    if (left == panel) return;
    const float* dy = call.in[1] + begin * g.out_channels() + group * g.group_out + column;
    float* to = buffer + s.filled_at();
    for (int64_t p = begin; p < end; ++p, dy += g.out_channels(), to += panel) {
      std::copy_n(dy, left, to);
      std::fill(to + left, to + panel, 0.0f);
    }
  }
};

Task task_of(const State& s, const Call& call, int64_t index) {
  const Geometry& g = s.geometry;
  const int64_t channel_block = index % s.channel_blocks();
  const int64_t tap_block = index / s.channel_blocks() % s.tap_blocks();
  const int64_t slice = index / s.blocks();
  Task t{.s = s, .call = call};
  t.group = index / s.channel_blocks() / s.tap_blocks() % g.groups;
  t.tap = tap_block * s.block_taps;
  t.taps = std::min(s.block_taps, s.phase().taps() - t.tap);
  t.channel = channel_block * s.block_channels;
  t.channels = std::min(s.block_channels, g.group_in - t.channel);
  const int64_t row = t.group * s.rows() + t.tap * g.group_in + t.channel;
  t.sums = call.scratch + slice * s.partial_size() + row * s.columns;
  t.buffer = call.scratch + s.slices * s.partial_size() + index * s.buffer_size();
  return t;
}

// The result's rows, each the sum of the slices' rows in their order.
void add_slices(const State& s, const Call& call) {
  const int64_t filters = s.geometry.out_channels(), group_out = s.geometry.group_out;
  split(*call.pool, s.geometry.groups * s.rows(), 16 * 1024 / (s.slices * s.columns) + 1,
        [&](Range r) {
          for (int64_t row = r.begin; row < r.end; ++row) {
            const int64_t group = row / s.rows(), in_group = s.partial_row(row % s.rows());
            const float* from = call.scratch + (group * s.rows() + in_group) * s.columns;
            float* to = call.out + row % s.rows() * filters + row / s.rows() * group_out;
            std::copy_n(from, group_out, to);
            for (int64_t slice = 1; slice < s.slices; ++slice) {
              from += s.partial_size();
              for (int64_t f = 0; f < group_out; ++f) to[f] += from[f];
            }
          }
        });
}

void run(const Call& call) noexcept {
  const State& s = *static_cast<const State*>(call.state);
  call.pool->parallel_for(s.slices * s.blocks(), [&](int64_t index) {
    task_of(s, call, index).run(part(s.positions(), index / s.blocks(), s.slices));
  });
  add_slices(s, call);
}

bool accepts(const Problem& problem) {
  return std::holds_alternative<ops::ConvFilterGrad>(*problem.op) && problem.out.size() > 0 &&
         problem.in[0].shape.rank() <= Phase::kAxes + 2;
}

// Blocks of rows of nearly equal size.
void choose_blocks(State& s, int64_t wanted) {
  const int64_t channels = s.geometry.group_in, taps = s.phase().taps();
  const int64_t pieces = (channels + wanted - 1) / wanted;
  s.block_channels = (channels + pieces - 1) / pieces;
  const int64_t most = std::max<int64_t>(wanted / s.block_channels, 1);
  const int64_t blocks = (taps + most - 1) / most;
  s.block_taps = (taps + blocks - 1) / blocks;
}

void choose(State& s) {
  const int64_t most_slices = std::clamp<int64_t>(s.positions() / kSlicePositions, 1, kTasks);
  // Whole lines, where they are short.
  const int64_t line = std::max<int64_t>(s.phase().axis[2].count, 1);
  s.step = line <= kPositions ? kPositions / line * line : kPositions;
  s.stages = s.geometry.group_in < kFewChannels && s.phase().taps() > 1;
  if (s.stages) {
    s.block_channels = s.geometry.group_in;
    s.block_taps = s.phase().taps();
    s.staged_stride = staged_cells(s.phase().axis[2], std::min(line, s.step)) * s.geometry.group_in;
    s.staged_lines = (s.step - 1) / line + 2;
  } else {
    choose_blocks(
        s, std::clamp(s.geometry.groups * s.rows() * most_slices / kTasks, kLeastRows, kMostRows));
  }
  const int64_t slices = std::min(most_slices, kPartialFloats / s.partial_size());
  s.slices =
      std::clamp<int64_t>((kTasks + s.blocks() - 1) / s.blocks(), 1, std::max<int64_t>(slices, 1));
}

Prepared prepare(const Problem& problem) {
  State s;
  s.geometry = geometry_of_gradient(problem);
  flatten(s.geometry);
  s.gemm = &gemm();
  const int64_t lanes = s.gemm->lanes;
  s.columns = (s.geometry.group_out + lanes - 1) / lanes * lanes;
  choose(s);
  const std::string detail = base::cat(s.gemm->target, ' ', s.slices, " slices");
  const int64_t scratch = s.slices * (s.partial_size() + s.blocks() * s.buffer_size());
  Prepared prepared = prepared_with(std::move(s), run, problem);
  prepared.scratch_floats = scratch;
  prepared.detail = detail;
  return prepared;
}

}  // namespace

const Kernel kConvFilterGrad{"conv filter grad", accepts, prepare};

}  // namespace cornu::kernels
