// layers.md 21.13, row by row, for every class that a row is about: kind and text of the error.

#include <gtest/gtest.h>

#include "cornu/layers/activation_layers.h"
#include "cornu/layers/conv.h"
#include "cornu/layers/conv_transpose.h"
#include "cornu/layers/depthwise_conv.h"
#include "cornu/layers/dropout.h"
#include "cornu/layers/separable_conv.h"
#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

using base::cat;

struct Family {
  std::string class_name;
  int64_t rank;      // spatial axes
  std::string base;  // a configuration that is right
  bool conv() const { return class_name.starts_with("Conv"); }
  bool transposed() const { return class_name.ends_with("Transpose"); }
  bool has_filters() const { return !class_name.starts_with("Depthwise"); }
  bool has_multiplier() const { return !conv(); }
};

std::vector<Family> convolutions() {
  const std::string conv = R"("name": "c", "filters": 4, "kernel_size": 3)";
  std::vector<Family> all;
  for (int64_t rank : {1, 2, 3}) {
    all.push_back({cat("Conv", rank, "D"), rank, conv});
    all.push_back({cat("Conv", rank, "DTranspose"), rank, conv});
    if (rank == 3) continue;
    all.push_back({cat("SeparableConv", rank, "D"), rank, conv});
    all.push_back({cat("DepthwiseConv", rank, "D"), rank, R"("name": "c", "kernel_size": 3)"});
  }
  return all;
}

// The layer with some of its fields replaced: later keys win.
Layer with(const Family& f, const std::string& fields) {
  return layer_from(f.class_name, cat("{", f.base, fields.empty() ? "" : ", ", fields, "}"));
}

// `text` follows the layer's class and name.
void expect_error(const Family& f, const std::string& fields, const std::string& text) {
  SCOPED_TRACE(cat(f.class_name, " ", fields));
  EXPECT_ERROR(ValueError, with(f, fields), cat(f.class_name, " 'c': ", text));
}

std::string tuple(int64_t rank, int64_t v) {
  std::string list;
  for (int64_t i = 0; i < rank; ++i) list += cat(i ? ", " : "", v);
  return rank == 1 ? list : cat("(", list, ")");
}

TEST(Errors, Sizes) {
  for (const Family& f : convolutions()) {
    const std::string integers = cat("must be an integer or a list of ", f.rank, " integer");
    for (const char* key : {"filters", "depth_multiplier"}) {
      if (key[0] == 'f' ? !f.has_filters() : !f.has_multiplier()) continue;
      for (const char* bad : {"0", "-1"})
        expect_error(f, cat("\"", key, "\": ", bad),
                     cat("`", key, "` must be positive. Received: ", key, "=", bad));
      for (const char* bad : {"4.0", "true", "\"4\"", "null", "[4]"})
        expect_error(f, cat("\"", key, "\": ", bad),
                     cat("`", key, "` must be an integer. Received: ", key, "=", bad));
    }
    for (const char* key : {"kernel_size", "strides", "dilation_rate"}) {
      for (int64_t bad : {0, -1})
        expect_error(f, cat("\"", key, "\": ", bad),
                     cat("`", key, "` must be positive. Received: ", key, "=", tuple(f.rank, bad)));
      for (const char* bad :
           {"3.0", "[3.0, 3, 3]", "[3, 3, 3, 3]", "[]", "\"ab\"", "true", "null", "{\"a\": 3}"})
        expect_error(f, cat("\"", key, "\": ", bad), cat("`", key, "` ", integers));
    }
    expect_error(f, cat("\"kernel_size\": ", f.rank == 2 ? "[3, 3, 3]" : "[3, 3]"),
                 cat("`kernel_size` ", integers));
  }
}

