#include <gtest/gtest.h>

#include "cornu/kernels/conv_cases.h"

namespace cornu::kernels {
namespace {

const Edge kOne{1, 1};

TEST(ConvFew, EqualsTheReference) {
  const Case cases[] = {
      {{9}, 5, 1, {3}},
      {{40}, 16, 2, {9}, {.pad = {{4, 4}}, .batch = 3}},
      {{31}, 15, 3, {5}, {.dilation = {8}, .pad = {{32, 0}}}},
      {{5, 7}, 1, 1, {3, 3}, {.pad = {kOne, kOne}}},
      {{13, 29}, 64, 3, {3, 3}, {.pad = {kOne, kOne}, .batch = 2}},
      {{12, 9}, 17, 4, {5, 4}, {.pad = {{2, 2}, {3, 0}}, .bias = false}},
      {{12, 9}, 33, 4, {3, 3}, {.pad = {kOne, kOne}}},
      {{12, 9}, 8, 2, {1, 3}},
      {{21, 20}, 12, 3, {3, 3}, {.stride = {2, 3}, .pad = {kOne, {0, 1}}}},
      {{20, 19}, 12, 1, {3, 3}, {.dilation = {2, 4}, .pad = {{2, 2}, {4, 4}}, .batch = 2}},
      {{3, 3}, 6, 3, {3, 3}, {.pad = {{5, 4}, {6, 7}}}},
      // Lines read again after later ones, as the taps between them lie beside x.
      {{17, 9}, 4, 4, {3, 1}, {.stride = {3, 2}, .dilation = {12, 2}, .pad = {{12, 12}, {}}}},
  };
  for (const Case& c : cases) check_all("conv few", conv(c));
}

TEST(ConvFew, TransposedEqualsTheReference) {
  const Case cases[] = {
      {{6}, 4, 2, {5}, {.stride = {3}, .pad = {kOne}}},
      {{4}, 2, 3, {2}, {.stride = {5}, .batch = 2}},
      {{14, 13}, 24, 1, {5, 5}, {.stride = {2, 2}, .pad = {{1, 2}, {1, 2}}, .batch = 2}},
      {{7, 5}, 17, 3, {4, 4}, {.stride = {2, 2}, .pad = {kOne, kOne}, .bias = false}},
      {{6, 6}, 16, 4, {3, 3}, {.stride = {2, 2}, .pad = {{0, -1}, {0, -1}}}},
      {{5, 5}, 4, 3, {3, 2}, {.dilation = {2, 2}}},
  };
  for (const Case& c : cases) check_all("conv few", transposed(c));
}

TEST(ConvFew, KeepsNaNInfinityAndActivations) {
  Check check = conv({{9, 11}, 20, 3, {3, 3}, {.pad = {kOne, {2, 2}}}});
  check.special = true;
  check_all("conv few", check);
  for (const ops::Unary& activation :
       {ops::Unary{Fn::kRelu, 0.1f, 6, 0}, ops::Unary{Fn::kTanh}, ops::Unary{Fn::kSigmoid}})
    check_all("conv few",
              conv({{9, 11}, 20, 3, {3, 3}, {.pad = {kOne, kOne}, .activation = activation}}),
              {Check::Numbers::kReals});
}

TEST(ConvFew, Adds) {
  check_adding("conv few", {{9, 11}, 20, 3, {3, 3}, {.pad = {kOne, kOne}, .batch = 2}});
}

TEST(ConvFew, IsChosenWhereItSavesWork) {
  const auto name = [](const Check& check) { return kernel_for(check.op, check.in); };
  EXPECT_EQ(name(conv({{128, 128}, 66, 3, {3, 3}, {.pad = {kOne, kOne}}})), "conv few");
  EXPECT_EQ(name(conv({{14, 14}, 64, 1, {3, 3}, {.pad = {kOne, kOne}}})), "conv few");
  EXPECT_NE(name(conv({{128, 128}, 64, 1, {1, 1}})), "conv few");
  EXPECT_NE(name(conv({{128, 128}, 64, 3, {3, 3}, {.stride = {2, 2}}})), "conv few");
}

}  // namespace
}  // namespace cornu::kernels
