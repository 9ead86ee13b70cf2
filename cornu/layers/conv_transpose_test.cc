#include "cornu/layers/conv_transpose.h"

#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

using Row = std::vector<float>;

TEST(ConvTranspose, ShapesAndParameters) {  // layers.md S17-S28
  check_layer(Conv1DTranspose({.filters = 4, .kernel_size = 3, .strides = 2}),
              {.inputs = {{None, 10, 3}}, .outputs = {{None, 21, 4}}, .params = 40});
  const auto check_2d = [](ConvTransposeOptions<2> o, Shape out, int64_t params) {
    o.filters = 4;
    check_layer(Conv2DTranspose(o),
                {.inputs = {{None, 8, 8, 3}}, .outputs = {std::move(out)}, .params = params});
  };
  check_2d({.kernel_size = 3, .strides = 2}, {None, 17, 17, 4}, 112);
  check_2d({.kernel_size = 3, .strides = 2, .padding = "same"}, {None, 16, 16, 4}, 112);
  check_2d({.kernel_size = 3, .strides = 2, .output_padding = 1}, {None, 18, 18, 4}, 112);
  check_2d({.kernel_size = 3, .strides = 2, .padding = "same", .output_padding = 0},
           {None, 15, 15, 4}, 112);
  check_2d({.kernel_size = 3, .strides = 2, .padding = "same", .output_padding = 1},
           {None, 16, 16, 4}, 112);
  check_2d({.kernel_size = 4, .strides = 2, .padding = "same", .output_padding = 1},
           {None, 15, 15, 4}, 196);
  check_2d({.kernel_size = 2, .strides = 3}, {None, 24, 24, 4}, 52);
  check_2d({.kernel_size = 3, .dilation_rate = 2}, {None, 12, 12, 4}, 112);
  check_2d({.kernel_size = {3, 2}, .strides = {2, 1}, .padding = "same", .output_padding = {1, 0}},
           {None, 16, 7, 4}, 76);
  check_layer(Conv3DTranspose({.filters = 2, .kernel_size = 3, .strides = 2}),
              {.inputs = {{None, 4, 5, 6, 1}}, .outputs = {{None, 9, 11, 13, 2}}, .params = 56});
  check_layer(
      Conv3DTranspose({.filters = 2, .kernel_size = 3, .strides = {1, 2, 3}, .padding = "same"}),
      {.inputs = {{None, 4, 5, 6, 1}}, .outputs = {{None, 4, 10, 18, 2}}, .params = 56});
}

TEST(ConvTranspose, UnknownLengthsStayUnknown) {
  check_layer(Conv2DTranspose({.filters = 2,
                               .kernel_size = 3,
                               .strides = 2,
                               .padding = "same",
                               .data_format = "channels_first"}),
              {.inputs = {{None, 3, None, 5}}, .outputs = {{None, 2, None, 10}}, .params = 56});
}

// Every argument in the order of Keras's signature: another order does not compile.
TEST(ConvTranspose, AllArguments) {
  const Layer layer = Conv2DTranspose({.filters = 4,
                                       .kernel_size = {3, 2},
                                       .strides = {2, 1},
                                       .padding = "Same",
                                       .output_padding = {1, 0},
                                       .data_format = "channels_first",
                                       .dilation_rate = 1,
                                       .activation = "tanh",
                                       .use_bias = false,
                                       .kernel_initializer = "he_normal",
                                       .bias_initializer = "ones",
                                       .kernel_regularizer = "l2",
                                       .bias_regularizer = "l1",
                                       .activity_regularizer = "l2",
                                       .kernel_constraint = "max_norm",
                                       .bias_constraint = "non_neg",
                                       .name = "mine",
                                       .trainable = false,
                                       .dtype = "float32",
                                       .input_shape = {2, 8, 8}});
  check_layer(layer, {.inputs = {{None, 2, 8, 8}}, .outputs = {{None, 4, 16, 7}}, .params = 48});
}

TEST(ConvTranspose, ConfigurationNamesKerasFields) {
  const std::string fields =
      "filters kernel_size strides padding output_padding data_format dilation_rate activation "
      "use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer "
      "activity_regularizer kernel_constraint bias_constraint";
  const ConvTransposeOptions<1> one = {.filters = 1, .kernel_size = 1};
  EXPECT_EQ(config_keys(Conv1DTranspose(one)), fields);
  EXPECT_EQ(config_keys(Conv2DTranspose({.filters = 1, .kernel_size = 1})), fields);
  EXPECT_EQ(config_keys(Conv3DTranspose({.filters = 1, .kernel_size = 1})), fields);
  EXPECT_EQ(Conv1DTranspose(one).impl()->config().at("output_padding").dump(), "null");
  const Layer set = Conv1DTranspose(
      {.filters = 1, .kernel_size = 1, .strides = 2, .output_padding = 1, .data_format = None});
  EXPECT_EQ(set.impl()->config().at("output_padding").dump(), "[1]");
}

