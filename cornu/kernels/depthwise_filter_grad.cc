#include <algorithm>

#include "cornu/base/text.h"
#include "cornu/kernels/depthwise_window.h"
#include "cornu/kernels/segments.h"
#include "cornu/kernels/slots.h"
#include "cornu/kernels/table.h"
#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/depthwise_filter_grad.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cornu/kernels/load_once-inl.h"

#ifndef CORNU_KERNELS_DEPTH_SUMS
#define CORNU_KERNELS_DEPTH_SUMS
namespace cornu::kernels {

// What a line of dy adds to the gradient of one vector of filters (compare DepthTile):
//   sums[line.weights + tap * lanes + l] += sum_p x[line.x + tap_offset + p * cell_stride] * dy[p]
struct DepthSums {
  const float* x = nullptr;
  int64_t cell_stride = 0;  // of x itself; in windows cells lie side by side
  const DepthLines* lines = nullptr;
  const int64_t* tap_offset = nullptr;
  int64_t taps = 0;
  const float* dy = nullptr;
  int64_t dy_stride = 0, cells = 0;
  float* sums = nullptr;
  int64_t begin = 0, end = 0;         // of x itself: the cells that exist
  int64_t x_ahead = 0, dy_ahead = 0;  // what will be read next, or 0
};
using DepthSumsFn = void (*)(const DepthSums&);
struct DepthSumsFns {
  DepthSumsFn of_window[DepthTiles::kKinds];
  DepthSumsFn of_x[2][8];  // [stride - 1][taps]; those of DepthTiles
};

}  // namespace cornu::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace cornu::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
// What the registers hold: results at a time, lines of 3, 5, 7 taps at a time.
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int kCells = 7, kLines[] = {3, 3, 2};
#else
constexpr int kCells = 4, kLines[] = {3, 2, 1};
#endif

// Adds M results' products from p on. Number j of a line belongs to tap k of result (j - k) / S.
template <int M, int K, int S, bool kBorder, int R>
HWY_INLINE void products(const DepthSums& t, const float* const (&from)[R], int64_t stride,
                         int64_t p, V (&acc)[R][K]) {
  const D d;
  V dy[M];
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) dy[m] = hn::LoadU(d, t.dy + (p + m) * t.dy_stride);
  const int64_t begin = t.begin - p * S, end = t.end - p * S;
  int64_t at = p * S * stride;
#pragma GCC unroll 32
  for (int j = 0; j < (M - 1) * S + K; ++j, at += stride) {
    if (kBorder && (j < begin || j >= end)) continue;
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const V number = load_once(d, from[r] + at);
#pragma GCC unroll 8
      for (int k = 0; k < K; ++k)
        if (j >= k && (j - k) % S == 0 && (j - k) / S < M)
          acc[r][k] = hn::MulAdd(number, dy[(j - k) / S], acc[r][k]);
    }
  }
}

// R lines of K taps side by side, of a window or of x itself.
template <int K, int S, bool kX, int R>
HWY_INLINE void some_lines(const DepthSums& t, int first) {
  const D d;
  V acc[R][K];
  const float* x[R];
  float* sums[R];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    x[r] = t.x + t.lines->line[first + r].x;
    sums[r] = t.sums + t.lines->line[first + r].weights[0];
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) acc[r][k] = hn::LoadU(d, sums[r] + k * kLanes);
  }
  const int64_t stride = kX ? t.cell_stride : kLanes;
  const auto inside = [&](int64_t p, int64_t m) {
    return !kX || (p * S >= t.begin && (p + m - 1) * S + K <= t.end);
  };
  int64_t p = 0;
  for (; p + kCells <= t.cells; p += kCells) {
    if (inside(p, kCells))
      products<kCells, K, S, false, R>(t, x, stride, p, acc);
    else
      products<kCells, K, S, true, R>(t, x, stride, p, acc);
    if (!kX || first > 0) continue;
    if (t.x_ahead > 0)
#pragma GCC unroll 16
      for (int j = 0; j < kCells * S; ++j)
        __builtin_prefetch(t.x + (t.x_ahead + (p * S + j) * stride), 0, 2);
    if (t.dy_ahead > 0)
#pragma GCC unroll 8
      for (int m = 0; m < kCells; ++m)
        __builtin_prefetch(t.dy + (t.dy_ahead + (p + m) * t.dy_stride), 0, 2);
  }
  for (; p < t.cells; ++p) products<1, K, S, kX, R>(t, x, stride, p, acc);
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) hn::StoreU(acc[r][k], d, sums[r] + k * kLanes);
}

