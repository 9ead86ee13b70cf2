#include <algorithm>
#include <cmath>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/kernels/gemm.h"
#include "cornu/kernels/packed.h"
#include "cornu/kernels/panels.h"
#include "cornu/kernels/rows.h"
#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"

namespace cornu::kernels {
namespace {

// Tables of a block of tiles live on the stack: this many row pointers, and tiles.
constexpr int64_t kPointers = 4096;
constexpr int64_t kTiles = 32;
// A block's input should stay in the second-level cache while the panels pass over it.
constexpr int64_t kBlockFloats = 64 * 1024;
// Fewer multiplications than this are done before another thread has woken.
constexpr int64_t kWorthSharing = 200'000;
// Weights beyond this are shared out among the threads, rather than read by each of them.
constexpr int64_t kLargeWeights = 128 * 1024;

static_assert(Gemm::kMaxRows == kMaxRows);

struct State {
  Geometry geometry;
  const Gemm* gemm = nullptr;
  Panels panels;
  std::vector<int64_t> weights_at;  // of each phase
  int64_t weights_size = 0;
  Packed weights, bias;
  Tensor zero;
  Epilogue epilogue;

  int64_t rows() const { return gemm->rows[panels.vectors - 1]; }
  int64_t panel_size(size_t phase) const {
    return geometry.phases[phase].taps() * geometry.group_in * panels.width;
  }
};

// Numbers [channel][column] of one panel and one cell of the kernel, read in the order they lie in.
void pack_cell(const State& s, const float* cell, int64_t columns, float* to) {
  const Geometry& g = s.geometry;
  const int64_t width = s.panels.width;
  if (columns < width) std::fill_n(to, g.group_in * width, 0.0f);
  if (g.out_stride == 1) {
    for (int64_t i = 0; i < g.group_in; ++i)
      std::copy_n(cell + i * g.in_stride, columns, to + i * width);
  } else {
    for (int64_t n = 0; n < columns; ++n)
      for (int64_t i = 0; i < g.group_in; ++i)
        to[i * width + n] = cell[i * g.in_stride + n * g.out_stride];
  }
}

// Numbers [tap][channel][column] of one panel, zeros in columns that do not exist.
void pack_panel(const State& s, size_t phase, int64_t p, const float* kernel, float* to) {
  const Geometry& g = s.geometry;
  const Phase& ph = g.phases[phase];
  to += s.weights_at[phase] + p * s.panel_size(phase);
  kernel += s.panels.group(p) * g.group_stride + s.panels.column(p) * g.out_stride;
  const int64_t columns = s.panels.columns(p);
  for (int64_t a = 0; a < ph.axis[0].taps; ++a)
    for (int64_t b = 0; b < ph.axis[1].taps; ++b)
      for (int64_t c = 0; c < ph.axis[2].taps; ++c) {
        pack_cell(s, kernel + g.cell(ph, a, b, c) * g.cell_stride, columns, to);
        to += g.group_in * s.panels.width;
      }
}

// ---- run ----------------------------------------------------------------------------------------

struct Run {
  const State& s;
  const float* x;
  const float* weights;
  const float* bias;
  float* out;

  int64_t cells(const Phase& phase) const { return s.geometry.batch * phase.count(); }
  // Tiles lie within lines where that wastes little of them, else they run on from line to line.
  int64_t tiles_per_line(const Phase& phase) const {
    const int64_t line = phase.axis[2].count, tiles = (line + s.rows() - 1) / s.rows();
    return 4 * line >= 3 * tiles * s.rows() ? tiles : 0;
  }
  int64_t tiles(const Phase& phase) const {
    const int64_t per_line = tiles_per_line(phase);
    if (per_line == 0) return (cells(phase) + s.rows() - 1) / s.rows();
    return s.geometry.batch * phase.axis[0].count * phase.axis[1].count * per_line;
  }
  // The results of a tile.
  Range tile_cells(const Phase& phase, int64_t tile, int64_t all) const {
    const int64_t per_line = tiles_per_line(phase), line = phase.axis[2].count;
    if (per_line == 0) return part(cells(phase), tile, all);
    const Range own = part(line, tile % per_line, per_line);
    return {tile / per_line * line + own.begin, tile / per_line * line + own.end};
  }

  // What every tile of a panel shares.
  Tile panel_tile(size_t phase, int64_t p) const {
    return {.rows_shift = s.panels.group(p) * s.geometry.group_in,
            .weights = weights + s.weights_at[phase] + p * s.panel_size(phase),
            .start = bias + p * s.panels.width,
            .out_shift = s.panels.first(p),
            .columns = s.panels.columns(p),
            .relu = s.epilogue.in_registers()};
  }

  void call(const Tile& tile, int count) const {
    s.gemm->tile[s.panels.vectors - 1][count - 1](tile);
    for (int m = 0; m < count; ++m) s.epilogue.on_row(tile.out[m] + tile.out_shift, tile.columns);
  }

