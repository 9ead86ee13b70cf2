#include <algorithm>
#include <cmath>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/kernels/gemm.h"
#include "cornu/kernels/lattices.h"
#include "cornu/kernels/packed.h"
#include "cornu/kernels/panels.h"
#include "cornu/kernels/slots.h"
#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"
#include "cornu/kernels/winograd.h"

namespace cornu::kernels {
namespace {

// What a block of tiles needs, transformed inputs and products, should stay in the second-level
// cache; more of it where the weights do not anyway, and every block has to read them again.
constexpr int64_t kBlockFloats = 128 * 1024, kLargeBlockFloats = 288 * 1024;
constexpr int64_t kLargeWeights = 192 * 1024;
// Transformed, a kernel takes up to four times its memory.
constexpr int64_t kMostWeights = 4 * 1024 * 1024;
constexpr int64_t kLeastColumns = 8, kMostRows = 64;
// Slices of a third axis that one block computes, so that they share their inputs.
constexpr int64_t kSlices = 8;
constexpr int64_t kMostTaps = 16;  // of the third axis

// A lattice with its blocks: some slices of the first axis times some columns (tiles of the last
// two axes, counted through the batch).
struct Part {
  Lattice lattice;
  InputFn input = nullptr;
  OutputFn output = nullptr;
  int64_t taps = 1;     // of the first axis
  int64_t columns = 0;  // in all
  int64_t block_columns = 0, block_slices = 1;
  std::vector<int64_t> weights_at;  // of each member

  const LatticeAxis& depth() const { return lattice.axis[0]; }
  int64_t column_blocks() const { return (columns + block_columns - 1) / block_columns; }
  // Of one residue; a block lies in one.
  int64_t slice_blocks() const { return (depth().tiles + block_slices - 1) / block_slices; }
  int64_t blocks() const { return depth().residues * slice_blocks() * column_blocks(); }
  int64_t rows() const { return block_slices * block_columns; }  // of the matrix products
};

// Some channels of x, in a tensor of their own.
struct Source {
  size_t operand;  // of Call::in
  int64_t channel, channels, pitch;
};

struct State {
  Geometry geometry;
  std::vector<Source> sources;
  const Gemm* gemm = nullptr;
  Panels panels;
  std::vector<Part> parts;
  int64_t weights_size = 0;
  bool packs_weights = false;  // at every run
  Packed weights, bias;
  Tensor zero;
  Epilogue epilogue;
  int slots = 1;
  int64_t slot_size = 0, slots_at = 0;  // in the scratch memory

  int64_t column_stride() const { return odd_lines(geometry.in_channels()); }
  int64_t position_stride(const Part& p) const { return p.block_columns * column_stride() + 16; }
  int64_t slice_stride(const Part& p) const { return p.lattice.positions() * position_stride(p); }
  int64_t inputs_size(const Part& p) const {
    return (p.block_slices + p.taps - 1) * slice_stride(p);
  }
  int64_t row_stride(const Part& p) const { return p.lattice.positions() * panels.width + 16; }
  int64_t panel_size(const Part& p) const {
    return p.lattice.positions() * p.taps * geometry.group_in * panels.width;
  }
};

// ---- weights ------------------------------------------------------------------------------------

// Numbers [position][tap of the first axis][channel][column] of one panel.
void pack_panel(const State& s, const Part& part, size_t member, int64_t p, const float* kernel,
                float* to) {
  const Geometry& g = s.geometry;
  const Phase& phase = part.lattice.members[member].phase;
  const Winograd &wr = part.lattice.axis[1].winograd, &wc = part.lattice.axis[2].winograd;
  const KernelTransform gr = kernel_transform(wr), gc = kernel_transform(wc);
  const int64_t width = s.panels.width, columns = s.panels.columns(p);
  const KernelFn transform = winograd_transforms().kernel;
  alignas(64) double cells[25 * Panels::kMaxWidth] = {};
  KernelTile tile{.rows = wr,
                  .columns = wc,
                  .row_factors = gr.data(),
                  .column_factors = gc.data(),
                  .row_taps = phase.axis[1].taps,
                  .column_taps = phase.axis[2].taps,
                  .cells = cells,
                  .panel = width,
                  .out = to + part.weights_at[member] + p * s.panel_size(part),
                  .out_stride = part.taps * g.group_in * width};
  kernel += s.panels.group(p) * g.group_stride + s.panels.column(p) * g.out_stride;
  for (int64_t t = 0; t < part.taps; ++t)
    for (int64_t i = 0; i < g.group_in; ++i, tile.out += width) {
      double* cell = cells;
      for (int64_t b = 0; b < tile.row_taps; ++b)
        for (int64_t c = 0; c < tile.column_taps; ++c, cell += width) {
          const float* from = kernel + g.cell(phase, t, b, c) * g.cell_stride + i * g.in_stride;
          for (int64_t n = 0; n < columns; ++n) cell[n] = from[n * g.out_stride];
        }
      transform(tile);
    }
}

// ---- run ----------------------------------------------------------------------------------------

struct Run {
  const State& s;
  const Call& call;
  const float* weights;
  const float* bias;
  float* out;

