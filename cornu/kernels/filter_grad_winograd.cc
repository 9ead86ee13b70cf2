// The gradient in a kernel by Winograd's transforms: of tiles of the input and of the results'
// gradient, transformed, the products are summed over all tiles, at each position by itself.

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/kernels/gemm.h"
#include "cornu/kernels/lattices.h"
#include "cornu/kernels/segments.h"
#include "cornu/kernels/slots.h"
#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"

namespace cornu::kernels {
namespace {

// Tiles taken at a time: enough that the sums, read and written for each block of them, cost little
// beside the products; and the numbers that the transformed ones may take.
constexpr int64_t kLeastTiles = 48, kMostTiles = 128;
constexpr int64_t kBlockFloats = 320 * 1024;
constexpr int64_t kTransformTiles = 8;  // of one task
// What one task multiplies: a position's rows of so many channels.
constexpr int64_t kChannels = 64;
// Into how many slices of so many blocks the tiles fall, each with sums of its own, where these do
// not take too much memory. Fewer blocks where there would be fewer slices than the least; or all
// threads work on one slice at a time: transforming inputs, then multiplying them, which moves
// these from core to core. From the shapes alone: the sums do not depend on threads.
constexpr int64_t kSlices = 8, kLeastSlices = 4, kSliceBlocks = 8;
constexpr int64_t kSumFloats = 4 * 1024 * 1024, kMostSumFloats = 8 * 1024 * 1024;

struct State {
  Geometry geometry;  // of the convolution
  Lattice lattice;
  const Gemm* gemm = nullptr;
  InputFn input = nullptr;
  GradFn grad = nullptr;
  KernelGradFn kernel_grad = nullptr;
  Tensor zero;
  int64_t columns = 0;  // of the sums: filters, and what fills the last vector
  int64_t tiles = 0, block = 1, slices = 1;
  int slots = 1;  // for transformed tiles
  // Of both sides' axes, as floats.
  std::array<float, 30> row_factors{}, column_factors{};

  int64_t channels() const { return geometry.group_in; }
  int64_t filters() const { return geometry.group_out; }
  int64_t positions() const { return lattice.positions(); }
  int64_t input_stride() const { return odd_lines(channels()); }
  int64_t grad_stride() const { return odd_lines(columns); }
  int64_t input_position() const { return odd_lines(block * input_stride()); }
  int64_t grad_position() const { return odd_lines(block * grad_stride()); }
  int64_t sums_size() const { return positions() * channels() * columns; }
  int64_t slot_size() const { return positions() * (input_position() + grad_position()); }
};

struct Slice {
  const State& s;
  const Call& call;
  float* sums;    // [position][channel][column]
  float* inputs;  // a slot: [position][tile][input_stride or grad_stride]
  float* grads() const { return inputs + s.positions() * s.input_position(); }

  // Of all tiles of the slice; `each(n, f)` calls f(0) to f(n - 1).
  template <class Each>
  void run(Range all, Each&& each) const {
    const int64_t total = all.end - all.begin, blocks = (total + s.block - 1) / s.block;
    for (int64_t b = 0; b < blocks; ++b) {
      const Range block = part(total, b, blocks);
      const int64_t at = all.begin + block.begin, count = block.end - block.begin;
      const int64_t parts = (count + kTransformTiles - 1) / kTransformTiles;
      each(parts, [&](int64_t i) {
        const Range tiles = part(count, i, parts);
        Place place = place_of(at + tiles.begin);
        for (int64_t t = tiles.begin; t < tiles.end; ++t, next(place)) transform(place, t);
      });
      const int64_t pieces = (s.channels() + kChannels - 1) / kChannels;
      each(s.positions() * pieces, [&](int64_t i) {
        multiply(i / pieces, part(s.channels(), i % pieces, pieces), count, b == 0);
      });
    }
  }