Row transpose(const Row& kernel, ConvTransposeOptions<1> o) {
  o.filters = 1;
  o.kernel_size = kernel.size();
  return numbers(run_layer(
      Conv1DTranspose(o), steps({1, 2, 3}),
      {Tensor(Shape{kernel.size(), 1, 1}, std::span<const float>(kernel)), Tensor({1}, {0})}));
}

const Row kOne = {1}, kTwo = {1, 10}, kThree = {1, 10, 100}, kFour = {1, 10, 100, 1000};

TEST(ConvTranspose, ValuesValid) {  // layers.md T1, T3, T4, T9, T10, T16
  EXPECT_EQ(transpose(kThree, {}), (Row{1, 12, 123, 230, 300}));
  const Row t3 = {1, 10, 102, 20, 203, 30, 300};
  EXPECT_EQ(transpose(kThree, {.strides = 2}), t3);
  EXPECT_EQ(transpose(kThree, {.strides = 2, .output_padding = 0}), t3);
  EXPECT_EQ(transpose(kThree, {.strides = 2, .output_padding = 1}),
            (Row{1, 10, 102, 20, 203, 30, 300, 0}));
  EXPECT_EQ(transpose(kTwo, {.strides = 3}), (Row{1, 10, 0, 2, 20, 0, 3, 30, 0}));
  EXPECT_EQ(transpose(kTwo, {.strides = 3, .output_padding = 0}), (Row{1, 10, 0, 2, 20, 0, 3, 30}));
  EXPECT_EQ(transpose(kTwo, {.strides = 3, .output_padding = 2}),
            (Row{1, 10, 0, 2, 20, 0, 3, 30, 0, 0}));
  EXPECT_EQ(transpose(kThree, {.dilation_rate = 2}), (Row{1, 2, 13, 20, 130, 200, 300}));
}

TEST(ConvTranspose, ValuesSame) {  // T2, T5-T8, T11-T17
  const auto same = [](const Row& kernel, int64_t stride, OptionalInts<1> output_padding,
                       int64_t dilation = 1) {
    return transpose(kernel, {.strides = stride,
                              .padding = "same",
                              .output_padding = output_padding,
                              .dilation_rate = dilation});
  };
  EXPECT_EQ(same(kThree, 1, None), (Row{12, 123, 230}));
  EXPECT_EQ(same(kThree, 2, None), (Row{1, 10, 102, 20, 203, 30}));
  EXPECT_EQ(same(kThree, 2, 1), (Row{1, 10, 102, 20, 203, 30}));
  EXPECT_EQ(same(kThree, 2, 0), (Row{10, 102, 20, 203, 30}));
  EXPECT_EQ(same(kThree, 3, None), (Row{1, 10, 100, 2, 20, 200, 3, 30, 300}));
  EXPECT_EQ(same(kThree, 3, 2), (Row{1, 10, 100, 2, 20, 200, 3, 30, 300}));
  EXPECT_EQ(same(kThree, 3, 0), (Row{10, 100, 2, 20, 200, 3, 30}));
  EXPECT_EQ(same(kThree, 3, 1), (Row{1, 10, 100, 2, 20, 200, 3, 30}));
  EXPECT_EQ(same(kTwo, 2, 0), (Row{10, 2, 20, 3}));
  EXPECT_EQ(same(kTwo, 2, 1), (Row{1, 10, 2, 20, 3}));
  EXPECT_EQ(same(kTwo, 1, 0), (Row{12, 23}));
  EXPECT_EQ(same(kTwo, 1, None), (Row{1, 12, 23}));
  EXPECT_EQ(same(kFour, 2, None), (Row{10, 102, 1020, 203, 2030, 300}));
  EXPECT_EQ(same(kFour, 2, 0), (Row{102, 1020, 203, 2030}));
  EXPECT_EQ(same(kFour, 2, 1), (Row{10, 102, 1020, 203, 2030}));
  EXPECT_EQ(same(kFour, 3, 2), (Row{10, 100, 1002, 20, 200, 2003, 30, 300}));
  EXPECT_EQ(same(kOne, 3, 2), (Row{1, 0, 0, 2, 0, 0, 3, 0, 0}));
  EXPECT_EQ(same(kThree, 1, None, 2), (Row{13, 20, 130}));
  EXPECT_EQ(same(kTwo, 1, None, 2), (Row{2, 13, 20}));
}

TEST(ConvTranspose, ValuesInTwoDimensions) {  // T18-T20
  const Tensor x({1, 2, 2, 1}, {1, 2, 3, 4});
  const auto run = [&](OptionalInts<2> output_padding) {
    const Layer layer = Conv2DTranspose({.filters = 1,
                                         .kernel_size = 3,
                                         .strides = 2,
                                         .padding = "same",
                                         .output_padding = output_padding,
                                         .use_bias = false});
    return numbers(run_layer(layer, x, {Tensor({3, 3, 1, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9})}));
  };
  const Row t18 = {1, 2, 5, 4, 4, 5, 14, 10, 10, 14, 36, 24, 12, 15, 34, 20};
  EXPECT_EQ(run(None), t18);
  EXPECT_EQ(run(1), t18);
  EXPECT_EQ(run(0), (Row{5, 14, 10, 14, 36, 24, 15, 34, 20}));

  const Layer mix = Conv2DTranspose({.filters = 2, .kernel_size = 1});
  const Tensor y = run_layer(mix, Tensor({1, 1, 1, 2}, {10, 100}),
                             {Tensor({1, 1, 2, 2}, {1, 2, 3, 4}), Tensor({2}, {0, 0})});
  EXPECT_EQ(numbers(y), (Row{210, 430}));
}

