// Convolutions of very few output channels: the vectors lie along the input channels, and the lanes
// of a sum are added up at the end.

#include <algorithm>

#include "cornu/base/text.h"
#include "cornu/kernels/dot.h"
#include "cornu/kernels/packed.h"
#include "cornu/kernels/rows.h"
#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"

namespace cornu::kernels {
namespace {

// A tile's row pointers live on the stack.
constexpr int64_t kPointers = 8192;
constexpr int64_t kMostTaps = kPointers / DotTiles::kMaxRows;
// Multiplications that are worth a task of their own.
constexpr int64_t kWorthSharing = 100'000;

// Numbers of x that do not stay in the second-level cache.
constexpr int64_t kFarNumbers = 384 * 1024;

static_assert(DotTiles::kMaxRows <= kMaxRows);

struct State {
  Geometry geometry;
  const DotTiles* tiles = nullptr;
  Epilogue epilogue;
  Packed weights, bias;
  std::vector<int64_t> weights_at;  // of each phase
  int64_t weights_size = 0;
  Tensor zero;
  bool looks_ahead = false;

  int64_t outputs() const { return geometry.group_out; }
  int64_t rows() const { return tiles->rows[outputs() - 1]; }
  int64_t weights_stride(const Phase& phase) const { return phase.taps() * geometry.group_in; }
  int64_t bias_size() const { return DotTiles::kMaxRows * outputs() + 3; }
};

// Numbers [phase][output][tap][channel].
void pack_weights(const State& s, const float* kernel, float* to) {
  const Geometry& g = s.geometry;
  for (size_t p = 0; p < g.phases.size(); ++p) {
    const Phase& phase = g.phases[p];
    const auto& [a0, a1, a2] = phase.axis;
    for (int64_t n = 0; n < s.outputs(); ++n) {
      float* at = to + s.weights_at[p] + n * s.weights_stride(phase);
      for (int64_t tap = 0; tap < phase.taps(); ++tap) {
        const int64_t cell =
            g.cell(phase, tap / a2.taps / a1.taps, tap / a2.taps % a1.taps, tap % a2.taps);
        const float* from = kernel + cell * g.cell_stride + n * g.out_stride;
        for (int64_t i = 0; i < g.group_in; ++i) *at++ = from[i * g.in_stride];
      }
    }
  }
}

void pack_bias(const State& s, const float* bias, float* to) {
  for (int64_t i = 0; i < s.bias_size(); ++i) to[i] = bias[i % s.outputs()];
}

// The pointers of a tile; of one inside, those of all others inside of the same count, moved.
struct Table {
  const float* rows[kPointers];
  int32_t first[kMostTaps];
  float* outs[DotTiles::kMaxRows];
  Runs runs;
  int64_t count = 0;
  Place place;
};

void fill(const State& s, const Call& call, const Phase& phase, Range cells, Table& t) {
  Cells of_tile;
  t.count = cells.end - cells.begin;
  Walker(s.geometry, phase, call.in[0], cells.begin).take(static_cast<int>(t.count), of_tile);
  t.runs = fill_rows(s.geometry, phase, of_tile, s.zero.data(), 0, phase.taps(), t.rows, t.first);
  for (int64_t m = 0; m < t.count; ++m)
    t.outs[m] = call.out + of_tile.out[m] * s.geometry.out_pitch;
}

// Asks for the numbers that the next line's tile at this place reads first, where x is too large to
// be near: the processor foresees lines that are read on, not the next one.
void look_ahead(const State& s, const Phase& phase, const DotTile& tile, int64_t count) {
  const Axis& axis = phase.axis[2];
  const int64_t numbers = (count * axis.in_step + axis.taps - 1) * s.geometry.in_pitch;
  // The last line of taps, a line on; addresses beyond x are asked for in vain.
  auto at = reinterpret_cast<uintptr_t>(tile.rows[(tile.runs - 1) * count] + tile.rows_shift);
  at += static_cast<size_t>(axis.in * s.geometry.in_pitch) * sizeof(float);
  for (int64_t i = 0; i < numbers; i += 16, at += 64)
    __builtin_prefetch(reinterpret_cast<const void*>(at), 0, 2);
}

// Results of a phase, counted through batch and lines; tiles do not go beyond a line, unless lines
// are shorter than a tile.
void run_cells(const State& s, const Call& call, size_t phase, Range cells) {
  const Phase& ph = s.geometry.phases[phase];
  const int64_t length = ph.axis[2].count, rows = s.rows();
  Table inner, border;
  DotTile tile;
  tile.weights = s.weights.data(call) + s.weights_at[phase];
  tile.weights_stride = s.weights_stride(ph);
  tile.bias = s.bias.data(call);
  tile.relu = s.epilogue.in_registers();
  Line line;
  for (int64_t at = cells.begin, count = 0; at < cells.end; at += count) {
    const int64_t column = at % length;
    if (at == cells.begin || column == 0) line = line_of(s.geometry, ph, at / length);
    count = std::min(rows, cells.end - at);
    if (length >= rows) count = std::min(count, length - column);
    Place place = place_of(s.geometry, ph, line, {column, column + count});
    if (length < rows) place.inner = false;  // a tile of several lines
    Table& table = place.inner ? inner : border;
    if (!place.inner || inner.count != count) {
      fill(s, call, ph, {at, at + count}, table);
      table.place = place;
    }
    tile.rows = table.rows;
    tile.first = table.first;
    tile.runs = table.runs.runs;
    tile.length = table.runs.length;
    tile.out = table.outs;
    tile.rows_shift = place.inner ? place.in - table.place.in : 0;
    tile.out_shift = place.inner ? place.out - table.place.out : 0;
    if (place.inner && s.looks_ahead) look_ahead(s, ph, tile, count);
    s.tiles->tile[s.outputs() - 1][count - 1](tile);
    if (s.epilogue.has_rows())
      s.epilogue.on_rows(call, table.outs, count, tile.out_shift, s.outputs());
  }
}

void run_dot(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  if (s.weights.at_run()) pack_weights(s, call.in[1], s.weights.to(call));
  if (s.bias.at_run()) pack_bias(s, call.in[2], s.bias.to(call));
  for (size_t phase = 0; phase < s.geometry.phases.size(); ++phase) {
    const Phase& ph = s.geometry.phases[phase];
    const int64_t per_cell = std::max<int64_t>(ph.taps() * s.geometry.group_in * s.outputs(), 1);
    split(*call.pool, s.geometry.batch * ph.count(), kWorthSharing / per_cell + 1,
          [&](Range cells) { run_cells(s, call, phase, cells); });
  }
}

// ---- prepare ------------------------------------------------------------------------------------

bool accepts(const Problem& problem) {
  if (!has_phases(problem)) return false;
  const Geometry g = geometry_of(problem);
  if (g.groups != 1 || g.group_out < 1 || g.group_out > DotTiles::kMaxOutputs) return false;
  if (g.group_in % dot_tiles().lanes != 0 || problem.in[1].shape.size() >= int64_t{1} << 30)
    return false;
  return std::all_of(g.phases.begin(), g.phases.end(),
                     [](const Phase& phase) { return phase.taps() <= kMostTaps; });
}

// Beside plain sums, which leave most lanes empty; here the lanes are added up once for each
// result. The tables of short lines cost more than is saved beside `conv few`.
double gain(const Problem& problem) {
  Geometry g = geometry_of(problem);
  flatten(g);
  const DotTiles& tiles = dot_tiles();
  double own = 0, direct = 0;
  for (const Phase& phase : g.phases) {
    if (phase.taps() > 1 && phase.axis[2].count < 2 * tiles.rows[g.group_out - 1]) return 0;
    const auto cells = static_cast<double>(phase.count());
    const auto numbers = static_cast<double>(phase.taps() * g.group_in);
    own += cells * static_cast<double>(g.group_out) * (numbers / tiles.lanes * 0.6 + 4);
    direct += cells * numbers * 0.55;
  }
  return own == 0 ? 0 : direct / own;
}

Prepared prepare(const Problem& problem) {
  auto state = std::make_shared<State>();
  State& s = *state;
  s.geometry = geometry_of(problem);
  flatten(s.geometry);
  s.tiles = &dot_tiles();
  s.epilogue = Epilogue(problem);
  for (const Phase& phase : s.geometry.phases) {
    s.weights_at.push_back(s.weights_size);
    s.weights_size += s.weights_stride(phase) * s.outputs();
  }
  s.zero = Tensor(Shape{zero_length(s.geometry)});
  s.looks_ahead = problem.in[0].shape.size() > kFarNumbers && s.geometry.phases[0].taps() > 1;
  Prepared prepared;
  prepared.run = run_dot;
  prepared.packed.assign(problem.in.size(), false);
  s.weights.prepare(problem, 1, s.weights_size, prepared,
                    [&](const float* kernel, float* to) { pack_weights(s, kernel, to); });
  s.bias.prepare(problem, 2, s.bias_size(), prepared,
                 [&](const float* bias, float* to) { pack_bias(s, bias, to); });
  prepared.detail = base::cat(s.tiles->target, ' ', s.rows(), " rows");
  prepared.state = std::move(state);
  return prepared;
}

}  // namespace

const Kernel kConvDot{"conv dot", accepts, prepare, gain, takes_pitch_of_conv};

}  // namespace cornu::kernels
