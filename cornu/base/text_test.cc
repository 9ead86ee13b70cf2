#include "cornu/base/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "cornu/base/utf8.h"

namespace cornu::base {
namespace {

TEST(Text, Cat) {
  EXPECT_EQ(cat(), "");
  EXPECT_EQ(cat("a", 1, 'b', std::string("c"), true, false, -2.5), "a1bcTrueFalse-2.5");
  EXPECT_EQ(cat(std::numeric_limits<int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(cat(std::numeric_limits<uint64_t>::max()), "18446744073709551615");
}

TEST(Text, NumbersAsPythonWritesThem) {
  const std::pair<double, const char*> cases[] = {
      {0, "0.0"},
      {-0.0, "-0.0"},
      {3, "3.0"},
      {-1, "-1.0"},
      {0.1, "0.1"},
      {0.5, "0.5"},
      {1.0 / 3, "0.3333333333333333"},
      {0.001, "0.001"},
      {0.0001, "0.0001"},
      {0.00001, "1e-05"},
      {1e-7, "1e-07"},
      {1.5e-7, "1.5e-07"},
      {-2.5e-300, "-2.5e-300"},
      {5e-324, "5e-324"},
      {123456.789, "123456.789"},
      {1e15, "1000000000000000.0"},
      {9999999999999998.0, "9999999999999998.0"},
      {1e16, "1e+16"},
      {123456789012345678.0, "1.2345678901234568e+17"},
      {1e22, "1e+22"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {INFINITY, "inf"},
      {-INFINITY, "-inf"},
      {NAN, "nan"},
      {-NAN, "nan"},
  };
  for (const auto& [number, text] : cases) EXPECT_EQ(to_text(number), text);
}

TEST(Text, FloatsAreAsShortAsFloatsCanBe) {
  EXPECT_EQ(to_text(0.1f), "0.1");
  EXPECT_EQ(to_text(1e-3f), "0.001");
  EXPECT_EQ(to_text(1e-4f), "0.0001");
  EXPECT_EQ(to_text(1e-5f), "1e-05");
  EXPECT_EQ(to_text(-2.5f), "-2.5");
  EXPECT_EQ(to_text(1e16f), "1e+16");
  EXPECT_EQ(to_text(16777216.0f), "16777216.0");
}

TEST(Text, NumbersReadBack) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const double d = std::ldexp(static_cast<double>(static_cast<int64_t>(random())),
                                static_cast<int>(random() % 400) - 200);
    EXPECT_EQ(std::stod(to_text(d)), d) << to_text(d);
    const float f = std::ldexp(static_cast<float>(static_cast<int32_t>(random())),
                               static_cast<int>(random() % 120) - 80);
    EXPECT_EQ(std::stof(to_text(f)), f) << to_text(f);
  }
}

TEST(Text, Quoted) {
  EXPECT_EQ(base::quoted(""), "''");
  EXPECT_EQ(base::quoted("conv2d"), "'conv2d'");
  EXPECT_EQ(base::quoted("it's a \\"), R"('it\'s a \\')");
  EXPECT_EQ(base::quoted("größe é 卷积 🙂"), "'größe é 卷积 🙂'");
}

TEST(Text, QuotedShowsWhatWouldSteerATerminal) {
  EXPECT_EQ(base::quoted(std::string_view("a\0b", 3)), R"('a\x00b')");
  EXPECT_EQ(base::quoted("\x1b[2J\n\r\t\x7f"), R"('\x1b[2J\x0a\x0d\x09\x7f')");
  EXPECT_EQ(base::quoted("\xc2\x9b[2J"), R"('\x9b[2J')");  // CSI as one character
  EXPECT_EQ(base::quoted("\x9b[2J"), R"('\x9b[2J')");      // and as one byte
  EXPECT_EQ(base::quoted("\xe2\x80\xae"), R"('\u202e')");  // right to left
  EXPECT_EQ(base::quoted("\xe2\x80\xa8"), R"('\u2028')");  // line separator
  EXPECT_EQ(base::quoted("a\xff\xc3"), R"('a\xff\xc3')");  // not UTF-8
  EXPECT_EQ(base::quoted("\xe5\x8dz"), R"('\xe5\x8dz')");
}

TEST(Text, QuotedIsCutBetweenCharacters) {
  const std::string long_text(1000, 'x');
  EXPECT_EQ(base::quoted(long_text), "'" + std::string(200, 'x') + "…'");
  EXPECT_EQ(base::quoted(long_text.substr(0, 200)), "'" + std::string(200, 'x') + "'");
  for (size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'x');
    for (int i = 0; i < 100; ++i) text += "卷";
    EXPECT_TRUE(is_utf8(base::quoted(text)));
    EXPECT_LT(base::quoted(text).size(), 215u);
  }
}

TEST(Text, QuotedIsAlwaysUtf8) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 500; ++i) {
    std::string bytes(random() % 300, ' ');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string text = base::quoted(bytes);
    EXPECT_TRUE(is_utf8(text));
    for (char c : text) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  }
}

