#include <algorithm>

#include "cornu/base/text.h"
#include "cornu/kernels/depthwise_tile.h"
#include "cornu/kernels/rows.h"
#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"

namespace cornu::kernels {
namespace {

// A tile's row pointers live on the stack.
constexpr int64_t kPointers = 4096;
constexpr int64_t kMostTaps = kPointers / DepthTiles::kMaxRows;
// Multiplications that are worth a task of their own.
constexpr int64_t kWorthSharing = 50'000;

static_assert(DepthTiles::kMaxRows <= kMaxRows);

struct State {
  Geometry geometry;
  const DepthTiles* tiles = nullptr;
  Epilogue epilogue;
  Tensor zero, no_bias;
  bool has_bias = false;
  FilterPlaces places;
  std::vector<std::vector<int32_t>> cells;  // of each phase: the kernel's cell for each tap

  int64_t filters() const { return geometry.out_channels(); }
};

void run_tiles(const State& s, const Call& call, size_t phase, Range cells) {
  const Phase& ph = s.geometry.phases[phase];
  const float* rows[kPointers];
  int32_t first[kMostTaps];
  float* outs[kMaxRows];
  Cells tile_cells;
  DepthTile tile;
  tile.rows = rows;
  tile.first = first;
  tile.weights = call.in[1];
  tile.bias = s.has_bias ? call.in[2] : s.no_bias.data();
  tile.out = outs;
  tile.filters = s.filters();
  tile.multiplier = s.geometry.group_out;
  tile.block_channel = s.places.block_channel.data();
  tile.lane_channel = s.places.lane_channel.data();
  tile.relu = s.epilogue.in_registers();
  Walker walker(s.geometry, ph, call.in[0], cells.begin);
  for (int64_t at = cells.begin; at < cells.end;) {
    const auto count = static_cast<int>(std::min<int64_t>(s.tiles->rows, cells.end - at));
    walker.take(count, tile_cells);
    tile.runs =
        fill_rows(s.geometry, ph, tile_cells, s.zero.data(), 0, ph.taps(), rows, first).runs;
    for (int64_t run = 0; run < tile.runs; ++run)
      first[run] = s.cells[phase][static_cast<size_t>(first[run])];
    for (int m = 0; m < count; ++m) outs[m] = call.out + tile_cells.out[m] * s.filters();
    const auto& functions = tile.multiplier == 1 ? s.tiles->one : s.tiles->many;
    functions[count - 1](tile);
    for (int m = 0; m < count; ++m) s.epilogue.on_row(outs[m], s.filters());
    at += count;
  }
}

void run(const Call& call) noexcept {
  const State& s = *static_cast<const State*>(call.state);
  for (size_t phase = 0; phase < s.geometry.phases.size(); ++phase) {
    const Phase& ph = s.geometry.phases[phase];
    const int64_t per_cell = std::max<int64_t>(ph.taps() * s.filters(), 1);
    split(*call.pool, s.geometry.batch * ph.count(), kWorthSharing / per_cell + 1,
          [&](Range cells) { run_tiles(s, call, phase, cells); });
  }
}

bool accepts(const Problem& problem) {
  const auto* conv = std::get_if<ops::Conv>(problem.op);
  const auto* transposed = std::get_if<ops::ConvTranspose>(problem.op);
  if (!has_phases(problem) || problem.in[1].shape[-2] != 1) return false;
  const int64_t filters = problem.out[-1], channels = problem.in[0].shape[-1];
  const int64_t groups = conv ? conv->groups : transposed->groups;
  if (groups == 1 || groups != channels) return false;
  if (filters != groups && groups < depth_tiles().lanes) return false;
  // The indices of a tile are 32 bits.
  if (filters == 0 || problem.in[1].shape.size() >= int64_t{1} << 31) return false;
  return problem.in[1].shape.size() / filters <= kMostTaps;
}

Prepared prepare(const Problem& problem) {
  auto state = std::make_shared<State>();
  State& s = *state;
  s.geometry = geometry_of(problem);
  s.tiles = &depth_tiles();
  s.epilogue = Epilogue(activation_of(*problem.op));
  s.zero = Tensor(Shape{zero_length(s.geometry)});
  s.has_bias = problem.in.size() == 3;
  if (!s.has_bias) s.no_bias = Tensor(Shape{s.filters()});
  if (s.geometry.group_out > 1)
    s.places = place_filters(s.tiles->lanes, s.geometry.in_channels(), s.geometry.group_out);
  for (const Phase& phase : s.geometry.phases) {
    s.cells.emplace_back();
    for (int64_t a = 0; a < phase.axis[0].taps; ++a)
      for (int64_t b = 0; b < phase.axis[1].taps; ++b)
        for (int64_t c = 0; c < phase.axis[2].taps; ++c)
          s.cells.back().push_back(static_cast<int32_t>(s.geometry.cell(phase, a, b, c)));
  }
  Prepared prepared;
  prepared.run = run;
  prepared.packed.assign(problem.in.size(), false);
  prepared.detail = base::cat(s.tiles->target, ' ', s.tiles->rows);
  prepared.state = std::move(state);
  return prepared;
}

}  // namespace

const Kernel kDepthwise{"depthwise", accepts, prepare};

}  // namespace cornu::kernels
