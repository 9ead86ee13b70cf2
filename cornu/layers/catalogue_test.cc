// Every class of layer in one place: its automatic name (layers.md 3.1), its fields in Keras's
// order (20.1) with their defaults (parts 5 and 6), and its other names. A class that is not in the
// table fails the first test.

#include <gtest/gtest.h>

#include <map>

#include "cornu/cornu.h"
#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

struct Row {
  const char* class_name;
  const char* automatic_name;
  std::function<Layer()> make;  // with what it cannot do without, all else at its default
  const char* fields;  // that layer's own; $glorot, $zeros and $ones stand for initializers
};

const char kConvTail[] =
    R"("activation": "linear", "use_bias": true, "kernel_initializer": $glorot, )"
    R"("bias_initializer": $zeros, "kernel_regularizer": null, "bias_regularizer": null, )"
    R"("activity_regularizer": null, "kernel_constraint": null, "bias_constraint": null})";
const char kDepthwiseTail[] =
    R"("activation": "linear", "use_bias": true, "depthwise_initializer": $glorot, )"
    R"("bias_initializer": $zeros, "depthwise_regularizer": null, "bias_regularizer": null, )"
    R"("activity_regularizer": null, "depthwise_constraint": null, "bias_constraint": null})";
const char kSeparableTail[] =
    R"("activation": "linear", "use_bias": true, "depthwise_initializer": $glorot, )"
    R"("pointwise_initializer": $glorot, "bias_initializer": $zeros, )"
    R"("depthwise_regularizer": null, "pointwise_regularizer": null, "bias_regularizer": null, )"
    R"("activity_regularizer": null, "depthwise_constraint": null, "pointwise_constraint": null, )"
    R"("bias_constraint": null})";
const char kNormTail[] =
    R"("beta_regularizer": null, "gamma_regularizer": null, "beta_constraint": null, )"
    R"("gamma_constraint": null)";