TEST(Text, Lower) { EXPECT_EQ(lower("Conv2D_ÀZ"), "conv2d_Àz"); }

TEST(Text, SnakeCase) {  // layers.md 3.1, and what Keras's two patterns give for odd names
  const std::pair<const char*, const char*> cases[] = {
      {"Conv1D", "conv1d"},
      {"Conv2D", "conv2d"},
      {"Conv3D", "conv3d"},
      {"Conv1DTranspose", "conv1d_transpose"},
      {"Conv2DTranspose", "conv2d_transpose"},
      {"Conv3DTranspose", "conv3d_transpose"},
      {"DepthwiseConv1D", "depthwise_conv1d"},
      {"DepthwiseConv2D", "depthwise_conv2d"},
      {"SeparableConv1D", "separable_conv1d"},
      {"SeparableConv2D", "separable_conv2d"},
      {"Cropping1D", "cropping1d"},
      {"Cropping2D", "cropping2d"},
      {"Cropping3D", "cropping3d"},
      {"UpSampling1D", "up_sampling1d"},
      {"UpSampling2D", "up_sampling2d"},
      {"UpSampling3D", "up_sampling3d"},
      {"ZeroPadding1D", "zero_padding1d"},
      {"ZeroPadding2D", "zero_padding2d"},
      {"ZeroPadding3D", "zero_padding3d"},
      {"Dense", "dense"},
      {"Flatten", "flatten"},
      {"Reshape", "reshape"},
      {"Permute", "permute"},
      {"RepeatVector", "repeat_vector"},
      {"Activation", "activation"},
      {"ReLU", "re_lu"},
      {"LeakyReLU", "leaky_re_lu"},
      {"PReLU", "p_re_lu"},
      {"ELU", "elu"},
      {"Softmax", "softmax"},
      {"BatchNormalization", "batch_normalization"},
      {"Dropout", "dropout"},
      {"SpatialDropout1D", "spatial_dropout1d"},
      {"SpatialDropout2D", "spatial_dropout2d"},
      {"SpatialDropout3D", "spatial_dropout3d"},
      {"GaussianNoise", "gaussian_noise"},
      {"GaussianDropout", "gaussian_dropout"},
      {"AlphaDropout", "alpha_dropout"},
      {"ActivityRegularization", "activity_regularization"},
      {"MaxPooling1D", "max_pooling1d"},
      {"MaxPooling2D", "max_pooling2d"},
      {"MaxPooling3D", "max_pooling3d"},
      {"AveragePooling1D", "average_pooling1d"},
      {"AveragePooling2D", "average_pooling2d"},
      {"AveragePooling3D", "average_pooling3d"},
      {"GlobalAveragePooling1D", "global_average_pooling1d"},
      {"GlobalAveragePooling2D", "global_average_pooling2d"},
      {"GlobalAveragePooling3D", "global_average_pooling3d"},
      {"GlobalMaxPooling1D", "global_max_pooling1d"},
      {"GlobalMaxPooling2D", "global_max_pooling2d"},
      {"GlobalMaxPooling3D", "global_max_pooling3d"},
      {"Add", "add"},
      {"Subtract", "subtract"},
      {"Multiply", "multiply"},
      {"Average", "average"},
      {"Maximum", "maximum"},
      {"Minimum", "minimum"},
      {"Concatenate", "concatenate"},
      {"Dot", "dot"},
      {"InputLayer", "input_layer"},
      {"Functional", "functional"},
      {"Sequential", "sequential"},
      {"GlorotUniform", "glorot_uniform"},
      {"MaxNorm", "max_norm"},
      {"L1", "l1"},
      {"L1L2", "l1l2"},
      {"My Layer", "my_layer"},
      {"my_Layer", "my__layer"},
      {"HTTPServer", "http_server"},
      {"A", "a"},
      {"", ""},
  };
  for (const auto& [name, snake] : cases) EXPECT_EQ(snake_case(name), snake);
}

}  // namespace
}  // namespace cornu::base
