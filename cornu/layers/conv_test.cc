#include "cornu/layers/conv.h"

#include "cornu/nn/keras_json.h"
#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

constexpr const char* kFields =
    "filters kernel_size strides padding data_format dilation_rate groups activation use_bias "
    "kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer "
    "kernel_constraint bias_constraint";

TEST(Conv, ShapesAndParameters1D) {  // layers.md S1-S6
  check_layer(Conv1D({.filters = 4, .kernel_size = 3, .padding = "causal"}),
              {.inputs = {{None, 16, 3}}, .outputs = {{None, 16, 4}}, .params = 40});
  check_layer(Conv1D({.filters = 32, .kernel_size = 5, .strides = 2}),
              {.inputs = {{None, 10, 128}}, .outputs = {{None, 3, 32}}, .params = 20512});
  check_layer(Conv1D({.filters = 4, .kernel_size = 3}),
              {.inputs = {{None, None, 128}}, .outputs = {{None, None, 4}}, .params = 1540});
  check_layer(Conv1D({.filters = 4, .kernel_size = 3, .dilation_rate = 4}),
              {.inputs = {{None, 20, 2}}, .outputs = {{None, 12, 4}}, .params = 28});
  check_layer(Conv1D({.filters = 4, .kernel_size = 3, .strides = 3, .padding = "causal"}),
              {.inputs = {{None, 16, 2}}, .outputs = {{None, 6, 4}}, .params = 28});
  check_layer(Conv1D({.filters = 4,
                      .kernel_size = 3,
                      .strides = 2,
                      .padding = "same",
                      .data_format = "channels_first"}),
              {.inputs = {{None, 3, 15}}, .outputs = {{None, 4, 8}}, .params = 40});
}

TEST(Conv, ShapesAndParameters2D) {  // S7-S14
  check_layer(Conv2D({.filters = 1, .kernel_size = {2, 2}}),
              {.inputs = {{None, 3, 3, 1}}, .outputs = {{None, 2, 2, 1}}, .params = 5});
  check_layer(Conv2D({.filters = 64, .kernel_size = 3, .padding = "same"}),
              {.inputs = {{None, 24, 20, 3}}, .outputs = {{None, 24, 20, 64}}, .params = 1792});
  check_layer(Conv2D({.filters = 8, .kernel_size = {3, 5}, .strides = {2, 3}}),
              {.inputs = {{None, 32, 32, 3}}, .outputs = {{None, 15, 10, 8}}, .params = 368});
  check_layer(Conv2D({.filters = 8, .kernel_size = {3, 5}, .strides = {2, 3}, .padding = "same"}),
              {.inputs = {{None, 32, 32, 3}}, .outputs = {{None, 16, 11, 8}}, .params = 368});
  check_layer(Conv2D({.filters = 8, .kernel_size = 3, .dilation_rate = {2, 3}}),
              {.inputs = {{None, 16, 16, 3}}, .outputs = {{None, 12, 10, 8}}, .params = 224});
  check_layer(Conv2D({.filters = 8, .kernel_size = 3, .groups = 2}),
              {.inputs = {{None, 16, 16, 4}}, .outputs = {{None, 14, 14, 8}}, .params = 152});
  check_layer(Conv2D({.filters = 8, .kernel_size = 3, .data_format = "channels_first"}),
              {.inputs = {{None, 3, 16, 18}}, .outputs = {{None, 8, 14, 16}}, .params = 224});
  check_layer(
      Conv2D({.filters = 8, .kernel_size = 3, .strides = 2, .padding = "same", .use_bias = false}),
      {.inputs = {{None, None, None, 3}}, .outputs = {{None, None, None, 8}}, .params = 216});
}

TEST(Conv, ShapesAndParameters3D) {  // S15, S16
  check_layer(Conv3D({.filters = 2, .kernel_size = 3}),
              {.inputs = {{None, 8, 9, 10, 1}}, .outputs = {{None, 6, 7, 8, 2}}, .params = 56});
  check_layer(Conv3D({.filters = 2, .kernel_size = {1, 2, 3}, .strides = 2, .padding = "same"}),
              {.inputs = {{None, 7, 8, 9, 3}}, .outputs = {{None, 4, 4, 5, 2}}, .params = 38});
}

