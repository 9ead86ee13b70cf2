#include "cornu/ops/conv_filter_grad.h"

#include <algorithm>

#include "cornu/ops/index.h"

namespace cornu::ops {

Shape shape_rule(const ConvFilterGrad& op, const std::vector<Shape>& in) {
  require(
      in.size() == 2 && in[0].rank() >= 2 && in[0].rank() == in[1].rank() && in[0][0] == in[1][0],
      "takes x and dy of one rank >= 2 and one batch", op, in);
  const Shape &x = in[0], &dy = in[1];
  const int64_t axes = x.rank() - 2;
  require(in_range(op.kernel, axes, 1) && in_range(op.stride, axes, 1) &&
              in_range(op.dilation, axes, 1) && in_range(op.before, axes, 0) &&
              in_range(spatial(x), axes, 0) && in_range(spatial(dy), axes, 0),
          "one kernel size, stride, dilation and padding in range per spatial axis", op, in);
  require(op.groups >= 1 && x[-1] % op.groups == 0 && dy[-1] % op.groups == 0,
          "the channels fit the groups", op, in);
  Shape out;
  for (int64_t k : op.kernel) out.push_back(k);
  out.push_back(x[-1] / op.groups);
  out.push_back(dy[-1]);
  return out;
}

namespace {

// row[g, f] += sum of x[g * group_in + c] * dy[g, f] for one cell of x and of dy, c fixed.
template <class T>
void add_cell(int64_t groups, int64_t group_in, int64_t filters, const T* x, const T* dy, T* row) {
  const int64_t group_out = filters / groups;
  for (int64_t g = 0; g < groups; ++g, x += group_in, dy += group_out, row += group_out)
    for (int64_t f = 0; f < group_out; ++f) row[f] += *x * dy[f];
}

}  // namespace

template <class T>
void reference(const ConvFilterGrad& op, Inputs<T> in, View<T> out, Rows rows) {
  const Shape &x = *in[0].shape, &dy = *in[1].shape;
  const Sizes n = spatial(x);
  const int64_t channels = x[-1], filters = dy[-1], group_in = channels / op.groups;
  const int64_t cells = product(outer(dy));
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Index q = unravel(row, outer(*out.shape));  // kernel position, then channel
    T* dk = out.data + row * filters;
    std::fill_n(dk, filters, T(0));
    for (int64_t j = 0; j < cells; ++j) {
      const Index p = unravel(j, outer(dy));
      int64_t cell = p[0];
      bool inside = true;
      for (size_t a = 0; a < n.size(); ++a) {
        const int64_t i = p[a + 1] * op.stride[a] + q[a] * op.dilation[a] - op.before[a];
        inside = inside && i >= 0 && i < n[a];
        cell = cell * n[a] + i;
      }
      if (inside)
        add_cell(op.groups, group_in, filters, in[0].data + cell * channels + q[n.size()],
                 in[1].data + j * filters, dk);
    }
  }
}

template void reference(const ConvFilterGrad&, Inputs<float>, View<float>, Rows);
template void reference(const ConvFilterGrad&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
