#include "cornu/ops/op.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cornu/base/error.h"

namespace cornu::ops {
namespace {

TEST(Op, Text) {
  const auto text = [](const Op& op) { return to_text(op); };
  EXPECT_EQ(text(Input{2}), "input(2)");
  EXPECT_EQ(text(Variable{0}), "variable(0)");
  EXPECT_EQ(text(Constant{Tensor(Shape{2, 3})}), "constant(2, 3)");
  EXPECT_EQ(text(Unary{Unary::Fn::kTanh}), "unary tanh");
  EXPECT_EQ(text(Unary{Unary::Fn::kRelu, 0.1f, INFINITY, 0}),
            "unary relu(negative_slope=0.1, max_value=inf, threshold=0.0)");
  EXPECT_EQ(text(Binary{Binary::Fn::kMultiply}), "binary multiply");
  Conv conv{.stride = {2, 1}, .dilation = {1, 1}, .pad = {{0, 1}, {2, 2}}};
  EXPECT_EQ(text(conv), "conv(stride=(2, 1), dilation=(1, 1), pad=(0:1, 2:2))");
  conv.groups = 4;
  conv.activation = Unary{Unary::Fn::kElu, 1};
  EXPECT_EQ(text(conv),
            "conv(stride=(2, 1), dilation=(1, 1), pad=(0:1, 2:2), groups=4, "
            "activation=elu(alpha=1.0))");
  EXPECT_EQ(text(ConvTranspose{.stride = {2}, .dilation = {1}, .crop = {1}, .length = {8}}),
            "conv_transpose(stride=(2), dilation=(1), crop=(1), length=(8))");
  EXPECT_EQ(text(Pool{.window = {2, 2}, .stride = {2, 2}, .pad = {{0, 0}, {0, 0}}}),
            "pool max(window=(2, 2), stride=(2, 2), pad=(0:0, 0:0))");
  EXPECT_EQ(text(Resize{Resize::Mode::kBilinearLegacy, {4, 4}}),
            "resize bilinear_legacy(size=(4, 4))");
  EXPECT_EQ(text(Pad{{{0, 0}, {-1, 2}}}), "pad(edges=(0:0, -1:2))");
  EXPECT_EQ(text(Reshape{Shape{3, 4}}), "reshape(3, 4)");
  EXPECT_EQ(text(Transpose{{1, 0}}), "transpose(perm=(1, 0))");
  EXPECT_EQ(text(Concat{3}), "concat(axis=3)");
  EXPECT_EQ(text(Reduce{Reduce::Kind::kMean, {1, 2}}), "reduce mean(axes=(1, 2))");
  EXPECT_EQ(text(Softmax{Softmax::Kind::kLogSoftmax}), "log_softmax");
  EXPECT_EQ(text(BatchNorm{.axis = 3}), "batch_norm(axis=3, epsilon=0.001)");
  EXPECT_EQ(text(MatMul{}), "matmul");
}

TEST(Op, TextOfWhatTrainingNeeds) {
  const auto text = [](const Op& op) { return to_text(op); };
  EXPECT_EQ(text(Binary{Binary::Fn::kGreaterEqual}), "binary greater_equal");
  EXPECT_EQ(text(Broadcast{Shape{2, 3}}), "broadcast(2, 3)");
  EXPECT_EQ(text(OneHot{10}), "one_hot(depth=10)");
  EXPECT_EQ(text(Warp{Warp::Beyond::kWrap, true, 2}), "warp(beyond=wrap, bilinear, fill=2.0)");
  EXPECT_EQ(text(BatchNorm{.axis = 3, .of_batch = true}),
            "batch_norm(axis=3, epsilon=0.001, of_batch)");
  EXPECT_EQ(text(BatchNorm{.axis = 3, .of_batch = true, .synchronized = true}),
            "batch_norm(axis=3, epsilon=0.001, of_batch, synchronized)");
  EXPECT_EQ(text(Moments{.axis = 3}), "moments(axis=3)");
  EXPECT_EQ(text(ReplicaMean{}), "replica_mean");
  EXPECT_EQ(text(Random{Random::Kind::kNormal, Shape{2, 3}, 4}),
            "random normal(shape=(2, 3), site=4)");
  EXPECT_EQ(text(UnaryGrad{{Unary::Fn::kElu, 1}}), "unary_grad elu(alpha=1.0)");
  EXPECT_EQ(text(UnaryGrad{{Unary::Fn::kTanh}, true}), "unary_grad tanh(from_output)");
  EXPECT_EQ(text(ConvFilterGrad{.kernel = {3}, .stride = {1}, .dilation = {1}, .before = {2}}),
            "conv_filter_grad(kernel=(3), stride=(1), dilation=(1), before=(2))");
  EXPECT_EQ(text(PoolGrad{{.window = {2}, .stride = {2}, .pad = {{0, 0}}}}),
            "pool_grad max(window=(2), stride=(2), pad=(0:0))");
  EXPECT_EQ(text(ResizeGrad{Resize::Mode::kBicubic, {4}}), "resize_grad bicubic(size=(4))");
  EXPECT_EQ(text(SoftmaxGrad{Softmax::Kind::kLogSoftmax}), "log_softmax_grad");
  EXPECT_EQ(text(BatchNormSums{.axis = 1}), "batch_norm_sums(axis=1, epsilon=0.001)");
  EXPECT_EQ(text(BatchNormGrad{.axis = 1}), "batch_norm_grad(axis=1, epsilon=0.001)");
}

TEST(Op, MovesDataOnly) {
  for (const Op& op : {Op(Pad{}), Op(Reshape{}), Op(Transpose{}), Op(Concat{}), Op(Broadcast{}),
                       Op(Resize{Resize::Mode::kNearest, {}})})
    EXPECT_TRUE(moves_data_only(op)) << to_text(op);
  for (const Op& op : {Op(Input{}), Op(Unary{}), Op(Conv{}), Op(Pool{}), Op(Reduce{}), Op(MatMul{}),
                       Op(Resize{Resize::Mode::kBilinear, {}})})
    EXPECT_FALSE(moves_data_only(op)) << to_text(op);
}

TEST(Op, EqualityComparesAttributes) {
  EXPECT_EQ(Op(Concat{1}), Op(Concat{1}));
  EXPECT_NE(Op(Concat{1}), Op(Concat{2}));
  EXPECT_NE(Op(Conv{}), Op(Conv{.groups = 2}));
  EXPECT_NE(Op(Conv{}), Op(Conv{.activation = Unary{}}));
  const Tensor t(Shape{2});
  EXPECT_EQ(Op(Constant{t}), Op(Constant{t}));
}

TEST(Op, ConvShapes) {
  const Conv op{.stride = {2}, .dilation = {2}, .pad = {{1, 2}}, .groups = 2};
  const Shape x{3, 9, 4}, kernel{3, 2, 6};
  EXPECT_EQ(infer_shape(op, {x, kernel}), (Shape{3, 4, 6}));
  EXPECT_EQ(infer_shape(op, {x, kernel, Shape{6}}), (Shape{3, 4, 6}));
  EXPECT_EQ(infer_shape(op, {Shape{0, 9, 4}, kernel}), (Shape{0, 4, 6}));
  const auto fails = [&](const Conv& bad, std::vector<Shape> in) {
    EXPECT_THROW(infer_shape(bad, in), InternalError) << to_text(Op(bad));
  };
  fails(op, {x});
  fails(op, {x, kernel, Shape{6}, Shape{6}});
  fails(op, {x, kernel, Shape{5}});
  fails(op, {x, Shape{3, 4, 6}});          // channels per group
  fails(op, {x, Shape{3, 2, 5}});          // filters per group
  fails(op, {Shape{3, 9, 5}, kernel});     // channels not divisible
  fails(op, {Shape{3, 9, 9, 4}, kernel});  // ranks
  fails(op, {x, Shape{0, 2, 6}});          // an empty kernel
  fails(op, {Shape{3, 1, 4}, kernel});     // too short for the kernel
  fails(op, {Shape{3, None, 4}, kernel});
  Conv bad = op;
  bad.stride = {0};
  fails(bad, {x, kernel});
  bad = op;
  bad.pad = {{-1, 0}};
  fails(bad, {x, kernel});
  bad = op;
  bad.dilation = {1, 1};
  fails(bad, {x, kernel});
  bad = op;
  bad.dilation = {int64_t{1} << 62};
  fails(bad, {x, kernel});
  bad = op;
  bad.groups = 0;
  fails(bad, {x, kernel});
}

TEST(Op, ConvTransposeShapes) {
  const ConvTranspose op{.stride = {2}, .dilation = {1}, .crop = {1}, .length = {7}, .groups = 2};
  const Shape x{3, 4, 6}, kernel{3, 5, 6};
  EXPECT_EQ(infer_shape(op, {x, kernel, Shape{10}}), (Shape{3, 7, 10}));
  const auto fails = [&](const ConvTranspose& bad, std::vector<Shape> in) {
    EXPECT_THROW(infer_shape(bad, in), InternalError) << to_text(Op(bad));
  };
  fails(op, {x});
  fails(op, {x, Shape{3, 5, 4}});
  fails(op, {Shape{3, 4, 5}, Shape{3, 5, 5}});
  fails(op, {x, kernel, Shape{5}});
  ConvTranspose bad = op;
  bad.crop = {-1};
  fails(bad, {x, kernel});
  bad = op;
  bad.length = {};
  fails(bad, {x, kernel});
}

TEST(Op, LeavesHaveNoRule) {
  EXPECT_THROW(infer_shape(Input{}, {}), InternalError);
  EXPECT_THROW(infer_shape(Variable{}, {}), InternalError);
  EXPECT_EQ(infer_shape(Constant{Tensor(Shape{2, 3})}, {}), (Shape{2, 3}));
  EXPECT_THROW(infer_shape(Constant{Tensor(Shape{2})}, {Shape{2}}), InternalError);
}

TEST(Op, TooManyAxesOrNumbers) {
  const Shape nine(std::vector<int64_t>(9, 1));
  EXPECT_THROW(infer_shape(Unary{}, {nine}), InternalError);
  EXPECT_THROW(infer_shape(Reshape{nine}, {Shape{1}}), InternalError);
  const int64_t huge = (int64_t{1} << 31) - 1;
  EXPECT_THROW(infer_shape(Resize{.size = {huge, huge, huge}}, {Shape{1, 1, 1, 1, 1}}),
               OutOfMemory);
  // An empty result counts its rows, too.
  EXPECT_THROW(infer_shape(Resize{.size = {huge, huge, huge}}, {Shape{1, 1, 1, 1, 0}}),
               OutOfMemory);
}

TEST(Op, MisfitsNameOpRuleAndShapes) {
  try {
    infer_shape(MatMul{}, {Shape{1, 2, 3}, Shape{1, 2, 3}});
    FAIL();
  } catch (const InternalError& e) {
    EXPECT_STREQ(e.what(),
                 "internal error: matmul needs: the sizes match. Received: shapes (1, 2, 3), "
                 "(1, 2, 3)");
  }
}

}  // namespace
}  // namespace cornu::ops