std::vector<Row> rows() {
  static std::vector<std::string> texts;  // what the rows point to
  texts.clear();
  texts.reserve(100);
  const auto with = [](const std::string& head, const std::string& tail) {
    texts.push_back(head + tail);
    return texts.back().c_str();
  };
  const char* warp = R"("fill_mode": "reflect", "interpolation": "bilinear", "seed": null, )"
                     R"("fill_value": 0.0, "data_format": "channels_last"})";
  const char* rate = R"({"rate": 0.0, "seed": null})";
  const char* noise = R"({"rate": 0.0, "seed": null, "noise_shape": null})";
  const char* spatial = R"({"rate": 0.0, "seed": null, "data_format": "channels_last"})";
  const char* global = R"({"data_format": "channels_last", "keepdims": false})";
  const char* pool1 =
      R"({"pool_size": [2], "padding": "valid", "strides": [2], "data_format": "channels_last"})";
  const char* pool2 = R"({"pool_size": [2, 2], "padding": "valid", "strides": [2, 2], )"
                      R"("data_format": "channels_last"})";
  const char* pool3 = R"({"pool_size": [2, 2, 2], "padding": "valid", "strides": [2, 2, 2], )"
                      R"("data_format": "channels_last"})";
  const std::string window1 = R"("kernel_size": [3], "strides": [1], "padding": "valid", )";
  const std::string window2 = R"("kernel_size": [3, 3], "strides": [1, 1], "padding": "valid", )";
  const std::string window3 =
      R"("kernel_size": [3, 3, 3], "strides": [1, 1, 1], "padding": "valid", )";
  const std::string conv = R"({"filters": 4, )", depthwise = R"({"depth_multiplier": 1, )";
  const std::string separable = R"({"depth_multiplier": 1, "filters": 4, )";
  const std::string last = R"("data_format": "channels_last", )",
                    extra = R"("output_padding": null, )", groups = R"("groups": 1, )";
  const std::string d1 = last + R"("dilation_rate": [1], )",
                    d2 = last + R"("dilation_rate": [1, 1], )",
                    d3 = last + R"("dilation_rate": [1, 1, 1], )";
  const std::string affine = R"("epsilon": 0.001, "center": true, "scale": true, )"
                             R"("beta_initializer": $zeros, "gamma_initializer": $ones, )";
  return {
      // layers.md part 5
      {"Conv1D", "conv1d", [] { return Conv1D({.filters = 4, .kernel_size = 3}); },
       with(conv + window1 + d1 + groups, kConvTail)},
      {"Conv2D", "conv2d", [] { return Conv2D({.filters = 4, .kernel_size = 3}); },
       with(conv + window2 + d2 + groups, kConvTail)},
      {"Conv3D", "conv3d", [] { return Conv3D({.filters = 4, .kernel_size = 3}); },
       with(conv + window3 + d3 + groups, kConvTail)},
      {"Conv1DTranspose", "conv1d_transpose",
       [] { return Conv1DTranspose({.filters = 4, .kernel_size = 3}); },
       with(conv + window1 + extra + d1, kConvTail)},
      {"Conv2DTranspose", "conv2d_transpose",
       [] { return Conv2DTranspose({.filters = 4, .kernel_size = 3}); },
       with(conv + window2 + extra + d2, kConvTail)},
      {"Conv3DTranspose", "conv3d_transpose",
       [] { return Conv3DTranspose({.filters = 4, .kernel_size = 3}); },
       with(conv + window3 + extra + d3, kConvTail)},
      {"DepthwiseConv1D", "depthwise_conv1d", [] { return DepthwiseConv1D({.kernel_size = 3}); },
       with(depthwise + window1 + d1, kDepthwiseTail)},
      {"DepthwiseConv2D", "depthwise_conv2d", [] { return DepthwiseConv2D({.kernel_size = 3}); },
       with(depthwise + window2 + d2, kDepthwiseTail)},
      {"SeparableConv1D", "separable_conv1d",
       [] { return SeparableConv1D({.filters = 4, .kernel_size = 3}); },
       with(separable + window1 + d1, kSeparableTail)},
      {"SeparableConv2D", "separable_conv2d",
       [] { return SeparableConv2D({.filters = 4, .kernel_size = 3}); },
       with(separable + window2 + d2, kSeparableTail)},
      {"Cropping1D", "cropping1d", [] { return Cropping1D(); }, R"({"cropping": [1, 1]})"},
      {"Cropping2D", "cropping2d", [] { return Cropping2D(); },
       R"({"cropping": [[0, 0], [0, 0]], "data_format": "channels_last"})"},
      {"Cropping3D", "cropping3d", [] { return Cropping3D(); },
       R"({"cropping": [[1, 1], [1, 1], [1, 1]], "data_format": "channels_last"})"},
      {"UpSampling1D", "up_sampling1d", [] { return UpSampling1D(); }, R"({"size": 2})"},
      {"UpSampling2D", "up_sampling2d", [] { return UpSampling2D(); },
       R"({"size": [2, 2], "data_format": "channels_last", "interpolation": "nearest"})"},
      {"UpSampling3D", "up_sampling3d", [] { return UpSampling3D(); },
       R"({"size": [2, 2, 2], "data_format": "channels_last"})"},
      {"ZeroPadding1D", "zero_padding1d", [] { return ZeroPadding1D(); },
       R"({"padding": [1, 1], "data_format": "channels_last"})"},
      {"ZeroPadding2D", "zero_padding2d", [] { return ZeroPadding2D(); },
       R"({"padding": [[1, 1], [1, 1]], "data_format": "channels_last"})"},
      {"ZeroPadding3D", "zero_padding3d", [] { return ZeroPadding3D(); },
       R"({"padding": [[1, 1], [1, 1], [1, 1]], "data_format": "channels_last"})"},
      // part 6
      {"InputLayer", "input_layer", [] { return InputLayer({.shape = {4}}); },
       R"({"batch_shape": [null, 4], "dtype": "float32", "sparse": false, "ragged": false, )"
       R"("name": "input_layer"})"},
      {"Dense", "dense", [] { return Dense({.units = 3}); },
       R"({"units": 3, "activation": "linear", "use_bias": true, "kernel_initializer": $glorot, )"
       R"("bias_initializer": $zeros, "kernel_regularizer": null, "bias_regularizer": null, )"
       R"("kernel_constraint": null, "bias_constraint": null})"},
      {"Flatten", "flatten", [] { return Flatten(); }, R"({"data_format": "channels_last"})"},
      {"Reshape", "reshape",
       [] {
         return Reshape({.target_shape = {4, 1}});
       },
       R"({"target_shape": [4, 1]})"},
      {"Permute", "permute",
       [] {
         return Permute({.dims = {2, 1}});
       },
       R"({"dims": [2, 1]})"},
      {"RepeatVector", "repeat_vector", [] { return RepeatVector({.n = 2}); }, R"({"n": 2})"},
      {"Activation", "activation", [] { return Activation("relu"); }, R"({"activation": "relu"})"},
      {"Identity", "identity", [] { return Identity(); }, "{}"},
      {"ReLU", "re_lu", [] { return ReLU(); },
       R"({"max_value": null, "negative_slope": 0.0, "threshold": 0.0})"},
      {"LeakyReLU", "leaky_re_lu", [] { return LeakyReLU(); }, R"({"negative_slope": 0.3})"},
      {"PReLU", "p_re_lu", [] { return PReLU(); },
       R"({"alpha_initializer": $zeros, "alpha_regularizer": null, "alpha_constraint": null, )"
       R"("shared_axes": null})"},
      {"ELU", "elu", [] { return ELU(); }, R"({"alpha": 1.0})"},
      {"Softmax", "softmax", [] { return Softmax(); }, R"({"axis": -1})"},
      {"ThresholdedReLU", "thresholded_re_lu", [] { return ThresholdedReLU(); },
       R"({"theta": 1.0})"},
      {"BatchNormalization", "batch_normalization", [] { return BatchNormalization(); },
       with(R"({"axis": -1, "momentum": 0.99, )" + affine +
                R"("moving_mean_initializer": $zeros, "moving_variance_initializer": $ones, )",
            kNormTail + std::string(R"(, "synchronized": false})"))},
      {"LayerNormalization", "layer_normalization", [] { return LayerNormalization(); },
       with(R"({"axis": -1, )" + affine, kNormTail + std::string("}"))},
      {"GroupNormalization", "group_normalization", [] { return GroupNormalization(); },
       with(R"({"groups": 32, "axis": -1, )" + affine, kNormTail + std::string("}"))},
      {"Dropout", "dropout", [] { return Dropout({}); }, noise},
      {"AlphaDropout", "alpha_dropout", [] { return AlphaDropout({}); }, noise},
      {"SpatialDropout1D", "spatial_dropout1d", [] { return SpatialDropout1D({}); }, rate},
      {"SpatialDropout2D", "spatial_dropout2d", [] { return SpatialDropout2D({}); }, spatial},
      {"SpatialDropout3D", "spatial_dropout3d", [] { return SpatialDropout3D({}); }, spatial},
      {"GaussianDropout", "gaussian_dropout", [] { return GaussianDropout({}); }, rate},
      {"GaussianNoise", "gaussian_noise", [] { return GaussianNoise({}); },
       R"({"stddev": 0.0, "seed": null})"},
      {"ActivityRegularization", "activity_regularization", [] { return ActivityRegularization(); },
       R"({"l1": 0.0, "l2": 0.0})"},
      {"MaxPooling1D", "max_pooling1d", [] { return MaxPooling1D(); }, pool1},
      {"MaxPooling2D", "max_pooling2d", [] { return MaxPooling2D(); }, pool2},
      {"MaxPooling3D", "max_pooling3d", [] { return MaxPooling3D(); }, pool3},
      {"AveragePooling1D", "average_pooling1d", [] { return AveragePooling1D(); }, pool1},
      {"AveragePooling2D", "average_pooling2d", [] { return AveragePooling2D(); }, pool2},
      {"AveragePooling3D", "average_pooling3d", [] { return AveragePooling3D(); }, pool3},
      {"GlobalAveragePooling1D", "global_average_pooling1d",
       [] { return GlobalAveragePooling1D(); }, global},
      {"GlobalAveragePooling2D", "global_average_pooling2d",
       [] { return GlobalAveragePooling2D(); }, global},
      {"GlobalAveragePooling3D", "global_average_pooling3d",
       [] { return GlobalAveragePooling3D(); }, global},
      {"GlobalMaxPooling1D", "global_max_pooling1d", [] { return GlobalMaxPooling1D(); }, global},
      {"GlobalMaxPooling2D", "global_max_pooling2d", [] { return GlobalMaxPooling2D(); }, global},
      {"GlobalMaxPooling3D", "global_max_pooling3d", [] { return GlobalMaxPooling3D(); }, global},
      {"Add", "add", [] { return Add(); }, "{}"},
      {"Subtract", "subtract", [] { return Subtract(); }, "{}"},
      {"Multiply", "multiply", [] { return Multiply(); }, "{}"},
      {"Average", "average", [] { return Average(); }, "{}"},
      {"Maximum", "maximum", [] { return Maximum(); }, "{}"},
      {"Minimum", "minimum", [] { return Minimum(); }, "{}"},
      {"Concatenate", "concatenate", [] { return Concatenate(); }, R"({"axis": -1})"},
      {"Dot", "dot", [] { return Dot({.axes = 1}); }, R"({"axes": 1, "normalize": false})"},
      {"TimeDistributed", "time_distributed",
       [] { return TimeDistributed(Flatten({.name = "f"})); },
       R"({"layer": {"module": "keras.layers", "class_name": "Flatten", "config": )"
       R"({"name": "f", "trainable": true, "dtype": $dtype, "data_format": "channels_last"}, )"
       R"("registered_name": null}})"},
      {"Rescaling", "rescaling", [] { return Rescaling(); }, R"({"scale": 1.0, "offset": 0.0})"},
      {"Normalization", "normalization", [] { return Normalization(); },
       R"({"axis": -1, "invert": false, "mean": null, "variance": null})"},
      {"Resizing", "resizing", [] { return Resizing({.height = 2, .width = 3}); },
       R"({"height": 2, "width": 3, "interpolation": "bilinear", "crop_to_aspect_ratio": false, )"
       R"("pad_to_aspect_ratio": false, "fill_mode": "constant", "fill_value": 0.0, )"
       R"("antialias": false, "data_format": "channels_last"})"},
      {"CenterCrop", "center_crop", [] { return CenterCrop({.height = 2, .width = 3}); },
       R"({"height": 2, "width": 3, "data_format": "channels_last"})"},
      {"RandomFlip", "random_flip", [] { return RandomFlip(); },
       R"({"seed": null, "mode": "horizontal_and_vertical", "data_format": "channels_last"})"},
      {"RandomRotation", "random_rotation", [] { return RandomRotation({.factor = 0.5}); },
       R"({"factor": [-0.5, 0.5], "data_format": "channels_last", "fill_mode": "reflect", )"
       R"("fill_value": 0.0, "interpolation": "bilinear", "seed": null})"},
      {"RandomZoom", "random_zoom", [] { return RandomZoom({.height_factor = 0.5}); },
       with(R"({"height_factor": 0.5, "width_factor": null, )", warp)},
      {"RandomTranslation", "random_translation",
       [] { return RandomTranslation({.height_factor = 0.5, .width_factor = 0.25}); },
       with(R"({"height_factor": 0.5, "width_factor": 0.25, )", warp)},
      {"RandomContrast", "random_contrast", [] { return RandomContrast({.factor = 0.5}); },
       R"({"factor": [0.5, 0.5], "value_range": [0.0, 255.0], "seed": null})"},
      {"RandomBrightness", "random_brightness", [] { return RandomBrightness({.factor = 0.5}); },
       R"({"factor": [-0.5, 0.5], "value_range": [0.0, 255.0], "seed": null})"},
  };
}

