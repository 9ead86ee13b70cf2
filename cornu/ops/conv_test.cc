#include "cornu/ops/conv.h"

#include <gtest/gtest.h>

#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using Numbers = std::vector<float>;

// layers.md 4.2.
Edge same_pad(int64_t n, int64_t k, int64_t stride, int64_t dilation) {
  const int64_t extent = (k - 1) * dilation + 1, o = (n + stride - 1) / stride;
  const int64_t total = std::max<int64_t>((o - 1) * stride + extent - n, 0);
  return {total / 2, total - total / 2};
}

enum Padding { kValid, kSame, kCausal };

struct LineCase {
  const char* name;
  int n;  // x = 1..n
  Numbers kernel;
  Padding padding;
  int64_t stride, dilation;
  Edge pad;  // what the padding comes to
  Numbers want;
};

const Numbers k2 = {1, 10}, k3 = {1, 10, 100}, k4 = {1, 10, 100, 1000};

// layers.md 21.2, the cases with one channel along one axis.
const LineCase kLines[] = {
    {"N1 without bias", 5, k3, kValid, 1, 1, {0, 0}, {321, 432, 543}},
    {"N2", 5, k3, kSame, 1, 1, {1, 1}, {210, 321, 432, 543, 54}},
    {"N3", 5, k3, kSame, 2, 1, {1, 1}, {210, 432, 54}},
    {"N4", 6, k3, kSame, 2, 1, {0, 1}, {321, 543, 65}},
    {"N5", 6, k3, kSame, 3, 1, {0, 0}, {321, 654}},
    {"N6", 7, k2, kSame, 3, 1, {0, 1}, {21, 54, 7}},
    {"N7", 5, k2, kSame, 1, 1, {0, 1}, {21, 32, 43, 54, 5}},
    {"N8", 5, k4, kSame, 1, 1, {1, 2}, {3210, 4321, 5432, 543, 54}},
    {"N9", 5, k4, kSame, 2, 1, {1, 2}, {3210, 5432, 54}},
    {"N10", 5, k3, kCausal, 1, 1, {2, 0}, {100, 210, 321, 432, 543}},
    {"N11", 5, k3, kCausal, 1, 2, {4, 0}, {100, 200, 310, 420, 531}},
    {"N12", 5, k3, kCausal, 2, 1, {2, 0}, {100, 321, 543}},
    {"N13", 5, k3, kSame, 1, 2, {2, 2}, {310, 420, 531, 42, 53}},
    {"N14", 5, k3, kValid, 1, 2, {0, 0}, {531}},
    {"N15", 6, k2, kSame, 1, 3, {1, 2}, {30, 41, 52, 63, 4, 5}},
    {"N23 same", 7, k3, kSame, 2, 2, {2, 2}, {310, 531, 753, 75}},
    {"N23 valid", 7, k3, kValid, 2, 2, {0, 0}, {531, 753}},
};

