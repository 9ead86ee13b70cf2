#include "cornu/ops/unary.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cornu/ops/index.h"

namespace cornu::ops {
namespace {

template <class T>
T clip(T x, T low, T high) {
  return x < low ? low : (x > high ? high : x);
}

// Neither form lets exp overflow.
template <class T>
T sigmoid(T x) {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const T e = std::exp(x);
  return e / (1 + e);
}
template <class T>
T softplus(T x) {
  return std::max(x, T(0)) + std::log1p(std::exp(-std::fabs(x)));
}

// Keras: up to the threshold the slope counts from the threshold. A slope of 0 gives 0 even for
// -inf.
template <class T>
T relu(T x, T slope, T max_value, T threshold) {
  if (x > threshold) return std::min(x, max_value);
  return slope == 0 ? T(0) : slope * (x - threshold);
}

template <class T>
T elu(T x, T alpha) {
  return x > 0 ? x : alpha * std::expm1(x);
}

template <class T>
T gelu(T x) {
  // 0.5 x (1 + erf(x / sqrt 2)), without the cancellation below 0.
  return T(0.5) * x * std::erfc(-x / std::numbers::sqrt2_v<T>);
}
template <class T>
T gelu_tanh(T x) {
  const T k = std::sqrt(2 / std::numbers::pi_v<T>);
  return T(0.5) * x * (1 + std::tanh(k * (x + T(0.044715) * x * x * x)));
}

// (x + sqrt(x^2 + b)) / 2, without the cancellation below 0.
template <class T>
T squareplus(T x, T b) {
  const T root = std::sqrt(x * x + b);
  return x < 0 ? b / (2 * (root - x)) : (x + root) / 2;
}

template <class T>
T sparse_plus(T x) {
  return x <= -1 ? T(0) : (x >= 1 ? x : (x + 1) * (x + 1) / 4);
}

template <class T>
T soft_shrink(T x, T threshold) {
  return x > threshold ? x - threshold : (x < -threshold ? x + threshold : T(0));
}

}  // namespace

template <class T>
T apply(const Unary& fn, T x) {
  using Fn = Unary::Fn;
  if (std::isnan(x)) return x;
  const T a = fn.a, b = fn.b, c = fn.c;
  switch (fn.fn) {
    case Fn::kIdentity:
    case Fn::kStopGradient:
      return x;
    case Fn::kRelu:
      return relu(x, a, b, c);
    case Fn::kElu:
      return elu(x, a);
    case Fn::kCelu:
      return x > 0 ? x : a * std::expm1(x / a);
    case Fn::kSelu:
      return T(1.0507009873554805) * elu(x, T(1.6732632423543772));
    case Fn::kGelu:
      return gelu(x);
    case Fn::kGeluTanh:
      return gelu_tanh(x);
    case Fn::kSilu:
      return x * sigmoid(x);
    case Fn::kSigmoid:
      return sigmoid(x);
    case Fn::kTanh:
      return std::tanh(x);
    case Fn::kExp:
      return std::exp(x);
    case Fn::kLog:
      return std::log(x);
    case Fn::kSqrt:
      return std::sqrt(x);
    case Fn::kRsqrt:
      return 1 / std::sqrt(x);
    case Fn::kSquare:
      return x * x;
    case Fn::kAbs:
      return std::fabs(x);
    case Fn::kNegate:
      return -x;
    case Fn::kSoftplus:
      return softplus(x);
    case Fn::kSoftsign:
      return x / (1 + std::fabs(x));
    case Fn::kHardSigmoid:
      return clip(a * x + b, T(0), T(1));
    case Fn::kHardSilu:
      return x * (clip(x + 3, T(0), T(6)) / 6);
    case Fn::kClip:
      return clip(x, a, b);
    case Fn::kMish:
      return x * std::tanh(softplus(x));
    case Fn::kLogSigmoid:
      return -softplus(-x);
    case Fn::kSparseSigmoid:
      return clip((x + 1) / 2, T(0), T(1));
    case Fn::kSparsePlus:
      return sparse_plus(x);
    case Fn::kSquareplus:
      return squareplus(x, a);
    case Fn::kSoftShrink:
      return soft_shrink(x, a);
    case Fn::kHardShrink:
      return std::fabs(x) > a ? x : T(0);
    case Fn::kTanhShrink:
      return x - std::tanh(x);
    case Fn::kThreshold:
      return x > a ? x : b;
    case Fn::kAffine:
      return a * x + b;
  }
  return x;
}

template <class T>
void apply(const Unary& fn, T* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] = apply(fn, x[i]);
}

UnarySignature signature(Unary::Fn fn) {
  using Fn = Unary::Fn;
  switch (fn) {
    case Fn::kIdentity:
      return {"identity"};
    case Fn::kRelu:
      return {"relu", {"negative_slope", "max_value", "threshold"}};
    case Fn::kElu:
      return {"elu", {"alpha"}};
    case Fn::kCelu:
      return {"celu", {"alpha"}};
    case Fn::kSelu:
      return {"selu"};
    case Fn::kGelu:
      return {"gelu"};
    case Fn::kGeluTanh:
      return {"gelu_tanh"};
    case Fn::kSilu:
      return {"silu"};
    case Fn::kSigmoid:
      return {"sigmoid"};
    case Fn::kTanh:
      return {"tanh"};
    case Fn::kExp:
      return {"exp"};
    case Fn::kLog:
      return {"log"};
    case Fn::kSqrt:
      return {"sqrt"};
    case Fn::kRsqrt:
      return {"rsqrt"};
    case Fn::kSquare:
      return {"square"};
    case Fn::kAbs:
      return {"abs"};
    case Fn::kNegate:
      return {"negate"};
    case Fn::kSoftplus:
      return {"softplus"};
    case Fn::kSoftsign:
      return {"softsign"};
    case Fn::kHardSigmoid:
      return {"hard_sigmoid", {"slope", "offset"}};
    case Fn::kHardSilu:
      return {"hard_silu"};
    case Fn::kClip:
      return {"clip", {"min", "max"}};
    case Fn::kMish:
      return {"mish"};
    case Fn::kLogSigmoid:
      return {"log_sigmoid"};
    case Fn::kSparseSigmoid:
      return {"sparse_sigmoid"};
    case Fn::kSparsePlus:
      return {"sparse_plus"};
    case Fn::kSquareplus:
      return {"squareplus", {"b"}};
    case Fn::kSoftShrink:
      return {"soft_shrink", {"threshold"}};
    case Fn::kHardShrink:
      return {"hard_shrink", {"threshold"}};
    case Fn::kTanhShrink:
      return {"tanh_shrink"};
    case Fn::kThreshold:
      return {"threshold", {"threshold", "value"}};
    case Fn::kAffine:
      return {"affine", {"slope", "offset"}};
    case Fn::kStopGradient:
      return {"stop_gradient"};
  }
  return {"?"};
}

Shape shape_rule(const Unary& op, const std::vector<Shape>& in) {
  require(in.size() == 1, "takes one x", op, in);
  return in[0];
}

template <class T>
void reference(const Unary& op, Inputs<T> in, View<T> out, Rows rows) {
  const int64_t length = row_length(*out.shape);
  for (int64_t i = rows.begin * length; i < rows.end * length; ++i)
    out.data[i] = apply(op, in[0].data[i]);
}

template float apply(const Unary&, float);
template double apply(const Unary&, double);
template void apply(const Unary&, float*, int64_t);
template void apply(const Unary&, double*, int64_t);
template void reference(const Unary&, Inputs<float>, View<float>, Rows);
template void reference(const Unary&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
