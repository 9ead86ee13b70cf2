#include "cornu/ops/conv_transpose.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using Numbers = std::vector<float>;

struct Cut {
  int64_t crop, length;
};

// layers.md 4.6: what padding and output_padding come to on one axis.
Cut cut_of(int64_t n, int64_t k, int64_t s, int64_t d, bool same, std::optional<int64_t> op) {
  const int64_t ke = (k - 1) * d + 1, full = (n - 1) * s + ke;
  int64_t length;
  if (!op)
    length = same ? n * s : n * s + std::max<int64_t>(ke - s, 0);
  else
    length = same ? (n - 1) * s + ke - 2 * (ke / 2) + *op : full + *op;
  return {same ? std::max<int64_t>(full - length, 0) / 2 : 0, length};
}

struct LineCase {
  const char* name;
  Numbers kernel;
  int64_t stride, dilation;
  bool same;
  std::optional<int64_t> output_padding;
  Numbers want;
};

const Numbers k1 = {1}, k2 = {1, 10}, k3 = {1, 10, 100}, k4 = {1, 10, 100, 1000};
constexpr bool kValid = false, kSame = true;

// layers.md 21.3, x = [1, 2, 3].
const LineCase kLines[] = {
    {"T1", k3, 1, 1, kValid, None, {1, 12, 123, 230, 300}},
    {"T2", k3, 1, 1, kSame, None, {12, 123, 230}},
    {"T3", k3, 2, 1, kValid, None, {1, 10, 102, 20, 203, 30, 300}},
    {"T3 = 0", k3, 2, 1, kValid, 0, {1, 10, 102, 20, 203, 30, 300}},
    {"T4", k3, 2, 1, kValid, 1, {1, 10, 102, 20, 203, 30, 300, 0}},
    {"T5", k3, 2, 1, kSame, None, {1, 10, 102, 20, 203, 30}},
    {"T5 = 1", k3, 2, 1, kSame, 1, {1, 10, 102, 20, 203, 30}},
    {"T6", k3, 2, 1, kSame, 0, {10, 102, 20, 203, 30}},
    {"T7", k3, 3, 1, kSame, None, {1, 10, 100, 2, 20, 200, 3, 30, 300}},
    {"T7 = 2", k3, 3, 1, kSame, 2, {1, 10, 100, 2, 20, 200, 3, 30, 300}},
    {"T8 0", k3, 3, 1, kSame, 0, {10, 100, 2, 20, 200, 3, 30}},
    {"T8 1", k3, 3, 1, kSame, 1, {1, 10, 100, 2, 20, 200, 3, 30}},
    {"T9", k2, 3, 1, kValid, None, {1, 10, 0, 2, 20, 0, 3, 30, 0}},
    {"T10 0", k2, 3, 1, kValid, 0, {1, 10, 0, 2, 20, 0, 3, 30}},
    {"T10 2", k2, 3, 1, kValid, 2, {1, 10, 0, 2, 20, 0, 3, 30, 0, 0}},
    {"T11 0", k2, 2, 1, kSame, 0, {10, 2, 20, 3}},
    {"T11 1", k2, 2, 1, kSame, 1, {1, 10, 2, 20, 3}},
    {"T12 0", k2, 1, 1, kSame, 0, {12, 23}},
    {"T12", k2, 1, 1, kSame, None, {1, 12, 23}},
    {"T13", k4, 2, 1, kSame, None, {10, 102, 1020, 203, 2030, 300}},
    {"T13 0", k4, 2, 1, kSame, 0, {102, 1020, 203, 2030}},
    {"T13 1", k4, 2, 1, kSame, 1, {10, 102, 1020, 203, 2030}},
    {"T14", k4, 3, 1, kSame, 2, {10, 100, 1002, 20, 200, 2003, 30, 300}},
    {"T15", k1, 3, 1, kSame, 2, {1, 0, 0, 2, 0, 0, 3, 0, 0}},
    {"T16 valid", k3, 1, 2, kValid, None, {1, 2, 13, 20, 130, 200, 300}},
    {"T16 same", k3, 1, 2, kSame, None, {13, 20, 130}},
    {"T17", k2, 1, 2, kSame, None, {2, 13, 20}},
};

