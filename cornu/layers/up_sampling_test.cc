#include "cornu/layers/up_sampling.h"

#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

using Row = std::vector<float>;

TEST(UpSampling, Shapes) {  // layers.md S40, S41
  check_layer(UpSampling1D({.size = 2}), {.inputs = {{None, 64, 3}}, .outputs = {{None, 128, 3}}});
  check_layer(UpSampling2D({.size = 2}),
              {.inputs = {{None, 64, 64, 3}}, .outputs = {{None, 128, 128, 3}}});
  check_layer(UpSampling2D({.size = {1, 2}}),
              {.inputs = {{None, 64, 64, 3}}, .outputs = {{None, 64, 128, 3}}});
  check_layer(UpSampling3D({.size = {1, 2, 3}}),
              {.inputs = {{None, 6, 6, 6, 3}}, .outputs = {{None, 6, 12, 18, 3}}});
  EXPECT_EQ(
      UpSampling2D({.size = {2, 3}, .data_format = "channels_first"})(symbol({None, 3, 4, None}))
          .shape(),
      (Shape{None, 3, 8, None}));
}

TEST(UpSampling, Defaults) {
  check_layer(UpSampling1D(), {.inputs = {{None, None, 2}}, .outputs = {{None, None, 2}}});
  check_layer(UpSampling2D(), {.inputs = {{None, 3, 4, 2}}, .outputs = {{None, 6, 8, 2}}});
  check_layer(UpSampling3D(), {.inputs = {{None, 3, 4, 5, 2}}, .outputs = {{None, 6, 8, 10, 2}}});
}

TEST(UpSampling, Interpolations) {
  for (const char* word : {"nearest", "Bilinear", "BICUBIC", "lanczos3", "lanczos5"})
    check_layer(UpSampling2D({.size = {3, 2}, .interpolation = word}),
                {.inputs = {{None, 5, 4, 2}}, .outputs = {{None, 15, 8, 2}}});
}

// Along the rows of one column, as layers.md 21.4 prints them; the columns are left alone.
void expect_rows(UpSampling2DOptions o, int64_t factor, const Row& x, const Row& expected) {
  o.size = {factor, 1};
  const Tensor column(Shape{1, x.size(), 1, 1}, std::span<const float>(x));
  const Tensor y = run_layer(UpSampling2D(o), column);
  ASSERT_EQ(y.size(), static_cast<int64_t>(expected.size()));
  EXPECT_LT(max_error(y.values(), std::span<const float>(expected)), 1e-6)
      << o.interpolation << " " << factor;
}

TEST(UpSampling, ValuesAlongRows) {  // U1-U9
  const Row two = {0, 10}, three = {0, 10, 20};
  expect_rows({}, 2, two, {0, 0, 10, 10});
  expect_rows({}, 2, three, {0, 0, 10, 10, 20, 20});
  const UpSampling2DOptions bilinear = {.interpolation = "bilinear"};
  expect_rows(bilinear, 2, two, {0, 2.5, 7.5, 10});
  expect_rows(bilinear, 2, three, {0, 2.5, 7.5, 12.5, 17.5, 20});
  expect_rows(bilinear, 3, two, {0, 0, 3.333333f, 6.666667f, 10, 10});
  expect_rows(bilinear, 4, two, {0, 0, 1.25, 3.75, 6.25, 8.75, 10, 10});
  const UpSampling2DOptions legacy = {.interpolation = "bilinear", .legacy_bilinear = true};
  expect_rows(legacy, 2, two, {0, 5, 10, 10});
  expect_rows(legacy, 2, three, {0, 5, 10, 15, 20, 20});
  expect_rows(legacy, 3, two, {0, 3.333333f, 6.666667f, 10, 10, 10});
  expect_rows({.interpolation = "bicubic"}, 2, two, {-0.882353f, 2.071429f, 7.928571f, 10.882353f});
  expect_rows({.interpolation = "lanczos3"}, 2, two,
              {-1.754777f, 2.328707f, 7.671293f, 11.754777f});
  expect_rows({.interpolation = "lanczos5"}, 2, two,
              {-2.207119f, 2.438317f, 7.561683f, 12.207119f});
}

