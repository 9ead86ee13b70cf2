#pragma once

// Families of elementwise ops.

#include <limits>

#include "tests/gradients/trial.h"

namespace cornu::testing {

inline constexpr float kNoLimit = std::numeric_limits<float>::infinity();

// Some parameters for a function, in turn.
inline ops::Unary unary_with(ops::Unary::Fn fn, int64_t variant) {
  using Fn = ops::Unary::Fn;
  const auto choose = [&](std::array<std::array<float, 3>, 4> sets) {
    const auto& set = sets[static_cast<size_t>(variant)];
    return ops::Unary{fn, set[0], set[1], set[2]};
  };
  switch (fn) {
    case Fn::kRelu:
      return choose({{{0, kNoLimit, 0}, {0.25f, 1.5f, 0}, {0.5f, 1.5f, 1}, {-0.5f, kNoLimit, 0}}});
    case Fn::kElu:
    case Fn::kCelu:
      return choose({{{1}, {0.5f}, {2}, {-0.5f}}});
    case Fn::kHardSigmoid:
      return choose({{{1 / 6.f, 0.5f}, {0.2f, 0.5f}, {0.5f, 0.25f}, {-0.25f, 0.5f}}});
    case Fn::kClip:
      return choose({{{-1, 1}, {0, 1}, {-2, -1}, {-1, kNoLimit}}});
    case Fn::kSquareplus:
      return choose({{{4}, {1}, {0.25f}, {2}}});
    case Fn::kSoftShrink:
    case Fn::kHardShrink:
      return choose({{{0.5f}, {0}, {1}, {0.25f}}});
    case Fn::kThreshold:
      return choose({{{0.5f, -3}, {0, 0}, {1, 2}, {-1, 0.5f}}});
    case Fn::kAffine:
      return choose({{{2, -3}, {1, 0.5f}, {0, 1}, {-1, 0}}});
    default:
      return {fn};
  }
}

inline graph::Value unary_family(Trial& t, Pick& pick) {
  using Fn = ops::Unary::Fn;
  // All but kStopGradient, the last.
  const auto fn = static_cast<Fn>(pick.below(static_cast<int64_t>(Fn::kStopGradient)));
  const ops::Unary op = unary_with(fn, pick.below(4));
  const Shape shape = pick.of<Shape>({{2, 3, 17}, {5}, {1, 1}, {}});
  const bool positive = fn == Fn::kLog || fn == Fn::kSqrt || fn == Fn::kRsqrt;
  const graph::Value x = positive ? t.input(shape, 0.25, 4) : t.input(shape, -4, 4);
  const graph::Value y = t.g.add(op, {x});
  // Once more behind a weight, so that what flows in is not what the test gave.
  return pick({0, 1}) ? t.g.binary(ops::Binary::Fn::kMultiply, y, t.g.scalar(0.75f)) : y;
}

struct Operands {
  Tensor a, b;
};

// Where the function is smooth: no zero divisors, no ties, powers of positive numbers.
inline Operands operands_for(ops::Binary::Fn fn, Trial& t, const Shape& a, const Shape& b) {
  using Fn = ops::Binary::Fn;
  switch (fn) {
    case Fn::kDivide:
      return {t.numbers(a), t.numbers(b, 0.5, 2)};
    case Fn::kPower:
      return {t.numbers(a, 0.5, 2), t.numbers(b)};
    default: {
      Operands operands{t.numbers(a), t.numbers(b)};
      for (float& v : operands.b.values()) v += 1 / 32.f;  // an odd number of steps from a
      return operands;
    }
  }
}

inline graph::Value binary_family(Trial& t, Pick& pick) {
  using Fn = ops::Binary::Fn;
  const auto fn = static_cast<Fn>(pick.below(static_cast<int64_t>(Fn::kEqual) + 1));
  const std::array<Shape, 2> shapes = pick.of<std::array<Shape, 2>>({{{{2, 3, 4}, {2, 3, 4}}},
                                                                     {{{}, {2, 3}}},
                                                                     {{{2, 3}, {}}},
                                                                     {{{2, 3, 4}, {4}}},
                                                                     {{{3, 1}, {2, 3, 4}}},
                                                                     {{{2, 1, 4}, {1, 3, 1}}},
                                                                     {{{1}, {5}}},
                                                                     {{{17}, {2, 1, 17}}},
                                                                     {{{1, 1}, {1, 1}}},
                                                                     {{{3, 4}, {2, 1, 1, 4}}},
                                                                     {{{}, {}}}});
  const int64_t operands = pick({0, 1, 2, 3});
  const Operands numbers = operands_for(fn, t, shapes[0], shapes[1]);
  if (operands == 1) return t.g.binary(fn, t.g.constant(numbers.a), t.input(numbers.b));
  const bool positive = fn == Fn::kPower;
  const graph::Value a =
      t.input(operands == 2 && positive ? t.numbers(shapes[0], 0.5, 2) : numbers.a);
  if (operands == 2) return t.g.binary(fn, a, a);
  if (operands == 3) return t.g.binary(fn, a, t.g.constant(numbers.b));
  return t.g.binary(fn, a, t.input(numbers.b));
}

// Whole powers of numbers of either sign.
inline graph::Value power_family(Trial& t, Pick& pick) {
  const float exponent = pick.of({0.0f, 1.0f, 2.0f, 3.0f, -1.0f, -2.0f});
  const bool negative = pick({0, 1});
  const Shape shape = pick.of<Shape>({{2, 3}, {17}, {1}, {}});
  const Shape exponents = pick.of<Shape>({{}, {1}});
  const graph::Value x = t.input(negative ? t.numbers(shape, -2, -0.5) : t.numbers(shape, 0.5, 2));
  return t.g.binary(ops::Binary::Fn::kPower, x, t.g.constant(Tensor::full(exponents, exponent)));
}

inline std::vector<Family> elementwise_families() {
  return {{"Unary", 2, unary_family}, {"Binary", 3, binary_family}, {"Power", 1, power_family}};
}

}  // namespace cornu::testing
