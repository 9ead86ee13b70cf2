#include <algorithm>
#include <cstring>

#include "cornu/base/text.h"
#include "cornu/kernels/gemm.h"
#include "cornu/kernels/rows.h"
#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"

namespace cornu::kernels {
namespace {

// The gradient in a kernel is a matrix product: what each output position reads of x, a row of
// taps * channels numbers, times the same position's row of dy, summed over all positions.

// A task gathers the rows of this many positions at a time.
constexpr int64_t kPositions = 96;
// Numbers of such a row, at most: with the line above, what stays in the second-level cache.
constexpr int64_t kRowLength = 256;
// Into how many tasks the work should fall, the positions of one at least, and how much memory the
// partial sums may take. All of it from the shapes alone, so that the sums do not depend on
// threads.
constexpr int64_t kTasks = 32;
constexpr int64_t kSlicePositions = 256;
constexpr int64_t kPartialFloats = 4 * 1024 * 1024;
// A task's row pointers live on the stack.
constexpr int64_t kPointers = kRowLength * kMaxRows;

struct State {
  Geometry geometry;  // of the convolution
  const Gemm* gemm = nullptr;
  int64_t columns = 0;  // of the partial sums: group_out and what fills the last vector
  // A block of rows of the result: some taps with all channels of a group, or one tap with some.
  int64_t block_taps = 1, block_channels = 1;
  int64_t slices = 1;  // of the positions
  bool rows_in_place = false;
  Tensor zero;

  const Phase& phase() const { return geometry.phases[0]; }
  int64_t positions() const { return geometry.batch * phase().count(); }
  int64_t tap_blocks() const { return (phase().taps() + block_taps - 1) / block_taps; }
  int64_t channel_blocks() const {
    return (geometry.group_in + block_channels - 1) / block_channels;
  }
  int64_t blocks() const { return geometry.groups * tap_blocks() * channel_blocks(); }
  int64_t rows() const { return phase().taps() * geometry.group_in; }  // of the result
  int64_t partial_size() const { return geometry.groups * rows() * columns; }
  // An odd number of cache lines, so that the rows do not compete for the same ones.
  int64_t row_stride() const { return (block_taps * block_channels + 15) / 32 * 32 + 16; }
  // Per task: the gathered rows, and dy's columns that do not fill a vector.
  int64_t buffer_size() const { return kPositions * (row_stride() + 2 * gemm->lanes); }
};

// One block of rows, of one slice of the positions.
struct Task {
  const State& s;
  const Call& call;
  int64_t group = 0, tap = 0, taps = 0, channel = 0, channels = 0;
  float* sums = nullptr;    // [taps * channels][columns]
  float* buffer = nullptr;  // buffer_size()

  int64_t rows() const { return taps * channels; }

  // What the positions [begin, begin + count) read, one row each.
  const float* gather(Walker& walker, int64_t begin, int64_t count) const {
    if (s.rows_in_place)
      return call.in[0] + begin * s.geometry.in_channels() + group * s.geometry.group_in + channel;
    const float* rows[kPointers];
    int32_t first[kRowLength];
    Cells cells;
    float* to = buffer;
    for (int64_t done = 0; done < count; done += cells.count) {
      walker.take(static_cast<int>(std::min<int64_t>(kMaxRows, count - done)), cells);
      const Runs runs =
          fill_rows(s.geometry, s.phase(), cells, s.zero.data(), tap, tap + taps, rows, first);
      copy_rows(runs, rows, first, cells.count, to);
      to += cells.count * s.row_stride();
    }
    return buffer;
  }

  void copy_rows(const Runs& runs, const float* const* from, const int32_t* first, int count,
                 float* to) const {
    const int64_t shift = group * s.geometry.group_in + channel;
    // A run longer than a tap's channels is a line of taps: then there is one group and one block.
    const int64_t length = runs.length == s.geometry.group_in ? channels : runs.length;
    int64_t at = 0;
    for (int64_t run = 0; run < runs.runs; ++run, from += count) {
      const int64_t row = (first[run] / s.geometry.group_in - tap) * channels;
      fill_zeros(at, row, count, to);  // taps outside x
      for (int m = 0; m < count; ++m) copy(from[m] + shift, length, to + m * s.row_stride() + row);
      at = row + length;
    }
    fill_zeros(at, rows(), count, to);
  }
  void fill_zeros(int64_t begin, int64_t end, int count, float* to) const {
    if (begin == end) return;
    for (int m = 0; m < count; ++m)
      std::fill(to + m * s.row_stride() + begin, to + m * s.row_stride() + end, 0.0f);
  }
  static void copy(const float* from, int64_t length, float* to) {
    if (length >= 8) {
      std::memcpy(to, from, static_cast<size_t>(length) * sizeof(float));
    } else {
      for (int64_t i = 0; i < length; ++i) to[i] = from[i];
    }
  }

