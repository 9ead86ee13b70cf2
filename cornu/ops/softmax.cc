#include "cornu/ops/softmax.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "cornu/ops/binary.h"
#include "cornu/ops/index.h"

namespace cornu::ops {

Shape shape_rule(const Softmax& op, const std::vector<Shape>& in) {
  require(in.size() == 1 && in[0].rank() >= 1, "takes one x of rank >= 1", op, in);
  return in[0];
}

namespace {

template <class T>
void softmax(const T* x, T* y, int64_t n, bool log) {
  T top = -std::numeric_limits<T>::infinity(), sum = 0;
  for (int64_t i = 0; i < n; ++i) top = maximum(top, x[i]);
  for (int64_t i = 0; i < n; ++i) {
    y[i] = std::exp(x[i] - top);
    sum += y[i];
  }
  const T log_sum = std::log(sum);
  for (int64_t i = 0; i < n; ++i) y[i] = log ? x[i] - top - log_sum : y[i] / sum;
}

// Keras 3 as shipped: tau = (sum over the support of all partial sums - 1) / K, where the
// projection onto the simplex would use the last partial sum alone.
template <class T>
void sparsemax(const T* x, T* y, int64_t n) {
  if (std::any_of(x, x + n, [](T v) { return std::isnan(v); })) {
    std::fill_n(y, n, std::numeric_limits<T>::quiet_NaN());
    return;
  }
  std::copy_n(x, n, y);
  std::sort(y, y + n, std::greater<>());
  T partial = 0, total = 0, support = 0;
  for (int64_t i = 0; i < n; ++i) {
    partial += y[i];
    if (1 + static_cast<T>(i + 1) * y[i] <= partial) continue;
    total += partial;
    support += 1;
  }
  const T tau = (total - 1) / support;
  for (int64_t i = 0; i < n; ++i) y[i] = maximum(x[i] - tau, T(0));
}

}  // namespace

template <class T>
void reference(const Softmax& op, Inputs<T> in, View<T> out, Rows rows) {
  const int64_t n = row_length(*out.shape);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const T* x = in[0].data + row * n;
    T* y = out.data + row * n;
    if (op.kind == Softmax::Kind::kSparsemax)
      sparsemax(x, y, n);
    else
      softmax(x, y, n, op.kind == Softmax::Kind::kLogSoftmax);
  }
}

template void reference(const Softmax&, Inputs<float>, View<float>, Rows);
template void reference(const Softmax&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
