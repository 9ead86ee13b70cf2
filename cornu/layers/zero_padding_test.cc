#include "cornu/layers/zero_padding.h"

#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

using Row = std::vector<float>;

TEST(ZeroPadding, Shapes) {  // layers.md S42-S44
  check_layer(ZeroPadding1D({.padding = 2}),
              {.inputs = {{None, 64, 3}}, .outputs = {{None, 68, 3}}});
  check_layer(ZeroPadding1D({.padding = {1, 4}}),
              {.inputs = {{None, None, 3}}, .outputs = {{None, None, 3}}});
  const Shape image = {None, 64, 64, 3};
  check_layer(ZeroPadding2D({.padding = 2}), {.inputs = {image}, .outputs = {{None, 68, 68, 3}}});
  check_layer(ZeroPadding2D({.padding = {1, 2}}),
              {.inputs = {image}, .outputs = {{None, 66, 68, 3}}});
  check_layer(ZeroPadding2D({.padding = {{1, 2}, {3, 4}}}),
              {.inputs = {image}, .outputs = {{None, 67, 71, 3}}});
  check_layer(ZeroPadding3D({.padding = 2}),
              {.inputs = {{None, 6, 7, 8, 3}}, .outputs = {{None, 10, 11, 12, 3}}});
  check_layer(ZeroPadding3D({.padding = {{1, 0}, 2, {0, 3}}}),
              {.inputs = {{None, 4, 4, 4, 1}}, .outputs = {{None, 5, 8, 7, 1}}});
}

TEST(ZeroPadding, Defaults) {
  check_layer(ZeroPadding1D(), {.inputs = {{None, 3, 2}}, .outputs = {{None, 5, 2}}});
  check_layer(ZeroPadding2D(), {.inputs = {{None, 3, 4, 2}}, .outputs = {{None, 5, 6, 2}}});
  check_layer(ZeroPadding3D(), {.inputs = {{None, 3, 4, 5, 2}}, .outputs = {{None, 5, 6, 7, 2}}});
  check_layer(ZeroPadding2D({.padding = 0}),
              {.inputs = {{None, 3, 4, 2}}, .outputs = {{None, 3, 4, 2}}});
}

TEST(ZeroPadding, ChannelsFirst) {
  check_layer(ZeroPadding1D({.padding = {1, 2}, .data_format = "channels_first"}),
              {.inputs = {{None, 3, 5}}, .outputs = {{None, 3, 8}}});
  check_layer(ZeroPadding2D({.padding = {{1, 0}, {0, 2}}, .data_format = "CHANNELS_FIRST"}),
              {.inputs = {{None, 3, None, 5}}, .outputs = {{None, 3, None, 7}}});
}

TEST(ZeroPadding, Values) {
  EXPECT_EQ(numbers(run_layer(ZeroPadding1D({.padding = {1, 2}}), steps({5, 6}))),
            (Row{0, 5, 6, 0, 0}));
  const Tensor x({1, 1, 2, 1}, {5, 6});
  EXPECT_EQ(numbers(run_layer(ZeroPadding2D({.padding = {{1, 0}, {2, 0}}}), x)),
            (Row{0, 0, 0, 0, 0, 0, 5, 6}));
  // Nothing can be padded, and is (layers.md 4.11).
  EXPECT_EQ(numbers(run_layer(ZeroPadding1D({.padding = {1, 2}}), Tensor(Shape{1, 0, 1}))),
            (Row{0, 0, 0}));
}

TEST(ZeroPadding, Dictionary) {  // layers.md D8
  EXPECT_EQ(numbers(run_layer(ZeroPadding1D({.padding = Pads1D{.left_pad = 1, .right_pad = 2}}),
                              steps({5}))),
            (Row{0, 5, 0, 0}));
  EXPECT_EQ(numbers(run_layer(ZeroPadding1D({.padding = Pads1D{.right_pad = 2}}), steps({5}))),
            (Row{5, 0, 0}));
  const Pads2D pads = {.top_pad = 1, .bottom_pad = 2, .left_pad = 3, .right_pad = 4};
  EXPECT_EQ(ZeroPadding2D({.padding = pads}).impl()->config().at("padding").dump(),
            "[[1, 2], [3, 4]]");
  EXPECT_EQ(layer_from("ZeroPadding1D", R"({"padding": {"right_pad": 2, "left_pad": 1}})")
                .impl()
                ->config()
                .at("padding")
                .dump(),
            "[1, 2]");
  EXPECT_EQ(layer_from("ZeroPadding2D", R"({"padding": {"bottom_pad": 2, "right_pad": 4}})")
                .impl()
                ->config()
                .at("padding")
                .dump(),
            "[[0, 2], [0, 4]]");
  EXPECT_ERROR(ValueError,
               layer_from("ZeroPadding1D", R"({"name": "z", "padding": {"top_pad": 2}})"),
               "ZeroPadding1D 'z': `padding` must be an integer or a pair of integers or a "
               "dictionary of left_pad, right_pad. Received: padding={\"top_pad\": 2}");
  EXPECT_ERROR(ValueError, layer_from("ZeroPadding1D", R"({"padding": {"left_pad": 2.5}})"),
               "`padding` must be");
  EXPECT_ERROR(ValueError, layer_from("ZeroPadding3D", R"({"padding": {"left_pad": 2}})"),
               "`padding` must be an integer, 3 integers or 3 pairs of integers");
}

TEST(ZeroPadding, Configuration) {
  EXPECT_EQ(config_keys(ZeroPadding1D()), "padding data_format");
  EXPECT_EQ(config_keys(ZeroPadding2D()), "padding data_format");
  EXPECT_EQ(config_keys(ZeroPadding3D()), "padding data_format");
  EXPECT_EQ(ZeroPadding1D().impl()->config().at("padding").dump(), "[1, 1]");
  EXPECT_EQ(ZeroPadding3D({.padding = {1, 2, 3}}).impl()->config().at("padding").dump(),
            "[[1, 1], [2, 2], [3, 3]]");
}

TEST(ZeroPaddingErrors, All) {
  EXPECT_ERROR(ValueError, ZeroPadding2D({.padding = -1, .name = "z"}),
               "ZeroPadding2D 'z': `padding` must be zero or positive. Received: padding=(-1, -1)");
  EXPECT_ERROR(ValueError, ZeroPadding1D({.padding = {0, -2}}),
               "`padding` must be zero or positive. Received: padding=(0, -2)");
  EXPECT_ERROR(ValueError, ZeroPadding3D({.data_format = "first"}), "`data_format` must be one of");
  EXPECT_ERROR(ValueError, ZeroPadding2D()(symbol({None, 8, 8})),
               "expected ndim=4, found ndim=3. Full shape received: (None, 8, 8)");
  EXPECT_ERROR(ValueError, ZeroPadding1D({.padding = 2147483647})(symbol({None, 8, 1})),
               "computed output size 4294967302 is above 2147483647");
  EXPECT_ERROR(ValueError, layer_from("ZeroPadding2D", R"({"padding": [1, 2, 3]})"),
               "`padding` must be an integer, 2 integers or 2 pairs of integers or a dictionary");
  EXPECT_ERROR(ValueError, layer_from("ZeroPadding1D", R"({"padding": [1, 2, 3]})"),
               "padding=[1, 2, 3]");
  EXPECT_ERROR(ValueError, layer_from("ZeroPadding1D", R"({"padding": 1.5})"), "padding=1.5");
}

}  // namespace
}  // namespace cornu::testing
