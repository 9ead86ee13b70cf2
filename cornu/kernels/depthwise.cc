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

// The pointers of a tile; of one inside, those of all others inside of the same count, moved.
struct Table {
  const float* rows[kPointers];
  int32_t first[kMostTaps];
  float* outs[kMaxRows];
  int64_t runs = 0;
  int count = 0;
  Place place;
};

void fill(const State& s, const Call& call, size_t phase, Range cells, Table& t) {
  const Phase& ph = s.geometry.phases[phase];
  Cells of_tile;
  t.count = static_cast<int>(cells.end - cells.begin);
  Walker(s.geometry, ph, call.in[0], cells.begin).take(t.count, of_tile);
  t.runs = fill_rows(s.geometry, ph, of_tile, s.zero.data(), 0, ph.taps(), t.rows, t.first).runs;
  for (int64_t run = 0; run < t.runs; ++run)
    t.first[run] = s.cells[phase][static_cast<size_t>(t.first[run])];
  for (int m = 0; m < t.count; ++m) t.outs[m] = call.out + of_tile.out[m] * s.geometry.out_pitch;
}

// For tiles inside x; null where cells or taps do not lie side by side.
DepthTileFn side_by_side_fn(const State& s, const Phase& phase) {
  const Axis& axis = phase.axis[2];
  const int64_t k = axis.taps;
  if (s.geometry.group_out != 1 || s.filters() < s.tiles->lanes || axis.in_step != 1 ||
      axis.tap_step != 1 || (k != 3 && k != 5 && k != 7))
    return nullptr;
  return s.tiles->side_by_side[k / 2 - 1];
}

void run_tiles(const State& s, const Call& call, size_t phase, Range cells) {
  const Phase& ph = s.geometry.phases[phase];
  Table inner, other;
  DepthTile tile;
  tile.weights = call.in[1];
  tile.bias = s.has_bias ? call.in[2] : s.no_bias.data();
  tile.filters = s.filters();
  tile.multiplier = s.geometry.group_out;
  tile.block_channel = s.places.block_channel.data();
  tile.lane_channel = s.places.lane_channel.data();
  tile.relu = s.epilogue.in_registers();
  const auto& functions = tile.multiplier == 1 ? s.tiles->one : s.tiles->many;
  const DepthTileFn side_by_side = side_by_side_fn(s, ph);
  tile.cell_stride = s.geometry.in_pitch;
  const int64_t length = ph.axis[2].count;
  Line line;
  for (int64_t at = cells.begin, column = at % length; at < cells.end;) {
    if (at == cells.begin || column == 0) line = line_of(s.geometry, ph, at / length);
    // Short lines are not worth a tile of their own.
    const int64_t left = length >= s.tiles->rows ? length - column : cells.end - at;
    const int64_t count = std::min({int64_t{s.tiles->rows}, left, cells.end - at});
    const Place place = place_of(s.geometry, ph, line, {column, column + count});
    Table& table = place.inner ? inner : other;
    if (!place.inner || inner.count != count) {
      fill(s, call, phase, {at, at + count}, table);
      table.place = place;
    }
    tile.rows = table.rows;
    tile.first = table.first;
    tile.runs = table.runs;
    tile.out = table.outs;
    tile.rows_shift = place.in - table.place.in;
    tile.out_shift = place.out - table.place.out;
    const bool fits = place.inner && side_by_side && count == s.tiles->rows;
    fits ? side_by_side(tile) : functions[count - 1](tile);
    for (int64_t m = 0; m < count; ++m)
      s.epilogue.on_row(table.outs[m] + tile.out_shift, s.filters());
    at += count;
    column = (column + count) % length;
    if (length < s.tiles->rows) line = {};  // a tile of several lines is never inside
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

const Kernel kDepthwise{"depthwise", accepts, prepare, nullptr, takes_first_and_result};

}  // namespace cornu::kernels
