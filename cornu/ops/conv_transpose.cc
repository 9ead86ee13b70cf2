#include "cornu/ops/conv_transpose.h"

#include <algorithm>

#include "cornu/ops/index.h"
#include "cornu/ops/unary.h"

namespace cornu::ops {

Shape shape_rule(const ConvTranspose& op, const std::vector<Shape>& in) {
  require(in.size() == 2 || in.size() == 3, "takes x, kernel and maybe bias", op, in);
  const Shape &x = in[0], &kernel = in[1];
  const int64_t axes = x.rank() - 2;
  require(axes >= 0 && kernel.rank() == x.rank(), "x and kernel have equal rank >= 2", op, in);
  require(in_range(op.stride, axes, 1) && in_range(op.dilation, axes, 1) &&
              in_range(op.crop, axes, 0) && in_range(op.length, axes, 0) &&
              in_range(spatial(x), axes, 0) && in_range(kernel_spatial(kernel), axes, 1),
          "one stride, dilation, crop and length in range per spatial axis", op, in);
  require(op.groups >= 1 && kernel[-1] == x[-1] && x[-1] % op.groups == 0,
          "the channels fit the kernel and the groups", op, in);
  const int64_t filters = kernel[-2] * op.groups;
  require(in.size() == 2 || in[2] == Shape{filters}, "bias has one entry per filter", op, in);
  Shape out{x[0]};
  for (int64_t length : op.length) out.push_back(length);
  out.push_back(filters);
  return out;
}

namespace {

// y[g, f] += sum_c x[g, c] * kernel[f, g, c] for one cell of x and one kernel position.
template <class T>
void add_cell(int64_t groups, int64_t group_in, int64_t group_out, const T* x, const T* kernel,
              T* y) {
  const int64_t channels = groups * group_in;
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t f = 0; f < group_out; ++f)
      for (int64_t c = g * group_in; c < (g + 1) * group_in; ++c)
        y[g * group_out + f] += x[c] * kernel[f * channels + c];
}

}  // namespace

template <class T>
void reference(const ConvTranspose& op, Inputs<T> in, View<T> out, Rows rows) {
  const Shape &x = *in[0].shape, &kernel = *in[1].shape;
  const Sizes n = spatial(x), k = kernel_spatial(kernel);
  const int64_t channels = x[-1], group_out = kernel[-2], filters = group_out * op.groups;
  const int64_t taps = product(k);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Index j = unravel(row, outer(*out.shape));
    T* y = out.data + row * filters;
    if (in.size() == 3)
      std::copy_n(in[2].data, filters, y);
    else
      std::fill_n(y, filters, T(0));
    for (int64_t tap = 0; tap < taps; ++tap) {
      const Index q = unravel(tap, k);
      int64_t cell = j[0];
      bool reached = true;  // is there a p with p * stride + q * dilation = j + crop?
      for (size_t a = 0; a < n.size(); ++a) {
        const int64_t way = j[a + 1] + op.crop[a] - q[a] * op.dilation[a];
        const int64_t p = way / op.stride[a];
        reached = reached && way >= 0 && way % op.stride[a] == 0 && p < n[a];
        cell = cell * n[a] + p;
      }
      if (reached)
        add_cell(op.groups, channels / op.groups, group_out, in[0].data + cell * channels,
                 in[1].data + tap * group_out * channels, y);
    }
    if (op.activation) apply(*op.activation, y, filters);
  }
}

template void reference(const ConvTranspose&, Inputs<float>, View<float>, Rows);
template void reference(const ConvTranspose&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
