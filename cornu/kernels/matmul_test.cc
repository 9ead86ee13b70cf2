#include <gtest/gtest.h>

#include "cornu/kernels/kernel_check.h"

namespace cornu::kernels {
namespace {

TEST(MatMul, EqualsTheReference) {
  const std::pair<Shape, Shape> cases[] = {
      {{1, 1, 1}, {1, 1, 1}},      {{2, 5, 7}, {2, 7, 3}},       {{3, 40, 33}, {3, 33, 65}},
      {{1, 130, 20}, {1, 20, 16}}, {{2, 17, 300}, {2, 300, 70}}, {{4, 1, 9}, {4, 9, 1}},
      {{2, 3, 0}, {2, 0, 4}},      {{0, 3, 2}, {0, 2, 4}},       {{2, 0, 3}, {2, 3, 5}},
      {{2, 3, 4}, {2, 4, 0}}};
  for (const auto& [a, b] : cases) {
    Check check{ops::MatMul{}, {a, b}};
    check_kernel("matmul", check);
    check.numbers = Check::Numbers::kIntegers;
    check_kernel("matmul", check);
    if (a.size() == 0) continue;
    check.special = true;
    check_kernel("matmul", check);
  }
}

}  // namespace
}  // namespace cornu::kernels