 private:
  // Where a tile is, counted up.
  struct Place {
    int64_t image, slice, row, column;
  };
  Place place_of(int64_t tile) const {
    const auto& [depth, rows, cols] = s.lattice.axis;
    const int64_t line = tile / cols.all_tiles(), slice = line / rows.all_tiles();
    return {slice / depth.all_tiles(), slice % depth.all_tiles(), line % rows.all_tiles(),
            tile % cols.all_tiles()};
  }
  void next(Place& at) const {
    const auto& [depth, rows, cols] = s.lattice.axis;
    if (++at.column < cols.all_tiles()) return;
    at.column = 0;
    if (++at.row < rows.all_tiles()) return;
    at.row = 0;
    if (++at.slice < depth.all_tiles()) return;
    at.slice = 0;
    ++at.image;
  }

  // The cells of a tile: `from` and what row and column add to it, zeros where one is below 0.
  const float** fill(const float** cell, const float* from, std::span<const int64_t> rows,
                     std::span<const int64_t> columns) const {
    for (int64_t row : rows)
      for (int64_t column : columns)
        *cell++ = row < 0 || column < 0 ? s.zero.data() : from + row + column;
    return cell;
  }

  void transform(const Place& at, int64_t place) const {
    const auto& [depth, rows, cols] = s.lattice.axis;
    const Member& m = s.lattice.members[0];
    const auto& axis = m.phase.axis;
    const float* cells[36];
    int64_t row[6], column[6];
    const auto nr = static_cast<size_t>(rows.winograd.points);
    const auto nc = static_cast<size_t>(cols.winograd.points);
    const int64_t z = depth.cell(at.slice, 0);
    for (size_t i = 0; i < nr; ++i) {
      const int64_t y = rows.cell(at.row, static_cast<int64_t>(i));
      const bool inside = z >= 0 && z < depth.in && y >= 0 && y < rows.in;
      row[i] = inside ? y * cols.in * s.channels() : -1;
    }
    for (size_t j = 0; j < nc; ++j) {
      const int64_t w = cols.cell(at.column, static_cast<int64_t>(j));
      column[j] = w >= 0 && w < cols.in ? w * s.channels() : -1;
    }
    const float* image = call.in[0] + (at.image * depth.in + z) * rows.in * cols.in * s.channels();
    fill(cells, image, {row, nr}, {column, nc});
    s.input({cells, s.channels(), inputs + place * s.input_stride(), s.input_position()});

    const auto mr = static_cast<size_t>(rows.winograd.results);
    const auto mc = static_cast<size_t>(cols.winograd.results);
    const int64_t o = s.lattice.output(m, 0, at.slice, 0);
    for (size_t i = 0; i < mr; ++i) {
      const int64_t y = s.lattice.output(m, 1, at.row, static_cast<int64_t>(i));
      row[i] = o < 0 || y < 0 ? -1 : y * axis[2].out * s.filters();
    }
    for (size_t j = 0; j < mc; ++j) {
      const int64_t w = s.lattice.output(m, 2, at.column, static_cast<int64_t>(j));
      column[j] = w < 0 ? -1 : w * s.filters();
    }
    image = call.in[1] + (at.image * axis[0].out + o) * axis[1].out * axis[2].out * s.filters();
    fill(cells, image, {row, mr}, {column, mc});
    float* to = grads() + place * s.grad_stride();
    s.grad({cells, s.filters(), to, s.grad_position()});
    // Columns that do not exist.
    for (int64_t i = 0; s.columns > s.filters() && i < s.positions(); ++i)
      std::fill_n(to + i * s.grad_position() + s.filters(), s.columns - s.filters(), 0.0f);
  }

