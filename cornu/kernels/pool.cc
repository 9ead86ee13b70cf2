#include <algorithm>
#include <array>
#include <limits>

#include "cornu/kernels/pool_rows.h"
#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"

namespace cornu::kernels {
namespace {

constexpr int64_t kWorthSharing = 16 * 1024;  // numbers read per task at least
constexpr int64_t kChannels = 64;             // compared at a time

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
  int64_t pitch = 0, out_pitch = 0;  // numbers from cell to cell
  const PoolRows* rows = nullptr;

  bool small_window() const {
    return axis[0].window * axis[1].window * axis[2].window <= PoolRows::kMostCells;
  }
  // Every cell lies in one window.
  bool once() const {
    return std::all_of(axis.begin(), axis.end(), [](const Axis& a) {
      return a.before == 0 && a.stride == a.window && a.out * a.stride == a.in;
    });
  }
};

template <class T, class F>
void for_cells(const State& s, T* x, const std::array<Range, 3>& r, F&& f) {
  for (int64_t i = r[0].begin; i < r[0].end; ++i)
    for (int64_t j = r[1].begin; j < r[1].end; ++j)
      for (int64_t k = r[2].begin; k < r[2].end; ++k)
        f(x + ((i * s.axis[1].in + j) * s.axis[2].in + k) * s.pitch);
}

// The cells of a small window.
struct Window {
  int count = 0;
  const float* x[PoolRows::kMostCells];
  Window(const State& s, const float* image, const std::array<Range, 3>& window) {
    for_cells(s, image, window, [&](const float* cell) { x[count++] = cell; });
  }
};

// Counts through the windows of a batch, along the last axis first.
struct Place {
  std::array<int64_t, 3> at{};
  int64_t image = 0;
  Place(const State& s, int64_t window) {
    for (size_t a = 3; a-- > 0; window /= s.axis[a].out) at[a] = window % s.axis[a].out;
    image = window;
  }
  void next(const State& s) {
    size_t a = 3;
    while (a > 0 && ++at[a - 1] == s.axis[a - 1].out) at[--a] = 0;
    image += a == 0;
  }
};

// One cell of the output, from the image x; the order of the sum is the reference loops'.
void pool_cell(const State& s, const float* x, const std::array<Range, 3>& window, float* y) {
  if (s.kind == ops::Pool::Kind::kMax && s.small_window()) {
    const Window cells(s, x, window);
    s.rows->maximum_of(cells.x, cells.count, y, s.channels);
    return;
  }
  if (s.kind == ops::Pool::Kind::kMax) {
    std::fill_n(y, s.channels, -std::numeric_limits<float>::infinity());
    for_cells(s, x, window, [&](const float* cell) { s.rows->maximum(cell, y, s.channels); });
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
  const int64_t cells = s.batch * a.out * b.out * c.out, image = a.in * b.in * c.in * s.pitch;
  const int64_t read = std::max<int64_t>(a.window * b.window * c.window * s.channels, 1);
  split(*call.pool, cells, kWorthSharing / read + 1, [&](Range r) {
    Place place(s, r.begin);
    for (int64_t cell = r.begin; cell < r.end; ++cell, place.next(s)) {
      const auto& [i, j, k] = place.at;
      pool_cell(s, call.in[0] + place.image * image, {a.cells(i), b.cells(j), c.cells(k)},
                call.out + cell * s.out_pitch);
    }
  });
}

bool accepts_pool(const Problem& p) {
  return std::holds_alternative<ops::Pool>(*p.op) && p.out.rank() <= 5;
}

State state_of(const ops::Pool& op, const Shape& x, const Shape& y) {
  State s;
  s.kind = op.kind;
  s.batch = x[0];
  s.channels = s.pitch = s.out_pitch = x[-1];
  s.rows = &pool_rows();
  const size_t missing = 3 - op.window.size();
  for (size_t i = 0; i < op.window.size(); ++i) {
    const auto at = static_cast<int64_t>(i) + 1;
    s.axis[i + missing] = {x[at], y[at], op.window[i], op.stride[i], op.pad[i].before};
  }
  return s;
}

Prepared prepare_pool(const Problem& p) {
  State s = state_of(std::get<ops::Pool>(*p.op), p.in[0].shape, p.out);
  s.pitch = in_pitch(p, 0);
  s.out_pitch = out_pitch(p);
  return prepared_with(s, run_pool, p);
}

// ---- gradient -----------------------------------------------------------------------------------

// A part of one image's gradient: `lines` of the first axis that has more than one cell.
struct Slab {
  const State& s;
  size_t axis;
  Range lines;
  const float *x, *dy;  // of the image
  float* dx;

  // Whether each cell is written but once, so that it need not be zero before.
  bool fresh() const { return s.kind == ops::Pool::Kind::kMax && s.once() && s.small_window(); }

  void zero() const {
    int64_t line = s.channels;
    for (size_t a = axis + 1; a < 3; ++a) line *= s.axis[a].in;
    std::fill(dx + lines.begin * line, dx + lines.end * line, 0.0f);
  }

  // From the last window to the first: the order in which the reference loops add to a cell.
  void run() const {
    if (!fresh()) zero();
    std::array<Range, 3> o{{{0, s.axis[0].out}, {0, s.axis[1].out}, {0, s.axis[2].out}}};
    const Axis& a = s.axis[axis];
    // Windows that begin before the lines end and end after they begin.
    const int64_t past = lines.begin + a.before - a.window;
    o[axis].begin = past < 0 ? 0 : past / a.stride + 1;
    o[axis].end = std::min(a.out, (lines.end - 1 + a.before) / a.stride + 1);
    for (int64_t i = o[0].end; i-- > o[0].begin;)
      for (int64_t j = o[1].end; j-- > o[1].begin;)
        for (int64_t k = o[2].end; k-- > o[2].begin;) {
          const float* flow = dy + ((i * s.axis[1].out + j) * s.axis[2].out + k) * s.channels;
          add_window({s.axis[0].cells(i), s.axis[1].cells(j), s.axis[2].cells(k)}, flow);
        }
  }

  void add_window(const std::array<Range, 3>& window, const float* flow) const {
    std::array<Range, 3> own = window;
    own[axis] = {std::max(own[axis].begin, lines.begin), std::min(own[axis].end, lines.end)};
    if (s.kind == ops::Pool::Kind::kAverage)
      add_shares(window, own, flow);
    else if (s.small_window())
      give(window, flow);
    else
      for (int64_t c = 0; c < s.channels; c += kChannels) add_to_first(window, own, flow, c);
  }

  void add_shares(const std::array<Range, 3>& window, const std::array<Range, 3>& own,
                  const float* flow) const {
    int64_t cells = 1;
    for (const Range& r : window) cells *= r.end - r.begin;
    const auto count = static_cast<float>(cells);
    for_cells(s, dx, own, [&](float* to) {
      for (int64_t c = 0; c < s.channels; ++c) to[c] += flow[c] / count;
    });
  }

  // All of `flow` goes to the first cell that holds the maximum.
  void give(const std::array<Range, 3>& window, const float* flow) const {
    const Window cells(s, x, window);
    float* to[PoolRows::kMostCells];
    int64_t line = s.channels;
    for (size_t a = axis + 1; a < 3; ++a) line *= s.axis[a].in;
    for (int k = 0; k < cells.count; ++k) {
      const int64_t at = cells.x[k] - x;
      to[k] = at >= lines.begin * line && at < lines.end * line ? dx + at : nullptr;
    }
    s.rows->give(cells.x, to, cells.count, flow, fresh(), s.channels);
  }

  // The same in large windows, for some channels from `c` on.
  void add_to_first(const std::array<Range, 3>& window, const std::array<Range, 3>& own,
                    const float* flow, int64_t c) const {
    float best[kChannels], at[kChannels];
    const int64_t n = std::min(kChannels, s.channels - c);
    float index = 0;
    for_cells(s, x, window, [&](const float* from) {
      if (index == 0) {
        std::copy_n(from + c, n, best);
        std::fill_n(at, n, 0.0f);
      } else {
        s.rows->first_maximum(from + c, index, best, at, n);
      }
      ++index;
    });
    const auto length = [&](size_t a) { return window[a].end - window[a].begin; };
    const int64_t skipped = (own[axis].begin - window[axis].begin) * (axis < 2 ? length(2) : 1) *
                            (axis < 1 ? length(1) : 1);
    // The cells left out lie before or behind: in front of `axis` there is but one cell.
    index = static_cast<float>(skipped);
    for_cells(s, dx, own, [&](float* to) {
      s.rows->add_where(flow + c, at, index, to + c, n);
      ++index;
    });
  }
};

void run_pool_grad(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  size_t axis = 0;
  while (axis < 2 && s.axis[axis].in == 1) ++axis;
  int64_t in = s.channels, out = s.channels;
  for (const Axis& a : s.axis) {
    in *= a.in;
    out *= a.out;
  }
  const int64_t lines = s.axis[axis].in;
  const int64_t line = std::max<int64_t>(lines == 0 ? 0 : in / lines, 1);
  split(*call.pool, s.batch * lines, kWorthSharing / line + 1, [&](Range r) {
    for (int64_t at = r.begin; at < r.end;) {
      const int64_t n = at / lines, end = std::min(r.end, (n + 1) * lines);
      Slab{s,
           axis,
           {at - n * lines, end - n * lines},
           call.in[0] + n * in,
           call.in[1] + n * out,
           call.out + n * in}
          .run();
      at = end;
    }
  });
}

bool accepts_pool_grad(const Problem& p) {
  const auto* op = std::get_if<ops::PoolGrad>(p.op);
  if (!op || p.out.rank() > 5) return false;
  double cells = 1;  // a float counts those of a window
  for (int64_t n : op->of.window) cells *= static_cast<double>(n);
  return cells <= (1 << 24);
}

Prepared prepare_pool_grad(const Problem& p) {
  return prepared_with(state_of(std::get<ops::PoolGrad>(*p.op).of, p.in[0].shape, p.in[1].shape),
                       run_pool_grad, p);
}

}  // namespace

const Kernel kPool{"pool", accepts_pool, prepare_pool, nullptr, takes_first_and_result};
const Kernel kPoolGrad{"pool grad", accepts_pool_grad, prepare_pool_grad};

}  // namespace cornu::kernels