// Every argument in the order of Keras's signature: another order does not compile.
TEST(Conv, AllArguments) {
  const Layer layer = Conv2D({.filters = 4,
                              .kernel_size = {3, 2},
                              .strides = {1, 1},
                              .padding = "SAME",
                              .data_format = "Channels_Last",
                              .dilation_rate = {2, 1},
                              .groups = 2,
                              .activation = "relu",
                              .use_bias = true,
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
                              .input_shape = {8, 8, 2}});
  check_layer(layer, {.inputs = {{None, 8, 8, 2}}, .outputs = {{None, 8, 8, 4}}, .params = 28});
  EXPECT_EQ(layer.name(), "mine");
  EXPECT_FALSE(layer.trainable());
  EXPECT_EQ(layer.impl()->config().at("padding").as_string(), "same");
  EXPECT_EQ(layer.impl()->config().at("data_format").as_string(), "channels_last");
  EXPECT_EQ(layer.impl()->common().input_shape, (Shape{8, 8, 2}));
  EXPECT_TRUE(layer.impl()->common().activity_regularizer);
}

TEST(Conv, ConfigurationNamesKerasFields) {
  EXPECT_EQ(config_keys(Conv1D({.filters = 1, .kernel_size = 1})), kFields);
  EXPECT_EQ(config_keys(Conv2D({.filters = 1, .kernel_size = 1})), kFields);
  EXPECT_EQ(config_keys(Conv3D({.filters = 1, .kernel_size = 1})), kFields);
  const base::Json config = Conv1D({.filters = 2, .kernel_size = 3}).impl()->config();
  EXPECT_EQ(config.at("kernel_size").dump(), "[3]");
  EXPECT_EQ(config.at("strides").dump(), "[1]");
  EXPECT_EQ(config.at("data_format").dump(), "\"channels_last\"");
  EXPECT_EQ(config.at("activation").dump(), "\"linear\"");
  EXPECT_EQ(config.at("kernel_regularizer").dump(), "null");
}

// One channel along the steps, kernel value per tap (layers.md 21.2).
std::vector<float> conv1d(const std::vector<float>& x, const std::vector<float>& kernel,
                          ConvOptions<1> o, float bias = 0) {
  o.filters = 1;
  o.kernel_size = kernel.size();
  return numbers(run_layer(
      Conv1D(o), steps(x),
      {Tensor(Shape{kernel.size(), 1, 1}, std::span<const float>(kernel)), Tensor({1}, {bias})}));
}

using Row = std::vector<float>;

TEST(Conv, ValuesAlongOneAxis) {  // N1-N15
  const Row x5 = {1, 2, 3, 4, 5}, x6 = {1, 2, 3, 4, 5, 6}, x7 = {1, 2, 3, 4, 5, 6, 7};
  const Row k2 = {1, 10}, k3 = {1, 10, 100}, k4 = {1, 10, 100, 1000};
  EXPECT_EQ(conv1d(x5, k3, {}, 0.5f), (Row{321.5, 432.5, 543.5}));
  EXPECT_EQ(conv1d(x5, k3, {.padding = "same"}), (Row{210, 321, 432, 543, 54}));
  EXPECT_EQ(conv1d(x5, k3, {.strides = 2, .padding = "same"}), (Row{210, 432, 54}));
  EXPECT_EQ(conv1d(x6, k3, {.strides = 2, .padding = "same"}), (Row{321, 543, 65}));
  EXPECT_EQ(conv1d(x6, k3, {.strides = 3, .padding = "same"}), (Row{321, 654}));
  EXPECT_EQ(conv1d(x7, k2, {.strides = 3, .padding = "same"}), (Row{21, 54, 7}));
  EXPECT_EQ(conv1d(x5, k2, {.padding = "same"}), (Row{21, 32, 43, 54, 5}));
  EXPECT_EQ(conv1d(x5, k4, {.padding = "same"}), (Row{3210, 4321, 5432, 543, 54}));
  EXPECT_EQ(conv1d(x5, k4, {.strides = 2, .padding = "same"}), (Row{3210, 5432, 54}));
  EXPECT_EQ(conv1d(x5, k3, {.padding = "causal"}), (Row{100, 210, 321, 432, 543}));
  EXPECT_EQ(conv1d(x5, k3, {.padding = "causal", .dilation_rate = 2}),
            (Row{100, 200, 310, 420, 531}));
  EXPECT_EQ(conv1d(x5, k3, {.strides = 2, .padding = "causal"}), (Row{100, 321, 543}));
  EXPECT_EQ(conv1d(x5, k3, {.padding = "same", .dilation_rate = 2}), (Row{310, 420, 531, 42, 53}));
  EXPECT_EQ(conv1d(x5, k3, {.dilation_rate = 2}), (Row{531}));
  EXPECT_EQ(conv1d(x6, k2, {.padding = "same", .dilation_rate = 3}), (Row{30, 41, 52, 63, 4, 5}));
}