  void run(Range positions) const {
    std::fill_n(sums, rows() * s.columns, 0.0f);
    Walker walker(s.geometry, s.phase(), call.in[0], positions.begin);
    for (int64_t at = positions.begin; at < positions.end; at += kPositions) {
      const int64_t count = std::min(kPositions, positions.end - at);
      OuterTile tile;
      tile.a = gather(walker, at, count);
      tile.a_stride = s.rows_in_place ? s.geometry.in_channels() : s.row_stride();
      tile.count = count;
      tile.sums_stride = s.columns;
      add_products(tile,
                   call.in[1] + at * s.geometry.out_channels() + group * s.geometry.group_out);
    }
  }

  // All columns of dy's rows, two vectors at a time.
  void add_products(OuterTile tile, const float* dy) const {
    const int64_t lanes = s.gemm->lanes;
    const float* a = tile.a;
    for (int64_t column = 0; column < s.columns; column += 2 * lanes) {
      const int64_t left = s.geometry.group_out - column;
      const int64_t panel = left > lanes ? 2 * lanes : lanes;
      if (left < panel) {
        tile.b = fill_up(dy + column, left, panel, tile.count);
        tile.b_stride = panel;
      } else {
        tile.b = dy + column;
        tile.b_stride = s.geometry.out_channels();
      }
      const auto v = static_cast<size_t>(panel / lanes - 1);
      const int64_t tiles = (rows() + s.gemm->rows[v] - 1) / s.gemm->rows[v];
      for (int64_t i = 0; i < tiles; ++i) {
        const Range range = part(rows(), i, tiles);
        tile.a = a + range.begin;
        tile.sums = sums + range.begin * s.columns + column;
        s.gemm->outer[v][range.end - range.begin - 1](tile);
      }
    }
  }

  const float* fill_up(const float* dy, int64_t columns, int64_t panel, int64_t count) const {
    float* to = buffer + kPositions * s.row_stride();
    for (int64_t p = 0; p < count; ++p, dy += s.geometry.out_channels()) {
      std::copy_n(dy, columns, to + p * panel);
      std::fill(to + p * panel + columns, to + (p + 1) * panel, 0.0f);
    }
    return to;
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
            const float* from = call.scratch + row * s.columns;
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
         problem.out.size() < int64_t{1} << 31 && problem.in[0].shape.rank() <= Phase::kAxes + 2;
}

// The convolution whose gradient it is.
Geometry conv_geometry(const Problem& problem) {
  const auto& op = std::get<ops::ConvFilterGrad>(*problem.op);
  ops::Conv conv{op.stride, op.dilation, {}, op.groups, {}};
  for (int64_t before : op.before) conv.pad.push_back({before, 0});
  const ops::Op as_op = conv;
  return geometry_of({&as_op, {problem.in[0], {problem.out}}, problem.in[1].shape});
}

void choose_blocks(State& s) {
  const Geometry& g = s.geometry;
  if (g.group_in > kRowLength) {
    s.block_channels = kRowLength;
  } else {
    s.block_channels = g.group_in;
    // Blocks of nearly equal size.
    const int64_t most = kRowLength / g.group_in, taps = s.phase().taps();
    const int64_t count = (taps + most - 1) / most;
    s.block_taps = (taps + count - 1) / count;
  }
  const int64_t most = std::min(s.positions() / kSlicePositions, kPartialFloats / s.partial_size());
  s.slices =
      std::clamp<int64_t>((kTasks + s.blocks() - 1) / s.blocks(), 1, std::max<int64_t>(most, 1));
}

Prepared prepare(const Problem& problem) {
  State s;
  s.geometry = conv_geometry(problem);
  s.gemm = &gemm();
  const int64_t lanes = s.gemm->lanes;
  s.columns = (s.geometry.group_out + lanes - 1) / lanes * lanes;
  s.zero = Tensor(Shape{zero_length(s.geometry)});
  choose_blocks(s);
  // Without taps around it, a position's row is a row of x.
  const auto plain = [](const Axis& a) {
    return a.taps == 1 && a.in_step == 1 && a.in_first == 0 && a.count == a.in;
  };
  s.rows_in_place = std::all_of(s.phase().axis.begin(), s.phase().axis.end(), plain);
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
