#include <gtest/gtest.h>

#include <limits>

#include "cornu/kernels/conv_cases.h"

namespace cornu::kernels {
namespace {

TEST(ConvDirect, EqualsTheReference) {
  const Case cases[] = {
      // Dense layers
      {{}, 1, 1, {}},
      {{}, 37, 41, {}, {.batch = 5}},
      {{}, 64, 10, {}, {.batch = 33, .bias = false}},
      {{}, 3, 200, {}, {.batch = 2}},
      // one axis
      {{17}, 3, 5, {3}},
      {{40}, 8, 33, {9}, {.pad = {{4, 4}}}},
      {{31}, 15, 7, {5}, {.dilation = {8}, .pad = {{32, 0}}}},
      {{9}, 5, 5, {2}, {.stride = {4}}},
      {{20}, 4, 3, {3}, {.stride = {2}, .dilation = {3}, .pad = {{7, 9}}, .batch = 3}},
      {{400}, 2, 3, {350}, {.pad = {{20, 10}}}},
      {{700}, 1, 33, {601}},
      // two axes
      {{1, 1}, 1, 1, {1, 1}},
      {{5, 7}, 1, 1, {3, 3}, {.pad = {{1, 1}, {1, 1}}}},
      {{7, 5}, 37, 41, {3, 2}, {.pad = {{1, 1}, {0, 1}}, .batch = 2}},
      {{13, 29}, 3, 64, {3, 3}, {.pad = {{1, 1}, {1, 1}}}},
      {{21, 20}, 3, 33, {7, 7}, {.stride = {2, 2}, .pad = {{3, 3}, {2, 3}}}},
      {{14, 14}, 17, 32, {1, 1}},
      {{14, 15}, 80, 33, {1, 1}, {.batch = 2}},
      {{15, 15}, 16, 48, {1, 1}, {.stride = {2, 2}}},
      {{11, 10}, 4, 17, {2, 3}, {.stride = {3, 5}}},
      {{12, 12}, 8, 16, {3, 3}, {.dilation = {2, 4}, .pad = {{2, 2}, {4, 4}}}},
      {{3, 3}, 6, 3, {3, 3}, {.pad = {{5, 4}, {6, 7}}}},
      {{4, 4}, 5, 35, {4, 4}},
      {{3, 60}, 2, 4, {2, 5}, {.pad = {{0, 1}, {2, 2}}, .bias = false}},
      {{9, 9}, 20, 30, {3, 3}, {.pad = {{1, 1}, {1, 1}}, .groups = 2}},
      {{9, 8}, 12, 8, {3, 3}, {.stride = {2, 1}, .pad = {{1, 1}, {1, 1}}, .groups = 4}},
      {{6, 6}, 66, 80, {1, 3}, {.groups = 2, .batch = 3}},
      {{5, 5}, 8, 8, {3, 3}, {.batch = 0}},
      {{40, 40}, 24, 40, {3, 3}, {.pad = {{1, 1}, {1, 1}}, .batch = 2}},
      // lines long enough for tiles within them, with borders, of few channels
      {{9, 43}, 3, 40, {3, 3}, {.pad = {{1, 1}, {2, 2}}, .batch = 2}},
      {{21, 86}, 3, 49, {7, 7}, {.stride = {2, 2}, .pad = {{3, 3}, {3, 2}}, .batch = 2}},
      {{7, 45}, 2, 20, {3, 4}, {.stride = {3, 1}, .dilation = {2, 5}, .pad = {{3, 0}, {14, 1}}}},
      {{3, 30}, 1, 33, {1, 2}, {.pad = {{2, 2}, {33, 40}}}},
      {{3, 4, 43}, 1, 32, {3, 3, 3}, {.pad = {{1, 1}, {1, 1}, {1, 1}}, .batch = 2}},
      // three axes
      {{4, 5, 6}, 3, 9, {3, 3, 3}, {.pad = {{1, 1}, {1, 1}, {1, 1}}}},
      {{5, 4, 5}, 2, 33, {1, 2, 3}, {.stride = {2, 1, 2}}},
      {{6, 6, 6}, 5, 4, {2, 2, 2}, {.dilation = {2, 3, 4}, .pad = {{0, 0}, {1, 2}, {3, 0}}}},
      {{9, 9, 9}, 1, 2, {7, 7, 7}, {.pad = {{3, 3}, {3, 3}, {3, 3}}}},
  };
  for (const Case& c : cases) check_all("conv direct", conv(c));
}

TEST(Depthwise, EqualsTheReference) {
  // Filters a multiple of the channels, as many groups as channels.
  const Case cases[] = {
      {{9}, 17, 17, {3}, {.pad = {{1, 1}}, .groups = 17}},
      {{30}, 5, 5, {7}, {.dilation = {3}, .pad = {{18, 0}}, .groups = 5, .batch = 2}},
      {{19}, 33, 66, {4}, {.stride = {3}, .groups = 33}},
      {{7, 9}, 144, 144, {3, 3}, {.pad = {{1, 1}, {1, 1}}, .groups = 144}},
      {{7, 9}, 37, 37, {3, 3}, {.stride = {2, 2}, .pad = {{1, 1}, {0, 1}}, .groups = 37}},
      {{8, 8}, 16, 16, {5, 5}, {.pad = {{6, 6}, {7, 7}}, .groups = 16, .bias = false}},
      {{8, 8}, 3, 3, {3, 3}, {.dilation = {2, 1}, .pad = {{2, 2}, {1, 1}}, .groups = 3}},
      {{1, 1}, 20, 20, {1, 1}, {.groups = 20}},
      {{6, 5}, 19, 57, {3, 2}, {.pad = {{1, 1}, {0, 0}}, .groups = 19, .batch = 2}},
      {{6, 6}, 64, 128, {3, 3}, {.stride = {2, 2}, .pad = {{0, 1}, {0, 1}}, .groups = 64}},
      {{5, 5}, 16, 400, {2, 2}, {.groups = 16}},
      {{5, 5}, 24, 24, {3, 3}, {.groups = 24, .batch = 0}},
      {{4, 5, 4}, 18, 18, {2, 3, 2}, {.pad = {{1, 1}, {1, 1}, {0, 1}}, .groups = 18}},
  };
  for (const Case& c : cases) check_all("depthwise", conv(c));
  // Too few channels to fill a vector: another kernel on some targets.
  check_all("", conv({{6, 6}, 3, 12, {3, 3}, {.groups = 3}}));
}

TEST(ConvDirect, TransposedEqualsTheReference) {
  const Case cases[] = {
      {{6, 29}, 2, 40, {4, 3}, {.stride = {2, 2}, .pad = {{1, 1}, {0, 1}}, .batch = 2}},
      {{}, 6, 5, {}, {.batch = 3}},
      {{5}, 3, 4, {3}, {.stride = {2}}},
      {{5}, 3, 4, {2}, {.stride = {5}, .batch = 2}},
      {{6}, 4, 20, {5}, {.stride = {3}, .pad = {{1, 1}}}},
      {{6}, 2, 3, {3}, {.stride = {2}, .pad = {{0, -1}}}},
      {{4}, 2, 3, {3}, {.stride = {4}, .dilation = {6}, .pad = {{3, 2}}}},
      {{4}, 2, 3, {4}, {.stride = {3}, .dilation = {2}}},
      {{4}, 2, 3, {2}, {.stride = {2}, .pad = {{9, -3}}}},
      {{7, 5}, 17, 33, {4, 4}, {.stride = {2, 2}, .pad = {{1, 1}, {1, 1}}, .batch = 2}},
      {{6, 6}, 16, 8, {3, 3}, {.stride = {2, 2}, .pad = {{0, 1}, {0, 1}}}},
      {{5, 6}, 8, 64, {2, 2}, {.stride = {2, 2}, .bias = false}},
      {{8, 8}, 8, 8, {3, 3}, {.pad = {{1, 1}, {1, 1}}}},
      {{5, 5}, 4, 6, {3, 2}, {.dilation = {2, 2}}},
      {{4, 4}, 8, 12, {3, 3}, {.stride = {2, 1}, .groups = 4}},
      {{3, 4, 3}, 3, 5, {2, 3, 2}, {.stride = {2, 2, 1}, .pad = {{0, 0}, {1, 0}, {0, 0}}}},
  };
  for (const Case& c : cases) check_all("conv direct", transposed(c));
}

TEST(Depthwise, TransposedEqualsTheReference) {
  const Case cases[] = {
      {{9}, 17, 17, {3}, {.pad = {{1, 1}}, .groups = 17}},
      {{6}, 5, 5, {5}, {.stride = {3}, .pad = {{1, -2}}, .groups = 5, .batch = 2}},
      {{7, 5}, 40, 40, {3, 3}, {.pad = {{1, 1}, {1, 1}}, .groups = 40, .batch = 2}},
      {{7, 5}, 33, 33, {3, 3}, {.stride = {2, 2}, .pad = {{1, 1}, {0, 1}}, .groups = 33}},
      {{5, 5}, 16, 16, {3, 2}, {.dilation = {2, 2}, .groups = 16, .bias = false}},
      {{4, 4}, 3, 3, {2, 2}, {.stride = {3, 3}, .groups = 3}},
      {{3, 4, 3}, 18, 18, {2, 3, 2}, {.stride = {2, 2, 1}, .groups = 18}},
  };
  for (const Case& c : cases) check_all("depthwise", transposed(c));
}

TEST(ConvDirect, BitsDoNotDependOnTheBatch) {
  for (const Case& c : {Case{{7, 5}, 20, 37, {3, 3}, {.pad = {{1, 1}, {1, 1}}, .batch = 5}},
                        Case{{}, 50, 33, {}, {.batch = 17}},
                        Case{{6, 7}, 20, 20, {3, 3}, {.groups = 20, .batch = 3}}})
    check_batch(kernel_for(conv(c).op, conv(c).in), conv(c));
}

TEST(ConvDirect, EveryActivation) {
  for (int fn = 0; fn <= static_cast<int>(Fn::kAffine); ++fn) {
    const ops::Unary activation{static_cast<Fn>(fn), 0.3f, 0.7f, 0.1f};
    for (Check check :
         {conv({{6, 5}, 7, 37, {3, 3}, {.activation = activation}}),
          transposed({{6, 5}, 7, 5, {2, 3}, {.stride = {2, 2}, .activation = activation}})}) {
      check.constant = {false, true, true};
      check.numbers = Check::Numbers::kReals;
      if (activation.fn == Fn::kLog || activation.fn == Fn::kSqrt || activation.fn == Fn::kRsqrt)
        check.numbers = Check::Numbers::kPositive;
      check_kernel(kernel_for(check.op, check.in), check);
    }
  }
}

TEST(ConvDirect, Adds) {
  check_adding("conv direct", {{6, 5}, 7, 37, {3, 3}, {.pad = {{1, 1}, {1, 1}}, .batch = 2}});
  check_adding("conv direct", {{6, 5}, 30, 64, {1, 1}, {.stride = {2, 1}}});
  check_adding("conv direct", {{}, 30, 45, {}, {.batch = 17}});
}

TEST(ConvDirect, EveryRelu) {
  for (const ops::Unary& relu :
       {ops::Unary{Fn::kRelu, 0, kInfinity, 0}, ops::Unary{Fn::kRelu, 0.1f, 6, 0},
        ops::Unary{Fn::kRelu, 0, 0.5f, 0.25f}, ops::Unary{Fn::kRelu, -0.5f, kInfinity, -1}}) {
    Check check = conv({{6, 5}, 7, 37, {3, 3}, {.activation = relu}});
    check_all("conv direct", check);
    check.special = true;
    check_kernel("conv direct", check);
    check = conv({{6, 5}, 37, 37, {3, 3}, {.groups = 37, .activation = relu}});
    check_all("depthwise", check);
    check.special = true;
    check_kernel("depthwise", check);
  }
}

TEST(ConvDirect, KeepsNaNAndInfinityWhereTheyBelong) {
  Check check = conv({{9, 11}, 3, 20, {3, 3}, {.pad = {{1, 1}, {2, 2}}}});
  check.special = true;
  check_all("conv direct", check);
}

}  // namespace
}  // namespace cornu::kernels
