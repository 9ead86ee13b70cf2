#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cornu/layers/layer.h"

// Arithmetic on symbols, as in Keras 3: `x + y`, `2 * x`, `-x`, `power(x, 2)`. Each makes a node of
// its own in the model, named after the operation ("add", "subtract_1", …). Sizes broadcast over
// trailing axes as in NumPy (unlike the merging layers): ValueError where they do not.
// https://keras.io/api/ops/numpy/.
namespace cornu {

CORNU_API Symbol operator+(const Symbol& a, const Symbol& b);
CORNU_API Symbol operator+(const Symbol& a, double b);
CORNU_API Symbol operator+(double a, const Symbol& b);
CORNU_API Symbol operator-(const Symbol& a, const Symbol& b);
CORNU_API Symbol operator-(const Symbol& a, double b);
CORNU_API Symbol operator-(double a, const Symbol& b);
CORNU_API Symbol operator*(const Symbol& a, const Symbol& b);
CORNU_API Symbol operator*(const Symbol& a, double b);
CORNU_API Symbol operator*(double a, const Symbol& b);
CORNU_API Symbol operator/(const Symbol& a, const Symbol& b);
CORNU_API Symbol operator/(const Symbol& a, double b);
CORNU_API Symbol operator/(double a, const Symbol& b);
CORNU_API Symbol operator-(const Symbol& x);
CORNU_API Symbol power(const Symbol& a, double b);
CORNU_API Symbol maximum(const Symbol& a, const Symbol& b);
CORNU_API Symbol maximum(const Symbol& a, double b);
CORNU_API Symbol minimum(const Symbol& a, const Symbol& b);
CORNU_API Symbol minimum(const Symbol& a, double b);
CORNU_API Symbol absolute(const Symbol& x);
CORNU_API Symbol square(const Symbol& x);
CORNU_API Symbol sqrt(const Symbol& x);
CORNU_API Symbol exp(const Symbol& x);

namespace layers {

// One entry per argument of the operation: a number, or nothing for a tensor.
using ArithmeticArguments = std::vector<std::optional<double>>;

// The operation that a file's node names: class_name "Add", "Subtract", "Multiply", "Divide",
// "TrueDivide", "Maximum", "Minimum", "Power" with two arguments; "Negative", "Absolute", "Square",
// "Sqrt", "Exp", "Log" with one. It is called on the tensors among its arguments, in their order.
// Empty name: an automatic one. ValueError for an unknown class, a wrong number of arguments, no
// tensor among them or a constant that is not finite.
CORNU_API Layer make_arithmetic(const std::string& class_name, const std::string& name,
                                ArithmeticArguments arguments);

// True for a class name that make_arithmetic() knows.
CORNU_API bool is_arithmetic(const std::string& class_name);

// The arguments of such a layer, for writing it; null for any other layer.
CORNU_API const ArithmeticArguments* arithmetic_arguments(const LayerImpl& layer);

}  // namespace layers
}  // namespace cornu