TEST(Conv, ValuesOfGroups) {  // N16
  const Layer layer = Conv1D({.filters = 4, .kernel_size = 1, .groups = 2, .use_bias = false});
  const Tensor y = run_layer(layer, Tensor({1, 1, 4}, {1, 2, 3, 4}),
                             {Tensor({1, 2, 4}, {1, 2, 3, 4, 10, 20, 30, 40})});
  EXPECT_EQ(numbers(y), (Row{21, 42, 129, 172}));
}

TEST(Conv, ValuesInTwoDimensions) {  // N17-N20
  const Tensor x({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const auto run = [&](ConvOptions<2> o, float bias) {
    o.filters = 1;
    o.kernel_size = 2;
    return numbers(
        run_layer(Conv2D(o), x, {Tensor({2, 2, 1, 1}, {1, 2, 3, 4}), Tensor({1}, {bias})}));
  };
  EXPECT_EQ(run({}, 0), (Row{37, 47, 67, 77}));
  EXPECT_EQ(run({.padding = "same"}, 0), (Row{37, 47, 21, 67, 77, 33, 23, 26, 9}));
  EXPECT_EQ(run({.strides = 2, .padding = "same"}, 0), (Row{37, 21, 23, 9}));
  EXPECT_EQ(run({.activation = "relu"}, -40), (Row{0, 7, 27, 37}));
}

// "same" is split anew for every length that comes (layers.md 4.2).
TEST(Conv, PaddingFollowsTheInput) {
  const Layer layer =
      Conv1D({.filters = 1, .kernel_size = 3, .strides = 2, .padding = "same", .use_bias = false});
  layer(symbol({None, None, 1}));
  layer.set_weights({Tensor({3, 1, 1}, {1, 10, 100})});
  EXPECT_EQ(numbers(run_layer(layer, steps({1, 2, 3, 4, 5}))), (Row{210, 432, 54}));
  EXPECT_EQ(numbers(run_layer(layer, steps({1, 2, 3, 4, 5, 6}))), (Row{321, 543, 65}));
}

// softmax takes the last axis of the layout the user sees, elementwise activations do not care.
TEST(Conv, ActivationAlongAnAxisInChannelsFirst) {  // layers.md 4.10
  const Layer layer = Conv2D(
      {.filters = 3, .kernel_size = 1, .data_format = "channels_first", .activation = "softmax"});
  const Tensor x = random_tensor({2, 2, 4, 5}, 7);
  const Tensor y = run_layer(layer, x);
  ASSERT_EQ(y.shape(), (Shape{2, 3, 4, 5}));
  for (size_t row = 0; row < 24; ++row) {
    float sum = 0;
    for (float v : y.values().subspan(row * 5, 5)) sum += v;
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

// A function of the user's own may look at any axis, and gets the layout that the user sees.
TEST(Conv, OwnActivationInChannelsFirst) {
  Shape seen;
  const auto look = [&seen](graph::Builder& g, graph::Value x) {
    seen = g.shape(x);
    return x;
  };
  const Layer layer = Conv2D({.filters = 3,
                              .kernel_size = 1,
                              .data_format = "channels_first",
                              .activation = ActivationFunction("look", look)});
  run_layer(layer, Tensor({2, 2, 4, 5}));
  EXPECT_EQ(seen, (Shape{2, 3, 4, 5}));
}

TEST(Conv, GluHalvesTheChannels) {
  check_layer(Conv1D({.filters = 6, .kernel_size = 1, .activation = "glu"}),
              {.inputs = {{None, 4, 2}},
               .outputs = {{None, 4, 3}},
               .params = 18,
               .swaps_data_format = false});
}

TEST(Conv, DataFormatNoneIsWhatKerasJsonSays) {  // layers.md D2
  const std::string before = image_data_format();
  set_image_data_format("channels_first");
  const auto format = [](const Layer& layer) {
    return std::string(layer.impl()->config().at("data_format").as_string());
  };
  EXPECT_EQ(format(Conv1D({.filters = 1, .kernel_size = 1})), "channels_last");
  EXPECT_EQ(format(Conv1D({.filters = 1, .kernel_size = 1, .data_format = None})),
            "channels_first");
  EXPECT_EQ(format(Conv2D({.filters = 1, .kernel_size = 1})), "channels_first");
  EXPECT_EQ(format(Conv3D({.filters = 1, .kernel_size = 1})), "channels_first");
  set_image_data_format(before);
}

TEST(Conv, Names) {
  clear_session();
  EXPECT_EQ(Conv1D({.filters = 1, .kernel_size = 1}).name(), "conv1d");
  EXPECT_EQ(Conv2D({.filters = 1, .kernel_size = 1}).name(), "conv2d");
  EXPECT_EQ(Conv2D({.filters = 1, .kernel_size = 1}).name(), "conv2d_1");
  EXPECT_EQ(Conv2D({.filters = 1, .kernel_size = 1, .name = "conv2d_9"}).name(), "conv2d_9");
  EXPECT_EQ(Conv2D({.filters = 1, .kernel_size = 1}).name(), "conv2d_2");
  EXPECT_EQ(Conv3D({.filters = 1, .kernel_size = 1}).name(), "conv3d");
}

TEST(Conv, WeightNames) {
  const Layer layer = Conv2D({.filters = 2, .kernel_size = {3, 4}, .groups = 2});
  layer(symbol({None, 9, 9, 6}));
  const std::vector<Weight> weights = layer.impl()->weights();
  ASSERT_EQ(weights.size(), 2u);
  EXPECT_EQ(weights[0].variable->name(), "kernel");
  EXPECT_EQ(weights[0].variable->shape(), (Shape{3, 4, 3, 2}));
  EXPECT_EQ(weights[1].variable->name(), "bias");
  EXPECT_EQ(weights[1].variable->shape(), (Shape{2}));
}

// Numbers must be whole: neither a bool nor a float is taken for one.
static_assert(!std::is_constructible_v<Int, double> && !std::is_constructible_v<Int, bool>);
static_assert(!std::is_constructible_v<Ints<2>, double> && !std::is_constructible_v<Ints<2>, bool>);

TEST(ConvErrors, Arguments) {  // layers.md 21.13
  EXPECT_ERROR(ValueError, Conv2D({.filters = 0, .kernel_size = 3, .name = "c"}),
               "Conv2D 'c': `filters` must be positive. Received: filters=0");
  EXPECT_ERROR(ValueError, Conv2D({.filters = -1, .kernel_size = 3}),
               "`filters` must be positive. Received: filters=-1");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1}), "`kernel_size` must be positive");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1, .kernel_size = {0, 3}}),
               "`kernel_size` must be positive. Received: kernel_size=(0, 3), including the values "
               "0");
  EXPECT_ERROR(ValueError, Conv1D({.filters = 1, .kernel_size = 3, .strides = 0}),
               "`strides` must be positive. Received: strides=0");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1, .kernel_size = 3, .strides = {-1, 1}}),
               "`strides` must be positive. Received: strides=(-1, 1), including the values -1");
  EXPECT_ERROR(ValueError, Conv3D({.filters = 1, .kernel_size = 3, .dilation_rate = 0}),
               "`dilation_rate` must be positive");
  EXPECT_ERROR(ValueError,
               Conv2D({.filters = 1, .kernel_size = 3, .strides = {2, 1}, .dilation_rate = {1, 2}}),
               "`strides` above 1 cannot be combined with `dilation_rate` above 1. Received: "
               "strides=(2, 1), dilation_rate=(1, 2)");
  EXPECT_ERROR(ValueError, Conv1D({.filters = 1, .kernel_size = 3, .padding = "full"}),
               "`padding` must be one of 'valid', 'same', 'causal'. Received: padding='full'");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1, .kernel_size = 3, .padding = "causal"}),
               "`padding` must be one of 'valid', 'same'. Received: padding='causal'");
  EXPECT_ERROR(ValueError, Conv3D({.filters = 1, .kernel_size = 3, .padding = "causal"}),
               "`padding` must be one of 'valid', 'same'. Received: padding='causal'");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1, .kernel_size = 3, .data_format = "NHWC"}),
               "`data_format` must be one of 'channels_last', 'channels_first'. Received: "
               "data_format='NHWC'");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 4, .kernel_size = 3, .groups = 0}),
               "`groups` must be positive. Received: groups=0");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 4, .kernel_size = 3, .groups = 3}),
               "`filters` must be a multiple of `groups`. Received: filters=4, groups=3");
}

