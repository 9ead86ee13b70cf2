#include "cornu/ops/one_hot.h"

#include "cornu/ops/index.h"

namespace cornu::ops {

Shape shape_rule(const OneHot& op, const std::vector<Shape>& in) {
  require(in.size() == 1 && op.depth >= 1, "takes labels, depth >= 1", op, in);
  Shape out = in[0];
  out.push_back(op.depth);
  return out;
}

template <class T>
void reference(const OneHot& op, Inputs<T> in, View<T> out, Rows rows) {
  for (int64_t row = rows.begin; row < rows.end; ++row)
    for (int64_t i = 0; i < op.depth; ++i)
      out.data[row * op.depth + i] = in[0].data[row] == static_cast<T>(i) ? T(1) : T(0);
}

template void reference(const OneHot&, Inputs<float>, View<float>, Rows);
template void reference(const OneHot&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
