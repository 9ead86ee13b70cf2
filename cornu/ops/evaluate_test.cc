#include "cornu/ops/evaluate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "cornu/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

// What holds for every op alike.

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT

struct Sample {
  Op op;
  std::vector<Tensor> in;
};

std::vector<Sample> samples() {
  uint64_t seed = 0;
  const auto t = [&](Shape shape) { return random_tensor(std::move(shape), ++seed, 0.1f, 2); };
  const Unary relu{.fn = Unary::Fn::kRelu, .b = INFINITY, .c = 0.5f};
  const Pool max_pool{Pool::Kind::kMax, {3, 2}, {2, 1}, {{1, 1}, {0, 1}}};
  const Pool average_pool{Pool::Kind::kAverage, {3, 2}, {2, 1}, {{1, 1}, {0, 1}}};
  const Tensor key(Shape{6}, {1, 2, 3, 4, 7, 0}), labels(Shape{2, 3}, {0, 1, 2, 3, 4, -1});
  return {
      {Unary{Unary::Fn::kMish}, {t({3, 4, 5})}},
      {Unary{Unary::Fn::kExp}, {t({})}},
      {Binary{Binary::Fn::kDivide}, {t({3, 1, 5}), t({4, 1})}},
      {Binary{Binary::Fn::kPower}, {t({}), t({2, 3})}},
      {Conv{.stride = {1, 2},
            .dilation = {2, 1},
            .pad = {{1, 1}, {0, 2}},
            .groups = 2,
            .activation = relu},
       {t({2, 5, 6, 4}), t({2, 3, 2, 6}), t({6})}},
      {Conv{}, {t({4, 3}), t({3, 5})}},
      {Conv{.stride = {2}, .dilation = {1}, .pad = {{0, 1}}, .activation = relu},
       {t({2, 6, 3}), t({3, 3, 4}), t({4}), t({2, 3, 4})}},
      {ConvTranspose{.stride = {2, 3},
                     .dilation = {1, 2},
                     .crop = {1, 0},
                     .length = {6, 9},
                     .groups = 2,
                     .activation = relu},
       {t({2, 3, 2, 4}), t({2, 3, 3, 4}), t({6})}},
      {max_pool, {t({2, 5, 4, 3})}},
      {average_pool, {t({2, 5, 4, 3})}},
      {Resize{Resize::Mode::kNearest, {6, 5, 4}}, {t({2, 2, 5, 2, 3})}},
      {Resize{Resize::Mode::kLanczos5, {6, 8}}, {t({2, 3, 4, 3})}},
      {Resize{Resize::Mode::kBilinear, {6, 8}}, {t({2, 3, 4, 3})}},
      {Warp{Warp::Beyond::kReflect, true}, {t({2, 3, 4, 2}), t({2, 5})}},
      {Pad{{{0, 1}, {2, -1}, {-1, 1}}}, {t({2, 3, 4})}},
      {Reshape{Shape{4, 3, 2}}, {t({2, 12})}},
      {Transpose{{2, 0, 1}}, {t({2, 3, 4})}},
      {Concat{1}, {t({2, 3, 2}), t({2, 1, 2}), t({2, 0, 2})}},
      {Concat{2}, {t({2, 2, 3}), t({2, 2, 1})}},
      {Reduce{Reduce::Kind::kMean, {1, 2}}, {t({2, 3, 4, 5})}},
      {Reduce{Reduce::Kind::kMax, {0, 3}}, {t({2, 3, 4, 5})}},
      {Softmax{Softmax::Kind::kSoftmax}, {t({3, 4})}},
      {Softmax{Softmax::Kind::kSparsemax}, {t({3, 4})}},
      {BatchNorm{.axis = 1}, {t({2, 3, 4}), t({3}), t({3}), t({3}), t({3})}},
      {ReplicaMean{}, {t({3, 4})}},
      {MatMul{}, {t({2, 3, 4}), t({2, 4, 5})}},
      {Broadcast{Shape{2, 3, 4}}, {t({3, 1})}},
      {OneHot{4}, {labels}},
      {Moments{.axis = 1}, {t({2, 3, 4})}},
      {Moments{.axis = 2}, {t({2, 3, 4})}},
      {Random{Random::Kind::kUniform, Shape{3, 4}, 5}, {key}},
      {Random{Random::Kind::kNormal, Shape{3, 4}, 5}, {key}},
      {UnaryGrad{{Unary::Fn::kMish}}, {t({3, 4}), t({3, 4})}},
      {UnaryGrad{{Unary::Fn::kTanh}, true}, {t({3, 4}), t({3, 4})}},
      {ConvFilterGrad{
           .kernel = {2, 3}, .stride = {1, 2}, .dilation = {2, 1}, .before = {1, 0}, .groups = 2},
       {t({2, 5, 6, 4}), t({2, 5, 3, 6})}},
      {PoolGrad{max_pool}, {t({2, 5, 4, 3}), t({2, 3, 4, 3})}},
      {PoolGrad{average_pool}, {t({2, 5, 4, 3}), t({2, 3, 4, 3})}},
      {ResizeGrad{Resize::Mode::kNearest, {2, 3}}, {t({2, 5, 6, 3})}},
      {ResizeGrad{Resize::Mode::kLanczos5, {3, 4}}, {t({2, 6, 9, 3})}},
      {SoftmaxGrad{Softmax::Kind::kLogSoftmax}, {t({3, 4}), t({3, 4})}},
      {SoftmaxGrad{Softmax::Kind::kSparsemax}, {t({3, 4}), t({3, 4})}},
      {BatchNormSums{.axis = 1}, {t({2, 3, 4}), t({3}), t({3}), t({2, 3, 4})}},
      {BatchNormGrad{.axis = 1}, {t({2, 3, 4}), t({3}), t({3}), t({3}), t({2, 3, 4}), t({2, 3})}},
  };
}