const char kDtype[] = R"({"module": "keras", "class_name": "DTypePolicy", )"
                      R"("config": {"name": "float32"}, "registered_name": null})";

// The text with its abbreviations written out.
std::string spelled_out(std::string text) {
  const auto initializer = [](const char* class_name, const char* config) {
    return base::cat(R"({"module": "keras.initializers", "class_name": ")", class_name,
                     R"(", "config": )", config, R"(, "registered_name": null})");
  };
  const std::map<std::string, std::string> words = {
      {"$glorot", initializer("GlorotUniform", R"({"seed": null})")},
      {"$zeros", initializer("Zeros", "{}")},
      {"$ones", initializer("Ones", "{}")},
      {"$dtype", kDtype}};
  for (const auto& [word, meaning] : words)
    for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += meaning.size())
      text.replace(at, word.size(), meaning);
  return text;
}

// What full_config() writes of a layer with these fields of its own.
std::string full(const std::string& name, const std::string& fields,
                 const std::string& activity_regularizer = "") {
  std::string text = base::cat(R"({"name": ")", name, R"(", "trainable": true, "dtype": )", kDtype);
  if (!activity_regularizer.empty())
    text += base::cat(R"(, "activity_regularizer": )", activity_regularizer);
  const std::string own = spelled_out(fields);
  return text + (own == "{}" ? "}" : ", " + own.substr(1));
}

