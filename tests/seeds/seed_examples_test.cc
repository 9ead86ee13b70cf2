// What the five documents that describe the layers say and print, as C++. The number is the
// document: 000 and 001 are the Korean pages of Keras 2.2.4, 002 the Japanese page of 2.1, 003 a
// notebook with printed shapes, 004 a note on Conv2D of TensorFlow.

#include "cornu/layers/conv.h"
#include "cornu/layers/conv_transpose.h"
#include "cornu/layers/cropping.h"
#include "cornu/layers/depthwise_conv.h"
#include "cornu/layers/separable_conv.h"
#include "cornu/layers/up_sampling.h"
#include "cornu/layers/zero_padding.h"
#include "cornu/model/model.h"
#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

// The shape that a layer gives for one sample of this shape, without the batch.
Shape shape_of(const Layer& layer, Shape sample) {
  sample.insert(0, Dim::kUnknown);
  Shape out = layer(symbol(sample)).shape();
  EXPECT_FALSE(out.known(0));
  out.erase(0);
  return out;
}

TEST(SeedExamples, NotebookCells) {  // 003, In [1] to In [17]
  EXPECT_EQ(shape_of(Conv1D({.filters = 4, .kernel_size = 3, .padding = "causal"}), {16, 3}),
            (Shape{16, 4}));
  EXPECT_EQ(shape_of(DepthwiseConv2D({.kernel_size = 3, .padding = "same"}), {64, 64, 3}),
            (Shape{64, 64, 3}));
  EXPECT_EQ(shape_of(Cropping1D({.cropping = 3}), {16, 3}), (Shape{10, 3}));
  EXPECT_EQ(shape_of(Cropping1D({.cropping = {3, 3}}), {64, 3}), (Shape{58, 3}));
  EXPECT_EQ(shape_of(Cropping1D({.cropping = {1, 2}}), {64, 3}), (Shape{61, 3}));
  EXPECT_EQ(shape_of(Cropping2D({.cropping = {1, 2}}), {64, 64, 3}), (Shape{62, 60, 3}));
  EXPECT_EQ(shape_of(Cropping2D({.cropping = {{1, 2}, {3, 4}}}), {64, 64, 3}), (Shape{61, 57, 3}));
  EXPECT_EQ(shape_of(Cropping3D({.cropping = {1, 2, 3}}), {64, 64, 64, 3}), (Shape{62, 60, 58, 3}));
  EXPECT_EQ(shape_of(UpSampling1D({.size = 2}), {64, 3}), (Shape{128, 3}));
  EXPECT_EQ(shape_of(UpSampling2D({.size = 2}), {64, 64, 3}), (Shape{128, 128, 3}));
  EXPECT_EQ(shape_of(UpSampling2D({.size = {1, 2}}), {64, 64, 3}), (Shape{64, 128, 3}));
  EXPECT_EQ(shape_of(UpSampling3D({.size = {1, 2, 3}}), {64, 64, 64, 3}), (Shape{64, 128, 192, 3}));
  EXPECT_EQ(shape_of(ZeroPadding1D({.padding = 2}), {64, 3}), (Shape{68, 3}));
  EXPECT_EQ(shape_of(ZeroPadding2D({.padding = 2}), {64, 64, 3}), (Shape{68, 68, 3}));
  EXPECT_EQ(shape_of(ZeroPadding2D({.padding = {1, 2}}), {64, 64, 3}), (Shape{66, 68, 3}));
  EXPECT_EQ(shape_of(ZeroPadding2D({.padding = {{1, 2}, {3, 4}}}), {64, 64, 3}),
            (Shape{67, 71, 3}));
  EXPECT_EQ(shape_of(ZeroPadding3D({.padding = 2}), {64, 64, 64, 3}), (Shape{68, 68, 68, 3}));
}

TEST(SeedExamples, CroppingInAModel) {  // 000, 001 and 002, "Cropping2D"; layers.md S39
  Sequential model;
  model.add(Cropping2D({.cropping = {{2, 2}, {4, 4}}, .input_shape = {28, 28, 3}}));
  EXPECT_EQ(model.output_shape(), (Shape{None, 24, 20, 3}));
  model.add(Conv2D({.filters = 64, .kernel_size = {3, 3}, .padding = "same"}));
  EXPECT_EQ(model.output_shape(), (Shape{None, 24, 20, 64}));
  model.add(Cropping2D({.cropping = {{2, 2}, {2, 2}}}));
  EXPECT_EQ(model.output_shape(), (Shape{None, 20, 16, 64}));
  EXPECT_EQ(model.count_params(), 1792);
  EXPECT_EQ(model.predict(random_tensor({2, 28, 28, 3}, 1)).shape(), (Shape{2, 20, 16, 64}));
}

// 004: input_shape is for the first layer of a model.
TEST(SeedExamples, InputShapeOfTheFirstLayer) {
  const Sequential model({Conv2D(
      {.filters = 1, .kernel_size = {2, 2}, .padding = "valid", .input_shape = {3, 3, 1}})});
  EXPECT_EQ(model.input_shape(), (Shape{None, 3, 3, 1}));
  EXPECT_EQ(model.output_shape(), (Shape{None, 2, 2, 1}));
  EXPECT_EQ(model.count_params(), 5);
}

