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

Shape shape_rule(const SoftmaxGrad& op, const std::vector<Shape>& in) {
  require(in.size() == 2 && in[0].rank() >= 1 && in[0] == in[1],
          "takes y (sparsemax: x) and dy of one shape", op, in);
  return in[0];
}

namespace {

// tau = (sum of z_(j) (K - rank_(j) + 1) over the support - 1) / K: an input of the support counts
// once for each partial sum it is in. Equal inputs have the ranks of a stable sort.
template <class T>
void sparsemax_grad(const T* x, const T* dy, T* dx, int64_t n) {
  sparsemax(x, dx, n);
  T flow = 0;
  for (int64_t i = 0; i < n; ++i)
    if (dx[i] > 0) flow += dy[i];
  const auto rank = [&](int64_t i) {
    int64_t before = 0;
    for (int64_t j = 0; j < n; ++j) before += x[j] > x[i] || (x[j] == x[i] && j < i);
    return before;
  };
  T partial = 0;
  int64_t support = 0;
  for (int64_t r = 0; r < n; ++r)
    for (int64_t i = 0; i < n; ++i)
      if (rank(i) == r) {
        partial += x[i];
        if (1 + static_cast<T>(r + 1) * x[i] > partial) ++support;
      }
  for (int64_t i = 0; i < n; ++i) {
    const int64_t r = rank(i);
    const T share = r < support ? static_cast<T>(support - r) / static_cast<T>(support) : T(0);
    dx[i] = (dx[i] > 0 ? dy[i] : T(0)) - flow * share;
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