TEST(Catalogue, IsComplete) {
  std::set<std::string> listed;
  for (const Row& row : rows()) EXPECT_TRUE(listed.insert(row.class_name).second) << row.class_name;
  for (const std::string& name : layers::registry().class_names())
    EXPECT_TRUE(listed.contains(name)) << name << " is missing in the table of this test";
  EXPECT_EQ(listed.size(), layers::registry().class_names().size());
}

TEST(Catalogue, AutomaticNames) {
  clear_session();
  for (const Row& row : rows()) {
    const Layer first = row.make(), second = row.make();
    EXPECT_EQ(first.name(), row.automatic_name);
    EXPECT_EQ(second.name(), std::string(row.automatic_name) + "_1");
    EXPECT_EQ(first.class_name(), row.class_name);
  }
  clear_session();
}

TEST(Catalogue, FieldsAndDefaults) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.class_name);
    clear_session();
    const Layer layer = row.make();
    const std::string config = layer.impl()->config().dump();
    EXPECT_EQ(config, spelled_out(row.fields));
    EXPECT_EQ(layer_from(row.class_name, config).impl()->config().dump(), config)
        << "read and written again";
    if (layer.class_name() != "InputLayer") {
      EXPECT_EQ(layers::full_config(*layer.impl()).dump(), full(row.automatic_name, row.fields));
    }
  }
  clear_session();
}