TEST(ConvErrors, SizesHaveABound) {
  EXPECT_ERROR(ValueError, Conv2D({.filters = int64_t{1} << 31, .kernel_size = 3}),
               "`filters` must be at most 2147483647. Received: filters=2147483648");
  EXPECT_ERROR(ValueError,
               Conv1D({.filters = 1, .kernel_size = 2147483647, .dilation_rate = 2147483647}),
               "the dilated kernel must cover at most 2147483647 cells");
  EXPECT_ERROR(ValueError,
               Conv1D({.filters = 1, .kernel_size = 1})(symbol({None, int64_t{1} << 62, 1})),
               "a dimension of the input is above 2147483647");
}

TEST(ConvErrors, WordsOfOthers) {
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1, .kernel_size = 3, .activation = "ReLU!"}),
               "unknown activation 'ReLU!'");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1, .kernel_size = 3, .kernel_initializer = "glorot"}),
               "unknown initializer 'glorot'");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1, .kernel_size = 3, .bias_initializer = "nil"}),
               "unknown initializer 'nil'");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1, .kernel_size = 3, .kernel_regularizer = "l3"}),
               "unknown regularizer 'l3'");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1, .kernel_size = 3, .bias_regularizer = "l3"}),
               "unknown regularizer 'l3'");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1, .kernel_size = 3, .activity_regularizer = "l3"}),
               "unknown regularizer 'l3'");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1, .kernel_size = 3, .kernel_constraint = "norm"}),
               "unknown constraint 'norm'");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1, .kernel_size = 3, .bias_constraint = "norm"}),
               "unknown constraint 'norm'");
  EXPECT_ERROR(ValueError, Conv2D({.filters = 1, .kernel_size = 3, .name = "a/b"}),
               "`name` must be a string without '/'");
}

