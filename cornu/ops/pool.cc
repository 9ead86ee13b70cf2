#include "cornu/ops/pool.h"

#include <algorithm>
#include <limits>

#include "cornu/ops/binary.h"
#include "cornu/ops/index.h"

namespace cornu::ops {

Shape shape_rule(const Pool& op, const std::vector<Shape>& in) {
  require(in.size() == 1 && in[0].rank() >= 2, "takes one x of rank >= 2", op, in);
  const Shape& x = in[0];
  const int64_t axes = x.rank() - 2;
  require(in_range(op.window, axes, 1) && in_range(op.stride, axes, 1) &&
              in_range(op.pad, axes, 0) && in_range(spatial(x), axes, 1),
          "one window, stride and padding in range per spatial axis", op, in);
  Shape out{x[0]};
  for (int64_t a = 0; a < axes; ++a) {
    const auto i = static_cast<size_t>(a);
    const int64_t window = op.window[i];
    require(op.pad[i].before < window && op.pad[i].after < window,
            "padding is narrower than the window", op, in);
    out.push_back(window_count(x[a + 1], window, op.stride[i], op.pad[i]));
    require(out[-1] > 0, "the window fits into the padded input", op, in);
  }
  out.push_back(x[-1]);
  return out;
}

template <class T>
void reference(const Pool& op, Inputs<T> in, View<T> out, Rows rows) {
  const Sizes n = spatial(*in[0].shape);
  const int64_t channels = (*in[0].shape)[-1];
  const bool max = op.kind == Pool::Kind::kMax;
  const int64_t taps = product(op.window);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Index p = unravel(row, outer(*out.shape));
    T* y = out.data + row * channels;
    std::fill_n(y, channels, max ? -std::numeric_limits<T>::infinity() : T(0));
    int64_t cells = 0;
    for (int64_t tap = 0; tap < taps; ++tap) {
      const Index q = unravel(tap, op.window);
      int64_t cell = p[0];
      bool inside = true;
      for (size_t a = 0; a < n.size(); ++a) {
        const int64_t i = p[a + 1] * op.stride[a] + q[a] - op.pad[a].before;
        inside = inside && i >= 0 && i < n[a];
        cell = cell * n[a] + i;
      }
      if (!inside) continue;
      const T* x = in[0].data + cell * channels;
      for (int64_t c = 0; c < channels; ++c) y[c] = max ? maximum(y[c], x[c]) : y[c] + x[c];
      ++cells;
    }
    if (!max)
      for (int64_t c = 0; c < channels; ++c) y[c] /= static_cast<T>(cells);
  }
}

template void reference(const Pool&, Inputs<float>, View<float>, Rows);
template void reference(const Pool&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