// Layers of files: the two families of D4 may have both.
TEST(Errors, StridesAndDilation) {
  for (const Family& f : convolutions()) {
    const std::string both = R"("strides": 2, "dilation_rate": 2)";
    if (f.has_multiplier()) {
      EXPECT_NO_THROW(with(f, both)) << f.class_name;
      continue;
    }
    expect_error(
        f, both,
        cat("`strides` above 1 cannot be combined with `dilation_rate` above 1. Received: ",
            "strides=", tuple(f.rank, 2), ", dilation_rate=", tuple(f.rank, 2)));
    if (f.rank == 2)
      expect_error(f, R"("strides": [2, 1], "dilation_rate": [1, 2])",
                   "`strides` above 1 cannot be combined");
  }
  const char* text = "`strides` above 1 cannot be combined with `dilation_rate` above 1";
  EXPECT_ERROR(ValueError, DepthwiseConv1D({.kernel_size = 3, .strides = 2, .dilation_rate = 2}),
               text);
  EXPECT_ERROR(ValueError,
               DepthwiseConv2D({.kernel_size = 3, .strides = {2, 1}, .dilation_rate = {1, 2}}),
               text);
  EXPECT_ERROR(ValueError,
               SeparableConv1D({.filters = 1, .kernel_size = 3, .strides = 2, .dilation_rate = 2}),
               text);
  EXPECT_ERROR(ValueError,
               SeparableConv2D({.filters = 1, .kernel_size = 3, .strides = 2, .dilation_rate = 2}),
               text);
  EXPECT_ERROR(ValueError,
               Conv3DTranspose({.filters = 1, .kernel_size = 3, .strides = 2, .dilation_rate = 2}),
               text);
}

TEST(Errors, Words) {
  std::vector<Family> all = convolutions();
  for (const char* kind : {"MaxPooling", "AveragePooling"})
    for (int64_t rank : {1, 2, 3}) all.push_back({cat(kind, rank, "D"), rank, R"("name": "c")"});
  for (const Family& f : all) {
    // Files of tf.keras may hold a causal SeparableConv1D (D5).
    const bool causal = f.class_name == "Conv1D" || f.class_name == "SeparableConv1D";
    const std::string words = cat("`padding` must be one of 'valid', 'same'",
                                  causal ? ", 'causal'" : "", ". Received: padding=");
    expect_error(f, R"("padding": "full")", words + "'full'");
    if (causal)
      EXPECT_NO_THROW(with(f, R"("padding": "causal")"));
    else
      expect_error(f, R"("padding": "causal")", words + "'causal'");
    expect_error(f, R"("padding": null)", "`padding` must be a string. Received: padding=null");
    expect_error(f, R"("padding": 1)", "`padding` must be a string. Received: padding=1");
    expect_error(f, R"("data_format": "NHWC")",
                 "`data_format` must be one of 'channels_last', 'channels_first'. Received: "
                 "data_format='NHWC'");
    const base::Json config =
        with(f, R"("padding": "SAME", "data_format": "CHANNELS_FIRST")").impl()->config();
    EXPECT_EQ(config.at("padding").as_string(), "same") << f.class_name;
    EXPECT_EQ(config.at("data_format").as_string(), "channels_first") << f.class_name;
    EXPECT_EQ(with(f, R"("data_format": null)").impl()->config().at("data_format").as_string(),
              "channels_last");
  }
  EXPECT_ERROR(ValueError, SeparableConv1D({.filters = 1, .kernel_size = 1, .padding = "causal"}),
               "`padding` must be one of 'valid', 'same'. Received: padding='causal'");
}

TEST(Errors, Groups) {
  for (const Family& f : convolutions()) {
    if (!f.conv() || f.transposed()) {
      expect_error(f, R"("groups": 2)", "unknown argument 'groups'. Received: groups=2");
      EXPECT_NO_THROW(with(f, R"("groups": 1)")) << f.class_name;
      continue;
    }
    expect_error(f, R"("groups": 0)", "`groups` must be positive. Received: groups=0");
    expect_error(f, R"("groups": 3)",
                 "`filters` must be a multiple of `groups`. Received: filters=4, groups=3");
    Shape in(std::vector<int64_t>(static_cast<size_t>(f.rank) + 2, 8));
    in[-1] = 3;
    EXPECT_ERROR(ValueError, with(f, R"("groups": 2, "data_format": "channels_last")")(symbol(in)),
                 "the number of input channels must be a multiple of `groups`. Received: groups=2, "
                 "input channels=3, input shape=");
  }
}