TEST(Evaluate, SamplesCoverEveryOp) {
  std::set<size_t> seen;
  for (const Sample& s : samples()) seen.insert(s.op.index());
  // All but the leaves: Input, Variable, Constant.
  EXPECT_EQ(seen.size(), std::variant_size_v<Op> - 3);
}

TEST(Evaluate, FloatFollowsDouble) {
  for (const Sample& s : samples()) {
    SCOPED_TRACE(to_text(s.op));
    const Tensor y = run_op(s.op, s.in);
    EXPECT_LT(max_error(y.values(), run_op_double(s.op, s.in)), 1e-6);
    if (moves_data_only(s.op)) {
      const std::vector<double> wide = run_op_double(s.op, s.in);
      EXPECT_TRUE(std::equal(wide.begin(), wide.end(), y.data()));
    }
  }
}

// Row by row in any order gives the whole, and no row touches another.
TEST(Evaluate, RowsAreIndependent) {
  for (const Sample& s : samples()) {
    SCOPED_TRACE(to_text(s.op));
    const Tensor whole = run_op(s.op, s.in);
    std::vector<View<const float>> views;
    for (const Tensor& t : s.in) views.push_back({&t.shape(), t.data()});

    const int64_t count = row_count(whole.shape()), length = row_length(whole.shape());
    ASSERT_EQ(count * length, whole.size());
    std::vector<int64_t> order(static_cast<size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937_64(3));
    Tensor want = Tensor::full(whole.shape(), -99), pieces = want;
    for (int64_t row : order) {
      evaluate<float>(s.op, views, {&pieces.shape(), pieces.data()}, {row, row + 1});
      std::copy_n(whole.data() + row * length, length, want.data() + row * length);
      ASSERT_TRUE(bit_equal(pieces, want)) << "row " << row;
    }
    evaluate<float>(s.op, views, {&pieces.shape(), pieces.data()}, {1, 1});
    EXPECT_TRUE(bit_equal(pieces, whole));
  }
}