TEST(ConvErrors, Inputs) {
  const Layer layer = Conv2D({.filters = 4, .kernel_size = 3, .groups = 2, .name = "c"});
  EXPECT_ERROR(ValueError, layer(symbol({None, 8, 8})),
               "Conv2D 'c': input is incompatible with the layer: expected ndim=4, found ndim=3. "
               "Full shape received: (None, 8, 8)");
  EXPECT_ERROR(ValueError, layer(symbol({None, 1, 8, 8, 2})), "expected ndim=4, found ndim=5");
  EXPECT_ERROR(ValueError, layer(symbol({None, 8, 8, None})),
               "axis 3 of the input must be known when the layer is built");
  EXPECT_ERROR(ValueError, layer(symbol({None, 8, 8, 0})), "the input has no channels");
  EXPECT_ERROR(ValueError, layer(symbol({None, 8, 8, 3})),
               "the number of input channels must be a multiple of `groups`. Received: groups=2, "
               "input channels=3, input shape=(None, 8, 8, 3)");
  EXPECT_ERROR(ValueError, layer(symbol({None, 8, 2, 2})),
               "computed output size would be zero or negative. Received: input shape=(None, 8, 2, "
               "2), kernel size=3, dilation=1, strides=1, padding='valid'");
  EXPECT_FALSE(layer.built());

  layer(symbol({None, 8, 8, 2}));
  EXPECT_ERROR(
      ValueError, layer(symbol({None, 8, 8, 4})),
      "expected axis 3 of the input shape to have value 2. Received: input shape=(None, 8, "
      "8, 4)");
  EXPECT_EQ(layer(symbol({None, None, 9, None})).shape(), (Shape{None, None, 7, 4}));
  EXPECT_ERROR(ValueError, run_layer(layer, Tensor({1, 2, 2, 2})),
               "computed output size would be zero or negative");
}

