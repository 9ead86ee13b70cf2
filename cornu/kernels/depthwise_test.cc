#include <gtest/gtest.h>

#include "cornu/kernels/conv_cases.h"

namespace cornu::kernels {
namespace {

// Numbers of filters that make whole vectors, end within one, or do not fill any.
const int64_t kChannels[] = {48, 37, 5};

// The gradient of a stride-1 convolution in its kernel, or of stride s where x is the longer one.
Check filter_grad(const Case& c) {
  const size_t axes = c.n.size();
  ops::ConvFilterGrad op{
      c.k, or_ones(c.more.stride, axes), or_ones(c.more.dilation, axes), {}, c.more.groups};
  Shape x{c.more.batch}, dy{c.more.batch};
  for (size_t a = 0; a < axes; ++a) {
    const Edge pad = c.more.pad.empty() ? Edge{} : c.more.pad[a];
    op.before.push_back(pad.before);
    x.push_back(c.n[a]);
    const int64_t whole = (c.k[a] - 1) * op.dilation[a] + 1;
    dy.push_back((c.n[a] + pad.before + pad.after - whole) / op.stride[a] + 1);
  }
  x.push_back(c.channels);
  dy.push_back(c.filters);
  return {op, {x, dy}};
}

// Forward, and the gradient in the kernel.
void check_forward_and_kernel(const Case& c) {
  check_all("depthwise", conv(c));
  Check check = filter_grad(c);
  for (Check::Numbers numbers : {Check::Numbers::kIntegers, Check::Numbers::kReals}) {
    check.numbers = numbers;
    check_kernel("depthwise filter grad", check);
  }
}

TEST(Depthwise, LinesOfXItself) {
  for (int64_t channels : kChannels) {
    const Case cases[] = {
        {{6, 9}, 0, 0, {3, 3}, {.pad = {{1, 1}, {1, 1}}, .batch = 2}},
        {{5, 23}, 0, 0, {3, 3}, {.pad = {{2, 0}, {0, 2}}}},
        {{1, 16}, 0, 0, {3, 3}, {.pad = {{1, 1}, {9, 9}}}},
        {{9, 8}, 0, 0, {5, 5}, {.pad = {{2, 2}, {2, 2}}}},
        {{9, 15}, 0, 0, {7, 7}, {.pad = {{3, 3}, {3, 3}}}},
        {{7, 20}, 0, 0, {3, 3}, {.stride = {2, 2}, .pad = {{0, 1}, {0, 1}}, .batch = 2}},
        {{8, 17}, 0, 0, {5, 5}, {.stride = {2, 2}, .pad = {{2, 2}, {2, 2}}}},
        {{8, 17}, 0, 0, {5, 3}, {.stride = {1, 2}, .pad = {{2, 2}, {1, 1}}}},
        {{9, 12}, 0, 0, {3, 2}, {.dilation = {3, 1}, .pad = {{3, 3}, {0, 1}}}},
        {{9, 7}, 0, 0, {1, 1}},
        {{600}, 0, 0, {7}, {.pad = {{3, 3}}}},
        {{3, 4, 9}, 0, 0, {2, 3, 3}, {.pad = {{1, 0}, {1, 1}, {1, 1}}, .batch = 2}},
    };
    for (Case c : cases) {
      c.channels = c.filters = c.more.groups = channels;
      check_forward_and_kernel(c);
    }
  }
}

TEST(Depthwise, Windows) {
  for (int64_t channels : kChannels) {
    const Case cases[] = {
        {{6, 5}, 0, 0, {3, 3}, {.pad = {{1, 1}, {1, 1}}, .batch = 2}},
        {{11, 31}, 0, 0, {3, 3}, {.dilation = {2, 3}, .pad = {{2, 2}, {3, 3}}}},
        {{9, 20}, 0, 0, {4, 4}, {.pad = {{1, 2}, {2, 1}}}},
        {{9, 20}, 0, 0, {3, 3}, {.stride = {3, 4}, .pad = {{1, 1}, {1, 1}}}},
        {{13, 20}, 0, 0, {3, 3}, {.stride = {2, 3}, .dilation = {3, 2}, .pad = {{1, 1}, {2, 0}}}},
        {{90, 1}, 0, 0, {9, 1}, {.pad = {{4, 4}, {0, 0}}}},
        {{700}, 0, 0, {31}, {.pad = {{15, 15}}}},
        {{3, 4, 5}, 0, 0, {2, 3, 4}, {.pad = {{1, 0}, {1, 1}, {2, 1}}}},
    };
    for (Case c : cases) {
      c.channels = c.filters = c.more.groups = channels;
      check_forward_and_kernel(c);
    }
  }
}

TEST(Depthwise, SmallGroups) {
  for (int64_t groups : {2, 3, 9, 32})
    for (const auto& [in, out] : {std::pair<int64_t, int64_t>{1, 2},
                                  {2, 1},
                                  {2, 2},
                                  {3, 3},
                                  {4, 4},
                                  {5, 1},
                                  {8, 3},
                                  {3, 1}}) {
      for (Case c : {Case{{5, 9}, 0, 0, {3, 3}, {.pad = {{1, 1}, {1, 1}}, .batch = 2}},
                     Case{{7, 9}, 0, 0, {3, 2}, {.stride = {2, 2}, .pad = {{1, 1}, {0, 1}}}},
                     Case{{6, 20}, 0, 0, {3, 3}, {.dilation = {2, 2}, .pad = {{2, 2}, {2, 2}}}}}) {
        c.channels = groups * in;
        c.filters = groups * out;
        c.more.groups = groups;
        check_all("depthwise", conv(c));
        Check check = filter_grad(c);
        check.numbers = Check::Numbers::kIntegers;
        check_kernel("depthwise filter grad", check);
        check_all("depthwise", transposed(c));
      }
    }
}

TEST(Depthwise, TransposedOfStrides) {
  for (int64_t channels : kChannels)
    for (Case c : {Case{{5, 9}, 0, 0, {3, 3}, {.stride = {2, 2}, .pad = {{1, 0}, {1, 0}}}},
                   Case{{5, 9}, 0, 0, {5, 5}, {.stride = {2, 2}, .pad = {{2, 1}, {2, 1}}}},
                   Case{{4, 9}, 0, 0, {2, 3}, {.stride = {3, 1}, .batch = 2}},
                   Case{{4, 9}, 0, 0, {7, 7}, {.stride = {3, 3}}}}) {
      c.channels = c.filters = c.more.groups = channels;
      check_all("depthwise", transposed(c));
    }
}

TEST(Depthwise, EveryActivation) {
  for (int fn = 0; fn <= static_cast<int>(Fn::kAffine); ++fn)
    for (const Ints& k : {Ints{3, 3}, Ints{2, 4}}) {
      const ops::Unary activation{static_cast<Fn>(fn), 0.3f, 0.7f, 0.1f};
      Check check = conv({{6, 11}, 37, 37, k, {.groups = 37, .activation = activation}});
      if (activation.fn == Fn::kLog || activation.fn == Fn::kSqrt || activation.fn == Fn::kRsqrt)
        check.numbers = Check::Numbers::kPositive;
      check_kernel("depthwise", check);
    }
}

TEST(Depthwise, Adds) {
  check_adding("depthwise", {{6, 11}, 37, 74, {3, 3}, {.groups = 37, .batch = 2}});
  check_adding("depthwise", {{12}, 40, 40, {3}, {.stride = {2}, .groups = 40}});
}

TEST(Depthwise, KeepsNaNAndInfinityWhereTheyBelong) {
  for (int64_t width : {5, 21})
    for (int64_t multiplier : {1, 2}) {
      const Case c{{9, width},
                   37,
                   37 * multiplier,
                   {3, 3},
                   {.pad = {{1, 1}, {1, 1}},
                    .groups = 37,
                    .activation = ops::Unary{Fn::kRelu, 0, kInfinity, 0}}};
      Check check = conv(c);
      check.special = true;
      check_all("depthwise", check);
      check = filter_grad(c);
      check.special = true;
      check_kernel("depthwise filter grad", check);
    }
}

TEST(Depthwise, BitsDoNotDependOnTheBatch) {
  for (const Ints& n : {Ints{6, 21}, Ints{6, 5}}) {
    const Case c{n, 37, 37, {3, 3}, {.pad = {{1, 1}, {1, 1}}, .groups = 37, .batch = 5}};
    check_batch("depthwise", conv(c));
  }
}

}  // namespace
}  // namespace cornu::kernels
