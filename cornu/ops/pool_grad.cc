#include "cornu/ops/pool_grad.h"

#include <algorithm>
#include <cmath>

#include "cornu/ops/index.h"
#include "cornu/ops/pool.h"

namespace cornu::ops {

Shape shape_rule(const PoolGrad& op, const std::vector<Shape>& in) {
  require(in.size() == 2 && shape_rule(op.of, {in[0]}) == in[1], "takes x and dy of Pool's shapes",
          op, in);
  return in[0];
}

namespace {

// One window of a pooling over x (n cells per axis), its cells in scan order.
class Window {
 public:
  Window(const Pool& op, Sizes n, const Index& at) : op_(op), n_(n), at_(at) {}
  // The cell of x, within one sample, under a tap; -1 outside x.
  int64_t cell(int64_t tap) const {
    const Index q = unravel(tap, op_.window);
    int64_t cell = 0;
    for (size_t a = 0; a < n_.size(); ++a) {
      const int64_t i = at_[a] * op_.stride[a] + q[a] - op_.pad[a].before;
      if (i < 0 || i >= n_[a]) return -1;
      cell = cell * n_[a] + i;
    }
    return cell;
  }
  int64_t count() const {
    int64_t cells = 0;
    for (int64_t tap = 0; tap < product(op_.window); ++tap) cells += cell(tap) >= 0;
    return cells;
  }
  // The first cell that holds the maximum of one channel, NaN being more than anything.
  template <class T>
  int64_t first_maximum(const T* x, int64_t channels) const {
    int64_t best = -1;
    for (int64_t tap = 0; tap < product(op_.window); ++tap) {
      const int64_t i = cell(tap);
      if (i < 0) continue;
      const T value = x[i * channels];
      if (best < 0 || value > x[best * channels] ||
          (std::isnan(value) && !std::isnan(x[best * channels])))
        best = i;
    }
    return best;
  }

 private:
  const Pool& op_;
  Sizes n_;
  Index at_;
};

}  // namespace

template <class T>
void reference(const PoolGrad& op, Inputs<T> in, View<T> out, Rows rows) {
  const Pool& pool = op.of;
  const Sizes n = spatial(*in[0].shape), m = spatial(*in[1].shape);
  const int64_t channels = (*in[0].shape)[-1], cells = product(n), windows = product(m);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Index p = unravel(row, outer(*out.shape));
    const int64_t own = row % cells;
    T* dx = out.data + row * channels;
    std::fill_n(dx, channels, T(0));
    // The windows that this cell lies in, one for each tap it may be under.
    for (int64_t tap = 0; tap < product(pool.window); ++tap) {
      const Index q = unravel(tap, pool.window);
      Index at{};
      bool inside = true;
      int64_t window = 0;
      for (size_t a = 0; a < n.size() && inside; ++a) {
        const int64_t start = p[a + 1] + pool.pad[a].before - q[a];
        at[a] = start / pool.stride[a];
        inside = start >= 0 && start % pool.stride[a] == 0 && at[a] < m[a];
        window = window * m[a] + at[a];
      }
      if (!inside) continue;
      const Window w(pool, n, at);
      const T* dy = in[1].data + (p[0] * windows + window) * channels;
      if (pool.kind == Pool::Kind::kAverage) {
        const auto count = static_cast<T>(w.count());
        for (int64_t c = 0; c < channels; ++c) dx[c] += dy[c] / count;
      } else {
        const T* x = in[0].data + p[0] * cells * channels;
        for (int64_t c = 0; c < channels; ++c)
          if (w.first_maximum(x + c, channels) == own) dx[c] += dy[c];
      }
    }
  }
}

template void reference(const PoolGrad&, Inputs<float>, View<float>, Rows);
template void reference(const PoolGrad&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