TEST(SeedExamples, InputShapesOfTheText) {
  // 000, 001: 10 steps of 128 features, or any number of them.
  EXPECT_EQ(
      shape_of(Conv1D({.filters = 32, .kernel_size = 3, .input_shape = {10, 128}}), {10, 128}),
      (Shape{8, 32}));
  EXPECT_EQ(
      shape_of(Conv1D({.filters = 32, .kernel_size = 3, .input_shape = {None, 128}}), {None, 128}),
      (Shape{None, 32}));
  // 000, 001, 002: a picture of 128x128 and three colours.
  EXPECT_EQ(shape_of(Conv2D({.filters = 8, .kernel_size = 3}), {128, 128, 3}),
            (Shape{126, 126, 8}));
  EXPECT_EQ(shape_of(Conv2DTranspose({.filters = 8, .kernel_size = 3}), {128, 128, 3}),
            (Shape{130, 130, 8}));
  // 000, 001, 002: a volume of 128x128x128 with one channel; 000, 001: and with three.
  EXPECT_EQ(shape_of(Conv3D({.filters = 2, .kernel_size = 3}), {128, 128, 128, 1}),
            (Shape{126, 126, 126, 2}));
  EXPECT_EQ(shape_of(Conv3DTranspose({.filters = 2, .kernel_size = 3}), {128, 128, 128, 3}),
            (Shape{130, 130, 130, 2}));
}

// 000: new_rows = ((rows - 1) * strides[0] + kernel_size[0] - 2 * padding[0] + output_padding[0]),
// padding being 0 for "valid" and kernel_size / 2 for "same" (layers.md 4.6). 003 prints the same
// without output_padding.
TEST(SeedExamples, OutputPaddingFormula) {
  for (int64_t n : {2, 5})
    for (int64_t k = 1; k <= 5; ++k)
      for (int64_t s = 1; s <= 3; ++s)
        for (int64_t extra = 0; extra < s; ++extra)
          for (const char* padding : {"valid", "same"}) {
            const int64_t p = padding[0] == 'v' ? 0 : k / 2;
            const Layer layer = Conv2DTranspose({.filters = 1,
                                                 .kernel_size = {k, 1},
                                                 .strides = s,
                                                 .padding = padding,
                                                 .output_padding = extra});
            EXPECT_EQ(shape_of(layer, {n, n, 1})[0], (n - 1) * s + k - 2 * p + extra)
                << padding << " n=" << n << " k=" << k << " s=" << s;
          }
}

// 003: W_out = (W_in - F + 2P) / S + 1.
TEST(SeedExamples, ConvolutionFormula) {
  for (int64_t n : {5, 8})
    for (int64_t k = 1; k <= 5; ++k)
      for (int64_t s = 1; s <= 3; ++s)
        EXPECT_EQ(shape_of(Conv2D({.filters = 3, .kernel_size = k, .strides = s}), {n, n, 1}),
                  (Shape{(n - k) / s + 1, (n - k) / s + 1, 3}));
}

// 000 to 003: with "causal", output[t] does not depend on input[t + 1:], and the length stays.
TEST(SeedExamples, CausalLooksBackOnly) {
  const Layer layer =
      Conv1D({.filters = 2, .kernel_size = 3, .padding = "causal", .dilation_rate = 2});
  Tensor x = random_tensor({1, 9, 3}, 1);
  const Tensor before = run_layer(layer, x);
  for (float& v : x.values().subspan(5 * 3)) v += 100;
  const Tensor after = run_layer(layer, x);
  ASSERT_EQ(after.shape(), (Shape{1, 9, 2}));
  for (size_t i = 0; i < 18; ++i)
    EXPECT_EQ(before.values()[i] == after.values()[i], i < 10) << "number " << i;
}

// 003 counts from 1 (conv1d_1, cropping2d_2); layers are numbered as Keras 3 does (layers.md D1).
TEST(SeedExamples, AutomaticNames) {
  clear_session();
  EXPECT_EQ(Conv1D({.filters = 4, .kernel_size = 3}).name(), "conv1d");
  EXPECT_EQ(DepthwiseConv2D({.kernel_size = 3}).name(), "depthwise_conv2d");
  EXPECT_EQ(Cropping1D().name(), "cropping1d");
  EXPECT_EQ(Cropping1D().name(), "cropping1d_1");
  EXPECT_EQ(Cropping1D().name(), "cropping1d_2");
  EXPECT_EQ(Cropping2D().name(), "cropping2d");
  EXPECT_EQ(Cropping3D().name(), "cropping3d");
  EXPECT_EQ(UpSampling1D().name(), "up_sampling1d");
  EXPECT_EQ(UpSampling2D().name(), "up_sampling2d");
  EXPECT_EQ(UpSampling3D().name(), "up_sampling3d");
  EXPECT_EQ(ZeroPadding1D().name(), "zero_padding1d");
  EXPECT_EQ(ZeroPadding2D().name(), "zero_padding2d");
  EXPECT_EQ(ZeroPadding2D().name(), "zero_padding2d_1");
  EXPECT_EQ(ZeroPadding3D().name(), "zero_padding3d");
  EXPECT_EQ(SeparableConv1D({.filters = 1, .kernel_size = 1}).name(), "separable_conv1d");
  EXPECT_EQ(SeparableConv2D({.filters = 1, .kernel_size = 1}).name(), "separable_conv2d");
  EXPECT_EQ(Conv2DTranspose({.filters = 1, .kernel_size = 1}).name(), "conv2d_transpose");
  EXPECT_EQ(Conv3DTranspose({.filters = 1, .kernel_size = 1}).name(), "conv3d_transpose");
}

}  // namespace
}  // namespace cornu::testing
