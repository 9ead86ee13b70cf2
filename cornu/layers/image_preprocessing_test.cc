#include "cornu/layers/image_preprocessing.h"

#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

// Height 1: pixels along the width.
Tensor row(std::initializer_list<float> pixels) {
  return Tensor({1, 1, static_cast<int64_t>(pixels.size()), 1}, pixels);
}

TEST(Resizing, Contract) {
  for (const char* word : {"nearest", "bilinear", "Bicubic", "lanczos3", "lanczos5"})
    check_layer(Resizing({.height = 5, .width = 9, .interpolation = word}),
                {.inputs = {{None, None, 8, 3}}, .outputs = {{None, 5, 9, 3}}});
  check_layer(Resizing({.height = 5, .width = 9, .crop_to_aspect_ratio = true}),
              {.inputs = {{None, 7, 8, 3}}, .outputs = {{None, 5, 9, 3}}});
  check_layer(Resizing({.height = 5, .width = 9, .pad_to_aspect_ratio = true}),
              {.inputs = {{None, 7, 8, 3}}, .outputs = {{None, 5, 9, 3}}});
  EXPECT_EQ(config_keys(Resizing({.height = 1, .width = 1})),
            "height width interpolation crop_to_aspect_ratio pad_to_aspect_ratio fill_mode "
            "fill_value antialias data_format");
}

TEST(Resizing, Values) {  // layers.md 21.4, U1 and U2
  EXPECT_LT(max_error(run_layer(Resizing({.height = 1, .width = 4}), row({0, 10})),
                      row({0, 2.5f, 7.5f, 10})),
            1e-6);
  EXPECT_TRUE(bit_equal(
      run_layer(Resizing({.height = 1, .width = 6, .interpolation = "nearest"}), row({0, 10, 20})),
      row({0, 0, 10, 10, 20, 20})));
}

TEST(Resizing, KeepsProportionsWhereAsked) {
  const ResizingOptions o = {.height = 1, .width = 2, .interpolation = "nearest"};
  ResizingOptions crop = o, pad = o;
  crop.crop_to_aspect_ratio = true;
  pad.pad_to_aspect_ratio = true;
  EXPECT_TRUE(bit_equal(run_layer(Resizing(crop), row({1, 2, 3, 4, 5, 6})), row({3, 4})));
  // A frame of 2 x 4 around 2 x 2, then every second pixel, odd places first.
  EXPECT_TRUE(bit_equal(run_layer(Resizing(pad), Tensor({1, 2, 2, 1}, {1, 2, 3, 4})), row({3, 0})));
}

TEST(Resizing, Errors) {
  EXPECT_ERROR(ValueError, Resizing({.height = 0, .width = 1}), "`height` must be positive");
  EXPECT_ERROR(ValueError, Resizing({.height = 1}), "`width` must be positive");
  EXPECT_ERROR(ValueError, Resizing({.height = 1, .width = 1, .interpolation = "cubic"}),
               "`interpolation` must be one of");
  EXPECT_ERROR(ValueError, Resizing({.height = 1, .width = 1, .antialias = true}),
               "antialiasing is not supported");
  EXPECT_ERROR(ValueError, Resizing({.height = 1, .width = 1, .fill_mode = "edge"}), "`fill_mode`");
  EXPECT_ERROR(ValueError,
               Resizing({.height = 1, .width = 1, .pad_to_aspect_ratio = true, .fill_value = 1}),
               "`fill_value` must be 0");
  EXPECT_ERROR(
      ValueError,
      Resizing(
          {.height = 1, .width = 1, .crop_to_aspect_ratio = true, .pad_to_aspect_ratio = true}),
      "only one of");
  EXPECT_ERROR(ValueError, Resizing({.height = 1, .width = 1})(symbol({None, 3, 3})),
               "expected ndim=4");
  EXPECT_ERROR(ValueError, Resizing({.height = 1, .width = 1})(symbol({None, 0, 3, 1})),
               "the image is empty");
}

TEST(CenterCrop, Contract) {
  check_layer(CenterCrop({.height = 2, .width = 3}),
              {.inputs = {{None, 5, None, 2}}, .outputs = {{None, 2, 3, 2}}});
  check_layer(CenterCrop({.height = 2, .width = 30}),
              {.inputs = {{None, 5, 6, 2}}, .outputs = {{None, 2, 30, 2}}});
  EXPECT_EQ(config_keys(CenterCrop({.height = 1, .width = 1})), "height width data_format");
  EXPECT_ERROR(ValueError, CenterCrop({.height = -1, .width = 1}), "`height` must be positive");
}

TEST(CenterCrop, Values) {
  EXPECT_TRUE(bit_equal(run_layer(CenterCrop({.height = 1, .width = 2}), row({1, 2, 3, 4, 5})),
                        row({2, 3})));
  // Too small: 1 x 1 of the middle, resized.
  EXPECT_TRUE(bit_equal(run_layer(CenterCrop({.height = 2, .width = 2}), row({1, 2, 3})),
                        Tensor({1, 2, 2, 1}, {2, 2, 2, 2})));
}

}  // namespace
}  // namespace cornu::testing