// What every layer takes (layers.md 2.3): kept, and written after dtype (20.1).
TEST(Catalogue, ActivityRegularizer) {
  const char* l1 = R"({"module": "keras.regularizers", "class_name": "L1", )"
                   R"("config": {"l1": 0.5}, "registered_name": null})";
  for (const Row& row : rows()) {
    const std::string class_name = row.class_name;
    if (class_name == "InputLayer" || class_name == "ActivityRegularization") continue;
    SCOPED_TRACE(class_name);
    base::Json config = row.make().impl()->config();
    config.set("name", "kept");
    config.set("activity_regularizer", base::parse_json(l1, "test"));
    const Layer layer = layer_from(class_name, config.dump());
    EXPECT_EQ(layer.impl()->activity_regularizer().l1(), 0.5);
    std::string fields = spelled_out(row.fields);
    const std::string in_its_place = R"("activity_regularizer": null, )";
    if (const size_t at = fields.find(in_its_place); at != std::string::npos)
      fields.erase(at, in_its_place.size());
    const std::string written = layers::full_config(*layer.impl()).dump();
    EXPECT_EQ(written, full("kept", fields, l1));
    EXPECT_EQ(layers::full_config(*layer_from(class_name, written).impl()).dump(), written);
    config.set("activity_regularizer", "l3");
    EXPECT_ERROR(ValueError, layer_from(class_name, config.dump()), "unknown regularizer 'l3'");
  }
  EXPECT_EQ(MaxPooling2D({.activity_regularizer = "l2"}).impl()->activity_regularizer().l2(), 0.01);
  const Layer itself = ActivityRegularization({.l1 = 1, .l2 = 2});
  EXPECT_EQ(itself.impl()->activity_regularizer().l1(), 1);
  EXPECT_EQ(itself.impl()->activity_regularizer().l2(), 2);
}

