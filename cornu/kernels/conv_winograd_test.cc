#include <gtest/gtest.h>

#include <cmath>

#include "cornu/kernels/conv_cases.h"
#include "cornu/kernels/winograd.h"

namespace cornu::kernels {
namespace {

// With four points sums of small integers are exact; a result's rounding depends on its neighbours
// too. Six points lose some of the last digits.
void check_both(Check check) {
  check.strict = true;
  check_all("conv winograd", check, {Check::Numbers::kIntegers});
  check.loss = 1e-6;
  check_all("conv winograd", check, {Check::Numbers::kReals});
  check.strict = false;
  check.loss = 2e-5;
  check_all("conv winograd", check);
}

const Edge kOne{1, 1};

TEST(ConvWinograd, EqualsTheReference) {
  const Case cases[] = {
      // one axis
      {{17}, 16, 5, {3}},
      {{40}, 17, 33, {2}, {.pad = {{1, 0}}, .batch = 3}},
      {{61}, 24, 7, {3}, {.dilation = {8}, .pad = {{16, 0}}}},
      {{50}, 16, 20, {2}, {.dilation = {16}, .pad = {{16, 0}}}},
      // two axes
      {{4, 4}, 16, 16, {3, 3}},
      {{3, 3}, 16, 16, {3, 3}, {.pad = {kOne, kOne}}},
      {{13, 29}, 17, 64, {3, 3}, {.pad = {kOne, kOne}}},
      {{14, 15}, 64, 33, {3, 3}, {.pad = {{2, 3}, {0, 4}}, .batch = 2}},
      {{9, 10}, 37, 41, {2, 2}, {.bias = false}},
      {{9, 10}, 16, 8, {3, 2}, {.pad = {kOne, {0, 1}}, .batch = 2}},
      {{12, 11}, 20, 30, {3, 1}, {.pad = {kOne, {}}}},
      {{12, 11}, 20, 30, {1, 3}, {.pad = {{}, kOne}}},
      {{9, 9}, 32, 40, {3, 3}, {.pad = {kOne, kOne}, .groups = 2}},
      {{20, 21}, 16, 48, {3, 3}, {.dilation = {2, 3}, .pad = {{2, 2}, {3, 3}}}},
      {{8, 6}, 16, 16, {3, 3}, {.dilation = {5, 4}, .pad = {{5, 5}, {4, 4}}, .batch = 2}},
      {{6, 9}, 16, 16, {1, 3}, {.stride = {2, 1}, .pad = {{}, kOne}}},
      {{7, 7}, 100, 20, {3, 3}, {.pad = {kOne, kOne}, .batch = 3}},
      // three axes
      {{4, 5, 6}, 16, 9, {3, 3, 3}, {.pad = {kOne, kOne, kOne}}},
      {{11, 4, 5}, 18, 33, {2, 3, 3}, {.pad = {{1, 0}, kOne, kOne}, .batch = 2}},
      {{3, 6, 6}, 16, 16, {1, 3, 3}},
      {{9, 6, 6}, 16, 16, {3, 2, 2}, {.dilation = {4, 1, 2}, .pad = {{4, 4}, {}, {}}}},
      {{5, 6, 6}, 16, 16, {1, 3, 3}, {.stride = {2, 1, 1}}},
  };
  for (const Case& c : cases) check_both(conv(c));
}

TEST(ConvWinograd, TransposedEqualsTheReference) {
  const Case cases[] = {
      {{15}, 16, 20, {4}, {.stride = {2}, .pad = {kOne}}},
      {{7, 5}, 17, 33, {4, 4}, {.stride = {2, 2}, .pad = {kOne, kOne}, .batch = 2}},
      {{6, 6}, 16, 8, {3, 3}, {.stride = {2, 2}, .pad = {{0, 1}, {0, 1}}}},
      {{6, 7}, 16, 8, {6, 6}, {.stride = {3, 3}, .pad = {{2, 1}, {1, -1}}}},
      {{8, 8}, 16, 24, {3, 3}, {.pad = {kOne, kOne}}},
      {{8, 7}, 16, 24, {3, 3}, {.dilation = {2, 2}}},
      {{9, 8}, 16, 12, {3, 3}, {.dilation = {2, 3}, .pad = {kOne, kOne}, .batch = 2}},
      {{8, 8}, 32, 32, {3, 3}, {.groups = 2, .bias = false}},
      {{3, 4, 6}, 16, 5, {4, 4, 4}, {.stride = {2, 2, 2}, .pad = {kOne, kOne, kOne}}},
      {{3, 4, 5}, 16, 17, {2, 3, 3}, {.stride = {1, 1, 1}}},
  };
  for (const Case& c : cases) check_both(transposed(c));
}

TEST(ConvWinograd, SixPointsOfEveryNumberOfTaps) {
  // Only six points give two or more results of four and five taps.
  for (int64_t rows : {2, 3, 4, 5})
    for (int64_t columns : {4, 5}) {
      Check check = conv({{19, 23}, 32, 40, {rows, columns}, {.pad = {kOne, {2, 1}}}});
      check.loss = 2e-5;
      check_all("conv winograd", check);
    }
}

TEST(ConvWinograd, EveryActivation) {
  for (const ops::Unary& activation :
       {ops::Unary{Fn::kRelu, 0, kInfinity, 0}, ops::Unary{Fn::kRelu, 0.1f, 6, 0},
        ops::Unary{Fn::kTanh}, ops::Unary{Fn::kSigmoid}}) {
    Check check = conv({{9, 11}, 20, 37, {3, 3}, {.pad = {kOne, kOne}, .activation = activation}});
    check.loss = 2e-5;
    check.constant = {false, true, true};
    check_kernel("conv winograd", check);
  }
}

TEST(ConvWinograd, Adds) {
  check_adding("conv winograd", {{9, 11}, 20, 37, {3, 3}, {.pad = {kOne, kOne}, .batch = 2}}, 2e-5);
}

TEST(ConvWinograd, BitsDoNotDependOnThePlaceInTheBatch) {
  check_batch("conv winograd", conv({{8, 8}, 32, 32, {3, 3}, {.pad = {kOne, kOne}, .batch = 4}}));
  // Nor does the choice of kernel and transform, once the weights are known.
  for (const Ints& n : {Ints{4, 4}, Ints{5, 7}, Ints{7, 7}, Ints{8, 8}, Ints{9, 6}}) {
    Check check = conv({n, 64, 64, {3, 3}, {.pad = {kOne, kOne}, .batch = 9}});
    check.constant = {false, true, true};
    check_batch("", check);
  }
}

TEST(ConvWinograd, LeavesAloneWhatItDoesNotFit) {
  const auto name = [](const Check& check) { return kernel_for(check.op, check.in); };
  EXPECT_EQ(name(conv({{56, 56}, 64, 64, {3, 3}, {.pad = {kOne, kOne}}})), "conv winograd");
  EXPECT_EQ(name(conv({{56, 56}, 64, 64, {3, 3}, {.stride = {2, 2}}})), "conv direct");
  EXPECT_EQ(name(conv({{56, 56}, 64, 64, {1, 1}})), "conv direct");
  EXPECT_EQ(name(conv({{56, 56}, 3, 64, {3, 3}})), "conv direct");
  EXPECT_EQ(name(conv({{56, 56}, 64, 64, {7, 7}})), "conv direct");
}

}  // namespace
}  // namespace cornu::kernels
