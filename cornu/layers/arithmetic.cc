#include "cornu/layers/arithmetic.h"

#include <algorithm>
#include <cmath>

#include "cornu/layers/check.h"

namespace cornu {
namespace layers {
namespace {

using Binary = ops::Binary::Fn;
using Unary = ops::Unary::Fn;

struct Operation {
  const char* class_name;
  std::optional<Binary> binary;  // of two arguments, else of one
  Unary unary = Unary::kIdentity;
};

constexpr Operation kOperations[] = {
    {"Add", Binary::kAdd},
    {"Subtract", Binary::kSubtract},
    {"Multiply", Binary::kMultiply},
    {"Divide", Binary::kDivide},
    {"TrueDivide", Binary::kDivide},
    {"Maximum", Binary::kMaximum},
    {"Minimum", Binary::kMinimum},
    {"Power", Binary::kPower},
    {"Negative", {}, Unary::kNegate},
    {"Absolute", {}, Unary::kAbs},
    {"Square", {}, Unary::kSquare},
    {"Sqrt", {}, Unary::kSqrt},
    {"Exp", {}, Unary::kExp},
    {"Log", {}, Unary::kLog},
};

const Operation* find_operation(const std::string& class_name) {
  for (const Operation& operation : kOperations)
    if (class_name == operation.class_name) return &operation;
  return nullptr;
}

class ArithmeticImpl final : public LayerImpl {
 public:
  ArithmeticImpl(const Operation& operation, const std::string& name, ArithmeticArguments arguments)
      : LayerImpl(operation.class_name, {.name = name}),
        operation_(operation),
        arguments_(std::move(arguments)) {
    const size_t needed = operation.binary ? 2 : 1;
    if (arguments_.size() != needed)
      throw ValueError(
          where().message("it takes ", needed, " arguments. Received: ", arguments_.size()));
    for (const auto& argument : arguments_)
      if (argument) check_finite(where(), "constant", *argument);
    if (tensors() == 0) throw ValueError(where().message("one of its arguments must be a tensor"));
  }

  const ArithmeticArguments& arguments() const { return arguments_; }

  base::Json config() const override { return base::Json::object(); }

  std::vector<Shape> output_shapes(const std::vector<Shape>& in) const override {
    if (std::ssize(in) != tensors())
      throw ValueError(
          where().message("it takes ", tensors(), " tensors. Received: ", in.size(), " inputs"));
    return {in.size() == 1 ? in[0] : broadcast(in[0], in[1])};
  }

  std::vector<graph::Value> lower(graph::Builder& g,
                                  const std::vector<graph::Value>& in) const override {
    if (!operation_.binary) return {g.unary(operation_.unary, in[0])};
    if (in.size() == 2) return {g.binary(*operation_.binary, in[0], in[1])};
    const bool constant_first = arguments_[0].has_value();
    const double c = constant_first ? *arguments_[0] : *arguments_[1];
    return {constant_first ? with_first(g, c, in[0]) : with_second(g, in[0], c)};
  }

 private:
  int64_t tensors() const { return std::count(arguments_.begin(), arguments_.end(), std::nullopt); }

  // What is a x + b as one elementwise op, which fuses better than a tensor of one number.
  graph::Value with_first(graph::Builder& g, double c, graph::Value x) const {
    if (operation_.binary == Binary::kAdd || operation_.binary == Binary::kMultiply)
      return with_second(g, x, c);
    if (operation_.binary == Binary::kSubtract) return affine(g, x, -1, c);
    return g.binary(*operation_.binary, g.scalar(static_cast<float>(c)), x);
  }
  graph::Value with_second(graph::Builder& g, graph::Value x, double c) const {
    switch (*operation_.binary) {
      case Binary::kAdd:
        return affine(g, x, 1, c);
      case Binary::kSubtract:
        return affine(g, x, 1, -c);
      case Binary::kMultiply:
        return affine(g, x, c, 0);
      case Binary::kPower:
        if (c == 2) return g.unary(Unary::kSquare, x);
        break;
      default:
        break;
    }
    return g.binary(*operation_.binary, x, g.scalar(static_cast<float>(c)));
  }
  static graph::Value affine(graph::Builder& g, graph::Value x, double a, double b) {
    return g.unary(Unary::kAffine, x, static_cast<float>(a), static_cast<float>(b));
  }