TEST(Catalogue, CommonOptions) {
  for (const Row& row : rows()) {
    const std::string class_name = row.class_name;
    SCOPED_TRACE(class_name);
    const base::Json fields = row.make().impl()->config();
    const auto with = [&](const char* key, const base::Json& value) {
      base::Json config = fields;
      config.set(key, value);
      return config.dump();
    };
    EXPECT_EQ(layer_from(class_name, with("name", "mine")).name(), "mine");
    EXPECT_NE(layer_from(class_name, with("name", nullptr)).name(), "");
    EXPECT_ERROR(ValueError, layer_from(class_name, with("name", "")),
                 class_name + ": `name` must be a string that is not empty. Received: name=\"\"");
    EXPECT_ERROR(ValueError, layer_from(class_name, with("name", "a/b")),
                 "`name` must be a string without '/'. Received: name='a/b'");
    EXPECT_ERROR(ValueError, layer_from(class_name, with("name", 3)), "`name` must be a string");
    EXPECT_ERROR(ValueError, layer_from(class_name, with("dtype", "float16")),
                 "`dtype` must be 'float32'. Received: dtype='float16'");
    EXPECT_ERROR(ValueError, layer_from(class_name, with("trainable", 1)),
                 "`trainable` must be a boolean");
    EXPECT_ERROR(ValueError, layer_from(class_name, with("kernels", 3)),
                 "unknown argument 'kernels'. Received: kernels=3");
    EXPECT_FALSE(layer_from(class_name, with("trainable", false)).trainable());
    if (class_name == "InputLayer") continue;
    const base::Json shape = base::parse_json("[null, 5, 3]", "test");
    EXPECT_EQ(layer_from(class_name, with("batch_input_shape", shape)).impl()->common().input_shape,
              (Shape{5, 3}));
  }
}

TEST(Catalogue, OtherNames) {
  const ConvOptions<1> conv1 = {.filters = 1, .kernel_size = 1};
  const ConvOptions<2> conv2 = {.filters = 1, .kernel_size = 1};
  const ConvOptions<3> conv3 = {.filters = 1, .kernel_size = 1};
  const ConvTransposeOptions<1> transpose1 = {.filters = 1, .kernel_size = 1};
  const ConvTransposeOptions<2> transpose2 = {.filters = 1, .kernel_size = 1};
  const ConvTransposeOptions<3> transpose3 = {.filters = 1, .kernel_size = 1};
  const struct {
    const char* other;
    const char* class_name;
    Layer made;
  } cases[] = {
      {"Convolution1D", "Conv1D", Convolution1D(conv1)},
      {"Convolution2D", "Conv2D", Convolution2D(conv2)},
      {"Convolution3D", "Conv3D", Convolution3D(conv3)},
      {"Convolution1DTranspose", "Conv1DTranspose", Convolution1DTranspose(transpose1)},
      {"Convolution2DTranspose", "Conv2DTranspose", Convolution2DTranspose(transpose2)},
      {"Convolution3DTranspose", "Conv3DTranspose", Convolution3DTranspose(transpose3)},
      {"Deconvolution2D", "Conv2DTranspose", Deconvolution2D(transpose2)},
      {"Deconvolution3D", "Conv3DTranspose", Deconvolution3D(transpose3)},
      {"DepthwiseConvolution2D", "DepthwiseConv2D", DepthwiseConvolution2D({.kernel_size = 1})},
      {"SeparableConvolution1D", "SeparableConv1D",
       SeparableConvolution1D({.filters = 1, .kernel_size = 1})},
      {"SeparableConvolution2D", "SeparableConv2D",
       SeparableConvolution2D({.filters = 1, .kernel_size = 1})},
      {"MaxPool1D", "MaxPooling1D", MaxPool1D()},
      {"MaxPool2D", "MaxPooling2D", MaxPool2D()},
      {"MaxPool3D", "MaxPooling3D", MaxPool3D()},
      {"AvgPool1D", "AveragePooling1D", AvgPool1D()},
      {"AvgPool2D", "AveragePooling2D", AvgPool2D()},
      {"AvgPool3D", "AveragePooling3D", AvgPool3D()},
      {"GlobalAvgPool1D", "GlobalAveragePooling1D", GlobalAvgPool1D()},
      {"GlobalAvgPool2D", "GlobalAveragePooling2D", GlobalAvgPool2D()},
      {"GlobalAvgPool3D", "GlobalAveragePooling3D", GlobalAvgPool3D()},
      {"GlobalMaxPool1D", "GlobalMaxPooling1D", GlobalMaxPool1D()},
      {"GlobalMaxPool2D", "GlobalMaxPooling2D", GlobalMaxPool2D()},
      {"GlobalMaxPool3D", "GlobalMaxPooling3D", GlobalMaxPool3D()},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(c.made.class_name(), c.class_name);
    EXPECT_EQ(layer_from(c.other, c.made.impl()->config().dump()).class_name(), c.class_name);
  }
  EXPECT_EQ(layers::registry().aliases().size(), std::size(cases));
}

}  // namespace
}  // namespace cornu::testing
