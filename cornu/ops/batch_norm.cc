#include "cornu/ops/batch_norm.h"

#include <algorithm>
#include <cmath>

#include "cornu/ops/index.h"
#include "cornu/ops/unary.h"

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
    if (op.activation) apply(*op.activation, out.data + row * length, length);
  }
}

namespace {

// Calls f(c, i) for number i of x, of channel c.
template <class F>
void for_each_number(const Shape& x, int64_t axis, F&& f) {
  const int64_t inner = product(x.dims().subspan(static_cast<size_t>(axis) + 1));
  const int64_t channels = x[axis], size = x.size();
  for (int64_t i = 0; i < size; ++i) f(i / inner % channels, i);
}

bool has_axis(int64_t axis, const Shape& x) { return axis >= 0 && axis < x.rank(); }

// How many numbers each channel has.
int64_t numbers_per_channel(const Shape& x, int64_t axis) {
  return x[axis] == 0 ? 0 : x.size() / x[axis];
}

}  // namespace

Shape shape_rule(const Moments& op, const std::vector<Shape>& in) {
  require(in.size() == 1 && has_axis(op.axis, in[0]), "takes x with that axis", op, in);
  return {2, in[0][op.axis]};
}

template <class T>
void reference(const Moments& op, Inputs<T> in, View<T> out, Rows rows) {
  const Shape& shape = *in[0].shape;
  const Sizes dims = shape.dims();
  const auto axis = static_cast<size_t>(op.axis);
  const int64_t blocks = product(dims.first(axis)), channels = dims[axis];
  const int64_t inner = product(dims.subspan(axis + 1));
  for (int64_t c = 0; c < channels; ++c) {
    const auto average = [&](auto&& term) {
      T sum = 0;
      for (int64_t b = 0; b < blocks; ++b) {
        const T* x = in[0].data + (b * channels + c) * inner;
        for (int64_t i = 0; i < inner; ++i) sum += term(x[i]);
      }
      return sum / static_cast<T>(blocks * inner);
    };
    // Whoever makes the second row needs the first as well, which may be another thread's.
    const T mean = average([](T v) { return v; });
    if (rows.begin == 0 && rows.end > 0) out.data[c] = mean;
    if (rows.begin < 2 && rows.end == 2)
      out.data[channels + c] = average([&](T v) { return (v - mean) * (v - mean); });
  }
}

Shape shape_rule(const ReplicaMean& op, const std::vector<Shape>& in) {
  require(in.size() == 1, "takes one operand", op, in);
  return in[0];
}

template <class T>
void reference(const ReplicaMean&, Inputs<T> in, View<T> out, Rows rows) {
  const int64_t length = row_length(*out.shape);
  std::copy_n(in[0].data + rows.begin * length, (rows.end - rows.begin) * length,
              out.data + rows.begin * length);
}

Shape shape_rule(const BatchNormSums& op, const std::vector<Shape>& in) {
  require(in.size() == 4 && has_axis(op.axis, in[0]) && in[3] == in[0] &&
              in[1] == Shape{in[0][op.axis]} && in[2] == in[1],
          "takes x with that axis, mean, variance, dy", op, in);
  return {2, in[0][op.axis]};
}

template <class T>
void reference(const BatchNormSums& op, Inputs<T> in, View<T> out, Rows rows) {
  const Shape& shape = *in[0].shape;
  const int64_t channels = shape[op.axis];
  const T *x = in[0].data, *mean = in[1].data, *variance = in[2].data, *dy = in[3].data;
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    T* sums = out.data + row * channels;
    std::fill_n(sums, channels, T(0));
    for_each_number(shape, op.axis, [&](int64_t c, int64_t i) {
      sums[c] += row == 0 ? dy[i] : dy[i] * (x[i] - mean[c]);
    });
    if (row == 1)
      for (int64_t c = 0; c < channels; ++c)
        sums[c] /= std::sqrt(variance[c] + static_cast<T>(op.epsilon));
  }
}

Shape shape_rule(const BatchNormGrad& op, const std::vector<Shape>& in) {
  require(in.size() == 6 && has_axis(op.axis, in[0]) && in[4] == in[0], "takes x, …, dy, sums", op,
          in);
  const int64_t channels = in[0][op.axis];
  for (size_t i : {1, 2, 3}) require(in[i] == Shape{channels}, "one statistic per channel", op, in);
  require(in[5] == Shape{2, channels}, "two sums per channel", op, in);
  return in[0];
}

template <class T>
void reference(const BatchNormGrad& op, Inputs<T> in, View<T> out, Rows rows) {
  const Shape& shape = *out.shape;
  const bool last = op.axis == shape.rank() - 1;
  const int64_t length = row_length(shape), channels = shape[op.axis];
  const auto count = static_cast<T>(numbers_per_channel(shape, op.axis));
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Index p = unravel(row, outer(shape));
    for (int64_t k = 0; k < length; ++k) {
      const int64_t c = last ? k : p[static_cast<size_t>(op.axis)], i = row * length + k;
      const T scale = 1 / std::sqrt(in[3].data[c] + static_cast<T>(op.epsilon));
      const T h = (in[0].data[i] - in[2].data[c]) * scale;
      out.data[i] = in[1].data[c] * scale *
                    (in[4].data[i] - in[5].data[c] / count - h * in[5].data[channels + c] / count);
    }
  }
}

template void reference(const BatchNorm&, Inputs<float>, View<float>, Rows);
template void reference(const BatchNorm&, Inputs<double>, View<double>, Rows);
template void reference(const Moments&, Inputs<float>, View<float>, Rows);
template void reference(const Moments&, Inputs<double>, View<double>, Rows);
template void reference(const ReplicaMean&, Inputs<float>, View<float>, Rows);
template void reference(const ReplicaMean&, Inputs<double>, View<double>, Rows);
template void reference(const BatchNormSums&, Inputs<float>, View<float>, Rows);
template void reference(const BatchNormSums&, Inputs<double>, View<double>, Rows);
template void reference(const BatchNormGrad&, Inputs<float>, View<float>, Rows);
template void reference(const BatchNormGrad&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
