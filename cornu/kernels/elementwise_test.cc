#include <gtest/gtest.h>

#include <limits>

#include "cornu/kernels/kernel_check.h"
#include "cornu/ops/unary_grad.h"

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

TEST(Elementwise, EveryUnaryGrad) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<Unary> all;
  for (int fn = 0; fn <= static_cast<int>(Fn::kStopGradient); ++fn)
    all.push_back({static_cast<Fn>(fn), 0.3f, 0.7f, 0.1f});
  for (const Unary& relu : {Unary{Fn::kRelu, 0, kInfinity, 0}, Unary{Fn::kRelu, 0.1f, 0.5f, 0},
                            Unary{Fn::kRelu, -0.5f, 0.5f, -0.25f}})
    all.push_back(relu);
  for (const Unary& fn : all)
    for (bool from_output : {false, true}) {
      if (from_output && !ops::output_tells_derivative(fn)) continue;
      for (const Shape& shape : {Shape{2, 3, 17}, Shape{1, 40000}, Shape{}, Shape{0, 4}}) {
        Check check{ops::UnaryGrad{fn, from_output}, {shape, shape}};
        if (fn.fn == Fn::kLog || fn.fn == Fn::kSqrt || fn.fn == Fn::kRsqrt)
          check.numbers = Check::Numbers::kPositive;
        check_kernel("unary grad", check);
        check.special = shape.size() > 0;
        check_kernel("unary grad", check);
      }
    }
}

TEST(Elementwise, Broadcast) {
  const std::pair<Shape, Shape> cases[] = {{{5}, {2, 3, 5}},         {{2, 1, 1, 7}, {2, 30, 40, 7}},
                                           {{2, 3, 1}, {2, 3, 900}}, {{}, {4, 5}},
                                           {{1}, {70000}},           {{3, 4}, {3, 4}},
                                           {{1, 4}, {0, 4}},         {{2, 1, 3}, {2, 9000, 3}}};
  for (const auto& [from, to] : cases) check_kernel("broadcast", {ops::Broadcast{to}, {from}});
  EXPECT_EQ(kernel_for(ops::Broadcast{{4, 5, 6}}, {{1, 5, 1}}), "");
}

}  // namespace
}  // namespace cornu::kernels