  // One block, and of its members and panels (counted together) those in `panels`.
  void block(const Part& part, int64_t index, Range panels, float* slot) const {
    const int64_t column_block = index % part.column_blocks(), rest = index / part.column_blocks();
    const int64_t residue = rest / part.slice_blocks(), slice_block = rest % part.slice_blocks();
    const Range columns = kernels::part(part.columns, column_block, part.column_blocks());
    const Range slices = kernels::part(part.depth().tiles, slice_block, part.slice_blocks());
    const int64_t at = residue * part.depth().tiles;
    transform_inputs(part, {at + slices.begin, at + slices.end}, columns, slot);
    float* sums = slot + s.inputs_size(part);
    for (int64_t i = panels.begin; i < panels.end; ++i) {
      const auto member = static_cast<size_t>(i / s.panels.count());
      const int64_t panel = i % s.panels.count();
      multiply(part, member, panel, slices.end - slices.begin, columns.end - columns.begin, slot,
               sums);
      transform_outputs(part, member, panel, {at + slices.begin, at + slices.end}, columns, sums);
    }
  }

  struct Column {
    int64_t image, row, column;
  };
  static Column column_at(const Part& part, int64_t c) {
    const int64_t per_row = part.lattice.axis[2].all_tiles();
    const int64_t rows = part.lattice.axis[1].all_tiles();
    return {c / per_row / rows, c / per_row % rows, c % per_row};
  }

  void transform_inputs(const Part& part, Range slices, Range columns, float* to) const {
    const auto& [depth, rows, cols] = part.lattice.axis;
    const int64_t image_cells = depth.in * rows.in * cols.in;
    int64_t cells[36];  // counted through all of x, -1 outside
    const float* pointers[36];
    InputTile tile{pointers, 0, nullptr, s.position_stride(part)};
    // Slices beyond the last one's position are read by its later taps.
    for (int64_t z = 0; z < slices.end - slices.begin + part.taps - 1; ++z) {
      const int64_t in_z = depth.cell(slices.begin, z);
      const bool inside = in_z >= 0 && in_z < depth.in;
      for (int64_t c = columns.begin; c < columns.end; ++c) {
        const Column at = column_at(part, c);
        const int64_t slice = at.image * image_cells + in_z * rows.in * cols.in;
        int64_t* cell = cells;
        for (int i = 0; i < rows.winograd.points; ++i) {
          const int64_t y = rows.cell(at.row, i);
          const bool in_row = inside && y >= 0 && y < rows.in;
          for (int j = 0; j < cols.winograd.points; ++j) {
            const int64_t w = cols.cell(at.column, j);
            *cell++ = in_row && w >= 0 && w < cols.in ? slice + y * cols.in + w : -1;
          }
        }
        for (const Source& source : s.sources) {
          const float* x = call.in[source.operand];
          for (int64_t i = 0; i < cell - cells; ++i)
            pointers[i] = cells[i] < 0 ? s.zero.data() : x + cells[i] * source.pitch;
          tile.channels = source.channels;
          tile.out = to + z * s.slice_stride(part) + (c - columns.begin) * s.column_stride() +
                     source.channel;
          part.input(tile);
        }
      }
    }
  }

