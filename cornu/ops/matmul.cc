#include "cornu/ops/matmul.h"

#include <algorithm>

#include "cornu/ops/index.h"

namespace cornu::ops {

Shape shape_rule(const MatMul& op, const std::vector<Shape>& in) {
  require(in.size() == 2 && in[0].rank() == 3 && in[1].rank() == 3, "takes two operands of rank 3",
          op, in);
  require(in[0][0] == in[1][0] && in[0][2] == in[1][1], "the sizes match", op, in);
  return Shape{in[0][0], in[0][1], in[1][2]};
}

template <class T>
void reference(const MatMul&, Inputs<T> in, View<T> out, Rows rows) {
  const int64_t m = (*in[0].shape)[1], k = (*in[0].shape)[2], n = (*in[1].shape)[2];
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const T* a = in[0].data + row * k;
    const T* b = in[1].data + row / m * k * n;
    T* y = out.data + row * n;
    std::fill_n(y, n, T(0));
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < n; ++j) y[j] += a[i] * b[i * n + j];
  }
}

template void reference(const MatMul&, Inputs<float>, View<float>, Rows);
template void reference(const MatMul&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
