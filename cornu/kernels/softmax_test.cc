#include <gtest/gtest.h>

#include "cornu/kernels/kernel_check.h"

namespace cornu::kernels {
namespace {

using Kind = ops::Softmax::Kind;

const Shape kShapes[] = {{5, 10}, {3, 4, 16}, {700, 21}, {2, 1000}, {9, 1}, {33}};

TEST(Softmax, EqualsTheReference) {
  for (Kind kind : {Kind::kSoftmax, Kind::kLogSoftmax})
    for (const Shape& shape : kShapes)
      for (Check::Numbers numbers : {Check::Numbers::kReals, Check::Numbers::kPositive}) {
        Check check{ops::Softmax{kind}, {shape}, numbers};
        check_kernel("softmax", check);
        check.special = true;
        check_kernel("softmax", check);
      }
  EXPECT_EQ(kernel_for(ops::Softmax{Kind::kSparsemax}, {{3, 4}}), "");
}

TEST(Softmax, GradientEqualsTheReference) {
  for (Kind kind : {Kind::kSoftmax, Kind::kLogSoftmax})
    for (const Shape& shape : kShapes) {
      Check check{ops::SoftmaxGrad{kind}, {shape, shape}};
      check_kernel("softmax grad", check);
      check.special = true;
      check_kernel("softmax grad", check);
    }
  EXPECT_EQ(kernel_for(ops::SoftmaxGrad{Kind::kSparsemax}, {{3, 4}, {3, 4}}), "");
}

}  // namespace
}  // namespace cornu::kernels