  // Adds a block's products at one position to the sums of some channels.
  void multiply(int64_t position, Range channels, int64_t tiles, bool first) const {
    const Segment all{0, 0, tiles};
    OuterTile tile;
    tile.segments = &all;
    tile.segment_count = 1;
    tile.a_stride = s.input_stride();
    tile.b_stride = s.grad_stride();
    tile.sums_stride = s.columns;
    const float* a = inputs + position * s.input_position() + channels.begin;
    float* to = sums + (position * s.channels() + channels.begin) * s.columns;
    const int64_t lanes = s.gemm->lanes, rows = channels.end - channels.begin;
    if (first) std::fill_n(to, rows * s.columns, 0.0f);
    for (int64_t column = 0; column < s.columns; column += 2 * lanes) {
      const size_t v = column + lanes < s.columns ? 1 : 0;
      const int64_t pieces = (rows + s.gemm->rows[v] - 1) / s.gemm->rows[v];
      tile.b = grads() + position * s.grad_position() + column;
      for (int64_t i = 0; i < pieces; ++i) {
        const Range range = part(rows, i, pieces);
        tile.a = a + range.begin;
        tile.sums = to + range.begin * s.columns + column;
        s.gemm->outer[v][range.end - range.begin - 1](tile);
      }
    }
  }
};

// The gradient of one input channel: the slices' sums, transformed back.
void finish(const State& s, const Call& call, int64_t channel) {
  const auto& axis = s.lattice.members[0].phase.axis;
  float* const sums = call.scratch + channel * s.columns;
  const int64_t stride = s.channels() * s.columns;
  for (int64_t slice = 1; slice < s.slices; ++slice)
    for (int64_t p = 0; p < s.positions(); ++p) {
      const float* from = sums + slice * s.sums_size() + p * stride;
      float* to = sums + p * stride;
      for (int64_t f = 0; f < s.columns; ++f) to[f] += from[f];
    }
  KernelGradTile tile;
  tile.rows = s.lattice.axis[1].winograd;
  tile.columns = s.lattice.axis[2].winograd;
  tile.row_factors = s.row_factors.data();
  tile.column_factors = s.column_factors.data();
  tile.sums = sums;
  tile.sums_stride = stride;
  tile.channels = s.filters();
  tile.row_taps = axis[1].taps;
  tile.column_taps = axis[2].taps;
  tile.out = call.out + channel * s.filters();
  tile.out_stride = s.channels() * s.filters();
  s.kernel_grad(tile);
}

void run(const Call& call) noexcept {
  const State& s = *static_cast<const State*>(call.state);
  const auto alone = [](int64_t count, auto&& f) {
    for (int64_t i = 0; i < count; ++i) f(i);
  };
  const auto together = [&](int64_t count, auto&& f) { call.pool->parallel_for(count, f); };
  float* const slots = call.scratch + s.slices * s.sums_size();
  if (s.slices > 1)
    split_with_slots(*call.pool, s.slices, s.slots, slots, s.slot_size(),
                     [&](Range slices, float* slot) {
                       for (int64_t i = slices.begin; i < slices.end; ++i)
                         Slice{s, call, call.scratch + i * s.sums_size(), slot}.run(
                             part(s.tiles, i, s.slices), alone);
                     });
  else
    Slice{s, call, call.scratch, slots}.run({0, s.tiles}, together);
  split(*call.pool, s.channels(), 4, [&](Range channels) {
    for (int64_t c = channels.begin; c < channels.end; ++c) finish(s, call, c);
  });
}

// ---- prepare ------------------------------------------------------------------------------------

// Cycles of transforms, products and sums, as of a core that does two vector multiplications in
// each.
double cost(const State& s) {
  const auto tiles = static_cast<double>(s.tiles), positions = static_cast<double>(s.positions());
  const auto products = static_cast<double>(s.channels() * s.columns / s.gemm->lanes) / 2;
  const auto vectors =
      static_cast<double>(s.input_stride() + s.grad_stride()) / static_cast<double>(s.gemm->lanes);
  // Sums are read and written for every block of tiles.
  const double sums =
      static_cast<double>(s.sums_size() / s.gemm->lanes) *
      (2 * std::ceil(tiles / static_cast<double>(s.block)) + 2 * static_cast<double>(s.slices));
  return tiles * positions * (products + 2.5 * vectors) + sums;
}

double direct_cost(const State& s) {
  const Phase& phase = s.lattice.members[0].phase;
  return static_cast<double>(s.geometry.batch * phase.count() * phase.taps()) *
         static_cast<double>(s.channels() * s.columns / s.gemm->lanes) / 2;
}

// With so many points along the axes of more than one tap.
bool set_points(State& s, int points) {
  const auto& axis = s.lattice.members[0].phase.axis;
  const int64_t taps = std::max(axis[1].taps, axis[2].taps);
  const Winograd w{points, points + 1 - static_cast<int>(taps)}, none;
  if (w.results < 2) return false;
  transform(s.lattice, axis[1].taps == 1 ? none : w, axis[2].taps == 1 ? none : w);
  s.tiles = s.geometry.batch * s.lattice.axis[0].all_tiles() * s.lattice.tiles();
  const int64_t of_tile = s.positions() * (s.input_stride() + s.grad_stride());
  s.block = std::min(s.tiles, std::clamp(kBlockFloats / of_tile, kLeastTiles, kMostTiles));
  const int64_t wanted = std::clamp(s.tiles / (kSliceBlocks * s.block), kLeastSlices, kSlices);
  s.slices = std::min(wanted, kSumFloats / s.sums_size());
  if (s.slices < kLeastSlices || s.tiles < 2 * s.slices * s.block) s.slices = 1;
  return s.sums_size() <= kMostSumFloats;
}

// The cheapest transforms.
bool choose(State& s) {
  State other = s;
  const bool four = set_points(other, 4), six = set_points(s, 6);
  if (four && (!six || cost(other) < cost(s))) s = std::move(other);
  return four || six;
}

std::shared_ptr<State> plan(const Problem& problem) {
  const auto* op = std::get_if<ops::ConvFilterGrad>(problem.op);
  if (!op || problem.strict || op->groups != 1 || problem.out.size() == 0) return nullptr;
  if (problem.in[0].shape.rank() > Phase::kAxes + 2 || problem.in[0].shape.size() == 0)
    return nullptr;
  auto state = std::make_shared<State>();
  State& s = *state;
  s.geometry = geometry_of_gradient(problem);
  s.gemm = &gemm();
  const WinogradTransforms& transforms = winograd_transforms();
  if (s.channels() < transforms.lanes || s.filters() < transforms.lanes) return nullptr;
  std::vector<Lattice> lattices = lattices_of(s.geometry);
  if (lattices.size() != 1) return nullptr;
  s.lattice = std::move(lattices[0]);
  s.columns = (s.filters() + transforms.lanes - 1) / transforms.lanes * transforms.lanes;
  const auto& axis = s.lattice.members[0].phase.axis;
  if (axis[0].taps != 1 || axis[1].taps * axis[2].taps == 1 || !choose(s)) return nullptr;
  const Winograd &rows = s.lattice.axis[1].winograd, &columns = s.lattice.axis[2].winograd;
  s.input = transforms.input(rows, columns);
  s.grad = transforms.grad(rows, columns);
  s.kernel_grad = transforms.kernel_grad;
  CORNU_CHECK(s.input && s.grad);
  const KernelTransform of_rows = kernel_transform(rows), of_columns = kernel_transform(columns);
  std::copy(of_rows.begin(), of_rows.end(), s.row_factors.begin());
  std::copy(of_columns.begin(), of_columns.end(), s.column_factors.begin());
  return state;
}

bool accepts(const Problem& problem) { return plan(problem) != nullptr; }

double gain(const Problem& problem) {
  const std::shared_ptr<State> s = plan(problem);
  return direct_cost(*s) / cost(*s);
}

Prepared prepare(const Problem& problem) {
  const std::shared_ptr<State> state = plan(problem);
  CORNU_CHECK(state);
  State& s = *state;
  s.zero = Tensor(Shape{std::max(s.channels(), s.filters())});
  Prepared prepared;
  prepared.run = run;
  prepared.packed.assign(problem.in.size(), false);
  s.slots = s.slices == 1 ? 1 : std::min(base::default_threads(), Slots::kMost);
  prepared.scratch_floats = s.slices * s.sums_size() + s.slots * s.slot_size();
  prepared.detail = base::cat(s.gemm->target, ' ', s.lattice.axis[2].winograd.points, " points, ",
                              s.slices, " slices");
  prepared.state = state;
  return prepared;
}

}  // namespace

const Kernel kFilterGradWinograd{"filter grad winograd", accepts, prepare, gain};

}  // namespace cornu::kernels
