// HDF5 files of Keras 1 to 3's older kind, made here with our own writer: orders and names of
// weights of every era, and what must be refused.

#include "cornu/formats/legacy_h5.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "cornu/cornu.h"
#include "cornu/formats/hdf5_writer.h"
#include "cornu/formats/legacy_weights.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/model/network.h"
#include "tests/support/compare.h"

namespace cornu::formats {
namespace {

using base::Json;
using ::cornu::testing::bit_equal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing_model;

Tensor count(const Shape& shape, float first = 1) {
  Tensor t(shape);
  std::iota(t.data(), t.data() + t.size(), first);
  return t;
}

struct Array {
  std::string name;
  Tensor value;
};
struct StoredLayer {
  std::string name;
  std::vector<Array> weights = {};
};

void put(Hdf5Group* group, const std::string& path, const Tensor& value) {
  const size_t slash = path.find('/');
  if (slash == std::string::npos) return group->add(path, value);
  put(&group->group(path.substr(0, slash)), path.substr(slash + 1), value);
}

Hdf5Group& group_at(Hdf5Group* group, const std::string& path) {
  const size_t slash = path.find('/');
  if (slash == std::string::npos) return group->group(path);
  return group_at(&group->group(path.substr(0, slash)), path.substr(slash + 1));
}

void put_weights(Hdf5Group* group, const std::vector<StoredLayer>& layers,
                 const std::string& version, const std::string& backend = "tensorflow") {
  std::vector<std::string> names;
  for (const StoredLayer& layer : layers) {
    names.push_back(layer.name);
    Hdf5Group& own = group_at(group, layer.name);
    std::vector<std::string> weight_names;
    for (const Array& a : layer.weights) {
      weight_names.push_back(a.name);
      put(&own, a.name, a.value);
    }
    own.set_list("weight_names", weight_names);
  }
  group->set_list("layer_names", names);
  if (!version.empty()) group->set("keras_version", version);
  group->set("backend", backend);
}

std::string weights_file(const std::vector<StoredLayer>& layers,
                         const std::string& version = "2.4.0",
                         const std::string& backend = "tensorflow") {
  Hdf5Group root;
  put_weights(&root, layers, version, backend);
  return write_hdf5(root).text();
}

struct WholeModel {
  std::string config;
  std::vector<StoredLayer> layers;
  std::string version = "2.4.0";
  std::string training = {};
  std::vector<Array> optimizer = {};
  std::vector<std::string> scalars = {};  // of the optimizer: counts, first in the list