  // Tiles and panels of one phase, in blocks of tiles small enough for the tables and the cache.
  void run(size_t phase, Range tile_range, Range panel_range) const {
    const Phase& ph = s.geometry.phases[phase];
    const int64_t pointers = std::max<int64_t>(ph.taps(), 1) * s.rows();
    if (pointers > kPointers) return run_long(phase, tile_range, panel_range);
    const int64_t floats = s.rows() * s.geometry.in_channels() * ph.axis[2].in_step;
    const int64_t block = std::clamp<int64_t>(
        std::min(kPointers / pointers, kBlockFloats / std::max<int64_t>(floats, 1)), 1, kTiles);
    for (int64_t t = tile_range.begin; t < tile_range.end; t += block)
      run_block(phase, {t, std::min(t + block, tile_range.end)}, panel_range);
  }

  // A tile's place in the tables below, and how far from there it lies itself.
  struct Entry {
    int count = 0;
    Runs runs;
    const float** rows = nullptr;
    int32_t* first = nullptr;
    float** outs = nullptr;
    int64_t in_shift = 0, out_shift = 0;
  };
  struct Tables {
    const float* rows[kPointers];
    int32_t first[kPointers];
    float* outs[kTiles * kMaxRows];
    Entry entry[kTiles];
  };

  void fill_tables(const Phase& phase, Range tile_range, Tables& t) const {
    const int64_t all = tiles(phase), count = tile_range.end - tile_range.begin;
    const float** rows = t.rows;
    int32_t* first = t.first;
    float** outs = t.outs;
    Cells cells;
    struct {
      const Entry* entry = nullptr;
      Place place;
    } inner[kMaxRows + 1];  // the first one of each count
    for (int64_t i = 0; i < count; ++i) {
      const Range range = tile_cells(phase, tile_range.begin + i, all);
      const int64_t line = range.begin / phase.axis[2].count, start = line * phase.axis[2].count;
      const Place place = place_of(s.geometry, phase, line_of(s.geometry, phase, line),
                                   {range.begin - start, range.end - start});
      auto& same = inner[range.end - range.begin];
      if (place.inner && same.entry) {
        t.entry[i] = *same.entry;
        t.entry[i].in_shift = place.in - same.place.in;
        t.entry[i].out_shift = place.out - same.place.out;
        continue;
      }
      Walker(s.geometry, phase, x, range.begin)
          .take(static_cast<int>(range.end - range.begin), cells);
      const Runs runs =
          fill_rows(s.geometry, phase, cells, s.zero.data(), 0, phase.taps(), rows, first);
      t.entry[i] = {cells.count, runs, rows, first, outs};
      if (place.inner) same = {&t.entry[i], place};
      rows += runs.runs * cells.count;
      first += runs.runs;
      for (int m = 0; m < cells.count; ++m) *outs++ = out + cells.out[m] * s.geometry.out_pitch;
    }
  }

  void run_block(size_t phase, Range tile_range, Range panel_range) const {
    Tables tables;
    fill_tables(s.geometry.phases[phase], tile_range, tables);
    for (int64_t p = panel_range.begin; p < panel_range.end; ++p) {
      const Tile panel = panel_tile(phase, p);
      Tile tile = panel;
      for (int64_t i = 0; i < tile_range.end - tile_range.begin; ++i) {
        const Entry& e = tables.entry[i];
        tile.rows = e.rows;
        tile.first = e.first;
        tile.runs = e.runs.runs;
        tile.length = e.runs.length;
        tile.out = e.outs;
        tile.rows_shift = panel.rows_shift + e.in_shift;
        tile.out_shift = panel.out_shift + e.out_shift;
        call(tile, e.count);
      }
    }
  }