TEST(ConvTranspose, LinesOfTheSpecification) {
  for (const LineCase& c : kLines) {
    SCOPED_TRACE(c.name);
    const auto k = std::ssize(c.kernel);
    const Cut cut = cut_of(3, k, c.stride, c.dilation, c.same, c.output_padding);
    const ConvTranspose op{
        .stride = {c.stride}, .dilation = {c.dilation}, .crop = {cut.crop}, .length = {cut.length}};
    const Tensor kernel(Shape{k, 1, 1}, c.kernel);
    EXPECT_EQ(numbers(run_op(op, {line({1, 2, 3}), kernel})), c.want);
    // The bias reaches the cells beyond the full array, too.
    Numbers shifted = c.want;
    for (float& v : shifted) v += 0.5f;
    EXPECT_EQ(numbers(run_op(op, {line({1, 2, 3}), kernel, Tensor(Shape{1}, {0.5f})})), shifted);
  }
}

TEST(ConvTranspose, TwoAxes) {  // T18, T19
  const Tensor x(Shape{1, 2, 2, 1}, {1, 2, 3, 4});
  const Tensor kernel(Shape{3, 3, 1, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const auto run = [&](std::optional<int64_t> output_padding) {
    const Cut cut = cut_of(2, 3, 2, 1, kSame, output_padding);
    return numbers(run_op(ConvTranspose{.stride = {2, 2},
                                        .dilation = {1, 1},
                                        .crop = {cut.crop, cut.crop},
                                        .length = {cut.length, cut.length}},
                          {x, kernel}));
  };
  const Numbers t18 = {1, 2, 5, 4, 4, 5, 14, 10, 10, 14, 36, 24, 12, 15, 34, 20};
  EXPECT_EQ(run(None), t18);
  EXPECT_EQ(run(1), t18);
  EXPECT_EQ(run(0), (Numbers{5, 14, 10, 14, 36, 24, 15, 34, 20}));
}

TEST(ConvTranspose, KernelHoldsFiltersBeforeChannels) {  // T20
  const ConvTranspose op{.stride = {1, 1}, .dilation = {1, 1}, .crop = {0, 0}, .length = {1, 1}};
  const Tensor x(Shape{1, 1, 1, 2}, {10, 100}), kernel(Shape{1, 1, 2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(numbers(run_op(op, {x, kernel})), (Numbers{210, 430}));
}

TEST(ConvTranspose, ActivationComesLast) {
  ConvTranspose op{.stride = {1}, .dilation = {1}, .crop = {0}, .length = {4}};
  op.activation = Unary{.fn = Unary::Fn::kAffine, .a = 2, .b = 1};
  const Tensor kernel(Shape{1, 1, 1}, {10}), bias(Shape{1}, {3});
  EXPECT_EQ(numbers(run_op(op, {line({1, 2, 3}), kernel, bias})), (Numbers{27, 47, 67, 7}));
}

double dot(const std::vector<double>& a, const Tensor& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * static_cast<double>(b.values()[i]);
  return sum;
}

// <conv(x), y> = <x, conv_transpose(y)>, the same kernel numbers serving both.
TEST(ConvTranspose, IsTheAdjointOfConv) {
  std::mt19937_64 random(11);
  const auto pick = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
  };
  for (uint64_t i = 0; i < 150; ++i) {
    const int64_t axes = pick(0, 3);
    Conv conv{.groups = pick(1, 3)};
    ConvTranspose back{.groups = conv.groups};
    Shape x{pick(1, 2)}, kernel;
    for (int64_t a = 0; a < axes; ++a) {
      conv.stride.push_back(pick(1, 3));
      conv.dilation.push_back(pick(1, 3));
      conv.pad.push_back({pick(0, 3), pick(0, 3)});
      kernel.push_back(pick(1, 3));
      x.push_back(pick(7, 9));
      back.crop.push_back(conv.pad.back().before);
      back.length.push_back(x[-1]);
    }
    back.stride = conv.stride;
    back.dilation = conv.dilation;
    kernel.push_back(pick(1, 2));
    x.push_back(kernel[-1] * conv.groups);
    kernel.push_back(pick(1, 2) * conv.groups);
    SCOPED_TRACE(to_text(Op(conv)) + to_text(x) + to_text(kernel));

    const Tensor vx = random_tensor(x, 3 * i), vk = random_tensor(kernel, 3 * i + 1);
    const Tensor vy = random_tensor(infer_shape(conv, {x, kernel}), 3 * i + 2);
    ASSERT_EQ(infer_shape(back, {vy.shape(), kernel}), x);
    const double there = dot(run_op_double(conv, {vx, vk}), vy);
    const double here = dot(run_op_double(back, {vy, vk}), vx);
    EXPECT_NEAR(there, here, 1e-12 * (1 + std::fabs(there)));
  }
}

}  // namespace
}  // namespace cornu::ops
