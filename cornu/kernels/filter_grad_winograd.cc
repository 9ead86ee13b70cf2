// The gradient in a kernel by Winograd's transforms: of tiles of the input and of the results'
// gradient, transformed, the products are summed over all tiles, at each position by itself.

#include <algorithm>
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

// Transformed tiles of both sides should stay in the second-level cache.
constexpr int64_t kBlockFloats = 96 * 1024;
// Into how many slices the tiles fall, each with sums of its own, and how much memory these may
// take. From the shapes alone: the sums do not depend on threads.
constexpr int64_t kSlices = 8, kSliceTiles = 128;
constexpr int64_t kSumFloats = 2 * 1024 * 1024;

struct State {
  Geometry geometry;  // of the convolution
  Lattice lattice;
  const Gemm* gemm = nullptr;
  InputFn input = nullptr;
  GradFn grad = nullptr;
  Tensor zero;
  int64_t columns = 0;  // of the sums: filters, and what fills the last vector
  int64_t tiles = 0, block = 1, slices = 1;

  int64_t channels() const { return geometry.group_in; }
  int64_t filters() const { return geometry.group_out; }
  int64_t positions() const { return lattice.positions(); }
  // Odd numbers of cache lines, so that neighbours do not compete for the same ones.
  int64_t input_stride() const { return (channels() + 15) / 32 * 32 + 16; }
  int64_t grad_stride() const { return (columns + 15) / 32 * 32 + 16; }
  int64_t sums_size() const { return positions() * channels() * columns; }
  int64_t slice_size() const {
    return sums_size() + positions() * block * (input_stride() + grad_stride());
  }
};

struct Slice {
  const State& s;
  const float* x;
  const float* dy;
  float* sums;    // [position][channel][column]
  float* inputs;  // [position][tile][input_stride]
  float* grads;   // [position][tile][grad_stride]

  void run(Range tiles) const {
    std::fill_n(sums, s.sums_size(), 0.0f);
    // Columns that do not exist.
    for (int64_t i = 0; i < s.positions() * s.block; ++i)
      std::fill(grads + i * s.grad_stride() + s.filters(), grads + (i + 1) * s.grad_stride(), 0.0f);
    Place place = place_of(tiles.begin);
    for (int64_t at = tiles.begin; at < tiles.end; at += s.block) {
      const int64_t count = std::min(s.block, tiles.end - at);
      for (int64_t t = 0; t < count; ++t, next(place)) transform(place, t);
      multiply(count);
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
    const float* cells[16];
    int64_t row[4], column[4];
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
    const float* image = x + (at.image * depth.in + z) * rows.in * cols.in * s.channels();
    fill(cells, image, {row, nr}, {column, nc});
    s.input({cells, s.channels(), inputs + place * s.input_stride(), s.block * s.input_stride()});

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
    image = dy + (at.image * axis[0].out + o) * axis[1].out * axis[2].out * s.filters();
    fill(cells, image, {row, mr}, {column, mc});
    s.grad({cells, s.filters(), grads + place * s.grad_stride(), s.block * s.grad_stride()});
  }

  void multiply(int64_t tiles) const {
    const Segment all{0, 0, tiles};
    OuterTile tile;
    tile.segments = &all;
    tile.segment_count = 1;
    tile.a_stride = s.input_stride();
    tile.b_stride = s.grad_stride();
    tile.sums_stride = s.columns;
    const int64_t lanes = s.gemm->lanes;
    for (int64_t p = 0; p < s.positions(); ++p)
      for (int64_t column = 0; column < s.columns; column += 2 * lanes) {
        const size_t v = column + lanes < s.columns ? 1 : 0;
        const int64_t pieces = (s.channels() + s.gemm->rows[v] - 1) / s.gemm->rows[v];
        tile.b = grads + p * s.block * s.grad_stride() + column;
        for (int64_t i = 0; i < pieces; ++i) {
          const Range range = part(s.channels(), i, pieces);
          tile.a = inputs + p * s.block * s.input_stride() + range.begin;
          tile.sums = sums + (p * s.channels() + range.begin) * s.columns + column;
          s.gemm->outer[v][range.end - range.begin - 1](tile);
        }
      }
  }
};

// G' * sums * G, in double, of one input channel.
void finish(const State& s, const float* scratch, int64_t channel, float* out) {
  constexpr int64_t kFilters = 64;  // at a time
  const Winograd &wr = s.lattice.axis[1].winograd, &wc = s.lattice.axis[2].winograd;
  const KernelTransform gr = kernel_transform(wr), gc = kernel_transform(wc);
  const auto& axis = s.lattice.members[0].phase.axis;
  for (int64_t first = 0; first < s.filters(); first += kFilters) {
    const int64_t count = std::min(kFilters, s.filters() - first);
    double sums[16][kFilters] = {};
    for (int64_t p = 0; p < s.positions(); ++p)
      for (int64_t slice = 0; slice < s.slices; ++slice) {
        const float* from =
            scratch + slice * s.slice_size() + (p * s.channels() + channel) * s.columns + first;
        for (int64_t f = 0; f < count; ++f) sums[p][f] += from[f];
      }
    for (int64_t a = 0; a < axis[1].taps; ++a)
      for (int64_t b = 0; b < axis[2].taps; ++b) {
        double all[kFilters] = {};
        for (int i = 0; i < wr.points; ++i)
          for (int j = 0; j < wc.points; ++j) {
            const double factor = gr[static_cast<size_t>(i * wr.taps() + a)] *
                                  gc[static_cast<size_t>(j * wc.taps() + b)];
            if (factor == 0) continue;
            for (int64_t f = 0; f < count; ++f) all[f] += factor * sums[i * wc.points + j][f];
          }
        float* to = out + ((a * axis[2].taps + b) * s.channels() + channel) * s.filters() + first;
        for (int64_t f = 0; f < count; ++f) to[f] = static_cast<float>(all[f]);
      }
  }
}

void run(const Call& call) noexcept {
  const State& s = *static_cast<const State*>(call.state);
  call.pool->parallel_for(s.slices, [&](int64_t i) {
    float* sums = call.scratch + i * s.slice_size();
    float* inputs = sums + s.sums_size();
    Slice{s,    call.in[0], call.in[1],
          sums, inputs,     inputs + s.positions() * s.block * s.input_stride()}
        .run(part(s.tiles, i, s.slices));
  });
  split(*call.pool, s.channels(), 4, [&](Range channels) {
    for (int64_t c = channels.begin; c < channels.end; ++c) finish(s, call.scratch, c, call.out);
  });
}

// ---- prepare ------------------------------------------------------------------------------------

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
  const auto& axis = s.lattice.members[0].phase.axis;
  const int64_t taps = std::max(axis[1].taps, axis[2].taps);
  if (axis[0].taps != 1 || taps < 2 || taps > 3) return nullptr;
  const Winograd w{4, static_cast<int>(5 - taps)};
  transform(s.lattice, axis[1].taps == 1 ? Winograd{} : w, axis[2].taps == 1 ? Winograd{} : w);
  s.input = transforms.input(s.lattice.axis[1].winograd, s.lattice.axis[2].winograd);
  s.grad = transforms.grad(s.lattice.axis[1].winograd, s.lattice.axis[2].winograd);
  CORNU_CHECK(s.input && s.grad);
  s.columns = (s.filters() + transforms.lanes - 1) / transforms.lanes * transforms.lanes;
  s.tiles = s.geometry.batch * s.lattice.axis[0].all_tiles() * s.lattice.tiles();
  s.block = std::clamp<int64_t>(
      kBlockFloats / (s.positions() * (s.input_stride() + s.grad_stride())), 8, 128);
  s.slices = std::clamp<int64_t>(
      std::min({kSlices, s.tiles / kSliceTiles, kSumFloats / s.sums_size()}), 1, kSlices);
  return state;
}