TEST(Errors, Inputs) {
  for (const Family& f : convolutions()) {
    SCOPED_TRACE(f.class_name);
    const auto shape = [](int64_t rank, int64_t size, int64_t channels) {
      Shape s(std::vector<int64_t>(static_cast<size_t>(rank), size));
      s[0] = Dim::kUnknown;
      s[-1] = channels;
      return s;
    };
    const int64_t rank = f.rank + 2;
    for (int64_t other : {rank - 1, rank + 1})
      EXPECT_ERROR(
          ValueError, with(f, "")(symbol(shape(other, 8, 4))),
          cat(f.class_name, " 'c': input is incompatible with the layer: expected ndim=", rank,
              ", found ndim=", other, ". Full shape received: ", shape(other, 8, 4)));
    EXPECT_ERROR(ValueError, with(f, "")(symbol(shape(rank, 8, Dim::kUnknown))),
                 "of the input must be known when the layer is built");
    const Layer built = with(f, "");
    built(symbol(shape(rank, 8, 4)));
    EXPECT_ERROR(ValueError, built(symbol(shape(rank, 8, 5))),
                 cat("expected axis ", rank - 1, " of the input shape to have value 4. Received: ",
                     "input shape=", shape(rank, 8, 5)));
    EXPECT_NO_THROW(built(symbol(shape(rank, 9, Dim::kUnknown))));
    if (f.transposed()) continue;
    EXPECT_ERROR(ValueError, with(f, "")(symbol(shape(rank, 2, 4))),
                 "computed output size would be zero or negative. Received: input shape=");
  }
}

TEST(Errors, UnknownNamesAndOptions) {
  for (const Family& f : convolutions()) {
    const std::string kernel = f.has_multiplier() ? "depthwise" : "kernel";
    expect_error(f, R"("activation": "Relu")", "unknown activation 'Relu'");
    expect_error(f, cat("\"", kernel, "_initializer\": \"glorot\""),
                 "unknown initializer 'glorot'");
    expect_error(f, R"("bias_initializer": "nulls")", "unknown initializer 'nulls'");
    expect_error(f, cat("\"", kernel, "_regularizer\": \"l3\""), "unknown regularizer 'l3'");
    expect_error(f, R"("bias_regularizer": "l3")", "unknown regularizer 'l3'");
    expect_error(f, R"("activity_regularizer": "l3")", "unknown regularizer 'l3'");
    expect_error(f, cat("\"", kernel, "_constraint\": \"max\""), "unknown constraint 'max'");
    expect_error(f, R"("bias_constraint": "max")", "unknown constraint 'max'");
    expect_error(f, R"("stride": 2)", "unknown argument 'stride'. Received: stride=2");
    expect_error(f, R"("bias_regularizer": {"class_name": "L2", "config": {"l2": -1}})",
                 "regularizer L2: `l2` must be finite and zero or positive. Received: l2=-1.0");
  }
}

TEST(Errors, OutputPadding) {
  for (const Family& f : convolutions()) {
    if (!f.transposed()) continue;
    expect_error(f, R"("strides": 2, "output_padding": 2)",
                 cat("`output_padding` must be less than `strides` on every axis. Received: "
                     "output_padding=",
                     tuple(f.rank, 2), ", strides=", tuple(f.rank, 2)));
    expect_error(f, R"("strides": 2, "output_padding": -1)",
                 cat("`output_padding` must be zero or positive. Received: output_padding=",
                     tuple(f.rank, -1)));
    expect_error(f, R"("output_padding": [0, 0, 0, 0])",
                 cat("`output_padding` must be an integer or a list of ", f.rank, " integer"));
    EXPECT_NO_THROW(with(f, R"("output_padding": null)"));
  }
}