template <int K, int S, bool kX>
void side_by_side(const DepthSums& t) {
  constexpr int R = K <= 3 ? kLines[0] : kLines[K / 2 - 1];
  int i = 0;
  for (; i + R <= t.lines->count; i += R) some_lines<K, S, kX, R>(t, i);
  for (; i < t.lines->count; ++i) some_lines<K, S, kX, 1>(t, i);
}

// T taps wherever they are.
template <int T>
HWY_INLINE void some_taps(const DepthSums& t, const float* const* from, float* const* sums) {
  const D d;
  V acc[T];
  const float* x[T];
#pragma GCC unroll 16
  for (int i = 0; i < T; ++i) {
    x[i] = from[i];
    acc[i] = hn::LoadU(d, sums[i]);
  }
  const float* HWY_RESTRICT dy = t.dy;
  for (int64_t p = 0; p < t.cells; ++p, dy += t.dy_stride) {
    const V number = hn::LoadU(d, dy);
#pragma GCC unroll 16
    for (int i = 0; i < T; ++i)
      acc[i] = hn::MulAdd(hn::LoadU(d, x[i] + p * kLanes), number, acc[i]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < T; ++i) hn::StoreU(acc[i], d, sums[i]);
}

void any_taps(const DepthSums& t) {
  constexpr int kMost = 9;
  const float* x[kMost];
  float* sums[kMost];
  int count = 0;
  for (int i = 0; i < t.lines->count; ++i)
    for (int64_t k = 0; k < t.taps; ++k) {
      x[count] = t.x + t.lines->line[i].x + t.tap_offset[k];
      sums[count++] = t.sums + t.lines->line[i].weights[0] + k * kLanes;
      if (count < kMost) continue;
      some_taps<kMost>(t, x, sums);
      count = 0;
    }
  int i = 0;
  for (; i + 3 <= count; i += 3) some_taps<3>(t, x + i, sums + i);
  for (; i < count; ++i) some_taps<1>(t, x + i, sums + i);
}

const DepthSumsFns* target_depth_sums() {
  static const DepthSumsFns all = [] {
    DepthSumsFns t{
        {any_taps, side_by_side<3, 1, false>, side_by_side<5, 1, false>, side_by_side<7, 1, false>},
        {}};
    t.of_x[0][1] = side_by_side<1, 1, true>;
    t.of_x[0][2] = side_by_side<2, 1, true>;
    t.of_x[0][3] = side_by_side<3, 1, true>;
    t.of_x[0][5] = side_by_side<5, 1, true>;
    t.of_x[0][7] = side_by_side<7, 1, true>;
    t.of_x[1][3] = side_by_side<3, 2, true>;
    t.of_x[1][5] = side_by_side<5, 2, true>;
    return t;
  }();
  return &all;
}

}  // namespace
}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cornu::kernels {
HWY_EXPORT(target_depth_sums);
namespace {

// The positions make so many slices at most, of so many positions at least, from the shapes alone,
// whose sums are added in order. With the parts of the filters they make the tasks.
constexpr int64_t kTasks = 32;
constexpr int64_t kSlicePositions = 256;
// Of a chunk where x itself is read.
constexpr int64_t kLinesOfX = 16, kVectorsOfX = 4;
// Numbers read from which on looking ahead gains time.
constexpr int64_t kFarNumbers = 1024 * 1024;

struct State {
  Geometry geometry;  // of the convolution
  const DepthTiles* tiles = nullptr;
  DepthSumsFn add = nullptr;
  bool reads_x = false, looks_ahead = false;
  LanePlaces places, dy_places;
  std::vector<WindowShape> shape;  // one
  Chunks chunks;
  int64_t slices = 1, parts = 1, windows_at = 0;
  int windows = 1;

  const Phase& phase() const { return geometry.phases[0]; }
  int64_t filters() const { return geometry.out_channels(); }
  int64_t rows() const { return phase().taps() * geometry.group_in; }  // of the result
  int64_t sums_size() const { return chunks.vectors * rows() * tiles->lanes; }
  int64_t first_filter(int64_t vector) const {
    const int64_t f = vector * tiles->lanes;
    return reads_x ? std::min(f, filters() - tiles->lanes) : f;
  }
  int64_t window_size() const { return (shape[0].size(phase()) + 15) / 16 * 16; }
  // A window, and a line of dy.
  int64_t memory_size() const { return window_size() + shape[0].cells * 16; }
};

// What all lines of a chunk have in common.
DepthSums sums_of(const State& s, const Chunks::Chunk& chunk, const DepthLines& lines) {
  DepthSums t;
  t.lines = &lines;
  t.tap_offset = s.shape[0].tap_offset.data();
  t.taps = s.phase().axis[2].taps;
  t.cells = chunk.columns.end - chunk.columns.begin;
  t.dy_stride = s.filters();
  return t;
}

const float* dy_of(const State& s, const Call& call, const Chunks::Chunk& chunk, int64_t o) {
  const auto& [a0, a1, a2] = s.phase().axis;
  const int64_t line = (chunk.image * a0.count + chunk.plane) * a1.count + o;
  return call.in[1] + (line * a2.count + chunk.columns.begin) * s.filters();
}

// One chunk of positions and of filters, through a window.
void add_window(const State& s, const Call& call, const Chunks::Chunk& chunk, Range block,
                float* sums, float* memory) {
  const int64_t lanes = s.tiles->lanes;
  Window window(s.geometry, s.phase(), s.shape[0], s.places, *s.tiles, call.in[0], memory,
                s.looks_ahead);
  window.start(chunk.image, chunk.plane, chunk.columns, block);
  DepthLines lines;
  DepthSums t = sums_of(s, chunk, lines);
  float* const copy = memory + s.window_size();
  Window::for_lines(s.phase(), chunk.lines, [&](int64_t o) {
    window.read(o, lines);
    const float* dy = dy_of(s, call, chunk, o);
    for (int64_t v = block.begin; v < block.end; ++v) {
      const bool plain = s.dy_places.plain(v);
      if (!plain) s.dy_places.copy(*s.tiles, {v, v + 1}, dy, s.filters(), t.cells, copy, 0, 0);
      t.x = memory + (v - block.begin) * window.vector_stride();
      t.sums = sums + v * s.rows() * lanes;
      t.dy = plain ? dy + v * lanes : copy;
      t.dy_stride = plain ? s.filters() : lanes;
      s.add(t);
    }
  });
}

// The same of x itself.
void add_x(const State& s, const Call& call, const Chunks::Chunk& chunk, Range block, float* sums) {
  const auto& [a0, a1, a2] = s.phase().axis;
  const int64_t lanes = s.tiles->lanes, channels = s.geometry.in_channels();
  const int64_t column = chunk.columns.begin * a2.in_step + a2.in_first;
  DepthLines lines;
  DepthSums t = sums_of(s, chunk, lines);
  t.cell_stride = channels;
  t.begin = -column;
  t.end = a2.in - column;
  for (int64_t o = chunk.lines.begin; o < chunk.lines.end; ++o) {
    lines_of_x(s.geometry, s.phase(), chunk, {o, o + 1}, lanes, lines);
    if (s.looks_ahead && o + 1 < a1.count && lines.count > 0) {
      t.x_ahead = lines.line[lines.count - 1].x + a1.in_step * a2.in * channels;
      t.dy_ahead = a2.count * s.filters();
    }
    const float* dy = dy_of(s, call, chunk, o);
    for (int64_t v = block.begin; v < block.end; ++v) {
      const int64_t f = s.first_filter(v);
      t.x = call.in[0] + f;
      t.sums = sums + v * s.rows() * lanes;
      t.dy = dy + f;
      s.add(t);
    }
  }
}

void run_task(const State& s, const Call& call, int64_t task, float* memory) {
  const int64_t slice = task / s.parts;
  const Range blocks = part(s.chunks.blocks(), task % s.parts, s.parts);
  const Range units = part(s.chunks.units(), slice, s.slices);
  float* sums = call.scratch + slice * s.sums_size();
  const int64_t vector_size = s.rows() * s.tiles->lanes;
  const int64_t end = std::min(blocks.end * s.chunks.block, s.chunks.vectors);
  std::fill(sums + blocks.begin * s.chunks.block * vector_size, sums + end * vector_size, 0.0f);
  for (int64_t unit = units.begin; unit < units.end; ++unit)
    for (int64_t block = blocks.begin; block < blocks.end; ++block)
      s.reads_x ? add_x(s, call, s.chunks.unit(unit), s.chunks.block_of(block), sums)
                : add_window(s, call, s.chunks.unit(unit), s.chunks.block_of(block), sums, memory);
}

// The result's rows, each the sum of the slices' rows in their order. The slices have them by lines
// of taps, input channels, taps; the result by taps, input channels.
void add_slices(const State& s, const Call& call) {
  const int64_t lanes = s.tiles->lanes, taps = s.phase().axis[2].taps;
  const int64_t group_in = s.geometry.group_in, filters = s.filters();
  split(*call.pool, s.rows(), 16 * 1024 / (s.slices * filters) + 1, [&](Range rows) {
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const int64_t i = row % group_in, cell = row / group_in;
      const int64_t packed = (cell / taps * group_in + i) * taps + cell % taps;
      for (int64_t v = 0; v < s.chunks.vectors; ++v) {
        const float* from = call.scratch + (v * s.rows() + packed) * lanes;
        float* to = call.out + row * filters + s.first_filter(v);
        const int64_t count = std::min(lanes, filters - s.first_filter(v));
        std::copy_n(from, count, to);
        for (int64_t slice = 1; slice < s.slices; ++slice) {
          from += s.sums_size();
          for (int64_t l = 0; l < count; ++l) to[l] += from[l];
        }
      }
    }
  });
}

void run(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  split_with_slots(*call.pool, s.slices * s.parts, s.windows, call.scratch + s.windows_at,
                   s.memory_size(), [&](Range tasks, float* memory) {
                     for (int64_t i = tasks.begin; i < tasks.end; ++i) run_task(s, call, i, memory);
                   });
  add_slices(s, call);
}

bool accepts(const Problem& p) {
  const auto* op = std::get_if<ops::ConvFilterGrad>(p.op);
  if (!op || p.in[0].shape.rank() > Phase::kAxes + 2 || p.out.size() == 0) return false;
  return takes_windows(geometry_of_gradient(p));
}

double gain(const Problem& problem) {
  return window_gain(geometry_of_gradient(problem), depth_tiles().lanes);
}

Prepared prepare(const Problem& problem) {
  State s;
  s.geometry = geometry_of_gradient(problem);
  use_last_axis(s.geometry);
  const Geometry& g = s.geometry;
  const Axis& axis = s.phase().axis[2];
  s.tiles = &depth_tiles();
  const DepthSumsFns& fns = *CORNU_CHOOSE(target_depth_sums)();
  s.reads_x = reads_x(g, s.phase(), *s.tiles);
  s.looks_ahead = problem.in[0].shape.size() + problem.in[1].shape.size() > kFarNumbers;
  s.add = s.reads_x
              ? fns.of_x[axis.in_step - 1][axis.taps]
              : fns.of_window[DepthTiles::kind(axis.taps, axis.in_step == 1 && axis.tap_step == 1)];
  s.places = LanePlaces(s.tiles->lanes, g.groups, g.group_in, g.group_out);
  s.dy_places = LanePlaces(s.tiles->lanes, s.filters(), 1, 1);
  s.shape.emplace_back(g, s.phase(), s.tiles->lanes);
  s.chunks = s.reads_x ? chunks_of_x(g, s.phase(), s.tiles->lanes, kLinesOfX)
                       : chunks_of(g, s.phase(), s.shape[0]);
  if (s.reads_x) s.chunks.block = std::min(s.chunks.vectors, kVectorsOfX);
  const int64_t positions = g.batch * s.phase().count();
  s.slices =
      std::clamp<int64_t>(std::min(positions / kSlicePositions, s.chunks.units()), 1, kTasks);
  s.parts = std::min((kTasks + s.slices - 1) / s.slices, s.chunks.blocks());
  s.windows = std::min(base::default_threads(), Slots::kMost);
  s.windows_at = (s.slices * s.sums_size() + 15) / 16 * 16;
  const int64_t scratch = s.windows_at + s.windows * s.memory_size();
  const std::string detail = base::cat(s.tiles->target, ' ', s.slices, " slices");
  Prepared prepared = prepared_with(std::move(s), run, problem);
  prepared.scratch_floats = scratch;
  prepared.detail = detail;
  return prepared;
}

}  // namespace

const Kernel kDepthwiseFilterGrad{"depthwise filter grad", accepts, prepare, gain};

}  // namespace cornu::kernels
#endif