  LoadResult load(const Folder& folder) const {
    Hdf5Group root;
    root.set("model_config", json(config));
    root.set("keras_version", version);
    put_weights(&root.group("model_weights"), layers, version);
    if (!training.empty()) root.set("training_config", json(training));
    if (!optimizer.empty() || !scalars.empty()) {
      Hdf5Group& group = root.group("optimizer_weights");
      std::vector<std::string> names = scalars;
      for (const std::string& name : scalars) {
        const size_t slash = name.rfind('/');
        Hdf5Group& at = slash == std::string::npos ? group : group.group(name.substr(0, slash));
        at.add_int(name.substr(slash + 1), 7);
      }
      for (const Array& a : optimizer) {
        names.push_back(a.name);
        put(&group, a.name, a.value);
      }
      group.set_list("weight_names", names);
    }
    return cornu::load(folder.write("model.h5", write_hdf5(root).text()));
  }
};

const std::vector<StoredLayer> kDense = {
    {"a", {{"a/kernel:0", count({4, 3})}, {"a/bias:0", count({3}, 50)}}}};

std::string error(const WholeModel& model) {
  try {
    model.load(Folder());
  } catch (const FormatError& e) {
    return e.what();
  }
  return "no error";
}

// ---- whole models
// --------------------------------------------------------------------------------------

TEST(LegacyH5, WeightsOfTheModelItselfAreLeftOut) {
  const Folder folder;
  Hdf5Group root;
  root.set("model_config", json(sequential({dense("a")}, ", 'build_input_shape': [null, 4]")));
  Hdf5Group& weights = root.group("model_weights");
  put_weights(&weights, kDense, "2.15.0");
  Hdf5Group& own = weights.group("top_level_model_weights");
  own.set_list("weight_names", {"scale:0"});
  own.add("scale:0", count({3}));
  const LoadResult loaded = cornu::load(folder.write("m.h5", write_hdf5(root).text()));
  EXPECT_THAT(loaded.warnings, ElementsAre(HasSubstr(
                                   "the model 's' has 1 weights of its own, which are of no layer; "
                                   "they are left out")));
  EXPECT_TRUE(bit_equal(loaded.model.get_weights()[1], count({3}, 50)));
}

TEST(LegacyH5, SequentialOfEveryGeneration) {
  const Folder folder;
  const std::string first =
      layer("Dense", "a", "'units': 3, 'batch_input_shape': [null, 4], 'init': null");
  const std::string list = cat("[", first, "]");
  for (const WholeModel& model :
       {WholeModel{cat("{'class_name': 'Sequential', 'config': ", list, "}"), kDense, "2.2.0"},
        WholeModel{
            cat("{'class_name': 'Sequential', 'config': {'name': 's', 'layers': ", list, "}}"),
            kDense, "2.3.1"},
        WholeModel{
            sequential({layer("InputLayer", "i", "'batch_input_shape': [null, 4]"), dense("a")}),
            kDense, "2.15.0"},
        WholeModel{sequential({input("i"), dense("a")}), kDense, "3.8.0"}}) {
    const LoadResult loaded = model.load(folder);
    EXPECT_TRUE(loaded.warnings.empty());
    EXPECT_EQ(loaded.keras_version, model.version);
    const auto weights = loaded.model.get_weights();
    EXPECT_TRUE(bit_equal(weights[0], count({4, 3})));
    EXPECT_TRUE(bit_equal(weights[1], count({3}, 50)));
  }
}

// What a layer means follows the version: hard_sigmoid(3) is 1 in both, of 1 it is not.
TEST(LegacyH5, OfKeras1) {
  const Folder folder;
  WholeModel model{
      cat("{'class_name': 'Sequential', 'config': [",
          layer("Convolution2D", "c",
                "'nb_filter': 2, 'nb_row': 1, 'nb_col': 3, 'dim_ordering': 'th', 'bias': false, "
                "'batch_input_shape': [null, 1, 5, 5]"),
          ", ", layer("Activation", "a", "'activation': 'hard_sigmoid'"), "]}"),
      {{"c", {{"c_W", count({2, 1, 1, 3})}}}, {"a"}},
      "1.2.2"};
  const auto weights = model.load(folder).model.get_weights();
  EXPECT_EQ(weights[0].shape(), (Shape{1, 3, 1, 2}));
  EXPECT_THAT(weights[0].values(), ElementsAre(1, 4, 2, 5, 3, 6));
  model.config = "{'class_name': 'Sequential', 'config': [{'class_name': 'Merge', 'config': {}}]}";
  EXPECT_THROW(model.load(folder), ValueError);
}

// As DenseNet's are in keras_applications.
TEST(LegacyH5, NamesWithSlashes) {
  const Folder folder;
  const std::string node = "'inbound_nodes': [[['conv1/in', 0, 0, {}]]]";
  const std::string last = "'inbound_nodes': [[['conv1/conv', 0, 0, {}]]]";
  const auto of = [](const std::string& class_name, const std::string& name,
                     const std::string& config, const std::string& nodes) {
    return cat("{'class_name': '", class_name, "', 'name': '", name, "', 'config': {'name': '",
               name, "', ", config, "}, ", nodes, "}");
  };
  const WholeModel model{
      cat("{'class_name': 'Model', 'config': {'name': 'some/model', 'layers': [",
          of("InputLayer", "conv1/in", "'batch_input_shape': [null, 2]", "'inbound_nodes': []"),
          ", ", of("Dense", "conv1/conv", "'units': 2", node), ", ",
          of("Dense", "conv1/b/c", "'units': 1", last),
          "], 'input_layers': [['conv1/in', 0, 0]], 'output_layers': [['conv1/b/c', 0, 0]]}}"),
      {{"conv1/conv",
        {{"conv1/conv/kernel:0", count({2, 2})}, {"conv1/conv/bias:0", count({2}, 9)}}},
       {"conv1/b/c",
        {{"conv1/b/c/kernel:0", count({2, 1}, 30)}, {"conv1/b/c/bias:0", count({1}, 40)}}}}};
  const Model loaded = model.load(folder).model;
  EXPECT_EQ(loaded.name(), "some_model");
  EXPECT_EQ(loaded.get_layer(1).name(), "conv1_conv");
  EXPECT_TRUE(bit_equal(loaded.get_weights()[0], count({2, 2})));
  EXPECT_TRUE(bit_equal(loaded.get_weights()[3], count({1}, 40)));
  loaded.set_weights({count({2, 2}), count({2}), count({2, 1}), count({1})});
  EXPECT_TRUE(loaded.load_weights(folder.path("model.h5"), {.by_name = true}).empty());
  EXPECT_TRUE(bit_equal(loaded.get_weights()[2], count({2, 1}, 30)));
}

TEST(LegacyH5, SemanticsFollowTheVersion) {
  const Folder folder;
  const auto value = [&](const std::string& version) {
    WholeModel m{
        sequential({layer("Activation", "h",
                          "'activation': 'hard_sigmoid', 'batch_input_shape': [null, 1]")}),
        {},
        version};
    return m.load(folder).model.predict(Tensor(Shape{1, 1}, {1})).values()[0];
  };
  EXPECT_FLOAT_EQ(value("2.3.1"), 0.7f);
  EXPECT_FLOAT_EQ(value("2.15.0"), 0.7f);
  EXPECT_FLOAT_EQ(value("3.0.0"), 4.0f / 6);
}

TEST(LegacyH5, RefusesWhatIsNoModel) {
  const std::string good = sequential({input("i"), dense("a")});
  EXPECT_EQ(error({good, kDense}), "no error");
  EXPECT_THAT(error({"{", kDense}), HasSubstr("model_config"));
  EXPECT_THAT(error({good, {}}), HasSubstr("layer count mismatch: the model has 1"));
  EXPECT_THAT(error({sequential({dense("a")}), kDense}), HasSubstr("no input shape"));
  EXPECT_THAT(error({good, {{"a", {{"a/kernel:0", count({4, 3})}}}}}),
              HasSubstr("has 2 weights, the file holds 1"));
  EXPECT_THAT(error({good, {{"a", {{"k", count({4, 4})}, {"b", count({3})}}}}}),
              HasSubstr("has shape (4, 3), the file holds (4, 4)"));
  const Folder folder;
  const std::string path = folder.write("w.h5", weights_file(kDense));
  EXPECT_THROW(load(path), FormatError);
}

TEST(LegacyH5, RefusesListsThatLie) {
  const auto refused = [](const std::vector<std::string>& layers,
                          const std::vector<std::string>& weights) {
    Hdf5Group root;
    Hdf5Group& a = root.group("a");
    a.add("k", count({4, 3}));
    a.add("b", count({3}));
    a.group("g");
    a.set_list("weight_names", weights);
    root.group("empty");
    root.set_list("layer_names", layers);
    const Folder folder;
    const Model model = model_from_json(json(sequential({input("i"), dense("a")})));
    const Tensor before = model.get_weights()[0];
    try {
      model.load_weights(folder.write("w.h5", write_hdf5(root).text()));
    } catch (const FormatError& e) {
      EXPECT_TRUE(bit_equal(before, model.get_weights()[0]));
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(refused({"a"}, {"k", "b"}), "no error");
  EXPECT_THAT(refused({"a", "a"}, {"k", "b"}), HasSubstr("two layers are named 'a'"));
  EXPECT_THAT(refused({"b"}, {"k", "b"}), HasSubstr("no group for layer 'b'"));
  EXPECT_THAT(refused({"empty"}, {"k", "b"}), HasSubstr("lacks \"weight_names\""));
  EXPECT_THAT(refused({"a"}, {"k", "k"}), HasSubstr("twice"));
  EXPECT_THAT(refused({"a"}, {"k", "x"}), HasSubstr("lacks its weight 'x'"));
  EXPECT_THAT(refused({"a"}, {"k", "g"}), HasSubstr("lacks its weight 'g'"));
}

// ---- weights by order and by name
// ----------------------------------------------------------------------

Model two_layers(const std::string& first = "a", const std::string& second = "b") {
  return Sequential({Input({.shape = {2}}), Dense({.units = 2, .name = first}), ReLU(),
                     Dense({.units = 1, .name = second})});
}

TEST(LegacyWeights, ByOrderAndByName) {
  const Folder folder;
  const std::string path = folder.write(
      "w.h5",
      weights_file({{"b", {{"b/kernel:0", count({2, 2}, 10)}, {"b/bias:0", count({2}, 20)}}},
                    {"relu", {}},
                    {"a", {{"a/kernel:0", count({2, 1}, 30)}, {"a/bias:0", count({1}, 40)}}}}));
  const Model by_order = two_layers();
  EXPECT_TRUE(by_order.load_weights(path).empty());  // names do not count
  EXPECT_TRUE(bit_equal(by_order.get_weights()[0], count({2, 2}, 10)));
  EXPECT_TRUE(bit_equal(by_order.get_weights()[3], count({1}, 40)));

  const Model by_name = two_layers("b", "other");
  const Tensor untouched = by_name.get_weights()[2];
  EXPECT_TRUE(by_name.load_weights(path, {.by_name = true}).empty());
  EXPECT_TRUE(bit_equal(by_name.get_weights()[0], count({2, 2}, 10)));
  EXPECT_TRUE(bit_equal(by_name.get_weights()[2], untouched));

  const Model swapped = two_layers("a", "b");
  EXPECT_THROW(swapped.load_weights(path, {.by_name = true}), FormatError);
  EXPECT_EQ(swapped.load_weights(path, {.by_name = true, .skip_mismatch = true}).size(), 2u);
  const Model wide = Sequential({Input({.shape = {3}}), Dense({.units = 2}), Dense({.units = 1})});
  const auto warnings = wide.load_weights(path, {.skip_mismatch = true});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr("left as they are"));
  EXPECT_TRUE(bit_equal(wide.get_weights()[3], count({1}, 40)));
}

TEST(LegacyWeights, SkipMismatchAndByNameOfTheNewerKind) {
  const Folder folder;
  const std::string path = folder.path("m.weights.h5");
  two_layers().save_weights(path);
  const Model wide = Sequential({Input({.shape = {3}}), Dense({.units = 2, .name = "a"}), ReLU(),
                                 Dense({.units = 1, .name = "b"})});
  EXPECT_THROW(wide.load_weights(path), FormatError);
  EXPECT_EQ(wide.load_weights(path, {.skip_mismatch = true}).size(), 1u);
  EXPECT_THROW(wide.load_weights(path, {.by_name = true}), ValueError);
}

// A nested model is one entry: trainable weights of all its layers, then the others.
TEST(LegacyWeights, NestedModels) {
  const auto make = [](bool frozen) {
    const Sequential inner(
        {Input({.shape = {2}}), Dense({.units = 2, .use_bias = false, .name = "d"}),
         BatchNormalization({.name = "n"}), Dense({.units = 2, .use_bias = false, .name = "e"})},
        {.name = "inner"});
    if (frozen) inner.get_layer("d").set_trainable(false);
    return Sequential({Input({.shape = {2}}), inner});
  };
  const Folder folder;
  const Array d{"inner/d/kernel:0", count({2, 2}, 1)}, gamma{"inner/n/gamma:0", count({2}, 10)},
      beta{"inner/n/beta:0", count({2}, 20)}, mean{"inner/n/moving_mean:0", count({2}, 30)},
      variance{"inner/n/moving_variance:0", count({2}, 40)},
      e{"inner/e/kernel:0", count({2, 2}, 50)};
  const auto expect_loaded = [&](bool frozen, const std::vector<Array>& order) {
    const Model model = make(frozen);
    EXPECT_TRUE(model.load_weights(folder.write("w.h5", weights_file({{"inner", order}}))).empty());
    const auto weights = model.get_weights();
    const std::vector<Tensor> expected = {d.value,    gamma.value,    beta.value,
                                          mean.value, variance.value, e.value};
    ASSERT_EQ(weights.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_TRUE(bit_equal(weights[i], expected[i])) << i;
  };
  expect_loaded(false, {d, gamma, beta, e, mean, variance});
  expect_loaded(true, {gamma, beta, e, d, mean, variance});
  // It was frozen when it was saved, or is now: shapes clash, and the names tell.
  expect_loaded(false, {gamma, beta, e, d, mean, variance});
  expect_loaded(true, {d, gamma, beta, e, mean, variance});
  // What we write ourselves.
  for (bool frozen : {false, true}) {
    const Model model = make(frozen);
    model.set_weights({d.value, gamma.value, beta.value, mean.value, variance.value, e.value});
    model.save(folder.path("m.h5"));
    const Model loaded = load_model(folder.path("m.h5"));
    for (size_t i = 0; i < 6; ++i)
      EXPECT_TRUE(bit_equal(loaded.get_weights()[i], model.get_weights()[i]));
  }
}

// ---- old kernels
// ------------------------------------------------------------------------------------------

Model conv(Layer layer, const Shape& input) {
  Shape shape = input;
  return Sequential({Input({.shape = shape}), std::move(layer)});
}

std::vector<float> loaded_kernel(const Model& model, const Tensor& stored,
                                 const std::string& version = "2.4.0",
                                 const std::string& backend = "tensorflow", size_t warnings = 0) {
  const Folder folder;
  const std::string path =
      folder.write("w.h5", weights_file({{"c", {{"c_W", stored}}}}, version, backend));
  EXPECT_EQ(model.load_weights(path).size(), warnings);
  const auto values = model.get_weights()[0];
  return {values.values().begin(), values.values().end()};
}

TEST(LegacyWeights, KernelsOfTheano) {
  EXPECT_THAT(
      loaded_kernel(conv(Conv1D({.filters = 1, .kernel_size = 3, .use_bias = false}), {5, 1}),
                    count({3, 1, 1}), "2.1.0", "theano"),
      ElementsAre(3, 2, 1));
  EXPECT_THAT(loaded_kernel(
                  conv(Conv2D({.filters = 1, .kernel_size = {2, 3}, .use_bias = false}), {5, 5, 1}),
                  count({2, 3, 1, 1}), "2.1.0", "theano"),
              ElementsAre(6, 5, 4, 3, 2, 1));
  const Model dense = conv(Dense({.units = 1, .use_bias = false}), {2});
  EXPECT_THAT(loaded_kernel(dense, count({2, 1}), "2.1.0", "theano"), ElementsAre(1, 2));
}

TEST(LegacyWeights, KernelsOfKeras1) {
  const Model one = conv(Conv1D({.filters = 2, .kernel_size = 3, .use_bias = false}), {5, 1});
  EXPECT_THAT(loaded_kernel(one, count({3, 1, 1, 2}), ""), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(loaded_kernel(one, count({2, 1, 3, 1}), ""), ElementsAre(1, 4, 2, 5, 3, 6));
  const Model first = conv(Conv2D({.filters = 2,
                                   .kernel_size = {1, 3},
                                   .data_format = "channels_first",
                                   .use_bias = false}),
                           {1, 5, 5});
  EXPECT_THAT(loaded_kernel(first, count({2, 1, 1, 3}), "1"), ElementsAre(1, 4, 2, 5, 3, 6));
  const Model transposed =
      conv(Conv2DTranspose({.filters = 2, .kernel_size = {1, 1}, .use_bias = false}), {5, 5, 3});
  EXPECT_THAT(loaded_kernel(transposed, count({1, 1, 3, 2}), ""), ElementsAre(1, 3, 5, 2, 4, 6));
}

TEST(LegacyWeights, KernelsInAnotherOrder) {
  const Model model =
      conv(Conv2D({.filters = 3, .kernel_size = {1, 2}, .use_bias = false}), {5, 5, 1});
  // (filters, channels, rows, columns) is said; Keras's own last try (3, 2, 0, 1) is not.
  EXPECT_THAT(loaded_kernel(model, count({3, 1, 1, 2}), "2.4.0", "tensorflow", 1),
              ElementsAre(1, 3, 5, 2, 4, 6));
  EXPECT_THAT(loaded_kernel(model, count({1, 3, 2, 1}), "2.4.0"), ElementsAre(1, 3, 5, 2, 4, 6));
}

// ---- training
// -----------------------------------------------------------------------------------------

std::vector<float> first_numbers(const model::OptimizerState& state) {
  std::vector<float> numbers;
  for (const auto& slot : state.slots) numbers.push_back(slot.value.values()[0]);
  return numbers;
}

WholeModel trained(const std::string& optimizer, std::vector<std::string> scalars,
                   std::vector<Array> slots) {
  return {sequential({input("i"), dense("a")}),
          kDense,
          "2.10.0",
          cat("{'loss': 'mse', 'metrics': [[{'class_name': 'MeanMetricWrapper', 'config': {'name': "
              "'mae', 'fn': 'mean_absolute_error'}}]], 'sample_weight_mode': null, ",
              "'optimizer_config': {'class_name': '", optimizer,
              "', 'config': {'learning_rate': 0.25}}}"),
          std::move(slots),
          std::move(scalars)};
}

TEST(LegacyTraining, OrdersOfSlots) {
  const Folder folder;
  const Shape kernel{4, 3}, bias{3};
  // Keras up to 2.10: all first moments, then all second ones.
  const LoadResult old = trained("Adam", {"Adam/iter:0"},
                                 {{"Adam/a/kernel/m:0", count(kernel, 1)},
                                  {"Adam/a/bias/m:0", count(bias, 2)},
                                  {"Adam/a/kernel/v:0", count(kernel, 3)},
                                  {"Adam/a/bias/v:0", count(bias, 4)}})
                             .load(folder);
  EXPECT_TRUE(old.warnings.empty());
  const auto& state = old.model.network()->loaded_training;
  ASSERT_TRUE(state && state->optimizer);
  EXPECT_EQ(state->optimizer->iteration, 7);
  EXPECT_THAT(first_numbers(*state->optimizer), ElementsAre(1, 3, 2, 4));
  // From 2.11 on pairs.
  const LoadResult pairs = trained("Adam", {"iteration:0"},
                                   {{"Adam/m/a/kernel:0", count(kernel, 1)},
                                    {"Adam/v/a/kernel:0", count(kernel, 2)},
                                    {"Adam/m/a/bias:0", count(bias, 3)},
                                    {"Adam/v/a/bias:0", count(bias, 4)}})
                               .load(folder);
  EXPECT_TRUE(pairs.warnings.empty());
  EXPECT_THAT(first_numbers(*pairs.model.network()->loaded_training->optimizer),
              ElementsAre(1, 2, 3, 4));
  // Stand-alone Keras: no count, and third moments of one number that nobody uses.
  const LoadResult alone = trained("Adam", {"Adam/iterations:0"},
                                   {{"m/0", count(kernel, 1)},
                                    {"m/1", count(bias, 2)},
                                    {"v/0", count(kernel, 3)},
                                    {"v/1", count(bias, 4)},
                                    {"h/0", count({1})},
                                    {"h/1", count({1})}})
                               .load(folder);
  EXPECT_TRUE(alone.warnings.empty());
  EXPECT_THAT(first_numbers(*alone.model.network()->loaded_training->optimizer),
              ElementsAre(1, 3, 2, 4));
  const LoadResult momentum =
      trained("SGD", {}, {{"m0", count(kernel, 5)}, {"m1", count(bias, 6)}}).load(folder);
  EXPECT_THAT(first_numbers(*momentum.model.network()->loaded_training->optimizer),
              ElementsAre(5, 6));
  // The model can be trained on.
  const Model model = old.model;
  EXPECT_TRUE(model.compiled());
  EXPECT_NO_THROW(model.fit(Tensor(Shape{2, 4}), Tensor(Shape{2, 3}), {.epochs = 1, .verbose = 0}));
}

TEST(LegacyTraining, StateThatDoesNotFitIsLeftOut) {
  const Folder folder;
  const Shape kernel{4, 3}, bias{3};
  for (const std::vector<Array>& slots :
       {std::vector<Array>{{"a", count(kernel)}},
        {{"a", count(bias)}, {"b", count(kernel)}},
        {{"a", count(kernel)}, {"b", count(bias)}, {"c", count(kernel)}}}) {
    const LoadResult loaded = trained("SGD", {"SGD/iter:0"}, slots).load(folder);
    ASSERT_EQ(loaded.warnings.size(), 1u);
    EXPECT_THAT(loaded.warnings[0], HasSubstr("training will start with a fresh one"));
    EXPECT_TRUE(loaded.model.compiled());
    EXPECT_FALSE(loaded.model.network()->loaded_training->optimizer);
  }
}

TEST(LegacyTraining, GoesOnAfterSaving) {
  const Folder folder;
  const auto make = [] {
    const Sequential model({Input({.shape = {4}}), Dense({.units = 3})});
    model.set_weights({count({4, 3}), count({3})});
    model.compile({.optimizer = Adam({.learning_rate = 0.125}), .loss = "mse"});
    return model;
  };
  const Tensor x = count({6, 4}), y = count({6, 3});
  const Model model = make();
  model.fit(x, y, {.epochs = 2, .verbose = 0, .shuffle = false});
  model.save(folder.path("m.h5"));
  const Model loaded = load_model(folder.path("m.h5"));
  for (const Model& m : {model, loaded}) m.fit(x, y, {.epochs = 2, .verbose = 0, .shuffle = false});
  for (size_t i = 0; i < 2; ++i)
    EXPECT_TRUE(bit_equal(model.get_weights()[i], loaded.get_weights()[i]));
}

// ---- other ways to keep a model
// -------------------------------------------------------------------------

TEST(Folders, AnUnpackedArchive) {
  const Folder folder;
  std::filesystem::create_directory(folder.path("m"));
  folder.write("m/metadata.json", json("{'keras_version': '3.8.0'}"));
  folder.write("m/config.json", json(sequential({dense("a")}, ", 'build_input_shape': [null, 4]")));
  folder.write("m/model.weights.h5", WeightFile().dense("layers/dense", 3, 2).data());
  const LoadResult loaded = load(folder.path("m"));
  EXPECT_EQ(loaded.keras_version, "3.8.0");
  EXPECT_EQ(loaded.model.get_weights()[0].values()[0], 2);
  std::filesystem::create_directory(folder.path("saved"));
  folder.write("saved/saved_model.pb", "x");
  try {
    load(folder.path("saved"));
    FAIL();
  } catch (const FormatError& e) {
    EXPECT_THAT(e.what(), HasSubstr("a TensorFlow SavedModel is not read"));
  }
}

TEST(Shards, WeightsInSeveralFiles) {
  const Folder folder;
  folder.write("m_00000.weights.h5", WeightFile().put("layers/dense/vars/0", {4, 3}, 5).data());
  folder.write(
      "m_00001.weights.h5",
      WeightFile().put("layers/dense/vars/1", {3}, 6).dense("layers/dense_1", 3, 7).data());
  const auto index = [&](const std::string& map) {
    return folder.write("m.weights.json",
                        json(cat("{'metadata': {'total_size': 1}, 'weight_map': ", map, "}")));
  };
  const Model model = Sequential({Input({.shape = {4}}), Dense({.units = 3}), Dense({.units = 3})});
  const std::string both = index(
      "{'/layers/dense/vars': ['m_00000.weights.h5', 'm_00001.weights.h5'], "
      "'/layers/dense_1/vars': 'm_00001.weights.h5'}");
  EXPECT_THROW(model.load_weights(both), FormatError);  // the second one takes 3 inputs
  const Model four = Sequential(
      {Input({.shape = {4}}), Dense({.units = 3}), Dense({.units = 4}), Dense({.units = 3})});
  folder.write("m_00001.weights.h5", WeightFile()
                                         .put("layers/dense/vars/1", {3}, 6)
                                         .put("layers/dense_1/vars/0", {3, 4}, 1)
                                         .put("layers/dense_1/vars/1", {4}, 1)
                                         .dense("layers/dense_2", 3, 7)
                                         .data());
  EXPECT_TRUE(four.load_weights(both).empty());
  EXPECT_EQ(four.get_weights()[0].values()[0], 5);
  EXPECT_EQ(four.get_weights()[1].values()[0], 6);
  EXPECT_EQ(four.get_weights()[4].values()[0], 7);
  EXPECT_THROW(load(both), FormatError);
  EXPECT_THROW(four.load_weights(index("{'a': '../m_00000.weights.h5'}")), FormatError);
  EXPECT_THROW(four.load_weights(index("{'a': 'none.h5'}")), IoError);
  EXPECT_THROW(four.load_weights(index("{}")), FormatError);
  EXPECT_THROW(four.load_weights(index("[]")), FormatError);
  // Two files with the same array.
  folder.write("m_00002.weights.h5", WeightFile().put("layers/dense/vars/0", {4, 3}).data());
  EXPECT_THROW(four.load_weights(index("{'a': ['m_00000.weights.h5', 'm_00002.weights.h5']}")),
               FormatError);
}

TEST(Json, OfKeras2) {
  const Model model = model_from_json(json(
      cat("{'class_name': 'Sequential', 'keras_version': '2.3.1', 'backend': 'tensorflow', "
          "'config': {'name': 's', 'layers': [",
          layer("Activation", "h", "'activation': 'hard_sigmoid', 'batch_input_shape': [null, 1]"),
          "]}}")));
  EXPECT_FLOAT_EQ(model.predict(Tensor(Shape{1, 1}, {1})).values()[0], 0.7f);
  EXPECT_THROW(model_from_json("{}"), FormatError);
  EXPECT_THROW(model_from_json("["), FormatError);
}

}  // namespace
}  // namespace cornu::formats
