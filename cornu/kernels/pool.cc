#include <algorithm>
#include <array>
#include <limits>

#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"
#include "cornu/ops/binary.h"

namespace cornu::kernels {
namespace {

constexpr int64_t kWorthSharing = 16 * 1024;  // numbers read per task at least

struct Axis {
  int64_t in = 1, out = 1, window = 1, stride = 1, before = 0;
  // The cells of x under window o.
  Range cells(int64_t o) const {
    const int64_t first = o * stride - before;
    return {std::max<int64_t>(first, 0), std::min(first + window, in)};
  }
};

// Fewer axes than three are axes of length 1 in front.
struct State {
  ops::Pool::Kind kind = {};
  std::array<Axis, 3> axis;
  int64_t batch = 0, channels = 0;
};

template <class F>
void for_cells(const State& s, const float* x, const std::array<Range, 3>& r, F&& f) {
  for (int64_t i = r[0].begin; i < r[0].end; ++i)
    for (int64_t j = r[1].begin; j < r[1].end; ++j)
      for (int64_t k = r[2].begin; k < r[2].end; ++k)
        f(x + ((i * s.axis[1].in + j) * s.axis[2].in + k) * s.channels);
}

// One cell of the output, from the image x; the order of the sum is the reference loops'.
void pool_cell(const State& s, const float* x, const std::array<Range, 3>& window, float* y) {
  if (s.kind == ops::Pool::Kind::kMax) {
    std::fill_n(y, s.channels, -std::numeric_limits<float>::infinity());
    for_cells(s, x, window, [&](const float* cell) {
      for (int64_t c = 0; c < s.channels; ++c) y[c] = ops::maximum(y[c], cell[c]);
    });
    return;
  }
  std::fill_n(y, s.channels, 0.0f);
  for_cells(s, x, window, [&](const float* cell) {
    for (int64_t c = 0; c < s.channels; ++c) y[c] += cell[c];
  });
  int64_t count = 1;
  for (const Range& r : window) count *= r.end - r.begin;
  for (int64_t c = 0; c < s.channels; ++c) y[c] /= static_cast<float>(count);
}

void run_pool(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  const auto& [a, b, c] = s.axis;
  const int64_t cells = s.batch * a.out * b.out * c.out, image = a.in * b.in * c.in * s.channels;
  const int64_t read = std::max<int64_t>(a.window * b.window * c.window * s.channels, 1);
  split(*call.pool, cells, kWorthSharing / read + 1, [&](Range r) {
    for (int64_t cell = r.begin; cell < r.end; ++cell) {
      const int64_t k = cell % c.out, j = cell / c.out % b.out, i = cell / c.out / b.out % a.out;
      const int64_t n = cell / (a.out * b.out * c.out);
      pool_cell(s, call.in[0] + n * image, {a.cells(i), b.cells(j), c.cells(k)},
                call.out + cell * s.channels);
    }
  });
}

bool accepts_pool(const Problem& p) {
  return std::holds_alternative<ops::Pool>(*p.op) && p.out.rank() <= 5;
}

Prepared prepare_pool(const Problem& p) {
  const auto& op = std::get<ops::Pool>(*p.op);
  const Shape& x = p.in[0].shape;
  State s;
  s.kind = op.kind;
  s.batch = x[0];
  s.channels = x[-1];
  const size_t missing = 3 - op.window.size();
  for (size_t i = 0; i < op.window.size(); ++i) {
    const auto at = static_cast<int64_t>(i) + 1;
    s.axis[i + missing] = {x[at], p.out[at], op.window[i], op.stride[i], op.pad[i].before};
  }
  return prepared_with(std::move(s), run_pool, p);
}

}  // namespace

const Kernel kPool{"pool", accepts_pool, prepare_pool};

}  // namespace cornu::kernels
