#include <gtest/gtest.h>

#include "cornu/kernels/conv_cases.h"

namespace cornu::kernels {
namespace {

const Edge kOne{1, 1};

TEST(ConvDot, EqualsTheReference) {
  const Case cases[] = {
      {{}, 48, 3, {}, {.batch = 5}},
      {{}, 64, 1, {}, {.batch = 40, .bias = false}},
      {{9}, 16, 1, {3}},
      {{40}, 16, 2, {9}, {.pad = {{4, 4}}, .batch = 3}},
      {{31}, 16, 3, {5}, {.dilation = {8}, .pad = {{32, 0}}}},
      {{5, 7}, 32, 1, {3, 3}, {.pad = {kOne, kOne}}},
      {{13, 29}, 64, 3, {3, 3}, {.pad = {kOne, kOne}, .batch = 2}},
      {{12, 9}, 16, 4, {5, 4}, {.pad = {{2, 2}, {3, 0}}, .bias = false}},
      {{12, 9}, 48, 4, {3, 3}, {.pad = {kOne, kOne}}},
      {{12, 9}, 80, 2, {1, 3}},
      {{30, 33}, 64, 1, {1, 1}},
      {{3, 3}, 112, 4, {1, 1}, {.batch = 7}},
      {{21, 20}, 32, 3, {3, 3}, {.stride = {2, 3}, .pad = {kOne, {0, 1}}}},
      {{20, 19}, 16, 1, {3, 3}, {.dilation = {2, 4}, .pad = {{2, 2}, {4, 4}}, .batch = 2}},
      {{3, 3}, 16, 3, {3, 3}, {.pad = {{5, 4}, {6, 7}}}},
      {{17, 9}, 16, 4, {3, 1}, {.stride = {3, 2}, .dilation = {12, 2}, .pad = {{12, 12}, {}}}},
      {{5, 4, 6}, 16, 2, {3, 2, 3}, {.pad = {kOne, {1, 0}, kOne}}},
      {{5, 5}, 16, 3, {3, 3}, {.batch = 0}},
  };
  for (const Case& c : cases) check_all("conv dot", conv(c));
}

TEST(ConvDot, TransposedEqualsTheReference) {
  const Case cases[] = {
      {{6}, 16, 2, {5}, {.stride = {3}, .pad = {kOne}}},
      {{4}, 32, 3, {2}, {.stride = {5}, .batch = 2}},
      {{14, 13}, 32, 1, {5, 5}, {.stride = {2, 2}, .pad = {{1, 2}, {1, 2}}, .batch = 2}},
      {{7, 5}, 16, 3, {4, 4}, {.stride = {2, 2}, .pad = {kOne, kOne}, .bias = false}},
      {{6, 6}, 16, 4, {3, 3}, {.stride = {2, 2}, .pad = {{0, -1}, {0, -1}}}},
      {{5, 5}, 80, 3, {3, 2}, {.dilation = {2, 2}}},
  };
  for (const Case& c : cases) check_all("conv dot", transposed(c));
}

TEST(ConvDot, KeepsNaNInfinityAndActivations) {
  Check check = conv({{9, 11}, 32, 3, {3, 3}, {.pad = {kOne, {2, 2}}}});
  check.special = true;
  check_all("conv dot", check);
  for (const ops::Unary& activation :
       {ops::Unary{Fn::kRelu, 0.1f, 6, 0}, ops::Unary{Fn::kTanh}, ops::Unary{Fn::kSigmoid}})
    check_all("conv dot",
              conv({{9, 11}, 32, 3, {3, 3}, {.pad = {kOne, kOne}, .activation = activation}}),
              {Check::Numbers::kReals});
}

TEST(ConvDot, Adds) {
  check_adding("conv dot", {{9, 11}, 32, 3, {3, 3}, {.pad = {kOne, kOne}, .batch = 2}});
}

TEST(ConvDot, BitsDoNotDependOnTheBatch) {
  check_batch("conv dot", conv({{8, 9}, 32, 3, {3, 3}, {.pad = {kOne, kOne}, .batch = 4}}));
}

TEST(ConvDot, IsChosenWhereItSavesWork) {
  const auto name = [](const Check& check) { return kernel_for(check.op, check.in); };
  EXPECT_EQ(name(conv({{128, 128}, 64, 3, {3, 3}, {.pad = {kOne, kOne}}})), "conv dot");
  EXPECT_EQ(name(conv({{128, 128}, 64, 1, {1, 1}})), "conv dot");
  EXPECT_NE(name(conv({{14, 14}, 64, 1, {3, 3}})), "conv dot");
  EXPECT_NE(name(conv({{128, 128}, 64, 5, {3, 3}})), "conv dot");
  EXPECT_NE(name(conv({{128, 128}, 20, 3, {3, 3}})), "conv dot");
}

}  // namespace
}  // namespace cornu::kernels