TEST(Errors, CroppingAndPadding) {
  for (const char* kind : {"Cropping", "ZeroPadding"})
    for (int64_t rank : {1, 2, 3}) {
      const Family f{cat(kind, rank, "D"), rank, R"("name": "c")"};
      const std::string key = kind[0] == 'C' ? "cropping" : "padding";
      const std::string needed =
          rank == 1 ? "an integer or a pair of integers"
                    : cat("an integer, ", rank, " integers or ", rank, " pairs of integers");
      expect_error(f, cat("\"", key, "\": -1"),
                   cat("`", key, "` must be zero or positive. Received: ", key, "=(-1, -1)"));
      for (const char* bad : {"1.0", "[1, 2.0]", "[1, 2, 3, 4]", "[]", "null", "\"1\"", "true"})
        expect_error(f, cat("\"", key, "\": ", bad), cat("`", key, "` must be ", needed));
      const char* other = rank == 3 ? "[1, 2]" : "[1, 2, 3]";
      expect_error(f, cat("\"", key, "\": ", other), cat("`", key, "` must be ", needed));
      if (rank > 1)
        expect_error(f, cat("\"", key, "\": [[1, 2, 3], [1, 2], [1, 2]]"),
                     cat("`", key, "` must be ", needed));
    }
}

TEST(Errors, Others) {
  const auto error = [](const char* class_name, const char* fields, const char* text) {
    SCOPED_TRACE(cat(class_name, " ", fields));
    base::Json config = base::parse_json(fields, "test");
    config.set("name", "l");
    EXPECT_ERROR(ValueError, layer_from(class_name, config.dump()),
                 cat(class_name, " 'l': ", text));
  };
  error("Dense", R"({"units": 0})", "`units` must be positive. Received: units=0");
  error("Dense", R"({"units": 2.0})", "`units` must be an integer. Received: units=2.0");
  error("UpSampling1D", R"({"size": 0})", "`size` must be positive. Received: size=0");
  error("UpSampling2D", R"({"size": 0})", "`size` must be positive. Received: size=(0, 0)");
  error("UpSampling2D", R"({"size": 2.0})", "`size` must be an integer or a list of 2 integers");
  error("UpSampling3D", R"({"size": [2, 2]})", "`size` must be an integer or a list of 3 integers");
  error("UpSampling2D", R"({"interpolation": "cubic"})", "`interpolation` must be one of");
  error("Reshape", R"({"target_shape": [-1, 2, -1]})", "`target_shape` may hold -1 once");
  error("Reshape", R"({"target_shape": [2.0]})", "`target_shape` must be an integer or a list");
  error("Permute", R"({"dims": [0, 1]})", "`dims` must be a permutation");
  error("Permute", R"({"dims": [1.0, 2]})", "`dims` must be an integer or a list of integers");
  error("RepeatVector", R"({"n": 2.0})", "`n` must be an integer. Received: n=2.0");
  error("Dropout", R"({"rate": 1.5})", "`rate` must be in [0, 1]. Received: rate=1.5");
  error("Dropout", R"({"rate": "x"})", "`rate` must be a finite number. Received: rate=\"x\"");
  error("LeakyReLU", R"({"negative_slope": -0.1})",
        "`negative_slope` must be zero or positive. Received: negative_slope=-0.1");
  error("ReLU", R"({"max_value": -1})", "`max_value` must be zero or positive");
  error("ReLU", R"({"negative_slope": -1})", "`negative_slope` must be zero or positive");
  error("ReLU", R"({"threshold": -1})", "`threshold` must be zero or positive");
  error("ActivityRegularization", R"({"l2": -1})", "`l2` must be zero or positive");
  error("MaxPooling2D", R"({"pool_size": 0})", "`pool_size` must be positive");
  error("AveragePooling1D", R"({"strides": 0})", "`strides` must be positive. Received: strides=0");
  error("MaxPooling3D", R"({"pool_size": [2, 2]})",
        "`pool_size` must be an integer or a list of 3 integers. Received: pool_size=[2, 2]");
  error("InputLayer", "{}", "one of `shape` and `batch_shape` must be given");
  error("Concatenate", R"({"axis": 1.0})", "`axis` must be an integer. Received: axis=1.0");
  error("BatchNormalization", R"({"axis": [1, 2]})", "`axis` must be one integer");
}

}  // namespace
}  // namespace cornu::testing
