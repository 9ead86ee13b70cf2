#include "cornu/formats/tfjs_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cornu/base/file.h"
#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/model/network.h"
#include "tests/golden/golden_case.h"
#include "tests/support/compare.h"
#include "tests/support/written.h"

namespace cornu::formats {
namespace {

using base::cat;
using base::Json;
using ::cornu::testing::bit_equal;
using ::cornu::testing::expect_same_numbers;
using ::cornu::testing::expect_same_results;
using ::cornu::testing::golden_model;
using ::cornu::testing::golden_models;
using ::cornu::testing::ramp;
using ::testing::HasSubstr;
using testing_model::Folder;

// Written, read and written again: equal weights, results and bytes.
Model expect_round_trip(const Model& model, const Folder& folder) {
  const std::string path = folder.path("model.json");
  export_tfjs(model, path);
  const LoadResult loaded = load(path);
  EXPECT_TRUE(loaded.warnings.empty());
  EXPECT_EQ(loaded.keras_version, "2.15.0");
  expect_same_numbers(model, loaded.model);
  expect_same_results(model, loaded.model);
  const TfjsFiles again = tfjs_files(loaded.model), first = tfjs_files(model);
  EXPECT_EQ(again.json.text(), first.json.text());
  EXPECT_EQ(again.json.text(), base::read_file(path).text());
  return loaded.model;
}

std::string refusal(const Model& model) {
  try {
    tfjs_files(model);
  } catch (const ValueError& e) {
    return e.what();
  }
  return "written";
}

// The golden cases that TensorFlow.js has no layers for, or computes otherwise.
const std::set<std::string> kRefused = {"batchnorm_axis1_noscale",
                                        "conv1d_channels_first",
                                        "conv3d_same_k123_s212",
                                        "elu",
                                        "separable2d_channels_first",
                                        "softmax_axis1",
                                        "activation_celu",
                                        "activation_exponential",
                                        "activation_hard_shrink",
                                        "activation_hard_sigmoid",
                                        "activation_hard_sigmoid_wide",
                                        "activation_hard_silu",
                                        "activation_hard_tanh",
                                        "activation_leaky_relu",
                                        "activation_log_sigmoid",
                                        "activation_soft_shrink",
                                        "activation_sparse_plus",
                                        "activation_sparse_sigmoid",
                                        "activation_squareplus",
                                        "activation_tanh_shrink",
                                        "conv1dT_same_k2_s2",
                                        "conv1dT_same_k3_s1",
                                        "conv1dT_same_k3_s2",
                                        "conv1dT_same_k3_s3_op2",
                                        "conv1dT_same_k4_s2",
                                        "conv1dT_same_k5_s3",
                                        "conv1dT_valid_k2_s2",
                                        "conv1dT_valid_k3_s1",
                                        "conv1dT_valid_k3_s2",
                                        "conv1dT_valid_k4_s2",
                                        "conv1dT_valid_k5_s3",
                                        "conv1d_causal_k2_s2",
                                        "conv1d_causal_k3",
                                        "conv1d_causal_k3_d3",
                                        "conv1d_groups2_relu",
                                        "conv2dT_same_d2",
                                        "conv2dT_same_k3_s2_op1",
                                        "conv2dT_valid_d2",
                                        "conv2dT_valid_k3_s2_op1",
                                        "conv2d_channels_first_groups2_d2",
                                        "conv2d_groups4",
                                        "conv3dT_d2",
                                        "conv3dT_same_k3_s2_op1",
                                        "conv3dT_valid_k3_s2_op1",
                                        "conv3d_groups2",
                                        "conv3d_same_d2",
                                        "conv3d_valid_d2",
                                        "cropping1d_1_2",
                                        "cropping1d_3",
                                        "cropping3d_123",
                                        "cropping3d_asym",
                                        "cropping3d_channels_first",
                                        "depthwise1d_same_k3_m2",
                                        "depthwise1d_valid_k3_m2",
                                        "depthwise2d_s2_d2_same",
                                        "depthwise2d_same_k32_d2",
                                        "depthwise2d_valid_k32_d2",
                                        "globalavg3d",
                                        "globalmax1d_keepdims",
                                        "globalmax2d_keepdims",
                                        "globalmax3d_keepdims",
                                        "graph_two_inputs_two_outputs_shared",
                                        "graph_volume",
                                        "relu_max_thr",
                                        "separable1d_same_d2",
                                        "separable1d_same_k3_m2",
                                        "separable1d_same_k3_s2",
                                        "separable1d_valid_k3_m2",
                                        "separable1d_valid_k3_s2",
                                        "train_layer_conv1d_causal",
                                        "train_layer_conv2dT_upsampling",
                                        "train_layer_conv3d_conv3dT",
                                        "train_layer_separable1d",
                                        "upsampling1d_3",
                                        "upsampling2d_bilinear_2",
                                        "upsampling2d_bilinear_32",
                                        "upsampling2d_bilinear_channels_first",
                                        "upsampling3d_123",
                                        "upsampling3d_channels_first",
                                        "zeropadding1d_12",
                                        "zeropadding1d_2",
                                        "zeropadding1d_channels_first",
                                        "zeropadding3d_2",
                                        "zeropadding3d_asym",
                                        "zeropadding3d_channels_first"};

class TfjsGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(TfjsGolden, RoundTrip) {
  const Model model = load_model(golden_model(GetParam()));
  if (kRefused.contains(GetParam())) {
    EXPECT_THAT(refusal(model), HasSubstr("cannot be written for TensorFlow.js"));
    return;
  }
  const Folder folder;
  expect_round_trip(model, folder);
}

INSTANTIATE_TEST_SUITE_P(Keras, TfjsGolden, ::testing::ValuesIn(golden_models()),
                         [](const auto& parameter) { return parameter.param; });

// Nested models, whose calls Keras 2 counts from 1, layers called twice, additions of tensors.
TEST(TfjsWriter, Graphs) {
  const Layer shared = Dense({.units = 4, .name = "shared"});
  const Symbol p = Input({.shape = {4}}), q = Input({.shape = {4}});
  const Model inner({.inputs = {p, q}, .outputs = {shared(p) + shared(q), shared(q)}});
  const Sequential chain({Input({.shape = {4}}), Dense({.units = 4}), BatchNormalization()});
  const Symbol a = Input({.shape = {4}}), b = Input({.shape = {4}});
  const Symbols first = inner.call({a, b}), second = inner.call({b, a});
  const Symbol steps = TimeDistributed(Dense({.units = 2}))(Reshape({.target_shape = {2, 2}})(b));
  const Symbol mixed = Concatenate({})({first[0], second[1], chain(a), chain(chain(b))});
  const Folder folder;
  expect_round_trip(Model({.inputs = {a, b}, .outputs = {mixed, steps, second[0], chain(b)}}),
                    folder);
}

TEST(TfjsWriter, LargeWeightsAreSplit) {
  const Sequential model({Input({.shape = {1100}}), Dense({.units = 1000}), Dense({.units = 900})});
  const TfjsFiles files = tfjs_files(model);
  ASSERT_EQ(files.shards.size(), 2u);
  EXPECT_EQ(files.shards[0].content.size(), uint64_t{4} << 20);
  EXPECT_THAT(files.shards[1].name, HasSubstr("-shard2of2.bin"));
  const Folder folder;
  expect_round_trip(model, folder);
}

// What an older model.json names stays until it is replaced.
TEST(TfjsWriter, OldWeightsStay) {
  const Folder folder;
  const Sequential model({Input({.shape = {4}}), Dense({.units = 2})});
  export_tfjs(model, folder.path("a.json"));
  const Tensor old = model.get_weights()[0];
  model.set_weights({ramp({4, 2}), ramp({2})});
  export_tfjs(model, folder.path("b.json"));
  EXPECT_TRUE(bit_equal(load_model(folder.path("a.json")).get_weights()[0], old));
  EXPECT_TRUE(bit_equal(load_model(folder.path("b.json")).get_weights()[0], ramp({4, 2})));
  EXPECT_THROW(export_tfjs(model, folder.path("none/model.json")), IoError);
}

TEST(TfjsWriter, RefusesByName) {
  const auto of = [](Layer layer, const Shape& shape) {
    return refusal(Sequential({Input({.shape = shape}), std::move(layer)}));
  };
  EXPECT_EQ(of(Conv2D({.filters = 2, .kernel_size = 1, .name = "c"}), {4, 4, 2}), "written");
  EXPECT_THAT(of(Conv2D({.filters = 2, .kernel_size = 1, .groups = 2, .name = "c"}), {4, 4, 2}),
              HasSubstr("Conv2D 'c': groups=2 cannot be written for TensorFlow.js"));
  EXPECT_THAT(of(Conv1D({.filters = 2, .kernel_size = 1, .padding = "causal"}), {4, 2}),
              HasSubstr("padding=\"causal\""));
  EXPECT_THAT(of(UpSampling2D({.size = 2, .interpolation = "bilinear"}), {4, 4, 2}),
              HasSubstr("interpolation=\"bilinear\""));
  EXPECT_THAT(of(UpSampling3D(), {4, 4, 4, 2}), HasSubstr("a layer of this class"));
  EXPECT_THAT(of(Dense({.units = 2, .activation = "hard_sigmoid"}), {4}),
              HasSubstr("the activation \"hard_sigmoid\""));
  EXPECT_THAT(of(Dense({.units = 2, .kernel_regularizer = "orthogonal_regularizer"}), {4}),
              HasSubstr("the regularizer"));
  const Symbol x = Input({.shape = {3}});
  EXPECT_THAT(refusal(Model({.inputs = x, .outputs = {x * 2.0}})),
              HasSubstr("a call with a number"));
  EXPECT_THAT(refusal(Model({.inputs = x, .outputs = {exp(x)}})), HasSubstr("arithmetic"));
  const Layer shared = Dense({.units = 3});
  const Sequential inner({Input({.shape = {3}}), shared});
  EXPECT_THAT(refusal(Model({.inputs = x, .outputs = {shared(inner(x))}})),
              HasSubstr("a layer of several models"));
  EXPECT_THAT(refusal(Sequential({Dense({.units = 3})})), HasSubstr("has not been built"));
}

}  // namespace
}  // namespace cornu::formats
