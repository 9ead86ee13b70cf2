#include "cornu/graph/expression.h"

#include <algorithm>
#include <limits>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu {

using BinaryFn = ops::Binary::Fn;
using UnaryFn = ops::Unary::Fn;

namespace {

bool broadcast(const Shape& a, const Shape& b) {
  for (int64_t i = 1; i <= std::min(a.rank(), b.rank()); ++i)
    if (a[-i] != b[-i] && a[-i] != 1 && b[-i] != 1) return false;
  return true;
}

graph::Builder& same_graph(const Expression& a, const Expression& b) {
  if (&a.builder() != &b.builder())
    throw ValueError(base::cat("values of two graphs cannot be put together. Received: shapes ",
                               a.shape(), " and ", b.shape()));
  return a.builder();
}

Expression binary(BinaryFn fn, Expression a, Expression b) {
  graph::Builder& g = same_graph(a, b);
  if (!broadcast(a.shape(), b.shape()))
    throw ValueError(base::cat("shapes ", a.shape(), " and ", b.shape(), " do not broadcast"));
  return {g, g.binary(fn, a, b)};
}

Expression scalar(Expression like, double value) {
  graph::Builder& g = like.builder();
  return {g, g.scalar(static_cast<float>(value))};
}

Expression unary(UnaryFn fn, Expression x, double a = 0, double b = 0, double c = 0) {
  graph::Builder& g = x.builder();
  return {g, g.unary(fn, x, static_cast<float>(a), static_cast<float>(b), static_cast<float>(c))};
}

// An axis from the front.
int64_t axis_of(const Expression& x, int64_t axis) {
  const int64_t rank = x.rank();
  if (axis < -rank || axis >= rank)
    throw ValueError(base::cat("there is no axis ", axis, " in shape ", x.shape()));
  return axis < 0 ? axis + rank : axis;
}

void check_rank(const char* name, int64_t rank) {
  constexpr int64_t kMostAxes = 8;
  if (rank > kMostAxes)
    throw ValueError(
        base::cat(name, ": a result has at most ", kMostAxes, " axes. Received: ", rank));
}

}  // namespace

Expression operator+(Expression a, Expression b) { return binary(BinaryFn::kAdd, a, b); }
Expression operator-(Expression a, Expression b) { return binary(BinaryFn::kSubtract, a, b); }
Expression operator*(Expression a, Expression b) { return binary(BinaryFn::kMultiply, a, b); }
Expression operator/(Expression a, Expression b) { return binary(BinaryFn::kDivide, a, b); }
Expression operator+(Expression a, double b) { return unary(UnaryFn::kAffine, a, 1, b); }
Expression operator-(Expression a, double b) { return unary(UnaryFn::kAffine, a, 1, -b); }
Expression operator*(Expression a, double b) { return unary(UnaryFn::kAffine, a, b); }
Expression operator/(Expression a, double b) { return a / scalar(a, b); }
Expression operator+(double a, Expression b) { return b + a; }
Expression operator-(double a, Expression b) { return unary(UnaryFn::kAffine, b, -1, a); }
Expression operator*(double a, Expression b) { return b * a; }
Expression operator/(double a, Expression b) { return scalar(b, a) / b; }
Expression operator-(Expression a) { return unary(UnaryFn::kNegate, a); }