  // Kernels of very many taps: a tile's sum is continued chunk after chunk of taps.
  void run_long(size_t phase, Range tile_range, Range panel_range) const {
    const float* rows[kPointers];
    int32_t first[kPointers];
    alignas(64) float sums[kMaxRows * Panels::kMaxWidth];
    float* partial[kMaxRows];
    float* outs[kMaxRows];
    const Phase& ph = s.geometry.phases[phase];
    const int64_t all = tiles(ph), chunk = kPointers / s.rows();
    Cells cells_of_tile;
    for (int m = 0; m < kMaxRows; ++m) partial[m] = sums + m * s.panels.width;
    for (int64_t t = tile_range.begin; t < tile_range.end; ++t) {
      const Range range = tile_cells(ph, t, all);
      Walker(s.geometry, ph, x, range.begin)
          .take(static_cast<int>(range.end - range.begin), cells_of_tile);
      for (int m = 0; m < cells_of_tile.count; ++m)
        outs[m] = out + cells_of_tile.out[m] * s.geometry.out_pitch;
      for (int64_t p = panel_range.begin; p < panel_range.end; ++p) {
        const Tile whole = panel_tile(phase, p);
        Tile tile = whole;
        for (int64_t begin = 0; begin < ph.taps(); begin += chunk) {
          const bool last = begin + chunk >= ph.taps();
          const Runs runs = fill_rows(s.geometry, ph, cells_of_tile, s.zero.data(), begin,
                                      last ? ph.taps() : begin + chunk, rows, first);
          tile.rows = rows;
          tile.first = first;
          tile.runs = runs.runs;
          tile.length = runs.length;
          if (last) {
            tile.out = outs;
            tile.out_shift = whole.out_shift;
            tile.columns = whole.columns;
            tile.relu = whole.relu;
            call(tile, cells_of_tile.count);
          } else {
            tile.out = partial;
            tile.out_shift = 0;
            tile.columns = s.panels.width;
            tile.relu = nullptr;
            s.gemm->tile[s.panels.vectors - 1][cells_of_tile.count - 1](tile);
            tile.start = sums;
            tile.start_stride = s.panels.width;
          }
        }
      }
    }
  }
};

// How the tiles and panels of every phase are cut into tasks.
struct Grid {
  int64_t phases, tiles, panels;
  int64_t tasks() const { return phases * tiles * panels; }
};

Grid grid_of(const State& s, const Run& run, int threads) {
  Grid grid{std::ssize(s.geometry.phases), 1, 1};
  int64_t most_tiles = 0, work = 0;
  for (const Phase& phase : s.geometry.phases) {
    most_tiles = std::max(most_tiles, run.tiles(phase));
    work += run.cells(phase) * phase.taps() * s.geometry.group_in * s.geometry.out_channels();
  }
  if (threads == 1 || work < kWorthSharing) return grid;
  const int64_t wanted = (4 * threads + grid.phases - 1) / grid.phases;
  const auto cut = [](int64_t total, int64_t pieces) {
    return std::clamp<int64_t>(total, 1, pieces);
  };
  if (s.weights_size > kLargeWeights) {
    grid.panels = cut(s.panels.count(), wanted);
    grid.tiles = cut(most_tiles, (wanted + grid.panels - 1) / grid.panels);
  } else {
    grid.tiles = cut(most_tiles, wanted);
    grid.panels = cut(s.panels.count(), (wanted + grid.tiles - 1) / grid.tiles);
  }
  return grid;
}

void run_conv(const Call& call) noexcept {
  const State& s = *static_cast<const State*>(call.state);
  const int64_t phases = std::ssize(s.geometry.phases);
  if (s.weights.at_run())
    call.pool->parallel_for(phases * s.panels.count(), [&](int64_t i) {
      pack_panel(s, static_cast<size_t>(i / s.panels.count()), i % s.panels.count(), call.in[1],
                 s.weights.to(call));
    });
  if (s.bias.at_run()) s.panels.pack(call.in[2], s.bias.to(call));
  const Run run{s, call.in[0], s.weights.data(call), s.bias.data(call), call.out};
  const Grid grid = grid_of(s, run, call.pool->threads());
  call.pool->parallel_for(grid.tasks(), [&](int64_t task) {
    const auto phase = static_cast<size_t>(task / (grid.tiles * grid.panels));
    const int64_t tile = task / grid.panels % grid.tiles, panel = task % grid.panels;
    run.run(phase, part(run.tiles(s.geometry.phases[phase]), tile, grid.tiles),
            part(s.panels.count(), panel, grid.panels));
  });
}

// ---- prepare ------------------------------------------------------------------------------------

bool accepts(const Problem& problem) {
  // Tile::first is 32 bits.
  return has_phases(problem) && problem.in[1].shape.size() < int64_t{1} << 31;
}

Prepared prepare(const Problem& problem) {
  auto state = std::make_shared<State>();
  State& s = *state;
  s.geometry = geometry_of(problem);
  flatten(s.geometry);
  s.gemm = &gemm();
  s.panels = Panels(*s.gemm, s.geometry.groups, s.geometry.group_out);
  CORNU_CHECK(s.panels.width <= Panels::kMaxWidth);
  for (size_t phase = 0; phase < s.geometry.phases.size(); ++phase) {
    s.weights_at.push_back(s.weights_size);
    s.weights_size += (s.panels.count() * s.panel_size(phase) + 15) / 16 * 16;
  }
  s.zero = Tensor(Shape{zero_length(s.geometry)});
  s.epilogue = Epilogue(activation_of(*problem.op));

  Prepared prepared;
  prepared.run = run_conv;
  prepared.packed.assign(problem.in.size(), false);
  s.weights.prepare(problem, 1, s.weights_size, prepared, [&](const float* kernel, float* to) {
    for (size_t phase = 0; phase < s.geometry.phases.size(); ++phase)
      for (int64_t p = 0; p < s.panels.count(); ++p) pack_panel(s, phase, p, kernel, to);
  });
  s.bias.prepare(problem, 2, s.panels.size(), prepared,
                 [&](const float* bias, float* to) { s.panels.pack(bias, to); });
  prepared.detail = base::cat(s.gemm->target, ' ', s.rows(), 'x', s.panels.vectors);
  prepared.state = std::move(state);
  return prepared;
}

}  // namespace

const Kernel kConvDirect{"conv direct", accepts, prepare, nullptr, takes_first_and_result};

}  // namespace cornu::kernels
