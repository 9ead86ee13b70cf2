#include <gtest/gtest.h>

#include <cmath>

#include "cornu/kernels/kernel_check.h"

namespace cornu::kernels {
namespace {

using Kind = ops::Reduce::Kind;

TEST(Reduce, EqualsTheReference) {
  const std::pair<Shape, std::vector<int64_t>> cases[] = {
      {{3, 4, 5}, {0, 1}},      {{2, 7, 6, 37}, {0, 1, 2}},
      {{2, 7, 6, 37}, {1, 2}},  {{2, 7, 6, 37}, {0, 2}},
      {{3, 20, 30, 1}, {1, 2}}, {{300, 17}, {1}},
      {{5, 40}, {0}},           {{7, 9}, {0, 1}},
      {{70000}, {0}},           {{3, 50, 400}, {0, 2}},
      {{20, 1500}, {0}},        {{2, 100, 150, 3}, {0, 1, 2}},
      {{2, 3, 4}, {}},          {{}, {}},
      {{1, 1, 1}, {0, 2}},      {{2, 3, 4, 5, 6}, {1, 3}},
  };
  for (Kind kind : {Kind::kSum, Kind::kMean, Kind::kMax, Kind::kMin})
    for (const auto& [shape, axes] : cases) {
      Check check{ops::Reduce{kind, axes}, {shape}};
      check_kernel("reduce", check);
      check.numbers = Check::Numbers::kIntegers;
      check_kernel("reduce", check);
      check.numbers = Check::Numbers::kReals;
      check.special = true;
      check_kernel("reduce", check);
    }
  EXPECT_EQ(kernel_for(ops::Reduce{Kind::kSum, {1}}, {{3, 0}}), "");
  EXPECT_EQ(kernel_for(ops::Reduce{Kind::kSum, {0, 2, 4}}, {{2, 3, 4, 5, 6, 7}}), "");
}

struct Normalized {
  Shape x;
  int64_t axis;
};
const Normalized kNormalized[] = {{{2, 3, 4, 17}, 3},  {{2, 3, 4, 17}, 1},  {{3, 5}, 1},
                                  {{2, 40, 50, 9}, 3}, {{2, 9, 25, 40}, 1}, {{2, 30, 30, 64}, 3},
                                  {{6, 20, 30, 1}, 3}, {{1, 4, 1}, 2},      {{700, 130}, 1},
                                  {{30, 40}, 0}};
const Check::Numbers kNumbers[] = {Check::Numbers::kReals, Check::Numbers::kPositive};

TEST(BatchNorm, Forward) {
  for (const auto& [x, axis] : kNormalized) {
    const Shape c{x[axis]};
    check_kernel("batch norm", {ops::BatchNorm{axis, 1e-3f}, {x, c, c, c, c}, kNumbers[1]});
    for (const ops::Unary& fn :
         {ops::Unary{ops::Unary::Fn::kRelu, 0, INFINITY},
          ops::Unary{ops::Unary::Fn::kRelu, 0.1f, 1, 0.2f}, ops::Unary{ops::Unary::Fn::kTanh}}) {
      const ops::BatchNorm norm{.axis = axis, .activation = fn};
      check_kernel("batch norm", {norm, {x, c, c, c, c}, kNumbers[1]});
    }
  }
}

TEST(BatchNorm, Moments) {
  for (const auto& [x, axis] : kNormalized)
    for (Check::Numbers numbers : kNumbers)
      check_kernel("moments", {ops::Moments{axis}, {x}, numbers});
}

TEST(BatchNorm, Sums) {
  for (const auto& [x, axis] : kNormalized) {
    const Shape c{x[axis]};
    check_kernel("batch norm sums", {ops::BatchNormSums{axis, 1e-3f}, {x, c, c, x}, kNumbers[1]});
  }
}

TEST(BatchNorm, Gradient) {
  for (const auto& [x, axis] : kNormalized) {
    const Shape c{x[axis]};
    check_kernel(
        "batch norm grad",
        {ops::BatchNormGrad{axis, 1e-3f}, {x, c, c, c, x, Shape{2, x[axis]}}, kNumbers[1]});
  }
}

TEST(BatchNorm, KeepsNaNWhereItBelongs) {
  const Shape x{3, 7, 20}, c{20};
  check_kernel("moments", {ops::Moments{2}, {x}, kNumbers[0], {}, true});
  check_kernel("batch norm", {ops::BatchNorm{2, 1e-3f}, {x, c, c, c, c}, kNumbers[1], {}, true});
  check_kernel("batch norm sums",
               {ops::BatchNormSums{2, 1e-3f}, {x, c, c, x}, kNumbers[1], {}, true});
  check_kernel(
      "batch norm grad",
      {ops::BatchNormGrad{2, 1e-3f}, {x, c, c, c, x, Shape{2, 20}}, kNumbers[1], {}, true});
}

}  // namespace
}  // namespace cornu::kernels