// The bias is added to cells that no input reaches as well (layers.md 4.6).
TEST(ConvTranspose, BiasEverywhere) {
  const Layer layer =
      Conv1DTranspose({.filters = 1, .kernel_size = 1, .strides = 2, .output_padding = 1});
  EXPECT_EQ(numbers(run_layer(layer, steps({1, 2}), {Tensor({1, 1, 1}, {1}), Tensor({1}, {5})})),
            (Row{6, 5, 7, 5}));
}

TEST(ConvTransposeErrors, Arguments) {
  EXPECT_ERROR(
      ValueError,
      Conv2DTranspose(
          {.filters = 1, .kernel_size = 3, .strides = 2, .output_padding = {1, 2}, .name = "t"}),
      "Conv2DTranspose 't': `output_padding` must be less than `strides` on every axis. "
      "Received: output_padding=(1, 2), strides=(2, 2)");
  EXPECT_ERROR(ValueError, Conv1DTranspose({.filters = 1, .kernel_size = 3, .output_padding = 1}),
               "output_padding=1, strides=1");
  EXPECT_ERROR(ValueError, Conv1DTranspose({.filters = 1, .kernel_size = 3, .output_padding = -1}),
               "`output_padding` must be zero or positive. Received: output_padding=-1");
  EXPECT_ERROR(ValueError,
               Conv1DTranspose({.filters = 1, .kernel_size = 3, .strides = 2, .dilation_rate = 2}),
               "cannot be combined");
  EXPECT_ERROR(ValueError, Conv1DTranspose({.filters = 1, .kernel_size = 3, .padding = "causal"}),
               "`padding` must be one of 'valid', 'same'. Received: padding='causal'");
  EXPECT_ERROR(ValueError, Conv3DTranspose({.filters = 0, .kernel_size = 3}),
               "`filters` must be positive");
  EXPECT_ERROR(ValueError, Conv3DTranspose({.filters = 1, .kernel_size = {1, 0, 1}}),
               "`kernel_size` must be positive");
}

TEST(ConvTransposeErrors, Inputs) {
  const Layer layer =
      Conv1DTranspose({.filters = 1, .kernel_size = 2, .padding = "same", .output_padding = 0});
  EXPECT_ERROR(
      ValueError, layer(symbol({None, 1, 1})),
      "computed output size would be zero or negative. Received: input shape=(None, 1, 1), "
      "kernel size=2, dilation=1, strides=1, padding='same', output_padding=0");
  EXPECT_ERROR(ValueError, layer(symbol({None, 0, 1})), "output size would be zero or negative");
  EXPECT_ERROR(ValueError, layer(symbol({None, 4, None})), "axis 2 of the input must be known");
  EXPECT_ERROR(ValueError, layer(symbol({None, 4})), "expected ndim=3, found ndim=2");
  layer(symbol({None, 4, 1}));
  EXPECT_ERROR(ValueError, layer(symbol({None, 4, 2})), "expected axis 2");
  EXPECT_ERROR(ValueError,
               Conv1DTranspose({.filters = 1, .kernel_size = 1, .strides = 2147483647})(
                   symbol({None, 9, 1})),
               "is above 2147483647");
}

TEST(ConvTransposeFromFile, OtherNamesAndKeysOfOlderWriters) {
  const std::string config = R"({"filters": 2, "kernel_size": [3], "groups": 1})";
  EXPECT_EQ(layer_from("Convolution1DTranspose", config).class_name(), "Conv1DTranspose");
  const std::string config2 =
      R"({"filters": 2, "kernel_size": [3, 3], "groups": 1, "output_padding": null})";
  for (const char* name : {"Convolution2DTranspose", "Deconvolution2D"})
    EXPECT_EQ(layer_from(name, config2).class_name(), "Conv2DTranspose");
  const std::string config3 = R"({"filters": 2, "kernel_size": 3, "output_padding": [1, 0, 1],
                                  "strides": 2})";
  for (const char* name : {"Convolution3DTranspose", "Deconvolution3D"})
    EXPECT_EQ(layer_from(name, config3).class_name(), "Conv3DTranspose");
  EXPECT_ERROR(ValueError,
               layer_from("Conv2DTranspose", R"({"filters": 2, "kernel_size": 3, "groups": 2})"),
               "unknown argument 'groups'. Received: groups=2");
  EXPECT_ERROR(ValueError,
               layer_from("Conv2DTranspose",
                          R"({"filters": 2, "kernel_size": 3, "output_padding": [0, 0, 0]})"),
               "`output_padding` must be an integer or a list of 2 integers. Received: "
               "output_padding=[0, 0, 0]");
}

}  // namespace
}  // namespace cornu::testing