TEST(Evaluate, BatchOfNothing) {
  const Shape image{0, 5, 5, 2};
  const auto shape = [](const Op& op, const std::vector<Tensor>& in) {
    return run_op(op, in).shape();
  };
  const Tensor x(image);
  EXPECT_EQ(shape(Unary{}, {x}), image);
  EXPECT_EQ(shape(Binary{}, {x, Tensor(Shape{2})}), image);
  EXPECT_EQ(shape(Conv{.stride = {1, 1}, .dilation = {1, 1}, .pad = {{0, 0}, {1, 1}}},
                  {x, Tensor(Shape{3, 3, 2, 4})}),
            (Shape{0, 3, 5, 4}));
  EXPECT_EQ(
      shape(ConvTranspose{.stride = {1, 1}, .dilation = {1, 1}, .crop = {0, 0}, .length = {7, 7}},
            {x, Tensor(Shape{3, 3, 4, 2})}),
      (Shape{0, 7, 7, 4}));
  EXPECT_EQ(shape(Pool{.window = {2, 2}, .stride = {2, 2}, .pad = {{0, 0}, {0, 0}}}, {x}),
            (Shape{0, 2, 2, 2}));
  for (const auto mode : {Resize::Mode::kNearest, Resize::Mode::kBicubic})
    EXPECT_EQ(shape(Resize{mode, {10, 10}}, {x}), (Shape{0, 10, 10, 2}));
  EXPECT_EQ(shape(Pad{{{0, 0}, {1, 1}, {-1, 0}, {0, 0}}}, {x}), (Shape{0, 7, 4, 2}));
  EXPECT_EQ(shape(Reshape{Shape{0, 50}}, {x}), (Shape{0, 50}));
  EXPECT_EQ(shape(Transpose{{3, 0, 1, 2}}, {x}), (Shape{2, 0, 5, 5}));
  EXPECT_EQ(shape(Concat{3}, {x, x}), (Shape{0, 5, 5, 4}));
  EXPECT_EQ(shape(Reduce{Reduce::Kind::kMean, {1, 2}}, {x}), (Shape{0, 1, 1, 2}));
  EXPECT_EQ(shape(Softmax{}, {x}), image);
  const Tensor c(Shape{2});
  EXPECT_EQ(shape(BatchNorm{.axis = 3}, {x, c, c, c, c}), image);
  EXPECT_EQ(shape(MatMul{}, {Tensor(Shape{0, 2, 3}), Tensor(Shape{0, 3, 4})}), (Shape{0, 2, 4}));
  EXPECT_EQ(shape(Broadcast{Shape{0, 3}}, {Tensor(Shape{3})}), (Shape{0, 3}));
  EXPECT_EQ(shape(OneHot{3}, {Tensor(Shape{0})}), (Shape{0, 3}));
  EXPECT_EQ(shape(Random{Random::Kind::kNormal, Shape{0, 3}}, {Tensor(Shape{6})}), (Shape{0, 3}));
  EXPECT_EQ(shape(UnaryGrad{}, {x, x}), image);
  EXPECT_EQ(shape(SoftmaxGrad{}, {x, x}), image);
  const Pool pool{.window = {2, 2}, .stride = {2, 2}, .pad = {{0, 0}, {0, 0}}};
  EXPECT_EQ(shape(PoolGrad{pool}, {x, Tensor(Shape{0, 2, 2, 2})}), image);
  EXPECT_EQ(shape(ResizeGrad{Resize::Mode::kBilinear, {5, 5}}, {Tensor(Shape{0, 9, 9, 2})}), image);
}

TEST(Evaluate, NoChannels) {
  EXPECT_EQ(run_op(Softmax{}, {Tensor(Shape{3, 0})}).size(), 0);
  EXPECT_EQ(run_op(Transpose{{1, 0}}, {Tensor(Shape{3, 0})}).shape(), (Shape{0, 3}));
  EXPECT_EQ(run_op(Concat{1}, {Tensor(Shape{3, 0}), Tensor(Shape{3, 0})}).shape(), (Shape{3, 0}));
  EXPECT_EQ(numbers(run_op(Conv{}, {Tensor(Shape{1, 0}), Tensor(Shape{0, 2})})),
            (std::vector<float>{0, 0}));
  EXPECT_EQ(numbers(run_op(Pad{{{0, 0}, {1, 1}}}, {Tensor(Shape{1, 0})})),
            (std::vector<float>{0, 0}));
}

TEST(Evaluate, LeavesCannotBeEvaluated) {
  Tensor out(Shape{1});
  for (const Op& op : {Op(Input{}), Op(Variable{}), Op(Constant{out})})
    EXPECT_THROW(evaluate<float>(op, {}, {&out.shape(), out.data()}, {0, 1}), InternalError);
}

TEST(Evaluate, RowsOfShapes) {
  EXPECT_EQ(row_count(Shape{}), 1);
  EXPECT_EQ(row_length(Shape{}), 1);
  EXPECT_EQ(row_count(Shape{5}), 1);
  EXPECT_EQ(row_count(Shape{2, 3, 4}), 6);
  EXPECT_EQ(row_length(Shape{2, 3, 4}), 4);
  EXPECT_EQ(row_count(Shape{2, 3, 0}), 6);
}

}  // namespace
}  // namespace cornu::ops
