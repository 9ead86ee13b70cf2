// Convolutions of very few output channels: the vectors lie along taps and channels together. At
// each input cell the products with all cells of the kernel are one row of a matrix product; an
// output adds up its share of the rows around it.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cornu/base/text.h"
#include "cornu/kernels/gemm.h"
#include "cornu/kernels/packed.h"
#include "cornu/kernels/phases.h"
#include "cornu/kernels/slots.h"
#include "cornu/kernels/table.h"

namespace cornu::kernels {
namespace {

constexpr int64_t kMostFilters = 4;
// Lines of results that one task computes, at least: neighbours compute some products twice.
constexpr int64_t kLeastLines = 8;
constexpr int64_t kMostLines = 64;  // of a kernel
// Of the products kept at a time.
constexpr int64_t kMostFloats = 1024 * 1024;

template <int N>
using Some [[gnu::vector_size(N * sizeof(float))]] = float;

// Which input cells an output cell of an axis reads, and with which cell of the kernel.
struct Reads {
  struct Pair {
    int32_t in, cell;
  };
  std::vector<Pair> pairs;     // of all outputs, one after another, inputs going up
  std::vector<int32_t> begin;  // of each output, and the end

  std::span<const Pair> of(int64_t out) const {
    const auto at = static_cast<size_t>(out);
    return {pairs.data() + begin[at], pairs.data() + begin[at + 1]};
  }
};

struct State {
  Geometry geometry;
  int64_t batch = 0, channels = 0, filters = 0;
  int64_t in_lines = 0, in_cells = 0, out_lines = 0, out_cells = 0;
  Reads lines, cells;
  std::vector<int32_t> offsets;  // of the products of each of cells.pairs, in their line
  int64_t kernel_cells = 0;      // of one line of the kernel
  int64_t columns = 0;           // of the products, whole vectors
  int64_t ring = 1;              // lines of products that an output line reads
  const Gemm* gemm = nullptr;
  Packed weights, bias;
  Tensor zero;
  int64_t rings_at = 0;  // in the scratch memory
  Epilogue epilogue;
  int slots = 1;

  int64_t line_size() const { return in_cells * columns; }
  // Sums read beyond the last product.
  int64_t ring_size() const { return ring * line_size() + 16; }
  int64_t lanes() const { return gemm->lanes; }
  // A panel is two vectors; the last may be one.
  int64_t panels() const { return (columns + 2 * lanes() - 1) / (2 * lanes()); }
  int vectors(int64_t panel) const { return (panel + 1) * 2 * lanes() <= columns ? 2 : 1; }
};

Reads reads_of(const Geometry& g, size_t a) {
  std::vector<std::vector<Reads::Pair>> outputs(static_cast<size_t>(g.phases[0].axis[a].out));
  for (const Phase& phase : g.phases) {
    const Axis& axis = phase.axis[a];
    for (int64_t o = 0; o < axis.count; ++o) {
      auto& pairs = outputs[static_cast<size_t>(o * axis.out_step + axis.out_first)];
      if (!pairs.empty()) continue;  // another phase of the other axis
      for (int64_t t = 0; t < axis.taps; ++t) {
        const int64_t in = o * axis.in_step + axis.in_first + t * axis.tap_step;
        if (in >= 0 && in < axis.in)
          pairs.push_back({static_cast<int32_t>(in),
                           static_cast<int32_t>(axis.kernel_first + t * axis.kernel_step)});
      }
    }
  }
  Reads reads;
  for (const auto& pairs : outputs) {
    reads.begin.push_back(static_cast<int32_t>(reads.pairs.size()));
    reads.pairs.insert(reads.pairs.end(), pairs.begin(), pairs.end());
  }
  reads.begin.push_back(static_cast<int32_t>(reads.pairs.size()));
  return reads;
}

// Numbers [panel][channel][column]; column (cell of the kernel) * filters + filter.
void pack(const State& s, const float* kernel, float* to) {
  const Geometry& g = s.geometry;
  const int64_t cells = g.kernel[1] * g.kernel[2];
  std::fill_n(to, s.channels * s.columns, 0.0f);
  for (int64_t cell = 0; cell < cells; ++cell)
    for (int64_t f = 0; f < s.filters; ++f) {
      const int64_t column = cell * s.filters + f, panel = column / (2 * s.lanes());
      const int64_t width = s.vectors(panel) * s.lanes();
      float* at = to + panel * 2 * s.lanes() * s.channels + column % (2 * s.lanes());
      const float* from = kernel + cell * g.cell_stride + f * g.out_stride;
      for (int64_t c = 0; c < s.channels; ++c) at[c * width] = from[c * g.in_stride];
    }
}

struct Run {
  const State& s;
  const Call& call;
  const float* x;
  const float* weights;
  const float* bias;
  float* out;

