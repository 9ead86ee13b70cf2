#include "cornu/formats/onnx_unary.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace cornu::formats {
namespace {

using Fn = ops::Unary::Fn;

// Formulas, each as the comment or ops/unary.cc has it.
class Formula {
 public:
  Formula(OnnxWriter& out, std::string x) : out_(out), x_(std::move(x)) {}

  std::string of(const char* op, OnnxAttributes attributes = {}) const {
    return out_.node(op, {x_}, std::move(attributes));
  }
  std::string of(const char* op, const std::string& a) const { return out_.node(op, {a}); }
  std::string with(const char* op, float b) const { return with(op, x_, b); }
  std::string with(const char* op, const std::string& a, float b) const {
    return out_.node(op, {a, out_.scalar(b)});
  }
  std::string two(const char* op, const std::string& a, const std::string& b) const {
    return out_.node(op, {a, b});
  }
  std::string choose(const std::string& condition, const std::string& yes,
                     const std::string& no) const {
    return out_.node("Where", {condition, yes, no});
  }
  std::string number(float v) const { return out_.scalar(v); }

  std::string affine(float a, float b) const {
    const std::string scaled = a == 1 ? x_ : with("Mul", a);
    return b == 0 && a != 1 ? scaled : with("Add", scaled, b);
  }
  std::string clip(float low, float high) const {
    return out_.node("Clip", {x_, out_.scalar(low), out_.scalar(high)});
  }
  // Up to the threshold the slope counts from the threshold.
  std::string relu(float slope, float most, float threshold) const {
    const bool bounded = std::isfinite(most);
    if (threshold == 0 && slope == 0) return bounded ? clip(0, most) : of("Relu");
    if (threshold == 0 && !bounded) return of("LeakyRelu", {{"alpha", slope}});
    const std::string below = slope == 0 ? number(0) : with("Mul", with("Sub", threshold), slope);
    const std::string above = bounded ? with("Min", most) : x_;
    return choose(with("Greater", threshold), above, below);
  }
  // x/2 (1 + erf(x / sqrt 2))
  std::string gelu() const {
    const std::string half = with("Mul", 0.5f);
    return two("Mul", half,
               with("Add", of("Erf", with("Mul", std::numbers::sqrt2_v<float> / 2)), 1));
  }
  // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  std::string gelu_tanh() const {
    const std::string cube = two("Mul", two("Mul", x_, x_), x_);
    const std::string inner = two("Add", x_, with("Mul", cube, 0.044715f));
    const float k = std::sqrt(2 / std::numbers::pi_v<float>);
    return two("Mul", with("Mul", 0.5f), with("Add", of("Tanh", with("Mul", inner, k)), 1));
  }
  // 0 up to -1, x from 1 on, (x + 1)^2 / 4 between
  std::string sparse_plus() const {
    const std::string more = with("Add", 1);
    const std::string square = with("Mul", two("Mul", more, more), 0.25f);
    return choose(with("GreaterOrEqual", 1), x_, choose(with("Greater", -1), square, number(0)));
  }
  // (x + sqrt(x^2 + b)) / 2; below 0 as b / (2 (sqrt(x^2 + b) - x)), which does not cancel
  std::string squareplus(float b) const {
    const std::string root = of("Sqrt", with("Add", two("Mul", x_, x_), b));
    const std::string below = two("Div", number(b / 2), two("Sub", root, x_));
    return choose(with("Greater", 0), with("Mul", two("Add", x_, root), 0.5f), below);
  }

  const std::string& x() const { return x_; }

 private:
  OnnxWriter& out_;
  std::string x_;
};

}  // namespace

std::string add_unary(OnnxWriter& out, const ops::Unary& fn, const std::string& x) {
  const Formula f(out, x);
  const float a = fn.a, b = fn.b, c = fn.c;
  switch (fn.fn) {
    case Fn::kIdentity:
    case Fn::kStopGradient:
      return x;
    case Fn::kRelu:
      return f.relu(a, b, c);
    case Fn::kElu:
      return f.of("Elu", {{"alpha", a}});
    case Fn::kCelu:
      return f.of("Celu", {{"alpha", a}});
    case Fn::kSelu:
      return f.of("Selu");
    case Fn::kGelu:
      return f.gelu();
    case Fn::kGeluTanh:
      return f.gelu_tanh();
    case Fn::kSilu:
      return f.two("Mul", x, f.of("Sigmoid"));
    case Fn::kSigmoid:
      return f.of("Sigmoid");
    case Fn::kTanh:
      return f.of("Tanh");
    case Fn::kExp:
      return f.of("Exp");
    case Fn::kLog:
      return f.of("Log");
    case Fn::kSqrt:
      return f.of("Sqrt");
    case Fn::kRsqrt:
      return f.of("Reciprocal", f.of("Sqrt"));
    case Fn::kSquare:
      return f.two("Mul", x, x);
    case Fn::kAbs:
      return f.of("Abs");
    case Fn::kNegate:
      return f.of("Neg");
    case Fn::kSoftplus:
      return f.of("Softplus");
    case Fn::kSoftsign:
      return f.of("Softsign");
    case Fn::kHardSigmoid:
      return f.of("HardSigmoid", {{"alpha", a}, {"beta", b}});
    case Fn::kHardSilu:
      return f.of("HardSwish");
    case Fn::kClip:
      return f.clip(a, b);
    case Fn::kMish:
      return f.two("Mul", x, f.of("Tanh", f.of("Softplus")));
    case Fn::kLogSigmoid:
      return f.of("Neg", f.of("Softplus", f.of("Neg")));
    case Fn::kSparseSigmoid:
      return f.of("HardSigmoid", {{"alpha", 0.5f}, {"beta", 0.5f}});
    case Fn::kSparsePlus:
      return f.sparse_plus();
    case Fn::kSquareplus:
      return f.squareplus(a);
    case Fn::kSoftShrink:
      return f.of("Shrink", {{"lambd", a}, {"bias", a}});
    case Fn::kHardShrink:
      return f.of("Shrink", {{"lambd", a}, {"bias", 0.0f}});
    case Fn::kTanhShrink:
      return f.two("Sub", x, f.of("Tanh"));
    case Fn::kThreshold:
      return f.choose(f.with("Greater", a), x, f.number(b));
    case Fn::kAffine:
      return f.affine(a, b);
  }
  return x;
}

}  // namespace cornu::formats
