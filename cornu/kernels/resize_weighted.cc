// Resizing in every mode, and its gradient: along each axis a cell of the result is a weighted sum
// of a few cells of the operand.

#include <algorithm>
#include <array>

#include "cornu/kernels/blend.h"
#include "cornu/kernels/slots.h"
#include "cornu/kernels/table.h"
#include "cornu/ops/evaluate.h"

namespace cornu::kernels {
namespace {

constexpr int64_t kRows = 32;                 // added up at a time
constexpr int64_t kWorthSharing = 16 * 1024;  // multiplications per task at least

// Along one axis: the taps of every cell of the result, one after another.
struct Taps {
  int64_t in = 1, out = 1;
  std::vector<int64_t> begin = {0, 1};  // of cell i; one more at the end
  std::vector<int64_t> cell = {0};
  std::vector<float> weight = {1};

  int64_t of(int64_t i) const { return begin[static_cast<size_t>(i)]; }
};

// Fewer axes than three are axes of length 1 in front.
struct State {
  int64_t batch = 0, channels = 0;
  int64_t pitch = 0, out_pitch = 0;  // numbers from cell to cell of the operand and the result
  std::array<Taps, 3> axis;
  const Blend* blend = nullptr;
  int slots = 1;

  int64_t line_size() const { return (axis[2].in * pitch + 15) / 16 * 16; }
};

// A line of the result: first the lines of x that it is made of are added up, then their cells.
void run_line(const State& s, const Call& call, int64_t line, float* memory) {
  const auto& [a, b, c] = s.axis;
  const int64_t j = line % b.out, i = line / b.out % a.out, image = line / b.out / a.out;
  const float* x = call.in[0] + image * a.in * b.in * c.in * s.pitch;
  const float* rows[kRows];
  float weights[kRows];
  int64_t n = 0;
  bool add = false;
  const auto sum = [&] {
    s.blend->rows(rows, weights, n, (c.in - 1) * s.pitch + s.channels, add, memory);
    add = true;
    n = 0;
  };
  for (int64_t p = a.of(i); p < a.of(i + 1); ++p)
    for (int64_t q = b.of(j); q < b.of(j + 1); ++q, ++n) {
      if (n == kRows) sum();
      const auto from = static_cast<size_t>(p), to = static_cast<size_t>(q);
      rows[n] = x + (a.cell[from] * b.in + b.cell[to]) * c.in * s.pitch;
      weights[n] = a.weight[from] * b.weight[to];
    }
  sum();
  s.blend->cells(memory, s.pitch, s.channels, c.begin.data(), c.cell.data(), c.weight.data(), c.out,
                 call.out + line * c.out * s.out_pitch, s.out_pitch);
}

void run(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  const auto& [a, b, c] = s.axis;
  if (s.batch * a.out * b.out * c.out * s.channels == 0) return;
  const int64_t lines = s.batch * a.out * b.out, work = (c.in + c.out) * s.channels * 2;
  const int64_t tasks = std::clamp<int64_t>(lines * work / kWorthSharing, 1,
                                            std::min<int64_t>(lines, 8 * call.pool->threads()));
  split_with_slots(*call.pool, tasks, s.slots, call.scratch, s.line_size(),
                   [&](Range range, float* memory) {
                     const int64_t begin = part(lines, range.begin, tasks).begin;
                     const int64_t end = part(lines, range.end - 1, tasks).end;
                     for (int64_t l = begin; l < end; ++l) run_line(s, call, l, memory);
                   });
}

// The taps of resizing an axis of n cells to `size`, or of its gradient. The reference loops tell
// the weights: source cell by source cell, what they make of a 1 there. No mode reaches farther
// than 7 cells.
Taps taps_of(ops::Resize::Mode mode, int64_t n, int64_t size, bool gradient) {
  std::vector<double> x(static_cast<size_t>(n)), y(static_cast<size_t>(size));
  const Shape in{1, n, 1}, out{1, size, 1};
  const ops::View<const double> view{&in, x.data()};
  std::vector<std::vector<std::pair<int64_t, double>>> of_cell(
      static_cast<size_t>(gradient ? n : size));
  for (int64_t cell = 0; cell < n; ++cell) {
    const int64_t begin = std::max<int64_t>((cell - 7) * size / n - 1, 0);
    const int64_t end = std::min((cell + 8) * size / n + 2, size);
    if (begin >= end) continue;
    x[static_cast<size_t>(cell)] = 1;
    ops::evaluate<double>(ops::Resize{mode, {size}}, {&view, 1}, {&out, y.data()}, {begin, end});
    x[static_cast<size_t>(cell)] = 0;
    for (int64_t i = begin; i < end; ++i)
      if (const double weight = y[static_cast<size_t>(i)]; weight != 0)
        of_cell[static_cast<size_t>(gradient ? cell : i)].push_back({gradient ? i : cell, weight});
  }
  Taps t{gradient ? size : n, gradient ? n : size, {0}, {}, {}};
  for (const auto& taps : of_cell) {
    for (const auto& [cell, weight] : taps) {
      t.cell.push_back(cell);
      t.weight.push_back(static_cast<float>(weight));
    }
    t.begin.push_back(std::ssize(t.cell));
  }
  return t;
}

Prepared prepare(const Problem& p, ops::Resize::Mode mode, bool gradient) {
  const Shape &x = gradient ? p.out : p.in[0].shape, &y = gradient ? p.in[0].shape : p.out;
  State s;
  s.batch = x[0];
  s.channels = x[-1];
  s.pitch = in_pitch(p, 0);
  s.out_pitch = out_pitch(p);
  const auto axes = static_cast<size_t>(x.rank() - 2);
  for (size_t i = 0; i < axes; ++i) {
    const auto at = static_cast<int64_t>(i) + 1;
    s.axis[i + 3 - axes] = taps_of(mode, x[at], y[at], gradient);
  }
  s.blend = &blend();
  s.slots = std::min(base::default_threads(), Slots::kMost);
  const int64_t scratch = s.slots * s.line_size();
  Prepared prepared = prepared_with(std::move(s), run, p);
  prepared.scratch_floats = scratch;
  return prepared;
}

bool accepts_resize(const Problem& p) {
  return std::holds_alternative<ops::Resize>(*p.op) && p.out.rank() <= 5;
}
Prepared prepare_resize(const Problem& p) {
  return prepare(p, std::get<ops::Resize>(*p.op).mode, false);
}

bool accepts_grad(const Problem& p) {
  return std::holds_alternative<ops::ResizeGrad>(*p.op) && p.out.rank() <= 5;
}
Prepared prepare_grad(const Problem& p) {
  return prepare(p, std::get<ops::ResizeGrad>(*p.op).mode, true);
}

}  // namespace

const Kernel kResize{"resize", accepts_resize, prepare_resize, nullptr, takes_first_and_result};
const Kernel kResizeGrad{"resize grad", accepts_grad, prepare_grad, nullptr,
                         takes_first_and_result};

}  // namespace cornu::kernels
