#include <algorithm>
#include <cmath>
#include <numeric>

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
// A block's input and results should stay in the first caches while the panels pass over it; the
// larger the weights, which each block reads again, the larger the blocks.
constexpr int64_t kBlockFloats = 32 * 1024, kMostBlockFloats = 256 * 1024;
// Fewer multiplications than this are done before another thread has woken.
constexpr int64_t kWorthSharing = 200'000;
// Weights beyond this are shared out among the threads, rather than read by each of them.
constexpr int64_t kLargeWeights = 128 * 1024;

// A panel of so many weights stays in the caches while the tiles pass over it.
constexpr int64_t kNearWeights = 16 * 1024;

static_assert(Gemm::kMaxRows == kMaxRows);

// Some channels of an operand that is in segments, as many for each piece.
struct Piece {
  size_t operand;     // of Call::in
  int64_t at, pitch;  // its first channel in the segment; channels of the segment
};

struct State {
  Geometry geometry;
  std::vector<Piece> pieces;            // where operand 0 is in segments
  std::vector<int32_t> piece_channels;  // the first channel of each, of all
  int64_t piece_length = 0;
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
void pack_cell(const State& s, const float* cell, int64_t columns, int64_t width, float* to) {
  const Geometry& g = s.geometry;
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
  const int64_t columns = s.panels.columns(p), width = s.panels.width_of(p);
  for (int64_t a = 0; a < ph.axis[0].taps; ++a)
    for (int64_t b = 0; b < ph.axis[1].taps; ++b)
      for (int64_t c = 0; c < ph.axis[2].taps; ++c) {
        pack_cell(s, kernel + g.cell(ph, a, b, c) * g.cell_stride, columns, width, to);
        to += g.group_in * width;
      }
}

// ---- run ----------------------------------------------------------------------------------------

// How the results of a phase are cut into tiles: within lines where that wastes little of them,
// else they run on from line to line.
class Tiling {
 public:
  Tiling(const Phase& phase, int64_t batch, int64_t rows) {
    const int64_t line = phase.axis[2].count, in_line = (line + rows - 1) / rows;
    const int64_t all = batch * phase.count();
    within_lines = in_line > 0 && 4 * line >= 3 * in_line * rows;
    stretch_ = within_lines ? line : all;
    tiles_ = std::max<int64_t>((stretch_ + rows - 1) / rows, 1);
    count = within_lines ? all / line * in_line : (all + rows - 1) / rows;
    shortest = stretch_ / tiles_;
    longer_ = stretch_ % tiles_;
  }
  int64_t count;
  int64_t shortest;  // tiles have so many results, or one more
  bool within_lines;

  int64_t per_stretch() const { return tiles_; }
  // The first result of a tile, which is the end of the one before.
  int64_t begin(int64_t tile) const {
    const int64_t stretch = tile / tiles_, t = tile - stretch * tiles_;
    return stretch * stretch_ + t * shortest + std::min(t, longer_);
  }

 private:
  int64_t stretch_, tiles_, longer_;
};

// Results to compute: of a phase, or of one of its lines alone.
struct Part {
  const Phase& phase;
  const Tiling& tiling;
  const float* x;
  float* out;
};

struct Run {
  const State& s;
  const Call& call;
  const float* x;
  const float* weights;
  const float* bias;
  float* out;

  Tiling tiling(const Phase& phase) const { return {phase, s.geometry.batch, s.rows()}; }

  // What every tile of a panel shares.
  Tile panel_tile(size_t phase, int64_t p) const {
    return {.rows_shift = s.panels.group(p) * s.geometry.group_in,
            .weights = weights + s.weights_at[phase] + p * s.panel_size(phase),
            .start = bias + p * s.panels.width,
            .out_shift = s.panels.first(p),
            .columns = s.panels.columns(p),
            .relu = s.epilogue.in_registers(),
            .far = s.panel_size(phase) > kNearWeights};
  }

  const TileFn* tile_fns(int64_t p) const { return s.gemm->tile[s.panels.vectors_of(p) - 1]; }

  void finish(const Tile& tile, int count) const {
    if (s.epilogue.has_rows())
      s.epilogue.on_rows(call, tile.out, count, tile.out_shift, tile.columns);
  }

