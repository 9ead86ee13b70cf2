#include "cornu/ops/reduce.h"

#include <algorithm>
#include <limits>

#include "cornu/ops/binary.h"
#include "cornu/ops/index.h"

namespace cornu::ops {

Shape shape_rule(const Reduce& op, const std::vector<Shape>& in) {
  require(in.size() == 1, "takes one x", op, in);
  Shape out = in[0];
  int64_t previous = -1;
  for (int64_t axis : op.axes) {
    require(axis > previous && axis < out.rank(), "the axes exist, in order", op, in);
    out[axis] = 1;
    previous = axis;
  }
  return out;
}

namespace {

template <class T>
T start_of(Reduce::Kind kind) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  if (kind == Reduce::Kind::kMax) return -kInfinity;
  return kind == Reduce::Kind::kMin ? kInfinity : T(0);
}

template <class T>
T combine(Reduce::Kind kind, T y, T x) {
  if (kind == Reduce::Kind::kMax) return maximum(y, x);
  return kind == Reduce::Kind::kMin ? minimum(y, x) : y + x;
}

}  // namespace

template <class T>
void reference(const Reduce& op, Inputs<T> in, View<T> out, Rows rows) {
  const Shape& x = *in[0].shape;
  const Index strides = strides_of(x.dims());
  Index reduced{};  // the sizes of the axes that vanish
  for (size_t i = 0; i < op.axes.size(); ++i) reduced[i] = x[op.axes[i]];
  const Sizes sizes(reduced.data(), op.axes.size());
  const int64_t count = product(sizes), length = row_length(*out.shape);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Sizes outer_sizes = outer(*out.shape);
    const Index p = unravel(row, outer_sizes);
    int64_t base = 0;
    for (size_t a = 0; a < outer_sizes.size(); ++a) base += p[a] * strides[a];
    T* y = out.data + row * length;
    std::fill_n(y, length, start_of<T>(op.kind));
    for (int64_t k = 0; k < count; ++k) {
      const Index q = unravel(k, sizes);
      int64_t cell = base;
      for (size_t i = 0; i < sizes.size(); ++i)
        cell += q[i] * strides[static_cast<size_t>(op.axes[i])];
      for (int64_t i = 0; i < length; ++i) y[i] = combine(op.kind, y[i], in[0].data[cell + i]);
    }
    if (op.kind == Reduce::Kind::kMean)
      for (int64_t i = 0; i < length; ++i) y[i] /= static_cast<T>(count);
  }
}

template void reference(const Reduce&, Inputs<float>, View<float>, Rows);
template void reference(const Reduce&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