TEST(ConvFromFile, OtherNamesAndKeysOfOlderWriters) {  // layers.md 20.2, 20.3
  for (const char* name : {"Convolution1D", "Convolution2D", "Convolution3D"}) {
    const Layer layer = layer_from(name, R"({"filters": 2, "kernel_size": 3, "rank": 2})");
    EXPECT_EQ(layer.class_name(), std::string("Conv") + name[11] + "D");
  }
  const Layer layer = layer_from("Conv2D", R"({
      "name": "first", "trainable": true, "batch_input_shape": [null, 8, 8, 1], "dtype": "float32",
      "filters": 4, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same",
      "data_format": "channels_last", "dilation_rate": [1, 1], "activation": "relu",
      "use_bias": true, "kernel_initializer": {"class_name": "VarianceScaling",
        "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": null}},
      "bias_initializer": {"class_name": "Zeros", "config": {}},
      "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.01}},
      "bias_regularizer": null, "activity_regularizer": null,
      "kernel_constraint": {"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0}},
      "bias_constraint": null, "lora_rank": null, "quantization_config": null})");
  EXPECT_EQ(layer.name(), "first");
  EXPECT_EQ(layer.impl()->common().input_shape, (Shape{8, 8, 1}));
  EXPECT_EQ(layer(symbol({None, 8, 8, 1})).shape(), (Shape{None, 8, 8, 4}));
  EXPECT_EQ(layer.count_params(), 40);
}

TEST(ConvFromFile, Errors) {
  const auto conv = [](const std::string& fields) {
    return layer_from("Conv2D", R"({"name": "c", "filters": 1, "kernel_size": 3)" + fields + "}");
  };
  EXPECT_ERROR(ValueError, conv(R"(, "kernel_size": 3.0)"),
               "Conv2D 'c': `kernel_size` must be an integer or a list of 2 integers. Received: "
               "kernel_size=3.0");
  EXPECT_ERROR(ValueError, conv(R"(, "kernel_size": [3, 3, 3])"), "kernel_size=[3, 3, 3]");
  EXPECT_ERROR(ValueError, conv(R"(, "kernel_size": "ab")"), "kernel_size=\"ab\"");
  EXPECT_ERROR(ValueError, conv(R"(, "kernel_size": true)"), "kernel_size=true");
  EXPECT_ERROR(ValueError, conv(R"(, "filters": null)"), "`filters` must be an integer");
  EXPECT_ERROR(ValueError, conv(R"(, "filters": 2.0)"), "`filters` must be an integer");
  EXPECT_ERROR(ValueError, conv(R"(, "padding": null)"), "`padding` must be a string");
  EXPECT_ERROR(ValueError, conv(R"(, "padding": "causal")"), "padding='causal'");
  EXPECT_ERROR(ValueError, conv(R"(, "strides": 2, "dilation_rate": 2)"), "cannot be combined");
  EXPECT_ERROR(ValueError, conv(R"(, "lora_rank": 4)"), "unknown argument 'lora_rank'");
  EXPECT_ERROR(ValueError, conv(R"(, "colour": "red")"), "unknown argument 'colour'");
}

}  // namespace
}  // namespace cornu::testing