namespace ops {
namespace {

Expression reduce(Reduce::Kind kind, Expression x, const ReduceOptions& o) {
  std::vector<int64_t> axes;
  for (int64_t axis : o.axis) axes.push_back(axis_of(x, axis));
  if (o.axis.empty())
    for (int64_t a = 0; a < x.rank(); ++a) axes.push_back(a);
  std::sort(axes.begin(), axes.end());
  const auto twice = std::adjacent_find(axes.begin(), axes.end());
  if (twice != axes.end())
    throw ValueError(base::cat("axis ", *twice, " of shape ", x.shape(), " is given twice"));
  const bool extreme = kind == Reduce::Kind::kMax || kind == Reduce::Kind::kMin;
  for (int64_t axis : axes)
    if (extreme && x.shape()[axis] == 0)
      throw ValueError(base::cat("nothing has no ", kind == Reduce::Kind::kMax ? "max" : "min",
                                 ". Received: axis ", axis, " of shape ", x.shape()));
  graph::Builder& g = x.builder();
  graph::Value y = g.reduce(kind, x, axes);
  if (!o.keepdims) {
    Shape shape;
    for (int64_t a = 0; a < x.rank(); ++a)
      if (!std::binary_search(axes.begin(), axes.end(), a)) shape.push_back(x.shape()[a]);
    y = g.reshape(y, shape);
  }
  return {g, y};
}

Expression along_axis(Softmax::Kind kind, Expression x, int64_t axis) {
  graph::Builder& g = x.builder();
  const int64_t at = axis_of(x, axis);
  const graph::Value last = g.move_axis(x, at, -1);
  return {g, g.move_axis(g.add(Softmax{kind}, {last}), -1, at)};
}

}  // namespace

Expression sum(Expression x, ReduceOptions o) { return reduce(Reduce::Kind::kSum, x, o); }
Expression mean(Expression x, ReduceOptions o) { return reduce(Reduce::Kind::kMean, x, o); }
Expression max(Expression x, ReduceOptions o) { return reduce(Reduce::Kind::kMax, x, o); }
Expression min(Expression x, ReduceOptions o) { return reduce(Reduce::Kind::kMin, x, o); }

Expression maximum(Expression a, Expression b) { return binary(BinaryFn::kMaximum, a, b); }
Expression maximum(Expression a, double b) { return maximum(a, scalar(a, b)); }
Expression minimum(Expression a, Expression b) { return binary(BinaryFn::kMinimum, a, b); }
Expression minimum(Expression a, double b) { return minimum(a, scalar(a, b)); }
Expression power(Expression a, Expression b) { return binary(BinaryFn::kPower, a, b); }
Expression power(Expression a, double b) { return power(a, scalar(a, b)); }
Expression greater(Expression a, Expression b) { return binary(BinaryFn::kGreater, a, b); }
Expression greater(Expression a, double b) { return greater(a, scalar(a, b)); }
Expression greater_equal(Expression a, Expression b) {
  return binary(BinaryFn::kGreaterEqual, a, b);
}
Expression equal(Expression a, Expression b) { return binary(BinaryFn::kEqual, a, b); }
Expression equal(Expression a, double b) { return equal(a, scalar(a, b)); }

Expression exp(Expression x) { return unary(UnaryFn::kExp, x); }
Expression log(Expression x) { return unary(UnaryFn::kLog, x); }
Expression sqrt(Expression x) { return unary(UnaryFn::kSqrt, x); }
Expression rsqrt(Expression x) { return unary(UnaryFn::kRsqrt, x); }
Expression square(Expression x) { return unary(UnaryFn::kSquare, x); }
Expression absolute(Expression x) { return unary(UnaryFn::kAbs, x); }
Expression sigmoid(Expression x) { return unary(UnaryFn::kSigmoid, x); }
Expression tanh(Expression x) { return unary(UnaryFn::kTanh, x); }
Expression softplus(Expression x) { return unary(UnaryFn::kSoftplus, x); }
Expression stop_gradient(Expression x) { return unary(UnaryFn::kStopGradient, x); }
Expression relu(Expression x) {
  return unary(UnaryFn::kRelu, x, 0, std::numeric_limits<double>::infinity());
}
Expression clip(Expression x, double low, double high) {
  return unary(UnaryFn::kClip, x, low, high);
}
Expression softmax(Expression x, int64_t axis) {
  return along_axis(Softmax::Kind::kSoftmax, x, axis);
}
Expression log_softmax(Expression x, int64_t axis) {
  return along_axis(Softmax::Kind::kLogSoftmax, x, axis);
}

Expression reshape(Expression x, Shape shape) {
  if (shape.checked_size() != x.shape().size())
    throw ValueError(base::cat("cannot reshape ", x.shape(), " into ", shape));
  check_rank("reshape", shape.rank());
  graph::Builder& g = x.builder();
  return {g, g.reshape(x, std::move(shape))};
}

Expression transpose(Expression x, std::vector<int64_t> axes) {
  std::vector<int64_t> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  bool permutation = std::ssize(axes) == x.rank();
  for (size_t i = 0; permutation && i < sorted.size(); ++i)
    permutation = sorted[i] == static_cast<int64_t>(i);
  if (!permutation)
    throw ValueError(base::cat("transpose needs each axis of ", x.shape(), " once"));
  graph::Builder& g = x.builder();
  return {g, g.transpose(x, std::move(axes))};
}

Expression concatenate(std::vector<Expression> parts, int64_t axis) {
  if (parts.empty()) throw ValueError("concatenate needs at least one part");
  const int64_t at = axis_of(parts[0], axis);
  std::vector<graph::Value> values;
  for (const Expression& part : parts) {
    same_graph(parts[0], part);
    bool fits = part.rank() == parts[0].rank();
    for (int64_t a = 0; fits && a < part.rank(); ++a)
      fits = a == at || part.shape()[a] == parts[0].shape()[a];
    if (!fits)
      throw ValueError(base::cat("cannot concatenate shapes ", parts[0].shape(), " and ",
                                 part.shape(), " along axis ", axis));
    values.push_back(part);
  }
  graph::Builder& g = parts[0].builder();
  return {g, g.concat(std::move(values), at)};
}

Expression slice(Expression x, int64_t axis, int64_t begin, int64_t end) {
  const int64_t at = axis_of(x, axis);
  if (begin < 0 || begin > end || end > x.shape()[at])
    throw ValueError(base::cat("there are no entries [", begin, ", ", end, ") on axis ", axis,
                               " of shape ", x.shape()));
  graph::Builder& g = x.builder();
  return {g, g.slice(x, at, begin, end)};
}

Expression one_hot(Expression labels, int64_t num_classes) {
  if (num_classes < 1)
    throw ValueError(base::cat("one_hot: `num_classes` must be positive. Received: ", num_classes));
  check_rank("one_hot", labels.rank() + 1);
  graph::Builder& g = labels.builder();
  return {g, g.add(OneHot{num_classes}, {labels})};
}

Expression matmul(Expression a, Expression b) {
  graph::Builder& g = same_graph(a, b);
  const Shape &x = a.shape(), &y = b.shape();
  if (x.rank() != 3 || y.rank() != 3 || x[0] != y[0] || x[2] != y[1])
    throw ValueError(base::cat("matmul needs (B, M, K) and (B, K, N). Received: ", x, " and ", y));
  return {g, g.add(MatMul{}, {a, b})};
}

}  // namespace ops
}  // namespace cornu