  // At each position, the products of the block's rows with the panel's weights.
  void multiply(const Part& part, size_t member, int64_t panel, int64_t slices, int64_t columns,
                const float* inputs, float* sums) const {
    const float* rows[kMostTaps * kMostRows];
    int32_t first[kMostTaps];
    float* outs[kMostRows];
    const int64_t all = slices * columns, most = s.gemm->rows[s.panels.vectors - 1];
    const int64_t chunks = (all + most - 1) / most;
    for (int64_t t = 0; t < part.taps; ++t)
      first[t] = static_cast<int32_t>(t * s.geometry.group_in);
    for (int64_t r = 0; r < all; ++r) outs[r] = sums + r * s.row_stride(part);
    const float** to = rows;
    for (int64_t i = 0; i < chunks; ++i) {
      const Range range = kernels::part(all, i, chunks);
      for (int64_t t = 0; t < part.taps; ++t)
        for (int64_t r = range.begin; r < range.end; ++r)
          *to++ =
              inputs + (r / columns + t) * s.slice_stride(part) + r % columns * s.column_stride();
    }
    Tile tile{.first = first,
              .runs = part.taps,
              .length = s.geometry.group_in,
              .start = s.zero.data(),
              .columns = s.panels.width};
    const float* u = weights + part.weights_at[member] + panel * s.panel_size(part);
    const int64_t slice = part.taps * s.geometry.group_in * s.panels.width;
    const int64_t group = s.panels.group(panel) * s.geometry.group_in;
    for (int64_t position = 0; position < part.lattice.positions(); ++position) {
      tile.weights = u + position * slice;
      tile.rows_shift = position * s.position_stride(part) + group;
      tile.out_shift = position * s.panels.width;
      for (int64_t i = 0; i < chunks; ++i) {
        const Range range = kernels::part(all, i, chunks);
        tile.rows = rows + range.begin * part.taps;
        tile.out = outs + range.begin;
        tile.ahead = s.weights_size > kFarWeights && i < s.panels.vectors
                         ? tile.weights + slice + i * tile.runs * tile.length * kLine
                         : nullptr;
        s.gemm->tile[s.panels.vectors - 1][range.end - range.begin - 1](tile);
      }
    }
  }

  void transform_outputs(const Part& part, size_t member, int64_t panel, Range slices,
                         Range columns, const float* sums) const {
    const auto& [depth, rows, cols] = part.lattice.axis;
    const Member& m = part.lattice.members[member];
    const auto& axis = m.phase.axis;
    const int64_t pitch = s.geometry.out_pitch;
    float* results[25];
    OutputTile tile{.bias = bias + panel * s.panels.width,
                    .panel = s.panels.width,
                    .relu = s.epilogue.in_registers(),
                    .out = results,
                    .columns = s.panels.columns(panel)};
    for (int64_t z = slices.begin; z < slices.end; ++z) {
      const int64_t o = part.lattice.output(m, 0, z, 0);
      for (int64_t c = columns.begin; c < columns.end; ++c, sums += s.row_stride(part)) {
        if (o < 0) continue;
        const Column at = column_at(part, c);
        float** result = results;
        for (int i = 0; i < rows.winograd.results; ++i) {
          const int64_t y = part.lattice.output(m, 1, at.row, i);
          float* line = out +
                        ((at.image * axis[0].out + o) * axis[1].out + y) * axis[2].out * pitch +
                        s.panels.first(panel);
          for (int j = 0; j < cols.winograd.results; ++j) {
            const int64_t w = part.lattice.output(m, 2, at.column, j);
            *result++ = y < 0 || w < 0 ? nullptr : line + w * pitch;
          }
        }
        tile.sums = sums;
        s.epilogue.look_ahead(call, results, result - results, 0, tile.columns);
        part.output(tile);
        if (s.epilogue.has_rows())
          s.epilogue.on_rows(call, results, result - results, 0, tile.columns);
      }
    }
  }
};

void run_winograd(const Call& call) noexcept {
  const State& s = *static_cast<const State*>(call.state);
  const int64_t panels = s.panels.count();
  if (s.weights.at_run())
    for (const Part& part : s.parts)
      call.pool->parallel_for(std::ssize(part.lattice.members) * panels, [&](int64_t i) {
        pack_panel(s, part, static_cast<size_t>(i / panels), i % panels, call.in[1],
                   s.weights.to(call));
      });
  if (s.bias.at_run()) s.panels.pack(call.in[2], s.bias.to(call));
  const Run run{s, call, s.weights.data(call), s.bias.data(call), call.out};
  const int threads = call.pool->threads();
  for (const Part& part : s.parts) {
    // Few blocks: their panels are shared out too, at the price of transforming inputs again.
    const int64_t all = std::ssize(part.lattice.members) * panels, blocks = part.blocks();
    const int64_t pieces = blocks >= 2 * threads || threads == 1
                               ? 1
                               : std::min<int64_t>(all, (2 * threads + blocks - 1) / blocks);
    split_with_slots(*call.pool, blocks * pieces, s.slots, call.scratch + s.slots_at, s.slot_size,
                     [&](Range tasks, float* memory) {
                       for (int64_t task = tasks.begin; task < tasks.end; ++task)
                         run.block(part, task / pieces, kernels::part(all, task % pieces, pieces),
                                   memory);
                     });
  }
}

// ---- prepare ------------------------------------------------------------------------------------

// How long things take, in cycles of a core that does two vector multiplications per cycle.
struct Cost {
  const State& s;