  // Output lines, counted through the batch, of which those of one image share products.
  void lines(Range range, float* ring) const {
    int64_t image = -1;
    Range held{0, 0};  // the lines of x whose products the ring holds
    for (int64_t line = range.begin; line < range.end; ++line) {
      const auto reads = s.lines.of(line % s.out_lines);
      if (line / s.out_lines != image) {
        image = line / s.out_lines;
        held = {0, 0};
      }
      if (!reads.empty()) {
        // Dilated kernels that reach out of x go back, to lines that may be overwritten.
        const int64_t first = reads.front().in;
        if (first < std::max(held.begin, held.end - s.ring) || first > held.end)
          held = {first, first};
        for (; held.end <= reads.back().in; ++held.end)
          multiply(x + (image * s.in_lines + held.end) * s.in_cells * s.geometry.in_pitch,
                   ring + held.end % s.ring * s.line_size());
      }
      add(reads, ring, out + line * s.out_cells * s.geometry.out_pitch);
    }
  }

  // The products of one line of x.
  void multiply(const float* from, float* to) const {
    const float* rows[Gemm::kMaxRows];
    float* outs[Gemm::kMaxRows];
    const int32_t first = 0;
    Tile tile{.rows = rows,
              .first = &first,
              .runs = 1,
              .length = s.channels,
              .start = s.zero.data(),
              .out = outs};
    const int64_t most = s.gemm->rows[1], tiles = (s.in_cells + most - 1) / most;
    for (int64_t t = 0; t < tiles; ++t) {
      const Range cells = part(s.in_cells, t, tiles);
      for (int64_t i = cells.begin; i < cells.end; ++i) {
        rows[i - cells.begin] = from + i * s.geometry.in_pitch;
        outs[i - cells.begin] = to + i * s.columns;
      }
      for (int64_t p = 0; p < s.panels(); ++p) {
        const int vectors = s.vectors(p);
        tile.weights = weights + p * 2 * s.lanes() * s.channels;
        tile.out_shift = p * 2 * s.lanes();
        tile.columns = vectors * s.lanes();
        s.gemm->tile[vectors - 1][cells.end - cells.begin - 1](tile);
      }
    }
  }

  void add(std::span<const Reads::Pair> reads, const float* ring, float* line) const {
    s.filters == 1 ? add_of<Some<1>>(reads, ring, line)
                   : add_of<Some<kMostFilters>>(reads, ring, line);
  }
  // V holds the filters of a cell, and perhaps numbers of the next one, which are dropped.
  template <class V>
  void add_of(std::span<const Reads::Pair> reads, const float* ring, float* line) const {
    const float* products[kMostLines];
    const float** end = products;
    for (const Reads::Pair& r : reads)
      *end++ = ring + r.in % s.ring * s.line_size() + r.cell * s.kernel_cells * s.filters;
    const int32_t *offset = s.offsets.data(), *begin = s.cells.begin.data();
    const Relu* relu = s.epilogue.in_registers();
    const int64_t filters = s.filters, pitch = s.geometry.out_pitch;
    V start{};
    for (int64_t f = 0; f < filters; ++f) start[f] = bias[f];
    float* to = line;
    for (int64_t o = 0; o < s.out_cells; ++o, to += pitch) {
      const int32_t *first = offset + begin[o], *last = offset + begin[o + 1];
      V sums = start;
      for (const float** at = products; at != end; ++at)
        for (const int32_t* cell = first; cell != last; ++cell) {
          V numbers;
          std::memcpy(&numbers, *at + *cell, sizeof numbers);
          sums += numbers;
        }
      if (relu) sums = apply(*relu, sums);
      for (int64_t f = 0; f < filters; ++f) to[f] = sums[f];
    }
    if (!s.epilogue.has_rows()) return;
    if (pitch == filters && s.epilogue.added_pitch == s.epilogue.out_pitch)
      return s.epilogue.on_rows(call, &line, 1, 0, s.out_cells * filters);
    for (int64_t o = 0; o < s.out_cells; ++o)
      s.epilogue.on_rows(call, &line, 1, o * pitch, filters);
  }

