#include "cornu/ops/conv.h"

#include <algorithm>

#include "cornu/ops/index.h"
#include "cornu/ops/unary.h"

namespace cornu::ops {

Shape shape_rule(const Conv& op, const std::vector<Shape>& in) {
  require(in.size() >= 2 && in.size() <= 4, "takes x, kernel and maybe bias and what is added", op,
          in);
  const Shape &x = in[0], &kernel = in[1];
  const int64_t axes = x.rank() - 2;
  require(axes >= 0 && kernel.rank() == x.rank(), "x and kernel have equal rank >= 2", op, in);
  require(in_range(op.stride, axes, 1) && in_range(op.dilation, axes, 1) &&
              in_range(op.pad, axes, 0) && in_range(spatial(x), axes, 0) &&
              in_range(kernel_spatial(kernel), axes, 1),
          "one stride, dilation and padding in range per spatial axis", op, in);
  require(op.groups >= 1 && kernel[-2] == x[-1] / op.groups && x[-1] % op.groups == 0 &&
              kernel[-1] % op.groups == 0,
          "the channels fit the kernel and the groups", op, in);
  require(in.size() == 2 || in[2] == Shape{kernel[-1]}, "bias has one entry per filter", op, in);
  Shape out{x[0]};
  for (int64_t a = 0; a < axes; ++a) {
    const auto i = static_cast<size_t>(a);
    const int64_t extent = (kernel[a] - 1) * op.dilation[i] + 1;
    out.push_back(window_count(x[a + 1], extent, op.stride[i], op.pad[i]));
    require(out[-1] > 0, "the kernel fits into the padded input", op, in);
  }
  out.push_back(kernel[-1]);
  require(in.size() < 4 || in[3] == out, "what is added has the shape of the result", op, in);
  return out;
}

namespace {

// y[g, f] += sum_c x[g, c] * kernel[c, g, f] for one cell of x and one kernel position.
template <class T>
void add_cell(int64_t groups, int64_t group_in, int64_t group_out, const T* x, const T* kernel,
              T* y) {
  const int64_t filters = groups * group_out;
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t c = 0; c < group_in; ++c) {
      const T value = x[g * group_in + c];
      const T* row = kernel + c * filters + g * group_out;
      for (int64_t f = 0; f < group_out; ++f) y[g * group_out + f] += value * row[f];
    }
}

}  // namespace

template <class T>
void reference(const Conv& op, Inputs<T> in, View<T> out, Rows rows) {
  const Shape &x = *in[0].shape, &kernel = *in[1].shape;
  const Sizes n = spatial(x), k = kernel_spatial(kernel);
  const int64_t channels = x[-1], filters = kernel[-1], group_in = kernel[-2];
  const int64_t taps = product(k);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Index p = unravel(row, outer(*out.shape));
    T* y = out.data + row * filters;
    if (in.size() > 2)
      std::copy_n(in[2].data, filters, y);
    else
      std::fill_n(y, filters, T(0));
    for (int64_t tap = 0; tap < taps; ++tap) {
      const Index q = unravel(tap, k);
      int64_t cell = p[0];
      bool inside = true;
      for (size_t a = 0; a < n.size(); ++a) {
        const int64_t i = p[a + 1] * op.stride[a] + q[a] * op.dilation[a] - op.pad[a].before;
        inside = inside && i >= 0 && i < n[a];
        cell = cell * n[a] + i;
      }
      if (inside)
        add_cell(op.groups, group_in, filters / op.groups, in[0].data + cell * channels,
                 in[1].data + tap * group_in * filters, y);
    }
    if (in.size() > 3)
      for (int64_t f = 0; f < filters; ++f) y[f] += in[3].data[row * filters + f];
    if (op.activation) apply(*op.activation, y, filters);
  }
}

template void reference(const Conv&, Inputs<float>, View<float>, Rows);
template void reference(const Conv&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
