// Resizing in every mode, and its gradient: along each axis a cell of the result is a weighted sum
// of a few cells of the operand.

#include <algorithm>
#include <array>

#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"
#include "cornu/ops/evaluate.h"

namespace cornu::kernels {
namespace {

constexpr int64_t kWorthSharing = 16 * 1024;  // multiplications per task at least

struct Tap {
  int64_t cell;
  double weight;
};

// Along one axis: the taps of every cell of the result, one after another.
struct Taps {
  int64_t in = 1, out = 1;
  std::vector<int64_t> begin = {0, 1};  // of cell i; one more at the end
  std::vector<Tap> taps = {{0, 1.0}};

  std::span<const Tap> of(int64_t i) const {
    const auto at = static_cast<size_t>(i);
    return {taps.data() + begin[at], taps.data() + begin[at + 1]};
  }
};

// Fewer axes than three are axes of length 1 in front.
struct State {
  int64_t batch = 0, channels = 0;
  int64_t pitch = 0, out_pitch = 0;  // numbers from cell to cell of the operand and the result
  std::array<Taps, 3> axis;
};

// One cell of the result from one sample x.
void add_taps(const State& s, const float* x, const std::array<std::span<const Tap>, 3>& taps,
              float* y) {
  std::fill_n(y, s.channels, 0.0f);
  for (const Tap& a : taps[0])
    for (const Tap& b : taps[1])
      for (const Tap& c : taps[2]) {
        const int64_t cell = (a.cell * s.axis[1].in + b.cell) * s.axis[2].in + c.cell;
        const float* from = x + cell * s.pitch;
        const auto weight = static_cast<float>(a.weight * b.weight * c.weight);
        for (int64_t i = 0; i < s.channels; ++i) y[i] += weight * from[i];
      }
}

void run(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  const auto& [a, b, c] = s.axis;
  const int64_t cells = a.out * b.out * c.out;
  const auto taps = static_cast<int64_t>(a.taps.size() * b.taps.size() * c.taps.size());
  const int64_t work = taps / std::max<int64_t>(cells, 1) * s.channels + 1;
  split(*call.pool, s.batch * cells, kWorthSharing / work + 1, [&](Range r) {
    for (int64_t cell = r.begin; cell < r.end; ++cell) {
      const int64_t k = cell % c.out, j = cell / c.out % b.out, i = cell / c.out / b.out % a.out;
      const float* x = call.in[0] + cell / cells * a.in * b.in * c.in * s.pitch;
      add_taps(s, x, {a.of(i), b.of(j), c.of(k)}, call.out + cell * s.out_pitch);
    }
  });
}

// The taps of resizing an axis of n cells to `size`, or of its gradient. The reference loops tell
// the weights: source cell by source cell, what they make of a 1 there. No mode reaches farther
// than 7 cells.
Taps taps_of(ops::Resize::Mode mode, int64_t n, int64_t size, bool gradient) {
  std::vector<double> x(static_cast<size_t>(n)), y(static_cast<size_t>(size));
  const Shape in{1, n, 1}, out{1, size, 1};
  const ops::View<const double> view{&in, x.data()};
  std::vector<std::vector<Tap>> of_cell(static_cast<size_t>(gradient ? n : size));
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
  Taps t{gradient ? size : n, gradient ? n : size, {0}, {}};
  for (const std::vector<Tap>& taps : of_cell) {
    t.taps.insert(t.taps.end(), taps.begin(), taps.end());
    t.begin.push_back(std::ssize(t.taps));
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
  return prepared_with(std::move(s), run, p);
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
