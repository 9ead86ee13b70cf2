#include "cornu/ops/batch_norm.h"

#include <cmath>

#include "cornu/ops/index.h"

namespace cornu::ops {

Shape shape_rule(const BatchNorm& op, const std::vector<Shape>& in) {
  require(in.size() == 5 && op.axis >= 0 && op.axis < in[0].rank(),
          "takes x with that axis, gamma, beta, mean, variance", op, in);
  for (size_t i = 1; i < in.size(); ++i)
    require(in[i] == Shape{in[0][op.axis]}, "one statistic per channel", op, in);
  return in[0];
}

template <class T>
void reference(const BatchNorm& op, Inputs<T> in, View<T> out, Rows rows) {
  const Shape& shape = *out.shape;
  const bool last = op.axis == shape.rank() - 1;
  const int64_t length = row_length(shape);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Index p = unravel(row, outer(shape));
    for (int64_t i = 0; i < length; ++i) {
      const int64_t c = last ? i : p[static_cast<size_t>(op.axis)];
      const T gamma = in[1].data[c], beta = in[2].data[c];
      const T mean = in[3].data[c], variance = in[4].data[c];
      const T x = in[0].data[row * length + i];
      out.data[row * length + i] =
          (x - mean) / std::sqrt(variance + static_cast<T>(op.epsilon)) * gamma + beta;
    }
  }
}

template void reference(const BatchNorm&, Inputs<float>, View<float>, Rows);
template void reference(const BatchNorm&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
