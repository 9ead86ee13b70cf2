#include "cornu/ops/unary_grad.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "cornu/base/error.h"
#include "cornu/ops/index.h"
#include "cornu/ops/unary.h"

namespace cornu::ops {
namespace {

template <class T>
T sigmoid(T x) {
  return apply(Unary{Unary::Fn::kSigmoid}, x);
}

template <class T>
T gelu_derivative(T x) {
  const T density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi_v<T>);
  return T(0.5) * std::erfc(-x / std::numbers::sqrt2_v<T>) + x * density;
}

template <class T>
T gelu_tanh_derivative(T x) {
  const T k = std::sqrt(2 / std::numbers::pi_v<T>), c = T(0.044715);
  const T t = std::tanh(k * (x + c * x * x * x));
  return T(0.5) * (1 + t) + T(0.5) * x * (1 - t * t) * k * (1 + 3 * c * x * x);
}

template <class T>
T mish_derivative(T x) {
  const T t = std::tanh(apply(Unary{Unary::Fn::kSoftplus}, x));
  return t + x * (1 - t * t) * sigmoid(x);
}

template <class T>
T between(T x, T low, T high) {  // 1 on the open interval
  return x > low && x < high ? T(1) : T(0);
}

constexpr double kSeluScale = 1.0507009873554805, kSeluAlpha = 1.6732632423543772;

}  // namespace

template <class T>
T derivative(const Unary& fn, T x) {
  using Fn = Unary::Fn;
  if (std::isnan(x)) return x;
  const T a = fn.a, b = fn.b, c = fn.c;
  switch (fn.fn) {
    case Fn::kIdentity:
      return 1;
    case Fn::kStopGradient:
      return 0;
    case Fn::kRelu:
      return x > c ? T(x < b) : a;
    case Fn::kElu:
      return x > 0 ? T(1) : a * std::exp(x);
    case Fn::kCelu:
      return x > 0 ? T(1) : std::exp(x / a);
    case Fn::kSelu:
      return T(kSeluScale) * (x < 0 ? T(kSeluAlpha) * std::exp(x) : T(1));
    case Fn::kGelu:
      return gelu_derivative(x);
    case Fn::kGeluTanh:
      return gelu_tanh_derivative(x);
    case Fn::kSilu:
      return sigmoid(x) * (1 + x * sigmoid(-x));
    case Fn::kSigmoid:
      return sigmoid(x) * sigmoid(-x);
    case Fn::kTanh:
      return 1 - std::tanh(x) * std::tanh(x);
    case Fn::kExp:
      return std::exp(x);
    case Fn::kLog:
      return 1 / x;
    case Fn::kSqrt:
      return T(0.5) / std::sqrt(x);
    case Fn::kRsqrt:
      return T(-0.5) / (x * std::sqrt(x));
    case Fn::kSquare:
      return 2 * x;
    case Fn::kAbs:
      return T(x > 0) - T(x < 0);
    case Fn::kNegate:
      return -1;
    case Fn::kSoftplus:
      return sigmoid(x);
    case Fn::kSoftsign:
      return 1 / ((1 + std::fabs(x)) * (1 + std::fabs(x)));
    case Fn::kHardSigmoid:
      return a * between(a * x + b, T(0), T(1));
    case Fn::kHardSilu:
      return apply(Unary{Fn::kClip, 0, 6}, x + 3) / 6 + x / 6 * between(x, T(-3), T(3));
    case Fn::kClip:
      return T(x >= a && x <= b);
    case Fn::kMish:
      return mish_derivative(x);
    case Fn::kLogSigmoid:
      return sigmoid(-x);
    case Fn::kSparseSigmoid:
      return between(x, T(-1), T(1)) / 2;
    case Fn::kSparsePlus:
      return x <= -1 ? T(0) : (x >= 1 ? T(1) : (x + 1) / 2);
    case Fn::kSquareplus:
      return T(0.5) * (1 + x / std::sqrt(x * x + a));
    case Fn::kSoftShrink:
    case Fn::kHardShrink:
      return T(std::fabs(x) > a);
    case Fn::kTanhShrink:
      return std::tanh(x) * std::tanh(x);
    case Fn::kThreshold:
      return T(x > a);
    case Fn::kAffine:
      return a;
  }
  return 0;
}

bool output_tells_derivative(const Unary& fn) {
  using Fn = Unary::Fn;
  switch (fn.fn) {
    case Fn::kRelu:
      return fn.c == 0 && fn.a >= 0 && fn.b > 0;
    case Fn::kElu:
      return fn.a > 0;
    case Fn::kSigmoid:
    case Fn::kTanh:
    case Fn::kExp:
    case Fn::kSqrt:
    case Fn::kRsqrt:
      return true;
    default:
      return false;
  }
}

template <class T>
T derivative_from_output(const Unary& fn, T y) {
  using Fn = Unary::Fn;
  if (std::isnan(y)) return y;
  switch (fn.fn) {
    case Fn::kRelu:
      return y > 0 ? T(y < static_cast<T>(fn.b)) : static_cast<T>(fn.a);
    case Fn::kElu:
      return y > 0 ? T(1) : y + static_cast<T>(fn.a);
    case Fn::kSigmoid:
      return y * (1 - y);
    case Fn::kTanh:
      return 1 - y * y;
    case Fn::kExp:
      return y;
    case Fn::kSqrt:
      return T(0.5) / y;
    case Fn::kRsqrt:
      return T(-0.5) * y * y * y;
    default:
      return std::numeric_limits<T>::quiet_NaN();  // shape_rule() refuses these
  }
}

Shape shape_rule(const UnaryGrad& op, const std::vector<Shape>& in) {
  require(in.size() == 2 && in[0] == in[1], "takes x (or y) and dy of one shape", op, in);
  require(!op.from_output || output_tells_derivative(op.of), "y tells the derivative", op, in);
  return in[0];
}

template <class T>
void reference(const UnaryGrad& op, Inputs<T> in, View<T> out, Rows rows) {
  const int64_t length = row_length(*out.shape);
  for (int64_t i = rows.begin * length; i < rows.end * length; ++i)
    out.data[i] = in[1].data[i] * (op.from_output ? derivative_from_output(op.of, in[0].data[i])
                                                  : derivative(op.of, in[0].data[i]));
}

template float derivative(const Unary&, float);
template double derivative(const Unary&, double);
template float derivative_from_output(const Unary&, float);
template double derivative_from_output(const Unary&, double);
template void reference(const UnaryGrad&, Inputs<float>, View<float>, Rows);
template void reference(const UnaryGrad&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
