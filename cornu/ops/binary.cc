#include "cornu/ops/binary.h"

#include <algorithm>

#include "cornu/ops/index.h"

namespace cornu::ops {
namespace {

template <class T>
T apply(Binary::Fn fn, T a, T b) {
  using Fn = Binary::Fn;
  switch (fn) {
    case Fn::kAdd:
      return a + b;
    case Fn::kSubtract:
      return a - b;
    case Fn::kMultiply:
      return a * b;
    case Fn::kDivide:
      return a / b;
    case Fn::kMaximum:
      return maximum(a, b);
    case Fn::kMinimum:
      return minimum(a, b);
    case Fn::kPower:
      return std::pow(a, b);
    case Fn::kGreater:
      return a > b;
    case Fn::kGreaterEqual:
      return a >= b;
    case Fn::kEqual:
      return a == b;
  }
  return a;
}

}  // namespace

const char* name_of(Binary::Fn fn) {
  using Fn = Binary::Fn;
  switch (fn) {
    case Fn::kAdd:
      return "add";
    case Fn::kSubtract:
      return "subtract";
    case Fn::kMultiply:
      return "multiply";
    case Fn::kDivide:
      return "divide";
    case Fn::kMaximum:
      return "maximum";
    case Fn::kMinimum:
      return "minimum";
    case Fn::kPower:
      return "power";
    case Fn::kGreater:
      return "greater";
    case Fn::kGreaterEqual:
      return "greater_equal";
    case Fn::kEqual:
      return "equal";
  }
  return "?";
}

Shape shape_rule(const Binary& op, const std::vector<Shape>& in) {
  require(in.size() == 2, "takes two operands", op, in);
  const bool first_is_longer = in[0].rank() >= in[1].rank();
  Shape out = first_is_longer ? in[0] : in[1];
  const Shape& shorter = first_is_longer ? in[1] : in[0];
  for (int64_t a = 1; a <= shorter.rank(); ++a) {
    require(out[-a] == shorter[-a] || out[-a] == 1 || shorter[-a] == 1, "the sizes broadcast", op,
            in);
    if (out[-a] == 1) out[-a] = shorter[-a];
  }
  return out;
}

template <class T>
void reference(const Binary& op, Inputs<T> in, View<T> out, Rows rows) {
  const Sizes sizes = outer(*out.shape);
  const Index a = broadcast_strides(*in[0].shape, *out.shape);
  const Index b = broadcast_strides(*in[1].shape, *out.shape);
  const int64_t length = row_length(*out.shape);
  const size_t last = sizes.size();  // the rows' own axis; a stride of 0 in rank 0
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Index p = unravel(row, sizes);
    int64_t at_a = 0, at_b = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      at_a += p[i] * a[i];
      at_b += p[i] * b[i];
    }
    for (int64_t i = 0; i < length; ++i)
      out.data[row * length + i] =
          apply(op.fn, in[0].data[at_a + i * a[last]], in[1].data[at_b + i * b[last]]);
  }
}

template void reference(const Binary&, Inputs<float>, View<float>, Rows);
template void reference(const Binary&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
