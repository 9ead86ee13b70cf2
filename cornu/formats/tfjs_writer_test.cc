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
using ::cornu::testing::expect_close;
using ::cornu::testing::expect_same_numbers_somewhere;
using ::cornu::testing::expect_same_results;
using ::cornu::testing::golden_model;
using ::cornu::testing::golden_models;
using ::cornu::testing::ramp;
using ::cornu::testing::some_inputs;
using ::testing::HasSubstr;
using testing_model::Folder;

// Written, read and written again: equal weights, results and bytes.
Model expect_round_trip(const Model& model, const Folder& folder) {
  const std::string path = folder.path("model.json");
  export_tfjs(model, path);
  const LoadResult loaded = load(path);
  EXPECT_TRUE(loaded.warnings.empty());
  EXPECT_EQ(loaded.keras_version, "2.15.0");
  expect_same_numbers_somewhere(model, loaded.model);
  expect_same_results(model, loaded.model);
  const std::string first = base::read_file(path).text();
  EXPECT_EQ(tfjs_files(model).json.text(), first);
  const std::string again = tfjs_files(loaded.model).json.text();
  // Layers in the place of another one may have other places in the list once they are read.
  EXPECT_TRUE(again == first || model.layers().size() != loaded.model.layers().size());
  export_tfjs(loaded.model, path);
  EXPECT_EQ(tfjs_files(load_model(path)).json.text(), again);
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
const std::set<std::string> kRefused = {"activation_exponential",
                                        "activation_hard_shrink",
                                        "activation_hard_sigmoid",
                                        "activation_hard_sigmoid_wide",
                                        "activation_hard_silu",
                                        "activation_hard_tanh",
                                        "activation_log_sigmoid",
                                        "activation_soft_shrink",
                                        "activation_sparse_plus",
                                        "activation_sparse_sigmoid",
                                        "activation_squareplus",
                                        "activation_tanh_shrink",

                                        "conv1dT_same_k3_s3_op2",

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
                                        "conv3d_same_k123_s212",
                                        "conv3d_valid_d2",
                                        "depthwise2d_s2_d2_same",
                                        "depthwise2d_same_k32_d2",
                                        "depthwise2d_valid_k32_d2",
                                        "elu",
                                        "globalavg3d",
                                        "globalmax3d_keepdims",
                                        "relu_max_thr",

                                        "softmax_axis1",
                                        "train_layer_conv2dT_upsampling",
                                        "upsampling2d_bilinear_2",
                                        "upsampling2d_bilinear_32",
                                        "upsampling2d_bilinear_channels_first"};

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

// Layers in the place of others, called twice, in the middle of models and at their end.
TEST(TfjsWriter, LoweredLayersInGraphs) {
  const Symbol x = Input({.shape = {6, 4}, .name = "x"}), y = Input({.shape = {None, 4}});
  const Layer conv = SeparableConv1D({.filters = 4, .kernel_size = 3, .padding = "same"});
  const Symbol a = conv(conv(x)),
               b = Conv1D({.filters = 4, .kernel_size = 2, .padding = "causal"})(x);
  const Symbol c = Subtract()({a, b}) - 2.0 * x, d = 1.0 - (-c + 0.5);
  const Symbol e = Conv1DTranspose({.filters = 2, .kernel_size = 2, .strides = 2})(
      ZeroPadding1D({.padding = {1, 2}})(y));
  const Sequential nested(
      {Input({.shape = {6, 4}}), Cropping1D({.cropping = {2, 1}}),
       Conv1DTranspose({.filters = 3, .kernel_size = 2}),
       Conv1D({.filters = 2, .kernel_size = 1, .data_format = "channels_first"})});
  const Model model({.inputs = {x, y}, .outputs = {a, nested(d), e, nested(b), conv(y)}});
  const Folder folder;
  const std::string path = folder.path("model.json");
  export_tfjs(model, path);
  const Model loaded = load_model(path);
  expect_same_numbers_somewhere(model, loaded);
  expect_close(loaded.predict(some_inputs(model)), model.predict(some_inputs(model)));
}

// TensorFlow.js takes letters, digits, '-', '_', '.' and '/' alone.
TEST(TfjsWriter, NamesThatTensorFlowJsTakes) {
  const Symbol x = Input({.shape = {4}, .name = "層"});
  const Layer twice = Dense({.units = 4, .name = "a b"});
  const Sequential nested({Input({.shape = {4}}), Dense({.units = 4, .name = "a_b"})},
                          {.name = "?"});
  const Symbol y = nested(twice(twice(x)));
  const Symbol z = Dense({.units = 4, .name = "c:0"})(Reshape({.target_shape = {2, 2}})(y));
  const Model model({.inputs = x,
                     .outputs = {z, TimeDistributed({.layer = Dense({.units = 2, .name = "é"}),
                                                     .name = "t d"})(z)}});
  const Folder folder;
  export_tfjs(model, folder.path("m.json"));
  const Json json = base::parse_json(base::read_file(folder.path("m.json")), "m");
  std::set<std::string> names;
  for (const Json& w : json.at("weightsManifest")[0].at("weights").elements())
    names.emplace(w.at("name").as_string());
  EXPECT_EQ(names, (std::set<std::string>{"a_b_1/kernel", "a_b_1/bias", "a_b/kernel", "a_b/bias",
                                          "c_0/kernel", "c_0/bias", "t_d/layer__/kernel",
                                          "t_d/layer__/bias"}));
  EXPECT_EQ(json.at("modelTopology").dump().find("a b"), std::string::npos);
  const Model loaded = load_model(folder.path("m.json"));
  expect_same_numbers_somewhere(loaded, model);
  expect_close(loaded.predict(some_inputs(model)), model.predict(some_inputs(model)));
}

// Of training, the compile configuration comes back; the optimizer starts afresh.
TEST(TfjsWriter, TrainingConfiguration) {
  const Sequential model({Input({.shape = {4}}), Dense({.units = 2})});
  CompileOptions options{.optimizer = SGD({.learning_rate = 0.25, .momentum = 0.5}), .loss = "mse"};
  options.metrics = {"mae"};
  model.compile(options);
  const Folder folder;
  export_tfjs(model, folder.path("m.json"));
  const Json topology =
      base::parse_json(base::read_file(folder.path("m.json")), "m").at("modelTopology");
  const Json training = topology.at("training_config");
  EXPECT_EQ(training.at("optimizer_config").at("class_name").as_string(), "SGD");
  EXPECT_FALSE(training.at("optimizer_config").contains("module"));
  EXPECT_FALSE(training.at("optimizer_config").at("config").contains("loss_scale_factor"));
  const Model other = load_model(folder.path("m.json"));
  ASSERT_TRUE(other.compiled());
  const Tensor x = ramp({8, 4}), y = ramp({8, 2});
  for (int step = 0; step < 3; ++step) {
    const Logs a = model.train_on_batch(x, y), b = other.train_on_batch(x, y);
    for (const char* name : {"loss", "mae"}) {
      ASSERT_TRUE(a.contains(name) && b.contains(name));
      EXPECT_EQ(*a.find(name), *b.find(name));
    }
  }
  expect_same_numbers_somewhere(model, other);
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
  EXPECT_THAT(of(SeparableConv2D({.filters = 2,
                                  .kernel_size = 1,
                                  .data_format = "channels_first",
                                  .activation = "softmax"}),
                 {2, 4, 4}),
              HasSubstr("data_format=\"channels_first\""));
  EXPECT_THAT(of(UpSampling3D(), {4, None, 4, 2}), HasSubstr("a layer of this class"));
  const Layer twice = UpSampling3D();
  const Symbol v = Input({.shape = {2, 2, 2, 1}});
  EXPECT_THAT(refusal(Model({.inputs = v, .outputs = twice(twice(v))})),
              HasSubstr("a layer of this class"));
  EXPECT_THAT(of(UpSampling2D({.size = 2, .interpolation = "bilinear"}), {4, 4, 2}),
              HasSubstr("interpolation=\"bilinear\""));
  EXPECT_THAT(of(GlobalMaxPooling3D(), {4, 4, 4, 2}), HasSubstr("a layer of this class"));
  EXPECT_THAT(of(Dense({.units = 2, .activation = "hard_sigmoid"}), {4}),
              HasSubstr("the activation \"hard_sigmoid\""));
  EXPECT_THAT(of(Dense({.units = 2, .kernel_regularizer = "orthogonal_regularizer"}), {4}),
              HasSubstr("the regularizer"));
  EXPECT_THAT(of(BatchNormalization(), {2, 2, 2, 2}), HasSubstr("a volume"));
  const Symbol x = Input({.shape = {3}});
  EXPECT_THAT(refusal(Model({.inputs = x, .outputs = {-x, x, x}})),
              HasSubstr("the same output twice"));
  EXPECT_THAT(refusal(Model({.inputs = x, .outputs = {power(x, 3)}})),
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
