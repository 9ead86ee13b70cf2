#include "cornu/layers/cropping.h"

#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

using Row = std::vector<float>;

TEST(Cropping, Shapes) {  // layers.md S34-S38
  check_layer(Cropping1D({.cropping = 3}), {.inputs = {{None, 16, 3}}, .outputs = {{None, 10, 3}}});
  check_layer(Cropping1D({.cropping = {3, 3}}),
              {.inputs = {{None, 64, 3}}, .outputs = {{None, 58, 3}}});
  check_layer(Cropping1D({.cropping = {1, 2}}),
              {.inputs = {{None, 64, 3}}, .outputs = {{None, 61, 3}}});
  check_layer(Cropping1D({.cropping = {0, 2}}),
              {.inputs = {{None, 64, 3}}, .outputs = {{None, 62, 3}}});
  check_layer(Cropping2D({.cropping = {1, 2}}),
              {.inputs = {{None, 64, 64, 3}}, .outputs = {{None, 62, 60, 3}}});
  check_layer(Cropping2D({.cropping = {{1, 2}, {3, 4}}}),
              {.inputs = {{None, 64, 64, 3}}, .outputs = {{None, 61, 57, 3}}});
  check_layer(Cropping2D({.cropping = {1, 2}, .data_format = "channels_first"}),
              {.inputs = {{None, 3, 10, 12}}, .outputs = {{None, 3, 8, 8}}});
  check_layer(Cropping3D({.cropping = {1, 2, 3}}),
              {.inputs = {{None, 8, 9, 10, 3}}, .outputs = {{None, 6, 5, 4, 3}}});
  check_layer(Cropping3D({.cropping = {{1, 0}, 2, {0, 3}}}),
              {.inputs = {{None, 4, None, 4, 1}}, .outputs = {{None, 3, None, 1, 1}}});
}

TEST(Cropping, Defaults) {
  check_layer(Cropping1D(), {.inputs = {{None, 5, 2}}, .outputs = {{None, 3, 2}}});
  check_layer(Cropping2D(), {.inputs = {{None, 5, 6, 2}}, .outputs = {{None, 5, 6, 2}}});
  check_layer(Cropping3D(), {.inputs = {{None, 5, 6, 7, 2}}, .outputs = {{None, 3, 4, 5, 2}}});
}

TEST(Cropping, Values) {
  const Tensor x = steps({1, 2, 3, 4, 5});
  EXPECT_EQ(numbers(run_layer(Cropping1D({.cropping = {1, 2}}), x)), (Row{2, 3}));
  EXPECT_EQ(numbers(run_layer(Cropping1D({.cropping = {2, 2}}), x)), (Row{3}));
  // (1, 2) is "1 before, 2 after" in one dimension, "1 on each side of the rows, 2 on each side of
  // the columns" in two.
  Tensor image(Shape{1, 3, 5, 1});
  for (size_t i = 0; i < 15; ++i) image.values()[i] = static_cast<float>(i);
  EXPECT_EQ(numbers(run_layer(Cropping2D({.cropping = {1, 2}}), image)), (Row{7}));
  EXPECT_EQ(numbers(run_layer(Cropping2D({.cropping = {{1, 1}, 2}}), image)), (Row{7}));
  EXPECT_EQ(numbers(run_layer(Cropping2D({.cropping = {{2, 0}, {0, 3}}}), image)), (Row{10, 11}));
}

TEST(Cropping, Configuration) {
  EXPECT_EQ(config_keys(Cropping1D()), "cropping");
  EXPECT_EQ(config_keys(Cropping2D()), "cropping data_format");
  EXPECT_EQ(config_keys(Cropping3D()), "cropping data_format");
  EXPECT_EQ(Cropping1D({.cropping = {1, 2}}).impl()->config().at("cropping").dump(), "[1, 2]");
  EXPECT_EQ(Cropping2D({.cropping = {{1, 2}, 3}}).impl()->config().at("cropping").dump(),
            "[[1, 2], [3, 3]]");
}

TEST(CroppingErrors, All) {
  EXPECT_ERROR(ValueError, Cropping1D({.cropping = -1, .name = "c"}),
               "Cropping1D 'c': `cropping` must be zero or positive. Received: cropping=(-1, -1)");
  EXPECT_ERROR(ValueError, Cropping3D({.cropping = {1, {0, -1}, 1}}), "Received: cropping=(0, -1)");
  EXPECT_ERROR(ValueError, Cropping2D({.data_format = ""}), "`data_format` must be one of");

  const Layer all = Cropping1D({.cropping = {3, 2}, .name = "all"});
  EXPECT_ERROR(ValueError, all(symbol({None, 5, 1})),
               "Cropping1D 'all': `cropping` must leave something of axis 1. Received: "
               "cropping=(3, 2) on that axis, input shape=(None, 5, 1)");
  EXPECT_EQ(all(symbol({None, None, 1})).shape(), (Shape{None, None, 1}));
  EXPECT_ERROR(ValueError, run_layer(all, steps({1, 2, 3, 4, 5})), "must leave something");
  EXPECT_ERROR(
      ValueError,
      Cropping2D({.cropping = {0, 4}, .data_format = "channels_first"})(symbol({None, 9, 9, 8})),
      "must leave something of axis 3");
  EXPECT_ERROR(ValueError, Cropping2D()(symbol({None, 0, 9, 8})), "must leave something of axis 1");
  EXPECT_ERROR(ValueError, Cropping2D()(symbol({None, 9, 8})), "expected ndim=4, found ndim=3");
}

TEST(CroppingErrors, FromFile) {
  EXPECT_ERROR(ValueError, layer_from("Cropping1D", R"({"cropping": [1, 2, 3]})"),
               "`cropping` must be an integer or a pair of integers. Received: cropping=[1, 2, 3]");
  EXPECT_ERROR(ValueError, layer_from("Cropping2D", R"({"cropping": [1, 2, 3]})"),
               "`cropping` must be an integer, 2 integers or 2 pairs of integers");
  EXPECT_ERROR(ValueError, layer_from("Cropping2D", R"({"cropping": 1.0})"), "cropping=1.0");
  EXPECT_ERROR(ValueError, layer_from("Cropping1D", R"({"cropping": {"left_pad": 1}})"),
               "`cropping` must be");
  EXPECT_ERROR(ValueError, layer_from("Cropping1D", R"({"data_format": "channels_first"})"),
               "unknown argument 'data_format'");
}

}  // namespace
}  // namespace cornu::testing