  double vectors(int64_t channels) const {
    return std::ceil(static_cast<double>(channels) / s.gemm->lanes);
  }
  // Results times taps along an axis, without those that lie outside x for all of `block` results.
  static double taps_inside(const Axis& axis, int64_t block) {
    int64_t sum = 0;
    for (int64_t o = 0; o < axis.count; o += block) {
      const int64_t results = std::min(block, axis.count - o);
      const int64_t first = o * axis.in_step + axis.in_first;
      const int64_t last = first + (results - 1) * axis.in_step;
      for (int64_t t = 0; t < axis.taps; ++t)
        if (last + t * axis.tap_step >= 0 && first + t * axis.tap_step < axis.in) sum += results;
    }
    return static_cast<double>(sum);
  }
  double direct() const {
    double sum = 0;
    for (const Phase& phase : s.geometry.phases)
      sum += static_cast<double>(s.geometry.batch) * taps_inside(phase.axis[0], 1) *
             taps_inside(phase.axis[1], 1) *
             taps_inside(phase.axis[2], s.gemm->rows[s.panels.vectors - 1]);
    const Panels& p = s.panels;
    return sum * static_cast<double>(s.geometry.group_in * p.count() * p.vectors) / 2 / 0.93;
  }
  static double input_axis(const Winograd& w) { return w.points == 6 ? 14 : w.points == 4 ? 4 : 0; }
  static double output_axis(const Winograd& w) {
    return w.points == 1 ? 0 : w.points == 4 ? 2 * w.results : 3.0 * w.results + 2;
  }
  double winograd(const Part& part) const {
    const Winograd &r = part.lattice.axis[1].winograd, &c = part.lattice.axis[2].winograd;
    const auto members = static_cast<double>(part.lattice.members.size());
    const auto positions = static_cast<double>(part.lattice.positions());
    const auto panel_vectors = static_cast<double>(s.panels.count() * s.panels.vectors);
    const auto slices = static_cast<double>(part.depth().all_tiles());
    const auto columns = static_cast<double>(part.columns);
    const double input =
        positions +
        vectors(s.geometry.in_channels()) *
            (1.5 * positions + (input_axis(r) * c.points + input_axis(c) * r.points) / 2);
    const double overlap =
        1 + static_cast<double>(part.taps - 1) / static_cast<double>(part.block_slices);
    const double output = 2.0 * r.results * c.results + positions +
                          (output_axis(r) * c.points + output_axis(c) * r.results) / 2;
    const double products =
        positions * (static_cast<double>(part.taps * s.geometry.group_in) / 2 / 0.9 + 4);
    // Products of fewer rows than the registers hold wait for the weights.
    const double full = s.gemm->rows[s.panels.vectors - 1];
    const auto block = static_cast<double>(part.rows());
    const double filled = block / (std::ceil(block / full) * full);
    const double weights =
        members * static_cast<double>(s.panel_size(part) * s.panels.count()) / 16;
    double sum =
        slices * columns *
        (input * overlap + members * panel_vectors * (products / (0.4 + 0.6 * filled) + output));
    // Weights that no cache near the core holds come, block after block, as fast as they can.
    if (16 * weights > kLargeWeights)
      sum = std::max(sum, 10 * weights * static_cast<double>(part.blocks()));
    if (r.points == 1 || c.points == 1) sum *= 1.25;  // fewer sums for what is read and written
    if (s.packs_weights) sum += 16 * weights / positions * 40;
    return sum;
  }
};

// How the tiles of a lattice fall in blocks.
void cut(const State& s, Part& part) {
  const Lattice& l = part.lattice;
  part.columns = s.geometry.batch * l.tiles();
  part.block_slices = part.taps == 1 ? 1 : std::min(kSlices, std::max<int64_t>(l.axis[0].tiles, 1));
  const int64_t full = s.gemm->rows[s.panels.vectors - 1];
  const int64_t floats = l.positions() * ((part.block_slices + part.taps - 1) * s.column_stride() +
                                          part.block_slices * s.panels.width);
  const int64_t weights = std::ssize(l.members) * s.panel_size(part) * s.panels.count();
  const int64_t most = weights > kLargeWeights ? kLargeBlockFloats : kBlockFloats;
  int64_t columns = std::max(most / floats, kLeastColumns / part.block_slices);
  columns = std::clamp<int64_t>(columns, 1, kMostRows / part.block_slices);
  if (part.block_slices == 1 && columns > full) columns -= columns % full;
  int64_t blocks = (part.columns + columns - 1) / columns;
  // An even number of few ones, so that two threads end together.
  if (blocks > 1 && blocks < 16 && weights <= kLargeWeights) blocks += blocks % 2;
  part.block_columns = blocks == 0 ? 1 : (part.columns + blocks - 1) / blocks;
}

// The transforms to choose from for axes of so many taps; two axes take the same ones.
std::vector<std::pair<Winograd, Winograd>> candidates(int64_t rows, int64_t columns, bool strict) {
  if (rows == 1 && columns == 1) return {{{}, {}}};
  std::vector<std::pair<Winograd, Winograd>> all;
  for (int points : {4, 6}) {
    const auto results = static_cast<int>(points + 1 - std::max(rows, columns));
    if (results < 2 || (points == 6 && strict)) continue;
    const Winograd w{points, results}, none;
    all.push_back({rows == 1 ? none : w, columns == 1 ? none : w});
  }
  return all;
}

// The fastest transforms of a lattice; false where there are none.
bool choose(const State& s, Lattice lattice, bool strict, Part& best, double& cost) {
  const auto& axis = lattice.members[0].phase.axis;
  if (axis[0].taps > kMostTaps) return false;
  const WinogradTransforms& transforms = winograd_transforms();
  bool found = false;
  for (const auto& [rows, columns] : candidates(axis[1].taps, axis[2].taps, strict)) {
    Part part;
    part.input = transforms.input(rows, columns);
    part.output = transforms.output(rows, columns);
    if (!part.input || !part.output) continue;
    transform(lattice, rows, columns);
    part.lattice = lattice;
    part.taps = axis[0].taps;
    cut(s, part);
    const double own = Cost{s}.winograd(part);
    if (!found || own < cost) {
      best = std::move(part);
      cost = own;
    }
    found = true;
  }
  return found;
}

std::vector<Source> sources_of(const Problem& problem) {
  const std::vector<int64_t>& segments = problem.in[0].segments;
  if (segments.empty()) return {{0, 0, problem.in[0].shape[-1], in_pitch(problem, 0)}};
  std::vector<Source> sources;
  int64_t channel = 0;
  for (size_t i = 0; i < segments.size(); channel += segments[i++])
    sources.push_back({i == 0 ? 0 : problem.in.size() + i - 1, channel, segments[i], segments[i]});
  return sources;
}

bool takes_segments(const Problem&, std::span<const int64_t> segments) {
  const int64_t lanes = winograd_transforms().lanes;
  return std::all_of(segments.begin(), segments.end(), [&](int64_t n) { return n >= lanes; });
}

// Null where the transforms do not apply. `gain`: how many times as fast as plain sums they are.
std::shared_ptr<State> plan(const Problem& problem, double* gain = nullptr) {
  if (!has_phases(problem) || problem.out.size() == 0) return nullptr;
  if (problem.in[1].shape.size() > kMostWeights) return nullptr;
  auto state = std::make_shared<State>();
  State& s = *state;
  s.geometry = geometry_of(problem);
  s.sources = sources_of(problem);
  s.gemm = &gemm();
  const WinogradTransforms& transforms = winograd_transforms();
  if (s.geometry.in_channels() < transforms.lanes || s.geometry.group_in < 8) return nullptr;
  s.panels = Panels(*s.gemm, s.geometry.groups, s.geometry.group_out);
  CORNU_CHECK(s.panels.width <= Panels::kMaxWidth);
  s.packs_weights = !problem.in[1].constant;
  // With frozen weights results do not depend on how a batch is cut, so the choice does not either.
  const int64_t batch = s.geometry.batch;
  if (problem.strict || problem.in[1].constant) s.geometry.batch = 1;
  double cost = 0;
  for (Lattice& lattice : lattices_of(s.geometry)) {
    double own = 0;
    if (!choose(s, std::move(lattice), problem.strict, s.parts.emplace_back(), own)) return nullptr;
    cost += own;
  }
  if (gain) *gain = 0.95 * Cost{s}.direct() / cost;
  s.geometry.batch = batch;
  for (Part& part : s.parts) cut(s, part);
  return s.parts.empty() ? nullptr : state;
}

bool accepts(const Problem& problem) { return plan(problem) != nullptr; }

double gain(const Problem& problem) {
  double times = 0;
  plan(problem, &times);
  return times;
}

Prepared prepare(const Problem& problem) {
  std::shared_ptr<State> state = plan(problem);
  CORNU_CHECK(state);
  State& s = *state;
  s.slots = std::min(base::default_threads(), Slots::kMost);
  for (Part& part : s.parts) {
    for (size_t m = 0; m < part.lattice.members.size(); ++m) {
      part.weights_at.push_back(s.weights_size);
      s.weights_size += s.panels.count() * s.panel_size(part);
    }
    s.slot_size = std::max(s.slot_size, s.inputs_size(part) + part.rows() * s.row_stride(part));
  }
  s.slot_size = (s.slot_size + 15) / 16 * 16;
  s.zero = Tensor(Shape{std::max(s.geometry.in_channels(), Panels::kMaxWidth)});
  s.epilogue = Epilogue(problem);

  Prepared prepared;
  prepared.run = run_winograd;
  prepared.packed.assign(problem.in.size(), false);
  s.weights.prepare(problem, 1, s.weights_size, prepared, [&](const float* kernel, float* to) {
    for (const Part& part : s.parts)
      for (size_t m = 0; m < part.lattice.members.size(); ++m)
        for (int64_t p = 0; p < s.panels.count(); ++p) pack_panel(s, part, m, p, kernel, to);
  });
  s.bias.prepare(problem, 2, s.panels.size(), prepared,
                 [&](const float* bias, float* to) { s.panels.pack(bias, to); });
  s.slots_at = prepared.scratch_floats;
  prepared.scratch_floats += s.slots * s.slot_size;
  const Lattice& l = s.parts[0].lattice;
  const auto name = [](const Winograd& w) {
    return base::cat("F(", w.results, ",", w.taps(), ")");
  };
  prepared.detail =
      base::cat(s.gemm->target, ' ', name(l.axis[1].winograd), 'x', name(l.axis[2].winograd));
  prepared.state = std::move(state);
  return prepared;
}

}  // namespace

const Kernel kConvWinograd{"conv winograd",     accepts, prepare,       gain,
                           takes_pitch_of_conv, false,   takes_segments};

}  // namespace cornu::kernels