bool accepts(const Problem& problem) { return plan(problem) != nullptr; }

// Cycles, as of a core that does two vector multiplications in each.
double gain(const Problem& problem) {
  const std::shared_ptr<State> s = plan(problem);
  const auto vectors = [&](int64_t n) {
    return static_cast<double>((n + s->gemm->lanes - 1) / s->gemm->lanes);
  };
  const auto product = static_cast<double>(s->channels()) * vectors(s->filters()) / 2;
  const Phase& phase = s->lattice.members[0].phase;
  const double direct =
      static_cast<double>(s->geometry.batch * phase.count() * phase.taps()) * product;
  const auto tiles = static_cast<double>(s->tiles), positions = static_cast<double>(s->positions());
  const double transforms = (vectors(s->channels()) + vectors(s->filters())) * 2.5 * positions;
  // Sums are read and written for every block of tiles, and added up at the end.
  const double sums = static_cast<double>(s->sums_size()) *
                      (tiles / static_cast<double>(s->block) / s->gemm->lanes * 2 +
                       static_cast<double>(s->slices) * 2);
  if (s->slices < 4) return 0;
  return 0.7 * direct / (tiles * (positions * product + transforms) + sums);
}

Prepared prepare(const Problem& problem) {
  const std::shared_ptr<State> state = plan(problem);
  CORNU_CHECK(state);
  State& s = *state;
  s.zero = Tensor(Shape{std::max(s.channels(), s.filters())});
  Prepared prepared;
  prepared.run = run;
  prepared.packed.assign(problem.in.size(), false);
  prepared.scratch_floats = s.slices * s.slice_size();
  prepared.detail = base::cat(s.gemm->target, ' ', s.slices, " slices");
  prepared.state = state;
  return prepared;
}

}  // namespace

const Kernel kFilterGradWinograd{"filter grad winograd", accepts, prepare, gain};

}  // namespace cornu::kernels
