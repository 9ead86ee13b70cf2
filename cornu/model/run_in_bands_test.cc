#include "cornu/model/run_in_bands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cornu/cornu.h"
#include "tests/support/compare.h"

namespace cornu {
namespace {

using testing::max_error;
using testing::random_tensor;

// Bands change nothing but the rounding of other algorithms.
void check(const Model& model, const Shape& x_shape, std::initializer_list<int64_t> bands) {
  const Tensor x = random_tensor(x_shape, 3), y = model.predict(x);
  for (int64_t rows : bands) {
    SCOPED_TRACE(::testing::Message() << "bands of " << rows);
    const Tensor got = model.predict(x, {.band = rows});
    ASSERT_EQ(got.shape(), y.shape());
    EXPECT_LE(max_error(got, y), 1e-5);
  }
}

TEST(RunInBands, ChainsOfConvolutions) {
  const Sequential model(
      {Input({.shape = {Dim::kUnknown, Dim::kUnknown, 3}}),
       Conv2D({.filters = 8, .kernel_size = 3, .padding = "same", .activation = "relu"}),
       BatchNormalization(), ZeroPadding2D({.padding = {1, 2}}),
       DepthwiseConv2D({.kernel_size = 5, .padding = "same", .dilation_rate = 2}),
       Conv2D({.filters = 4, .kernel_size = 4, .strides = 2}),
       Conv2DTranspose({.filters = 5, .kernel_size = 3, .strides = 2, .padding = "same"}),
       UpSampling2D({.size = {2, 3}}), Cropping2D({.cropping = 1}),
       MaxPooling2D({.pool_size = 2, .padding = "same"})});
  check(model, {2, 23, 31, 3}, {1, 7, 16, 100});
}

TEST(RunInBands, BranchesThatMeetAgain) {
  const Symbol x = Input({.shape = {32, 24, 2}});
  const Symbol a = Conv2D({.filters = 4, .kernel_size = 3, .padding = "same"})(x);
  const Symbol down = AveragePooling2D({.pool_size = 2})(a);
  const Symbol deep = Conv2D({.filters = 4, .kernel_size = 3, .padding = "same"})(down);
  const Symbol up = Concatenate()({UpSampling2D()(deep), a});
  const Symbol y = Add()({Conv2D({.filters = 2, .kernel_size = 3, .padding = "same"})(up), x});
  check(Model({.inputs = x, .outputs = y}), {1, 32, 24, 2}, {5, 8, 20});
}

TEST(RunInBands, OneAxisThreeAxesAndChannelsFirst) {
  check(
      Sequential({Input({.shape = {100, 3}}),
                  Conv1D({.filters = 4, .kernel_size = 3, .padding = "causal", .dilation_rate = 4}),
                  UpSampling1D({.size = 3})}),
      {3, 100, 3}, {11, 64});
  check(Sequential({Input({.shape = {9, 8, 7, 2}}),
                    Conv3D({.filters = 3, .kernel_size = 3, .padding = "same"}),
                    Conv3DTranspose({.filters = 2, .kernel_size = 2, .strides = 2})}),
        {1, 9, 8, 7, 2}, {5, 8});
  check(Sequential({Input({.shape = {2, 20, 20}}), Conv2D({.filters = 16,
                                                           .kernel_size = 3,
                                                           .padding = "same",
                                                           .data_format = "channels_first"})}),
        {1, 2, 20, 20}, {6});
}

TEST(RunInBands, TellsItsProgress) {
  const Sequential model({Input({.shape = {64, 64, 8}}),
                          Conv2D({.filters = 8, .kernel_size = 3, .padding = "same"}),
                          Conv2D({.filters = 8, .kernel_size = 3, .padding = "same"})});
  int64_t parts = 0;
  model.predict(random_tensor({1, 64, 64, 8}, 1),
                {.progress = [&](double) { ++parts; }, .band = 16});
  EXPECT_EQ(parts, 5);  // of 16 rows, and one to fill
}

TEST(RunInBands, WhatNeedsEverythingIsComputedWhole) {
  const Sequential model({Input({.shape = {12, 12, 2}}), Conv2D({.filters = 3, .kernel_size = 3}),
                          GlobalAveragePooling2D(), Dense({.units = 40})});
  int64_t parts = 0;
  const Tensor x = random_tensor({5, 12, 12, 2}, 1);
  const Tensor y = model.predict(x, {.progress = [&](double) { ++parts; }, .band = 8});
  EXPECT_EQ(parts, 5);
  EXPECT_LE(max_error(y, model.predict(x)), 1e-6);
  EXPECT_EQ(model.predict(Tensor({0, 12, 12, 2}), {.band = 8}).shape(), (Shape{0, 40}));
}

TEST(RunInBands, Refusals) {
  const Symbol x = Input({.shape = {8, 8, 2}});
  const Symbol a = Conv2D({.filters = 1, .kernel_size = 1})(x);
  const Symbol b = Conv2D({.filters = 1, .kernel_size = 1})(x);
  const Model two({.inputs = x, .outputs = {a, b}});
  const std::vector<Tensor> in = {random_tensor({1, 8, 8, 2}, 1)};
  const auto what = [&](int64_t rows) {
    try {
      two.predict(in, {.band = rows});
    } catch (const ValueError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_THAT(what(4), ::testing::HasSubstr("band=4 and 2 outputs"));
  EXPECT_THAT(what(-1), ::testing::HasSubstr("band=-1"));
  EXPECT_EQ(what(0), "");
}

}  // namespace
}  // namespace cornu