  void run(size_t phase, Range tiles, Range panels) const {
    const Phase& ph = s.geometry.phases[phase];
    const Tiling tiling = this->tiling(ph);
    if (std::max<int64_t>(ph.taps(), 1) * s.rows() > kPointers)
      return run_long(phase, tiling, tiles, panels);
    Tables tables;
    tables.taps = std::max<int64_t>(ph.taps(), 1);
    if (tiling.within_lines && staged_size(s.geometry, ph) > 0)
      run_staged(phase, tiling, tiles, panels, tables);
    else
      run_blocks(phase, {ph, tiling, x, out}, tiles, panels, tables);
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
  // The tables of the tiles of a block, and those of inner tiles, which serve all blocks.
  struct Tables {
    const float* rows[kPointers];
    int32_t first[kPointers / 4];
    float* outs[kTiles * kMaxRows];
    Entry entry[kTiles];
    Entry inner[2];  // of the shortest tiles, and of those longer by one
    Place place[2];
    int64_t taps = 1;
  };

  // Writes tables number `place`.
  Entry fill(const Part& part, Range cells, int64_t place, Tables& t) const {
    Entry e;
    e.count = static_cast<int>(cells.end - cells.begin);
    e.rows = t.rows + place * t.taps * s.rows();
    e.first = t.first + place * t.taps;
    e.outs = t.outs + place * kMaxRows;
    Cells all;
    Walker(s.geometry, part.phase, part.x, cells.begin).take(e.count, all);
    e.runs = fill_rows(s.geometry, part.phase, all, s.zero.data(), 0, part.phase.taps(), e.rows,
                       e.first);
    for (int m = 0; m < e.count; ++m) e.outs[m] = part.out + all.out[m] * s.geometry.out_pitch;
    return e;
  }

  void fill_tables(const Part& part, Range tiles, bool keeps, Tables& t) const {
    const int64_t length = part.phase.axis[2].count;
    Line line;
    int64_t line_begin = 0, line_end = -1, begin = part.tiling.begin(tiles.begin);
    for (int64_t i = 0; i < tiles.end - tiles.begin; ++i) {
      const Range cells{begin, part.tiling.begin(tiles.begin + i + 1)};
      if (begin >= line_end) {
        line_begin = begin / length * length;
        line_end = line_begin + length;
        line = line_of(s.geometry, part.phase, begin / length);
      }
      const Place place = place_of(s.geometry, part.phase, line,
                                   {cells.begin - line_begin, cells.end - line_begin});
      begin = cells.end;
      Entry& e = t.entry[i];
      if (!keeps || !place.inner) {
        e = fill(part, cells, i + 2 * keeps, t);
        continue;
      }
      const int64_t same = cells.end - cells.begin - part.tiling.shortest;
      if (t.inner[same].count == 0) {
        t.inner[same] = fill(part, cells, same, t);
        t.place[same] = place;
      }
      e = t.inner[same];
      e.in_shift = place.in - t.place[same].in;
      e.out_shift = place.out - t.place[same].out;
    }
  }

  // Tiles and panels in blocks of tiles small enough for the tables and the cache.
  void run_blocks(size_t phase, const Part& part, Range tiles, Range panels, Tables& tables,
                  int64_t out_shift = 0) const {
    const int64_t places = kPointers / (tables.taps * s.rows());
    const bool keeps = places > 2;
    const int64_t floats = s.rows() * (s.geometry.in_channels() * part.phase.axis[2].in_step +
                                       s.geometry.out_channels());
    const int64_t most = std::clamp(s.weights_size / 4, kBlockFloats, kMostBlockFloats);
    const int64_t block =
        std::clamp<int64_t>(std::min(places - 2 * keeps, most / floats), 1, kTiles - 2);
    const int64_t numbers = part.phase.taps() * s.geometry.group_in;  // of a sum
    // Single taps side by side: what the next tile reads lies behind what this one does.
    const bool streams =
        part.phase.taps() == 1 && part.phase.axis[2].in_step == 1 && s.geometry.groups == 1;
    for (int64_t t = tiles.begin; t < tiles.end; t += block) {
      const int64_t count = std::min(block, tiles.end - t);
      fill_tables(part, {t, t + count}, keeps, tables);
      for (int64_t p = panels.begin; p < panels.end; ++p) {
        const Tile panel = panel_tile(phase, p);
        const TileFn* fns = tile_fns(p);
        Tile tile = panel;
        for (int64_t i = 0; i < count; ++i) {
          const Entry& e = tables.entry[i];
          tile.rows = e.rows;
          tile.first = e.first;
          tile.runs = e.runs.runs;
          tile.length = e.runs.length;
          tile.out = e.outs;
          tile.rows_shift = panel.rows_shift + e.in_shift;
          tile.out_shift = panel.out_shift + e.out_shift + out_shift;
          tile.far = panel.far || (i == 0 && s.weights_size > kFarWeights);
          tile.ahead = nullptr;
          if (streams && p == panels.begin)
            tile.ahead = e.rows[0] + e.in_shift + e.count * s.geometry.in_channels();
          else if (s.weights_size > kFarWeights && p + 1 < panels.end && i < s.panels.vectors)
            tile.ahead = panel.weights + s.panel_size(phase) + i * numbers * kLine;
          s.epilogue.look_ahead(call, tile.out, e.count, tile.out_shift, tile.columns);
          fns[e.count - 1](tile);
          finish(tile, e.count);
        }
      }
    }
  }

  // Line after line from a copy of the input's lines with zeros beside them: no tile has a border.
  void run_staged(size_t phase, const Tiling& tiling, Range tiles, Range panels,
                  Tables& tables) const {
    alignas(64) float staged[kStaged];
    const Geometry& g = s.geometry;
    const Phase& ph = g.phases[phase];
    const Phase line = staged_line(ph);
    const Tiling of_line(line, 1, s.rows());
    const int64_t per_line = tiling.per_stretch();
    for (int64_t t = tiles.begin; t < tiles.end;) {
      const int64_t number = t / per_line, first = number * per_line;
      const int64_t end = std::min(tiles.end, first + per_line);
      stage(g, ph, number, {0, ph.axis[2].count}, x, staged, line.axis[2].in * g.group_in);
      run_blocks(phase, {line, of_line, staged, out}, {t - first, end - first}, panels, tables,
                 line_of(g, ph, number).out);
      t = end;
    }
  }

  // A single tap, and x in segments: runs of its sum lie in different tensors.
  void run_segments(Range tiles, Range panels) const {
    const float* rows[kPointers];
    float* outs[kTiles * kMaxRows];
    const Tiling tiling = this->tiling(s.geometry.phases[0]);
    const int64_t pieces = std::ssize(s.pieces);
    const int64_t floats = s.rows() * (s.geometry.in_channels() + s.geometry.out_channels());
    const int64_t block = std::clamp<int64_t>(
        std::min(kPointers / (pieces * s.rows()), kBlockFloats / floats), 1, kTiles);
    for (int64_t t = tiles.begin; t < tiles.end; t += block) {
      const int64_t end = std::min(t + block, tiles.end);
      const float** row = rows;
      float** result = outs;
      for (int64_t i = t; i < end; ++i) {
        const Range cells{tiling.begin(i), tiling.begin(i + 1)};
        for (const Piece& piece : s.pieces)
          for (int64_t cell = cells.begin; cell < cells.end; ++cell)
            *row++ = call.in[piece.operand] + cell * piece.pitch + piece.at;
        for (int64_t cell = cells.begin; cell < cells.end; ++cell)
          *result++ = out + cell * s.geometry.out_pitch;
      }
      for (int64_t p = panels.begin; p < panels.end; ++p) {
        Tile tile = panel_tile(0, p);
        tile.first = s.piece_channels.data();
        tile.runs = pieces;
        tile.length = s.piece_length;
        tile.rows = rows;
        tile.out = outs;
        for (int64_t i = t; i < end; ++i) {
          const auto count = static_cast<int>(tiling.begin(i + 1) - tiling.begin(i));
          tile_fns(p)[count - 1](tile);
          finish(tile, count);
          tile.rows += pieces * count;
          tile.out += count;
        }
      }
    }
  }

  // Kernels of very many taps: a tile's sum is continued chunk after chunk of taps.
  void run_long(size_t phase, const Tiling& tiling, Range tiles, Range panels) const {
    const float* rows[kPointers];
    int32_t first[kPointers];
    alignas(64) float sums[kMaxRows * Panels::kMaxWidth];
    float* partial[kMaxRows];
    float* outs[kMaxRows];
    const Phase& ph = s.geometry.phases[phase];
    const int64_t chunk = kPointers / s.rows();
    Cells cells;
    for (int64_t t = tiles.begin; t < tiles.end; ++t) {
      const int64_t begin = tiling.begin(t);
      Walker(s.geometry, ph, x, begin).take(static_cast<int>(tiling.begin(t + 1) - begin), cells);
      for (int m = 0; m < cells.count; ++m) outs[m] = out + cells.out[m] * s.geometry.out_pitch;
      for (int64_t p = panels.begin; p < panels.end; ++p) {
        const int64_t width = s.panels.width_of(p);
        for (int m = 0; m < kMaxRows; ++m) partial[m] = sums + m * width;
        const Tile whole = panel_tile(phase, p);
        Tile tile = whole;
        for (int64_t tap = 0; tap < ph.taps(); tap += chunk) {
          const bool last = tap + chunk >= ph.taps();
          const Runs runs = fill_rows(s.geometry, ph, cells, s.zero.data(), tap,
                                      last ? ph.taps() : tap + chunk, rows, first);
          tile.rows = rows;
          tile.first = first;
          tile.runs = runs.runs;
          tile.length = runs.length;
          tile.out = last ? outs : partial;
          tile.out_shift = last ? whole.out_shift : 0;
          tile.columns = last ? whole.columns : width;
          tile.relu = last ? whole.relu : nullptr;
          tile_fns(p)[cells.count - 1](tile);
          tile.start = sums;
          tile.start_stride = width;
        }
        finish(tile, cells.count);
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
    most_tiles = std::max(most_tiles, run.tiling(phase).count);
    work += s.geometry.batch * phase.count() * phase.taps() * s.geometry.group_in *
            s.geometry.out_channels();
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
  const Run run{s, call, call.in[0], s.weights.data(call), s.bias.data(call), call.out};
  const Grid grid = grid_of(s, run, call.pool->threads());
  call.pool->parallel_for(grid.tasks(), [&](int64_t task) {
    const auto phase = static_cast<size_t>(task / (grid.tiles * grid.panels));
    const int64_t tile = task / grid.panels % grid.tiles, panel = task % grid.panels;
    const Range tiles = part(run.tiling(s.geometry.phases[phase]).count, tile, grid.tiles);
    const Range panels = part(s.panels.count(), panel, grid.panels);
    s.pieces.empty() ? run.run(phase, tiles, panels) : run.run_segments(tiles, panels);
  });
}

// ---- prepare ------------------------------------------------------------------------------------

bool accepts(const Problem& problem) {
  // Tile::first is 32 bits.
  return has_phases(problem) && problem.in[1].shape.size() < int64_t{1} << 31;
}

int64_t common_length(std::span<const int64_t> segments) {
  int64_t length = 0;
  for (int64_t n : segments) length = std::gcd(length, n);
  return length;
}

// Those of single cells, in pieces long enough.
bool takes_segments(const Problem& problem, std::span<const int64_t> segments) {
  constexpr int64_t kLeastLength = 16;
  Geometry g = geometry_of(problem);
  flatten(g);
  if (g.phases.size() != 1 || g.groups != 1 || g.batch != 1) return false;
  const auto& [a, b, c] = g.phases[0].axis;
  if (a.in != 1 || a.out != 1 || a.taps != 1 || b.in != 1 || b.out != 1 || b.taps != 1)
    return false;
  if (c.taps != 1 || c.in_step != 1 || c.in_first != 0 || c.count != c.in) return false;
  const int64_t length = common_length(segments);
  return length >= kLeastLength && g.in_channels() / length * kMaxRows <= kPointers;
}

void cut_in_pieces(const Problem& problem, State& s) {
  const std::vector<int64_t>& segments = problem.in[0].segments;
  s.piece_length = common_length(segments);
  int64_t channel = 0;
  for (size_t i = 0; i < segments.size(); ++i)
    for (int64_t at = 0; at < segments[i]; at += s.piece_length, channel += s.piece_length) {
      s.pieces.push_back({i == 0 ? 0 : problem.in.size() + i - 1, at, segments[i]});
      s.piece_channels.push_back(static_cast<int32_t>(channel));
    }
}

// Wide panels read x fewer times and load less per product, but leave fewer rows to a tile; they
// must leave no vector over.
int vectors_each(const Gemm& gemm, int64_t group_out) {
  const int64_t all = (group_out + gemm.lanes - 1) / gemm.lanes;
  for (int vectors : {3, 4})
    if (gemm.rows[vectors - 1] > 0 && all % vectors == 0) return vectors;
  return 2;
}

Prepared prepare(const Problem& problem) {
  auto state = std::make_shared<State>();
  State& s = *state;
  s.geometry = geometry_of(problem);
  flatten(s.geometry);
  cut_in_pieces(problem, s);
  s.gemm = &gemm();
  const int64_t group_out = s.geometry.group_out;
  s.panels = Panels(*s.gemm, s.geometry.groups, group_out, vectors_each(*s.gemm, group_out));
  CORNU_CHECK(s.panels.width <= Panels::kMaxWidth);
  for (size_t phase = 0; phase < s.geometry.phases.size(); ++phase) {
    s.weights_at.push_back(s.weights_size);
    s.weights_size += (s.panels.count() * s.panel_size(phase) + 15) / 16 * 16;
  }
  s.zero = Tensor(Shape{zero_length(s.geometry)});
  s.epilogue = Epilogue(problem);

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

const Kernel kConvDirect{"conv direct",       accepts, prepare,       nullptr,
                         takes_pitch_of_conv, false,   takes_segments};

}  // namespace cornu::kernels