Tensor count_up(Shape shape) {
  Tensor t(std::move(shape));
  for (int64_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<float>(i + 1);
  return t;
}

TEST(Conv, LinesOfTheSpecification) {
  for (const LineCase& c : kLines) {
    SCOPED_TRACE(c.name);
    const auto k = std::ssize(c.kernel);
    Edge pad;
    if (c.padding == kSame) pad = same_pad(c.n, k, c.stride, c.dilation);
    if (c.padding == kCausal) pad.before = (k - 1) * c.dilation;
    EXPECT_EQ(pad, c.pad);
    const Conv op{.stride = {c.stride}, .dilation = {c.dilation}, .pad = {pad}};
    const Tensor kernel(Shape{k, 1, 1}, c.kernel);
    EXPECT_EQ(numbers(run_op(op, {count_up(Shape{1, c.n, 1}), kernel})), c.want);
  }
}

Conv line_conv() { return {.stride = {1}, .dilation = {1}, .pad = {{0, 0}}}; }

TEST(Conv, BiasIsAdded) {  // N1
  const Tensor kernel(Shape{3, 1, 1}, k3), bias(Shape{1}, {0.5f});
  EXPECT_EQ(numbers(run_op(line_conv(), {count_up(Shape{1, 5, 1}), kernel, bias})),
            (Numbers{321.5, 432.5, 543.5}));
}

TEST(Conv, GroupsReadTheirOwnChannels) {  // N16
  Conv op = line_conv();
  op.groups = 2;
  const Tensor x(Shape{1, 1, 4}, {1, 2, 3, 4});
  const Tensor kernel(Shape{1, 2, 4}, {1, 2, 3, 4, 10, 20, 30, 40});
  EXPECT_EQ(numbers(run_op(op, {x, kernel})), (Numbers{21, 42, 129, 172}));
}

TEST(Conv, DepthwiseIsAGroupPerChannel) {  // N21
  Conv op = line_conv();
  op.groups = 2;
  const Tensor x(Shape{1, 3, 2}, {1, 10, 2, 20, 3, 30});
  const Tensor kernel = Tensor(Shape{2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}).reshaped(Shape{2, 1, 4});
  EXPECT_EQ(numbers(run_op(op, {x, kernel})), (Numbers{11, 14, 170, 200, 17, 22, 270, 320}));
}

TEST(Conv, TwoAxes) {  // N17 .. N20
  const Tensor x = count_up(Shape{1, 3, 3, 1}), kernel(Shape{2, 2, 1, 1}, {1, 2, 3, 4});
  Conv op{.stride = {1, 1}, .dilation = {1, 1}, .pad = {{0, 0}, {0, 0}}};
  EXPECT_EQ(numbers(run_op(op, {x, kernel})), (Numbers{37, 47, 67, 77}));
  op.activation = Unary{.fn = Unary::Fn::kRelu, .b = INFINITY};
  EXPECT_EQ(numbers(run_op(op, {x, kernel, Tensor(Shape{1}, {-40})})), (Numbers{0, 7, 27, 37}));
  op.activation = {};
  op.pad = {same_pad(3, 2, 1, 1), same_pad(3, 2, 1, 1)};
  EXPECT_EQ(numbers(run_op(op, {x, kernel})), (Numbers{37, 47, 21, 67, 77, 33, 23, 26, 9}));
  op.stride = {2, 2};
  op.pad = {same_pad(3, 2, 2, 1), same_pad(3, 2, 2, 1)};
  EXPECT_EQ(numbers(run_op(op, {x, kernel})), (Numbers{37, 21, 23, 9}));
}

TEST(Conv, WithoutSpatialAxesIsDense) {
  const Tensor x(Shape{2, 3}, {1, 2, 3, 4, 5, 6}), kernel(Shape{3, 2}, {1, 0, 10, 1, 100, 0});
  const Tensor bias(Shape{2}, {1000, -1});
  EXPECT_EQ(numbers(run_op(Conv{}, {x, kernel, bias})), (Numbers{1321, 1, 1654, 4}));
  const Conv relu{.activation = Unary{.fn = Unary::Fn::kRelu, .b = INFINITY}};
  const Tensor added(Shape{2, 2}, {-2000, 1, 2, -5});
  EXPECT_EQ(numbers(run_op(relu, {x, kernel, bias, added})), (Numbers{0, 2, 1656, 0}));
}

// The formula of layers.md 4.4 read aloud, for two axes.
double at(const Tensor& t, std::vector<int64_t> index) {
  int64_t flat = 0;
  for (int64_t a = 0; a < t.shape().rank(); ++a) {
    const int64_t i = index[static_cast<size_t>(a)];
    if (i < 0 || i >= t.shape()[a]) return 0;
    flat = flat * t.shape()[a] + i;
  }
  return static_cast<double>(t.data()[flat]);
}

std::vector<double> by_formula(const Conv& op, const Tensor& x, const Tensor& w, const Shape& out) {
  std::vector<double> y;
  const int64_t group_in = w.shape()[2], group_out = w.shape()[3] / op.groups;
  for (int64_t b = 0; b < out[0]; ++b)
    for (int64_t i = 0; i < out[1]; ++i)
      for (int64_t j = 0; j < out[2]; ++j)
        for (int64_t f = 0; f < out[3]; ++f) {
          double sum = 0;
          for (int64_t u = 0; u < w.shape()[0]; ++u)
            for (int64_t v = 0; v < w.shape()[1]; ++v)
              for (int64_t c = 0; c < group_in; ++c)
                sum += at(x, {b, i * op.stride[0] + u * op.dilation[0] - op.pad[0].before,
                              j * op.stride[1] + v * op.dilation[1] - op.pad[1].before,
                              f / group_out * group_in + c}) *
                       at(w, {u, v, c, f});
          y.push_back(sum);
        }
  return y;
}

TEST(Conv, RandomGeometriesFollowTheFormula) {
  std::mt19937_64 random(7);
  const auto pick = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
  };
  for (uint64_t i = 0; i < 100; ++i) {
    Conv op{.stride = {pick(1, 3), pick(1, 3)},
            .dilation = {pick(1, 3), pick(1, 2)},
            .pad = {{pick(0, 4), pick(0, 3)}, {pick(0, 3), pick(0, 4)}}};
    op.groups = pick(1, 3);
    const Tensor x =
        random_tensor(Shape{pick(1, 2), pick(7, 9), pick(4, 8), op.groups * pick(1, 3)}, 2 * i);
    const Tensor kernel = random_tensor(
        Shape{pick(1, 3), pick(1, 3), x.shape()[3] / op.groups, op.groups * pick(1, 3)}, 2 * i + 1);
    SCOPED_TRACE(to_text(Op(op)));
    const Shape out = infer_shape(op, {x.shape(), kernel.shape()});
    const std::vector<double> want = by_formula(op, x, kernel, out);
    const std::vector<double> got = run_op_double(op, {x, kernel});
    EXPECT_LT(max_error(got, want), 1e-14);
    EXPECT_LT(max_error(run_op(op, {x, kernel}).values(), want), 1e-5);
  }
}

TEST(Conv, CellsOutsideAreNotRead) {
  // A pad cell contributes nothing even where the kernel holds an infinity.
  Conv op = line_conv();
  op.pad = {{1, 0}};
  const Tensor y = run_op(op, {line({1, 2}), Tensor(Shape{2, 1, 1}, {INFINITY, 1})});
  EXPECT_EQ(numbers(y), (Numbers{1, INFINITY}));
}

}  // namespace
}  // namespace cornu::ops
