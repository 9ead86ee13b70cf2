#include <gtest/gtest.h>

#include <limits>

#include "cornu/kernels/kernel_check.h"

namespace cornu::kernels {
namespace {

using ops::Unary;
using Fn = Unary::Fn;

TEST(Elementwise, EveryUnary) {
  for (int fn = 0; fn <= static_cast<int>(Fn::kAffine); ++fn)
    for (const Shape& shape : {Shape{2, 3, 17}, Shape{1, 70000}, Shape{}, Shape{0, 4}}) {
      const auto f = static_cast<Fn>(fn);
      Check check{Unary{f, 0.3f, 0.7f, 0.1f}, {shape}};
      if (f == Fn::kLog || f == Fn::kSqrt || f == Fn::kRsqrt)
        check.numbers = Check::Numbers::kPositive;
      check_kernel("unary", check);
      check.special = shape.size() > 0;
      check_kernel("unary", check);
    }
}

TEST(Elementwise, EveryRelu) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const Unary& relu : {Unary{Fn::kRelu, 0, kInfinity, 0}, Unary{Fn::kRelu, 0.1f, 6, 0},
                            Unary{Fn::kRelu, -0.5f, 0.5f, -0.25f}}) {
    Check check{relu, {Shape{3, 5, 50}}, Check::Numbers::kIntegers};
    check_kernel("unary", check);
    check.special = true;
    check_kernel("unary", check);
  }
}

TEST(Elementwise, EveryBinary) {
  const std::vector<std::vector<Shape>> shapes = {
      {{2, 3, 4, 5}, {2, 3, 4, 5}},
      {{2, 3, 4, 5}, {5}},
      {{1}, {2, 3, 4, 5}},
      {{2, 3, 4, 5}, {}},
      {{2, 3, 4, 5}, {2, 1, 1, 5}},
      {{2, 3, 4, 1}, {2, 3, 4, 5}},
      {{2, 1, 1, 1}, {2, 3, 4, 5}},
      {{4, 1}, {1, 6}},
      {{5}, {2, 3, 1, 1}},
      {{1, 1}, {1, 1}},
      {{0, 4}, {4}},
      {{3, 1, 700}, {1, 90, 700}},
      {{2, 300, 70}, {300, 1}},
      {{}, {}},
      {{1, 5, 1}, {4, 5, 6}},
  };
  for (int fn = 0; fn <= static_cast<int>(ops::Binary::Fn::kPower); ++fn)
    for (const auto& in : shapes) {
      const auto f = static_cast<ops::Binary::Fn>(fn);
      const ops::Op op = ops::Binary{f};
      // An operand that repeats along two separate stretches of axes is for the reference loops.
      const std::string kernel = kernel_for(op, in);
      if (in[0] == Shape{1, 5, 1} || in[1] == Shape{300, 1}) {
        EXPECT_EQ(kernel, "");
        continue;
      }
      Check check{op, in, Check::Numbers::kPositive};
      check_kernel("binary", check);
      if (f == ops::Binary::Fn::kPower) continue;
      check.numbers = Check::Numbers::kReals;
      check_kernel("binary", check);
      check.special = in[0].size() > 0;
      check_kernel("binary", check);
    }
}

TEST(Elementwise, BatchNorm) {
  for (const Shape& x : {Shape{2, 3, 4, 17}, Shape{3, 5}, Shape{2, 40, 50, 9}})
    for (int64_t axis : {int64_t{1}, x.rank() - 1}) {
      const Shape channels{x[axis]};
      check_kernel("batch norm", {ops::BatchNorm{axis, 1e-3f},
                                  {x, channels, channels, channels, channels},
                                  Check::Numbers::kPositive});
    }
}

}  // namespace
}  // namespace cornu::kernels
