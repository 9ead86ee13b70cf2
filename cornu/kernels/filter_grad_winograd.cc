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
// The sums of all positions may take so many numbers.
constexpr int64_t kSumFloats = 8 * 1024 * 1024;

struct State {
  Geometry geometry;  // of the convolution
  Lattice lattice;
  const Gemm* gemm = nullptr;
  InputFn input = nullptr;
  GradFn grad = nullptr;
  KernelGradFn kernel_grad = nullptr;
  Tensor zero;
  int64_t columns = 0;  // of the sums: filters, and what fills the last vector
  int64_t tiles = 0, block = 1;
  // Of both sides' axes, as floats.
  std::array<float, 30> row_factors{}, column_factors{};

  int64_t channels() const { return geometry.group_in; }
  int64_t filters() const { return geometry.group_out; }
  int64_t positions() const { return lattice.positions(); }
  // Odd numbers of cache lines, of tiles and of positions, so that neighbours do not compete for
  // the same ones.
  int64_t input_stride() const { return odd_lines(channels()); }
  int64_t grad_stride() const { return odd_lines(columns); }
  int64_t input_position() const { return odd_lines(block * input_stride()); }
  int64_t grad_position() const { return odd_lines(block * grad_stride()); }
  int64_t sums_size() const { return positions() * channels() * columns; }
  int64_t scratch_size() const {
    return sums_size() + positions() * (input_position() + grad_position());
  }

 private:
  static int64_t odd_lines(int64_t numbers) { return (numbers + 15) / 32 * 32 + 16; }
};

struct Gradient {
  const State& s;
  const Call& call;

  // [position][channel][column]
  float* sums() const { return call.scratch; }
  // [position][tile][input_stride or grad_stride]
  float* inputs() const { return sums() + s.sums_size(); }
  float* grads() const { return inputs() + s.positions() * s.input_position(); }

  void run() const {
    for (int64_t at = 0; at < s.tiles; at += s.block) {
      const int64_t count = std::min(s.block, s.tiles - at);
      const int64_t parts = (count + kTransformTiles - 1) / kTransformTiles;
      call.pool->parallel_for(parts, [&](int64_t i) {
        const Range tiles = part(count, i, parts);
        Place place = place_of(at + tiles.begin);
        for (int64_t t = tiles.begin; t < tiles.end; ++t, next(place)) transform(place, t);
      });
      const int64_t pieces = (s.channels() + kChannels - 1) / kChannels;
      call.pool->parallel_for(s.positions() * pieces, [&](int64_t i) {
        multiply(i / pieces, part(s.channels(), i % pieces, pieces), count, at == 0);
      });
    }
    split(*call.pool, s.channels(), 4, [&](Range channels) {
      for (int64_t c = channels.begin; c < channels.end; ++c) finish(c);
    });
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
    s.input({cells, s.channels(), inputs() + place * s.input_stride(), s.input_position()});

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
    const float* a = inputs() + position * s.input_position() + channels.begin;
    float* to = sums() + (position * s.channels() + channels.begin) * s.columns;
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

  void finish(int64_t channel) const {
    const auto& axis = s.lattice.members[0].phase.axis;
    KernelGradTile tile;
    tile.rows = s.lattice.axis[1].winograd;
    tile.columns = s.lattice.axis[2].winograd;
    tile.row_factors = s.row_factors.data();
    tile.column_factors = s.column_factors.data();
    tile.sums = sums() + channel * s.columns;
    tile.sums_stride = s.channels() * s.columns;
    tile.channels = s.filters();
    tile.row_taps = axis[1].taps;
    tile.column_taps = axis[2].taps;
    tile.out = call.out + channel * s.filters();
    tile.out_stride = s.channels() * s.filters();
    s.kernel_grad(tile);
  }
};

void run(const Call& call) noexcept {
  Gradient{*static_cast<const State*>(call.state), call}.run();
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
  const double sums = static_cast<double>(s.sums_size() / s.gemm->lanes) *
                      (2 * std::ceil(tiles / static_cast<double>(s.block)) + 2);
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
  return s.sums_size() <= kSumFloats;
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
  prepared.scratch_floats = s.scratch_size();
  prepared.detail = base::cat(s.gemm->target, ' ', s.lattice.axis[2].winograd.points, " points");
  prepared.state = state;
  return prepared;
}

}  // namespace

const Kernel kFilterGradWinograd{"filter grad winograd", accepts, prepare, gain};

}  // namespace cornu::kernels
