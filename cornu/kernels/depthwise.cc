#include <algorithm>

#include "cornu/base/text.h"
#include "cornu/kernels/depthwise_window.h"
#include "cornu/kernels/packed.h"
#include "cornu/kernels/slots.h"
#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"

namespace cornu::kernels {
namespace {

// Multiplications that are worth a task of their own.
constexpr int64_t kWorthSharing = 50'000;
// Numbers read and written from which on looking ahead gains time.
constexpr int64_t kFarNumbers = 1024 * 1024;

struct PhasePlan {
  WindowShape shape;
  Chunks chunks;
  DepthTileFn of_x = nullptr;  // null: a window is made
  int kind = 0;                // of DepthTiles, for windows
  int64_t weights_at = 0;
};

struct State {
  Geometry geometry;
  const DepthTiles* tiles = nullptr;
  LanePlaces places;
  Epilogue epilogue;
  std::vector<PhasePlan> plans;  // of the phases
  Packed weights, bias;
  int64_t weights_size = 0, window_size = 0, windows_at = 0;
  int windows = 1;
  bool looks_ahead = false;

  int64_t filters() const { return geometry.out_channels(); }
  int64_t vectors() const { return (filters() + tiles->lanes - 1) / tiles->lanes; }
  int64_t first_filter(int64_t vector, const PhasePlan& plan) const {
    const int64_t f = vector * tiles->lanes;
    return plan.of_x ? std::min(f, filters() - tiles->lanes) : f;
  }
  // Of one vector's weights.
  int64_t vector_size(const Phase& phase) const {
    return phase.taps() * geometry.group_in * tiles->lanes;
  }
};

// [phase][vector][line of taps][input channel][tap][lane]
void pack_weights(const State& s, const float* kernel, float* to) {
  const Geometry& g = s.geometry;
  const int64_t lanes = s.tiles->lanes;
  for (size_t p = 0; p < g.phases.size(); ++p) {
    const Phase& phase = g.phases[p];
    for (int64_t vector = 0; vector < s.vectors(); ++vector)
      for (int64_t row = 0; row < phase.axis[0].taps * phase.axis[1].taps; ++row)
        for (int64_t i = 0; i < g.group_in; ++i)
          for (int64_t tap = 0; tap < phase.axis[2].taps; ++tap, to += lanes) {
            const int64_t cell =
                g.cell(phase, row / phase.axis[1].taps, row % phase.axis[1].taps, tap);
            const float* from = kernel + cell * g.cell_stride + i * g.in_stride;
            for (int64_t l = 0; l < lanes; ++l) {
              const int64_t f = s.first_filter(vector, s.plans[p]) + l;
              to[l] = f < s.filters()
                          ? from[f / g.group_out * g.group_stride + f % g.group_out * g.out_stride]
                          : 0.0f;
            }
          }
  }
}

void pack_bias(const State& s, const float* bias, float* to) {
  std::copy_n(bias, s.filters(), to);
  std::fill(to + s.filters(), to + s.vectors() * s.tiles->lanes, 0.0f);
}

// What all lines of a chunk have in common.
DepthTile tile_of(const State& s, const Call& call, size_t phase, const Chunks::Chunk& chunk,
                  Range block) {
  const Phase& ph = s.geometry.phases[phase];
  const auto& [a0, a1, a2] = ph.axis;
  DepthTile tile;
  tile.tap_offset = s.plans[phase].shape.tap_offset.data();
  tile.taps = a2.taps;
  const int64_t filter = block.begin * s.tiles->lanes;
  tile.weights_stride = s.vector_size(ph);
  tile.weights =
      s.weights.data(call) + s.plans[phase].weights_at + block.begin * tile.weights_stride;
  tile.bias = s.bias.data(call) + filter;
  tile.out_stride = a2.out_step * s.geometry.out_pitch;
  tile.out_line = a1.out_step * a2.out * s.geometry.out_pitch;
  tile.cells = chunk.columns.end - chunk.columns.begin;
  tile.filters = std::min(s.filters(), block.end * s.tiles->lanes) - filter;
  tile.relu = s.epilogue.in_registers();
  return tile;
}

// The first result of a line.
float* out_of(const State& s, const Call& call, const Phase& ph, const Chunks::Chunk& chunk,
              int64_t o) {
  const auto& [a0, a1, a2] = ph.axis;
  const int64_t plane = chunk.image * a0.out + chunk.plane * a0.out_step + a0.out_first;
  const int64_t line = plane * a1.out + o * a1.out_step + a1.out_first;
  return call.out +
         (line * a2.out + chunk.columns.begin * a2.out_step + a2.out_first) * s.geometry.out_pitch;
}

void finish(const State& s, const Call& call, const DepthTile& tile) {
  if (!s.epilogue.has_rows()) return;
  for (int64_t r = 0; r < tile.rows; ++r)
    for (int64_t p = 0; p < tile.cells; ++p)
      s.epilogue.on_rows(call, &tile.out, 1, r * tile.out_line + p * tile.out_stride, tile.filters);
}

// One chunk of results and of vectors, through a window.
void run_window(const State& s, const Call& call, size_t phase, const Chunks::Chunk& chunk,
                Range block, float* memory) {
  const Phase& ph = s.geometry.phases[phase];
  const PhasePlan& plan = s.plans[phase];
  Window window(s.geometry, ph, plan.shape, s.places, *s.tiles, call.in[0], memory, s.looks_ahead);
  window.start(chunk.image, chunk.plane, chunk.columns, block);
  DepthLines lines;
  DepthTile tile = tile_of(s, call, phase, chunk, block);
  tile.lines = &lines;
  tile.x = memory;
  tile.window_stride = window.vector_stride();
  const DepthTileFn run_line = s.tiles->best(plan.kind, tile.cells);
  Window::for_lines(ph, chunk.lines, [&](int64_t o) {
    window.read(o, lines);
    tile.out = out_of(s, call, ph, chunk, o) + block.begin * s.tiles->lanes;
    run_line(tile);
    finish(s, call, tile);
  });
}

// The same of x itself.
void run_x(const State& s, const Call& call, size_t phase, const Chunks::Chunk& chunk,
           Range block) {
  const Phase& ph = s.geometry.phases[phase];
  const auto& [a0, a1, a2] = ph.axis;
  const int64_t pitch = s.geometry.in_pitch, filter = block.begin * s.tiles->lanes;
  const int64_t column = chunk.columns.begin * a2.in_step + a2.in_first;
  DepthLines lines;
  lines_of_x(s.geometry, ph, chunk, chunk.lines, s.tiles->lanes, lines);
  DepthTile tile = tile_of(s, call, phase, chunk, block);
  tile.lines = &lines;
  tile.x = call.in[0] + filter;
  tile.cell_stride = pitch;
  tile.begin = -column;
  tile.end = a2.in - column;
  tile.rows = chunk.lines.end - chunk.lines.begin;
  tile.out = out_of(s, call, ph, chunk, chunk.lines.begin) + filter;
  if (s.looks_ahead && a2.in_step == 1 && chunk.lines.end < a1.count) {
    const int64_t i0 = chunk.plane * a0.in_step + a0.in_first + (a0.taps - 1) * a0.tap_step;
    const int64_t i1 = std::max<int64_t>(
        (chunk.lines.end - 1) * a1.in_step + a1.in_first + (a1.taps - 1) * a1.tap_step + 1, 0);
    const int64_t line = (chunk.image * a0.in + std::clamp<int64_t>(i0, 0, a0.in - 1)) * a1.in + i1;
    tile.ahead_lines = std::min(tile.rows * a1.in_step, a1.in - i1);
    tile.line_stride = a2.in * pitch;
    tile.ahead = (line * a2.in + chunk.columns.begin * a2.in_step) * pitch;
    tile.out_ahead = tile.rows * tile.out_line;
  }
  s.plans[phase].of_x(tile);
  finish(s, call, tile);
}

void run(const Call& call) noexcept {
  const State& s = *static_cast<const State*>(call.state);
  if (s.weights.at_run()) pack_weights(s, call.in[1], s.weights.to(call));
  if (s.bias.at_run()) pack_bias(s, call.in[2], s.bias.to(call));
  for (size_t phase = 0; phase < s.plans.size(); ++phase) {
    const Phase& ph = s.geometry.phases[phase];
    const PhasePlan& plan = s.plans[phase];
    const int64_t blocks = plan.chunks.blocks(), all = plan.chunks.units() * blocks;
    const int64_t threads = call.pool->threads();
    const int64_t work =
        s.geometry.batch * ph.count() * ph.taps() * s.geometry.group_in * s.filters();
    const int64_t tasks = threads == 1 ? std::min<int64_t>(all, 1)
                                       : std::min({all, work / kWorthSharing + 1, 4 * threads});
    const auto run_range = [&](Range range, float* memory) {
      for (int64_t i = range.begin; i < range.end; ++i) {
        const Chunks::Chunk chunk = plan.chunks.unit(i / blocks);
        const Range vectors = plan.chunks.block_of(i % blocks);
        if (plan.of_x)
          run_x(s, call, phase, chunk, vectors);
        else
          run_window(s, call, phase, chunk, vectors, memory);
      }
    };
    split_with_slots(
        *call.pool, tasks, s.windows, call.scratch + s.windows_at, s.window_size,
        [&](Range range, float* memory) {
          run_range({part(all, range.begin, tasks).begin, part(all, range.end - 1, tasks).end},
                    memory);
        });
  }
}

bool accepts(const Problem& problem) {
  return has_phases(problem) && takes_windows(geometry_of(problem));
}

double gain(const Problem& problem) {
  return window_gain(geometry_of(problem), depth_tiles().lanes);
}

Prepared prepare(const Problem& problem) {
  auto state = std::make_shared<State>();
  State& s = *state;
  s.geometry = geometry_of(problem);
  use_last_axis(s.geometry);
  const Geometry& g = s.geometry;
  s.tiles = &depth_tiles();
  s.places = LanePlaces(s.tiles->lanes, g.groups, g.group_in, g.group_out);
  s.epilogue = Epilogue(problem);
  s.windows = std::min(base::default_threads(), Slots::kMost);
  for (const Phase& phase : g.phases) {
    const WindowShape shape(g, phase, s.tiles->lanes);
    const Axis& axis = phase.axis[2];
    PhasePlan plan{shape, chunks_of(g, phase, shape)};
    plan.kind = DepthTiles::kind(axis.taps, axis.in_step == 1 && axis.tap_step == 1);
    plan.weights_at = s.weights_size;
    if (reads_x(g, phase, *s.tiles)) {
      plan.of_x = s.tiles->of_x[axis.in_step - 1][axis.taps];
      plan.chunks = chunks_of_x(g, phase, s.tiles->lanes, s.tiles->rows);
    } else {
      s.window_size = std::max(s.window_size, (shape.size(phase) + 15) / 16 * 16);
    }
    s.weights_size += s.vectors() * s.vector_size(phase);
    s.plans.push_back(std::move(plan));
  }
  s.looks_ahead = problem.in[0].shape.size() + problem.out.size() > kFarNumbers;
  Prepared prepared;
  prepared.run = run;
  prepared.packed.assign(problem.in.size(), false);
  s.weights.prepare(problem, 1, s.weights_size, prepared,
                    [&](const float* from, float* to) { pack_weights(s, from, to); });
  s.bias.prepare(problem, 2, s.vectors() * s.tiles->lanes, prepared,
                 [&](const float* from, float* to) { pack_bias(s, from, to); });
  s.windows_at = prepared.scratch_floats;
  prepared.scratch_floats += s.windows * s.window_size;
  prepared.detail = base::cat(s.tiles->target, ' ');
  if (s.plans[0].of_x)
    prepared.detail += base::cat(s.tiles->rows, 'x', DepthTiles::kCells);
  else
    prepared.detail += base::cat("windows of ", s.plans[0].shape.cells);
  prepared.state = std::move(state);
  return prepared;
}

}  // namespace

const Kernel kDepthwise{"depthwise", accepts, prepare, gain, takes_pitch_of_conv};

}  // namespace cornu::kernels
