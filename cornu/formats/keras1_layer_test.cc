// Layers and models as Keras 1 wrote them, against those of Keras 2 that mean the same.

#include "cornu/formats/keras1_layer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/formats/network_config.h"
#include "cornu/layers/registry.h"

namespace cornu::formats {
namespace {

using base::cat;
using base::Json;
using namespace testing_model;
using ::testing::HasSubstr;

std::string config_of(const std::string& class_name, const std::string& fields) {
  const Json object = base::parse_json(json(layer(class_name, "x", fields)), "layer");
  return layers::full_config(*layers::layer_from_object(layer_of_keras1(object), {}).impl()).dump();
}

struct Pair {
  const char *old_class, *old_fields, *new_class, *new_fields;
};

constexpr Pair kPairs[] = {
    {"Convolution2D",
     "'nb_filter': 3, 'nb_row': 1, 'nb_col': 2, 'init': 'he_normal', 'activation': 'relu', "
     "'border_mode': 'same', 'subsample': [2, 1], 'dim_ordering': 'th', 'bias': false, "
     "'W_regularizer': {'name': 'WeightRegularizer', 'l1': 0.0, 'l2': 0.5}, 'b_regularizer': null, "
     "'activity_regularizer': {'name': 'L1L2Regularizer', 'l1': 0.25, 'l2': 0.0}, "
     "'W_constraint': {'name': 'MaxNorm', 'm': 3, 'axis': 0}, 'b_constraint': {'name': 'NonNeg'}, "
     "'input_dtype': 'float32', 'batch_input_shape': [null, 4, 5, 5]",
     "Conv2D",
     "'filters': 3, 'kernel_size': [1, 2], 'kernel_initializer': 'he_normal', 'activation': "
     "'relu', 'padding': 'same', 'strides': [2, 1], 'data_format': 'channels_first', 'use_bias': "
     "false, 'kernel_regularizer': {'class_name': 'L1L2', 'config': {'l1': 0.0, 'l2': 0.5}}, "
     "'activity_regularizer': {'class_name': 'L1L2', 'config': {'l1': 0.25, 'l2': 0.0}}, "
     "'kernel_constraint': {'class_name': 'MaxNorm', 'config': {'max_value': 3, 'axis': 0}}, "
     "'bias_constraint': 'NonNeg', 'batch_input_shape': [null, 4, 5, 5]"},
    {"Convolution1D",
     "'nb_filter': 3, 'filter_length': 2, 'border_mode': 'valid', 'subsample_length': 2, "
     "'input_dim': 4, 'input_length': null, 'bias': true, 'init': 'uniform'",
     "Conv1D", "'filters': 3, 'kernel_size': 2, 'strides': 2, 'kernel_initializer': 'uniform'"},
    {"Convolution3D",
     "'nb_filter': 3, 'kernel_dim1': 1, 'kernel_dim2': 2, 'kernel_dim3': 3, 'dim_ordering': 'tf'",
     "Conv3D", "'filters': 3, 'kernel_size': [1, 2, 3], 'data_format': 'channels_last'"},
    {"AtrousConvolution2D", "'nb_filter': 3, 'nb_row': 2, 'nb_col': 2, 'atrous_rate': [2, 3]",
     "Conv2D", "'filters': 3, 'kernel_size': 2, 'dilation_rate': [2, 3]"},
    {"AtrousConvolution1D", "'nb_filter': 3, 'filter_length': 2, 'atrous_rate': 2", "Conv1D",
     "'filters': 3, 'kernel_size': 2, 'dilation_rate': 2"},
    {"Deconvolution2D", "'nb_filter': 3, 'nb_row': 2, 'nb_col': 2, 'output_shape': [null, 8, 8, 3]",
     "Conv2DTranspose", "'filters': 3, 'kernel_size': 2"},
    {"SeparableConvolution2D",
     "'nb_filter': 3, 'nb_row': 2, 'nb_col': 2, 'init': 'zero', 'depth_multiplier': 2, "
     "'depthwise_regularizer': {'name': 'L1L2Regularizer', 'l1': 0.0, 'l2': 0.5}, "
     "'pointwise_constraint': {'name': 'UnitNorm', 'axis': 0}",
     "SeparableConv2D",
     "'filters': 3, 'kernel_size': 2, 'depth_multiplier': 2, 'depthwise_initializer': 'zeros', "
     "'pointwise_initializer': 'zeros', 'depthwise_regularizer': {'class_name': 'L1L2', 'config': "
     "{'l1': 0.0, 'l2': 0.5}}, 'pointwise_constraint': {'class_name': 'UnitNorm', 'config': "
     "{'axis': 0}}"},
    {"Dense", "'output_dim': 3, 'init': 'normal', 'input_dim': 4, 'W_constraint': null", "Dense",
     "'units': 3, 'kernel_initializer': 'normal'"},
    {"MaxPooling1D", "'pool_length': 3, 'stride': 2, 'border_mode': 'same'", "MaxPooling1D",
     "'pool_size': 3, 'strides': 2, 'padding': 'same'"},
    {"AveragePooling2D",
     "'pool_size': [2, 2], 'strides': [1, 2], 'border_mode': 'valid', 'dim_ordering': 'th'",
     "AveragePooling2D", "'pool_size': 2, 'strides': [1, 2], 'data_format': 'channels_first'"},
    {"UpSampling1D", "'length': 3", "UpSampling1D", "'size': 3"},
    {"ZeroPadding2D", "'padding': [1, 2, 3, 4], 'dim_ordering': 'tf'", "ZeroPadding2D",
     "'padding': [[1, 2], [3, 4]]"},
    {"BatchNormalization",
     "'mode': 0, 'axis': 1, 'epsilon': 0.01, 'momentum': 0.9, 'gamma_init': 'one', 'beta_init': "
     "'zero', 'gamma_regularizer': {'name': 'L1L2Regularizer', 'l1': 0.5, 'l2': 0.0}",
     "BatchNormalization",
     "'axis': 1, 'epsilon': 0.01, 'momentum': 0.9, 'gamma_regularizer': {'class_name': 'L1L2', "
     "'config': {'l1': 0.5, 'l2': 0.0}}"},
    {"Dropout", "'p': 0.25", "Dropout", "'rate': 0.25"},
    {"GaussianNoise", "'sigma': 0.25", "GaussianNoise", "'stddev': 0.25"},
    {"PReLU", "'init': 'one', 'shared_axes': [1]", "PReLU",
     "'alpha_initializer': 'ones', 'shared_axes': [1]"},
    {"Merge", "'mode': 'sum', 'concat_axis': -1, 'mode_type': 'raw', 'arguments': {}", "Add", ""},
    {"Merge", "'mode': 'concat', 'concat_axis': 1", "Concatenate", "'axis': 1"},
    // Not Keras 1's.
    {"RandomFlip", "'mode': 'horizontal'", "RandomFlip", "'mode': 'horizontal'"},
};

TEST(Keras1Layer, MeansWhatItMeantThere) {
  for (const Pair& p : kPairs) {
    SCOPED_TRACE(p.old_fields);
    EXPECT_EQ(config_of(p.old_class, p.old_fields), config_of(p.new_class, p.new_fields));
  }
}

std::string error(const std::string& class_name, const std::string& fields) {
  try {
    config_of(class_name, fields);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Keras1Layer, RefusesWhatNoLaterKerasHas) {
  EXPECT_THAT(error("BatchNormalization", "'mode': 2"), HasSubstr("'x': only mode 0"));
  EXPECT_THAT(error("Merge", "'mode': 'cos'"), HasSubstr("mode \"cos\" is not supported"));
  EXPECT_THAT(error("Merge", "'mode': 'sum', 'layers': []"), HasSubstr("Sequential"));
  EXPECT_THAT(error("Dense", "'output_dim': 3, 'W_regularizer': {'name': 'EigenvalueRegularizer'}"),
              HasSubstr("unknown regularizer"));
  EXPECT_THAT(error("Dense", "'output_dim': 3, 'nb': 2"), HasSubstr("unknown argument 'nb'"));
  EXPECT_THAT(error("Highway", "'init': 'one'"), HasSubstr("unknown class 'Highway'"));
}

Model build(const std::string& text) {
  return Model(network_from_config(base::parse_json(json(text), "m.h5"), dialect_of("1.2.2"), "m"));
}

TEST(Keras1Model, FunctionalWithAMerge) {
  const Model model = build(cat(
      "{'class_name': 'Model', 'config': {'name': 'm', 'layers': [",
      layer("InputLayer", "i", "'batch_input_shape': [null, 4], 'input_dtype': 'float32'", "[]"),
      ", ", layer("Dense", "d", "'output_dim': 2", "[[['i', 0, 0]]]"), ", ",
      layer("Merge", "merge", "'mode': 'concat', 'concat_axis': -1, 'mode_type': 'raw'",
            "[[['i', 0, 0], ['d', 0, 0]]]"),
      "], 'input_layers': [['i', 0, 0]], 'output_layers': [['merge', 0, 0]]}}"));
  EXPECT_EQ(model.output_shape(), (Shape{Dim::kUnknown, 6}));
}

TEST(Keras1Model, DeconvolutionsGiveTheShapeThatTheyWereTold) {
  const auto with = [](int size) {
    return cat("{'class_name': 'Sequential', 'config': [",
               layer("Deconvolution2D", "d",
                     cat("'nb_filter': 3, 'nb_row': 3, 'nb_col': 3, 'border_mode': 'valid', "
                         "'subsample': [2, 2], 'batch_input_shape': [null, 12, 12, 1], "
                         "'output_shape': [null, ",
                         size, ", 25, 3]")),
               "]}");
  };
  EXPECT_EQ(build(with(25)).output_shape(), (Shape{Dim::kUnknown, 25, 25, 3}));
  EXPECT_THROW(build(with(26)), FormatError);
}

}  // namespace
}  // namespace cornu::formats