  template <class V>
  static V apply(const Relu& r, V x) {  // as ops::apply: NaN stays NaN, and 0 * -inf is 0
    const V below = r.slope == 0 ? V{} : (x - r.threshold) * r.slope;
    const V most = V{} + r.max;
    const V above = x > most ? most : x;
    return x <= V{} + r.threshold ? below : above;
  }
};

void run_few(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  if (s.weights.at_run()) pack(s, call.in[1], s.weights.to(call));
  if (s.bias.at_run()) std::copy_n(call.in[2], s.filters, s.bias.to(call));
  const Run run{s, call, call.in[0], s.weights.data(call), s.bias.data(call), call.out};
  const int64_t all = s.batch * s.out_lines, threads = call.pool->threads();
  const int64_t tasks = threads == 1 ? 1 : std::clamp<int64_t>(all / kLeastLines, 1, 4 * threads);
  split_with_slots(*call.pool, tasks, s.slots, call.scratch + s.rings_at, s.ring_size(),
                   [&](Range range, float* memory) {
                     run.lines(
                         {part(all, range.begin, tasks).begin, part(all, range.end - 1, tasks).end},
                         memory);
                   });
}

// ---- prepare ------------------------------------------------------------------------------------

bool accepts(const Problem& problem) {
  if (!has_phases(problem)) return false;
  if (problem.out.rank() < 3 || problem.out.rank() > 4 || problem.out.size() == 0) return false;
  const Geometry g = geometry_of(problem);
  if (g.groups != 1 || g.group_out > kMostFilters || g.kernel[1] > kMostLines) return false;
  // Tables and products take no more memory than is worth it.
  const auto& [depth, lines, cells] = g.phases[0].axis;
  const int64_t columns = g.kernel[1] * g.kernel[2] * g.group_out + 64;
  return columns <= kMostFloats && cells.in <= kMostFloats && lines.out <= kMostFloats &&
         cells.out <= kMostFloats && g.kernel[1] * cells.in * columns <= kMostFloats &&
         g.kernel[1] * lines.out <= kMostFloats && g.kernel[2] * cells.out <= kMostFloats;
}

std::shared_ptr<State> plan(const Problem& problem) {
  auto state = std::make_shared<State>();
  State& s = *state;
  s.geometry = geometry_of(problem);
  const Geometry& g = s.geometry;
  const auto& axis = g.phases[0].axis;
  s.batch = g.batch;
  s.channels = g.group_in;
  s.filters = g.group_out;
  s.in_lines = axis[1].in;
  s.in_cells = axis[2].in;
  s.out_lines = axis[1].out;
  s.out_cells = axis[2].out;
  s.lines = reads_of(g, 1);
  s.cells = reads_of(g, 2);
  s.kernel_cells = g.kernel[2];
  s.gemm = &gemm();
  s.columns = (g.kernel[1] * g.kernel[2] * s.filters + s.lanes() - 1) / s.lanes() * s.lanes();
  for (const Reads::Pair& c : s.cells.pairs)
    s.offsets.push_back(static_cast<int32_t>(c.in * s.columns + c.cell * s.filters));
  for (int64_t o = 0; o < s.out_lines; ++o)
    if (const auto reads = s.lines.of(o); !reads.empty())
      s.ring = std::max<int64_t>(s.ring, reads.back().in - reads.front().in + 1);
  return state;
}

// Cycles, as of a core that does two vector multiplications in each.
double gain(const Problem& problem) {
  const std::shared_ptr<State> s = plan(problem);
  double direct = 0, adds = 0;
  for (const Phase& phase : s->geometry.phases)
    adds += static_cast<double>(s->batch * phase.count() * phase.taps());
  direct = adds * static_cast<double>(s->channels) / 2;
  const double products = static_cast<double>(s->batch * s->in_lines * s->in_cells) *
                          (static_cast<double>(s->channels * s->columns / s->lanes()) / 2 + 4);
  return 0.9 * direct / (products + adds * (1 + static_cast<double>(s->filters) / 2));
}

Prepared prepare(const Problem& problem) {
  std::shared_ptr<State> state = plan(problem);
  State& s = *state;
  s.slots = std::min(base::default_threads(), Slots::kMost);
  s.zero = Tensor(Shape{2 * s.lanes()});
  s.epilogue = Epilogue(problem);
  Prepared prepared;
  prepared.run = run_few;
  prepared.packed.assign(problem.in.size(), false);
  s.weights.prepare(problem, 1, s.channels * s.columns, prepared,
                    [&](const float* kernel, float* to) { pack(s, kernel, to); });
  s.bias.prepare(problem, 2, s.filters, prepared,
                 [&](const float* bias, float* to) { std::copy_n(bias, s.filters, to); });
  s.rings_at = prepared.scratch_floats;
  prepared.scratch_floats += s.slots * s.ring_size();
  prepared.detail = base::cat(s.gemm->target, ' ', s.columns, " columns");
  prepared.state = std::move(state);
  return prepared;
}

}  // namespace

const Kernel kConvFew{"conv few", accepts, prepare, gain, takes_pitch_of_conv};

}  // namespace cornu::kernels
