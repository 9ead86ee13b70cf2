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

template <class T>
bool has_nan(const T* x, int64_t n) {
  return std::any_of(x, x + n, [](T v) { return std::isnan(v); });
}

// The largest inputs, those that sparsemax counts, and what it takes off each.
template <class T>
struct Support {
  int64_t size = 0;
  T least = 0, tau = 0;
};

// Keras 3 as shipped: tau = (sum over the support of all partial sums - 1) / K, where the
// projection onto the simplex would use the last partial sum alone. Leaves x sorted in `sorted`.
template <class T>
Support<T> support_of(const T* x, T* sorted, int64_t n) {
  std::copy_n(x, n, sorted);
  std::sort(sorted, sorted + n, std::greater<>());
  Support<T> support;
  T partial = 0, total = 0;
  for (int64_t i = 0; i < n; ++i) {
    partial += sorted[i];
    if (1 + static_cast<T>(i + 1) * sorted[i] <= partial) continue;
    total += partial;
    support.size += 1;
    support.least = sorted[i];
  }
  support.tau = (total - 1) / static_cast<T>(support.size);
  return support;
}

template <class T>
void sparsemax(const T* x, T* y, int64_t n) {
  if (has_nan(x, n)) {
    std::fill_n(y, n, std::numeric_limits<T>::quiet_NaN());
    return;
  }
  const T tau = support_of(x, y, n).tau;
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

Shape shape_rule(const SoftmaxGrad& op, const std::vector<Shape>& in) {
  require(in.size() == 2 && in[0].rank() >= 1 && in[0] == in[1],
          "takes y (sparsemax: x) and dy of one shape", op, in);
  return in[0];
}

namespace {

// tau = (sum of x_i (K - rank_i) over the support - 1) / K: an input counts once for each partial
// sum it is in. Equal inputs rank as they stand.
template <class T>
void sparsemax_grad(const T* x, const T* dy, T* dx, int64_t n) {
  if (has_nan(x, n)) {
    std::fill_n(dx, n, std::numeric_limits<T>::quiet_NaN());
    return;
  }
  const Support<T> support = support_of(x, dx, n);
  const auto passes = [&](int64_t i) { return x[i] - support.tau > 0; };
  T flow = 0;  // into -tau
  for (int64_t i = 0; i < n; ++i)
    if (passes(i)) flow += dy[i];
  for (int64_t i = 0; i < n; ++i) {
    dx[i] = passes(i) ? dy[i] : T(0);
    if (x[i] < support.least) continue;
    int64_t rank = 0;
    for (int64_t j = 0; j < n; ++j) rank += x[j] > x[i] || (x[j] == x[i] && j < i);
    const int64_t times = std::max<int64_t>(support.size - rank, 0);
    dx[i] -= flow * static_cast<T>(times) / static_cast<T>(support.size);
  }
}

}  // namespace

template <class T>
void reference(const SoftmaxGrad& op, Inputs<T> in, View<T> out, Rows rows) {
  using Kind = Softmax::Kind;
  const int64_t n = row_length(*out.shape);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const T *y = in[0].data + row * n, *dy = in[1].data + row * n;
    T* dx = out.data + row * n;
    if (op.kind == Kind::kSparsemax) {
      sparsemax_grad(y, dy, dx, n);
      continue;
    }
    const bool log = op.kind == Kind::kLogSoftmax;
    T sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += log ? dy[i] : dy[i] * y[i];
    for (int64_t i = 0; i < n; ++i)
      dx[i] = log ? dy[i] - std::exp(y[i]) * sum : y[i] * (dy[i] - sum);
  }
}

template void reference(const SoftmaxGrad&, Inputs<float>, View<float>, Rows);
template void reference(const SoftmaxGrad&, Inputs<double>, View<double>, Rows);
template void reference(const Softmax&, Inputs<float>, View<float>, Rows);
template void reference(const Softmax&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