TEST(UpSampling, RepeatsAlongEveryAxis) {
  EXPECT_EQ(numbers(run_layer(UpSampling1D({.size = 3}), steps({1, 2}))), (Row{1, 1, 1, 2, 2, 2}));
  const Tensor x({1, 1, 2, 1, 1}, {1, 2});
  EXPECT_EQ(numbers(run_layer(UpSampling3D({.size = {2, 1, 2}}), x)),
            (Row{1, 1, 2, 2, 1, 1, 2, 2}));
  // Nothing stays nothing (layers.md 4.11).
  EXPECT_EQ(run_layer(UpSampling1D(), Tensor(Shape{1, 0, 1})).shape(), (Shape{1, 0, 1}));
}

TEST(UpSampling, Configuration) {
  EXPECT_EQ(config_keys(UpSampling1D()), "size");
  EXPECT_EQ(config_keys(UpSampling2D()), "size data_format interpolation");
  EXPECT_EQ(config_keys(UpSampling3D()), "size data_format");
  EXPECT_EQ(UpSampling1D({.size = 3}).impl()->config().at("size").dump(), "3");
  EXPECT_EQ(UpSampling2D({.size = 3}).impl()->config().at("size").dump(), "[3, 3]");
}

// Files of stand-alone Keras 2 mean the older bilinear (layers.md D9, 20.5); it survives writing.
TEST(UpSampling, LegacyBilinearOfOldFiles) {
  const layers::Dialect keras2 = {.legacy_bilinear = true};
  const auto is_legacy = [](const Layer& layer) {
    return layer.impl()->config().contains("legacy_bilinear");
  };
  const std::string bilinear = R"({"size": [2, 2], "interpolation": "bilinear"})";
  const Layer old = layer_from("UpSampling2D", bilinear, keras2);
  EXPECT_TRUE(is_legacy(old));
  EXPECT_TRUE(is_legacy(layer_from("UpSampling2D", old.impl()->config().dump())));
  EXPECT_FALSE(is_legacy(layer_from("UpSampling2D", bilinear)));
  EXPECT_FALSE(is_legacy(layer_from("UpSampling2D", R"({"size": [2, 2]})", keras2)));
  check_layer(UpSampling2D({.interpolation = "bilinear", .legacy_bilinear = true}),
              {.inputs = {{None, 3, 4, 2}}, .outputs = {{None, 6, 8, 2}}});
}

TEST(UpSamplingErrors, All) {
  EXPECT_ERROR(ValueError, UpSampling1D({.size = 0, .name = "u"}),
               "UpSampling1D 'u': `size` must be positive. Received: size=0");
  EXPECT_ERROR(ValueError, UpSampling2D({.size = {2, 0}}),
               "`size` must be positive. Received: size=(2, 0), including the values 0");
  EXPECT_ERROR(ValueError, UpSampling3D({.size = -1}), "`size` must be positive");
  EXPECT_ERROR(ValueError, UpSampling2D({.interpolation = "cubic"}),
               "`interpolation` must be one of 'nearest', 'bilinear', 'bicubic', 'lanczos3', "
               "'lanczos5'. Received: interpolation='cubic'");
  EXPECT_ERROR(ValueError, UpSampling2D({.data_format = "NHWC"}), "`data_format` must be one of");
  EXPECT_ERROR(ValueError, UpSampling2D({.legacy_bilinear = true}),
               "`legacy_bilinear` is for interpolation='bilinear'. Received: "
               "interpolation='nearest'");
  EXPECT_ERROR(ValueError, UpSampling2D()(symbol({None, 8, 8})), "expected ndim=4, found ndim=3");
  EXPECT_ERROR(ValueError, UpSampling1D({.size = 2147483647})(symbol({None, 2, 1})),
               "computed output size 4294967294 is above 2147483647");
  for (const char* size : {"2.0", "[2]", "true", "null", "\"2\""})
    EXPECT_ERROR(TypeError,
                 layer_from("UpSampling1D", base::cat(R"({"name": "u", "size": )", size, "}")),
                 base::cat("UpSampling1D 'u': `size` must be an integer. Received: size=", size));
  EXPECT_ERROR(ValueError, layer_from("UpSampling3D", R"({"size": [2, 2]})"),
               "`size` must be an integer or a list of 3 integers. Received: size=[2, 2]");
}

}  // namespace
}  // namespace cornu::testing