  // NumPy's rule; None with a size above 1 is that size, as in Keras.
  Shape broadcast(const Shape& a, const Shape& b) const {
    Shape out = a.rank() >= b.rank() ? a : b;
    const Shape& other = a.rank() >= b.rank() ? b : a;
    for (int64_t i = 1; i <= other.rank(); ++i) {
      const int64_t m = out[-i], n = other[-i];
      if (m == n || n == 1) continue;
      if (m != 1 && m != Dim::kUnknown && n != Dim::kUnknown)
        throw ValueError(
            where().message("shapes do not broadcast. Received: shapes ", a, " and ", b));
      if (n != Dim::kUnknown || m == 1) out[-i] = n;
    }
    return out;
  }

  const Operation& operation_;
  ArithmeticArguments arguments_;
};

Symbol apply(const char* class_name, const Symbols& tensors, ArithmeticArguments arguments) {
  return make_arithmetic(class_name, "", std::move(arguments))(tensors);
}
Symbol apply(const char* class_name, const Symbol& a, const Symbol& b) {
  return apply(class_name, {a, b}, {None, None});
}
Symbol apply(const char* class_name, const Symbol& a, double b) {
  return apply(class_name, {a}, {None, b});
}
Symbol apply(const char* class_name, double a, const Symbol& b) {
  return apply(class_name, {b}, {a, None});
}
Symbol apply(const char* class_name, const Symbol& x) { return apply(class_name, {x}, {None}); }

}  // namespace

Layer make_arithmetic(const std::string& class_name, const std::string& name,
                      ArithmeticArguments arguments) {
  const Operation* operation = find_operation(class_name);
  if (!operation)
    throw ValueError(
        Where{"operation", name}.message("unknown operation ", base::quoted(class_name)));
  return Layer(std::make_shared<ArithmeticImpl>(*operation, name, std::move(arguments)));
}

bool is_arithmetic(const std::string& class_name) { return find_operation(class_name) != nullptr; }

const ArithmeticArguments* arithmetic_arguments(const LayerImpl& layer) {
  const auto* arithmetic = dynamic_cast<const ArithmeticImpl*>(&layer);
  return arithmetic ? &arithmetic->arguments() : nullptr;
}

}  // namespace layers

using layers::apply;

Symbol operator+(const Symbol& a, const Symbol& b) { return apply("Add", a, b); }
Symbol operator+(const Symbol& a, double b) { return apply("Add", a, b); }
Symbol operator+(double a, const Symbol& b) { return apply("Add", a, b); }
Symbol operator-(const Symbol& a, const Symbol& b) { return apply("Subtract", a, b); }
Symbol operator-(const Symbol& a, double b) { return apply("Subtract", a, b); }
Symbol operator-(double a, const Symbol& b) { return apply("Subtract", a, b); }
Symbol operator*(const Symbol& a, const Symbol& b) { return apply("Multiply", a, b); }
Symbol operator*(const Symbol& a, double b) { return apply("Multiply", a, b); }
Symbol operator*(double a, const Symbol& b) { return apply("Multiply", a, b); }
Symbol operator/(const Symbol& a, const Symbol& b) { return apply("TrueDivide", a, b); }
Symbol operator/(const Symbol& a, double b) { return apply("TrueDivide", a, b); }
Symbol operator/(double a, const Symbol& b) { return apply("TrueDivide", a, b); }
Symbol operator-(const Symbol& x) { return apply("Negative", x); }
Symbol power(const Symbol& a, double b) { return apply("Power", a, b); }
Symbol maximum(const Symbol& a, const Symbol& b) { return apply("Maximum", a, b); }
Symbol maximum(const Symbol& a, double b) { return apply("Maximum", a, b); }
Symbol minimum(const Symbol& a, const Symbol& b) { return apply("Minimum", a, b); }
Symbol minimum(const Symbol& a, double b) { return apply("Minimum", a, b); }
Symbol absolute(const Symbol& x) { return apply("Absolute", x); }
Symbol square(const Symbol& x) { return apply("Square", x); }
Symbol sqrt(const Symbol& x) { return apply("Sqrt", x); }
Symbol exp(const Symbol& x) { return apply("Exp", x); }

}  // namespace cornu
