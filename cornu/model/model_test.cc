#include "cornu/model/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include "cornu/base/file.h"
#include "cornu/cornu.h"
#include "cornu/kernels/cpu.h"
#include "tests/support/compare.h"

namespace cornu {
namespace {

using testing::bit_equal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::random_tensor;

std::string what(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::vector<std::string> names(const Model& m) {
  std::vector<std::string> all;
  for (const Layer& layer : m.layers()) all.push_back(layer.name());
  return all;
}

class ModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(1);
  }
};

TEST_F(ModelTest, SequentialKnowsItsShapesFromItsFirstLayer) {
  const Sequential model({
      Conv2D({.filters = 4, .kernel_size = 3, .padding = "same", .input_shape = {8, 8, 1}}),
      Flatten(),
      Dense({.units = 2}),
  });
  EXPECT_EQ(model.name(), "sequential");
  EXPECT_EQ(model.input_shape(), (Shape{None, 8, 8, 1}));
  EXPECT_EQ(model.output_shape(), (Shape{None, 2}));
  EXPECT_THAT(names(model), ElementsAre("conv2d", "flatten", "dense"));
  EXPECT_EQ(model.count_params(), 4 * 9 + 4 + 2 * 256 + 2);
  EXPECT_EQ(model.get_layer("dense").output_shape(), (Shape{None, 2}));
  EXPECT_EQ(model.get_layer(-1), model.get_layer("dense"));
  EXPECT_THAT(what([&] { model.get_layer("none"); }), HasSubstr("Existing layers are: 'conv2d'"));
  EXPECT_THROW(model.get_layer(3), ValueError);
}

TEST_F(ModelTest, SequentialMayStartWithAnInput) {
  const Sequential model({Input({.shape = {None, 3}}), Conv1D({.filters = 2, .kernel_size = 3})});
  EXPECT_EQ(model.output_shape(), (Shape{None, None, 2}));
  EXPECT_THAT(names(model), ElementsAre("conv1d"));
  EXPECT_THROW(model.add(Layer(Input({.shape = {3}}))), ValueError);
}

TEST_F(ModelTest, SequentialWithoutShapesTakesThemFromItsFirstData) {
  const Sequential model({Dense({.units = 3}), Dense({.units = 2})});
  EXPECT_FALSE(model.built());
  EXPECT_THROW(model.output_shape(), StateError);
  EXPECT_THROW(model.get_weights(), StateError);
  EXPECT_THROW(model.count_params(), ValueError);
  const Tensor y = model.predict(random_tensor({5, 4}, 1));
  EXPECT_EQ(y.shape(), (Shape{5, 2}));
  EXPECT_EQ(model.input_shape(), (Shape{None, 4}));
  EXPECT_EQ(model.get_weights().size(), 4u);
  EXPECT_THAT(what([&] { model.predict(random_tensor({5, 3}, 1)); }), HasSubstr("(5, 3)"));
}

TEST_F(ModelTest, SequentialAddsAndPops) {
  const Sequential model({Dense({.units = 3, .input_shape = {4}})});
  model.add(Dense({.units = 2}));
  EXPECT_EQ(model.output_shape(), (Shape{None, 2}));
  model.pop();
  EXPECT_EQ(model.output_shape(), (Shape{None, 3}));
  EXPECT_THROW(model.add(Reshape({.target_shape = {5}})), ValueError);
  EXPECT_EQ(model.layers().size(), 1u);  // as before the failure
  EXPECT_THROW(model.add(Dense({.units = 2, .name = "dense"})), ValueError);
  model.pop();
  EXPECT_THROW(model.pop(), ValueError);
}

TEST_F(ModelTest, NamesFollowKeras3) {
  EXPECT_EQ(Conv2D({.filters = 1, .kernel_size = 1}).name(), "conv2d");
  EXPECT_EQ(Conv2D({.filters = 1, .kernel_size = 1}).name(), "conv2d_1");
  EXPECT_EQ(Conv2D({.filters = 1, .kernel_size = 1}).name(), "conv2d_2");
  EXPECT_EQ(Conv2D({.filters = 1, .kernel_size = 1, .name = "conv2d_9"}).name(), "conv2d_9");
  EXPECT_EQ(Conv2D({.filters = 1, .kernel_size = 1}).name(), "conv2d_3");
  EXPECT_EQ(Input({.shape = {1}}).call()->layer->name(), "input_layer");
  const Symbol x = Input({.shape = {1}});
  EXPECT_EQ(Model({.inputs = x, .outputs = Dense({.units = 1})(x)}).name(), "functional");
  EXPECT_EQ(Sequential().name(), "sequential");
  EXPECT_EQ(Sequential().name(), "sequential_1");
  EXPECT_THROW(Dense({.units = 1, .name = "a/b"}), ValueError);
}

TEST_F(ModelTest, SharedLayersHaveOneSetOfWeights) {
  const Symbol a = Input({.shape = {6, 3}, .name = "a"});
  const Symbol b = Input({.shape = {6, 3}, .name = "b"});
  const Layer shared = Conv1D({.filters = 3, .kernel_size = 3, .padding = "same"});
  const Model model({.inputs = {a, b}, .outputs = {Subtract()({shared(a), shared(b)}), shared(b)}});
  EXPECT_EQ(model.get_weights().size(), 2u);
  const Tensor x = random_tensor({2, 6, 3}, 1);
  const std::vector<Tensor> y = model.predict({x, x});
  ASSERT_EQ(y.size(), 2u);
  EXPECT_TRUE(bit_equal(y[0], Tensor({2, 6, 3})));
  EXPECT_THROW(model.predict(x), ValueError);
  EXPECT_THROW(shared.output(), StateError);  // called twice
}

TEST_F(ModelTest, ASubModelEndsInTheMiddleOrStartsThere) {
  const Symbol x = Input({.shape = {5}});
  const Symbol middle = Dense({.units = 4, .activation = "tanh", .name = "first"})(x);
  const Symbol y = Dense({.units = 2, .name = "second"})(middle);
  const Model whole({.inputs = x, .outputs = y});
  const Model head({.inputs = x, .outputs = whole.get_layer("first").output()});
  const Model tail({.inputs = middle, .outputs = y});
  const Tensor data = random_tensor({3, 5}, 2);
  EXPECT_TRUE(bit_equal(tail.predict(head.predict(data)), whole.predict(data)));
  EXPECT_THAT(names(tail), ElementsAre("second"));
}

TEST_F(ModelTest, ModelsAreLayers) {
  const Sequential inner({Dense({.units = 4, .activation = "relu", .input_shape = {3}})},
                         {.name = "inner"});
  const Symbol x = Input({.shape = {3}});
  const Model outer({.inputs = x, .outputs = Dense({.units = 1})(inner(x))});
  EXPECT_EQ(outer.get_weights().size(), 4u);
  const Tensor data = random_tensor({2, 3}, 3);
  const Tensor before = outer.predict(data);
  // The weights are the same ones.
  inner.set_weights({Tensor({3, 4}), Tensor({4})});
  EXPECT_FALSE(bit_equal(outer.predict(data), before));
  const Sequential deep({inner, Dense({.units = 2})});
  EXPECT_EQ(deep.output_shape(), (Shape{None, 2}));
}

TEST_F(ModelTest, RefusesBrokenGraphs) {
  const Symbol x = Input({.shape = {3}, .name = "x"}),
               other = Input({.shape = {3}, .name = "other"});
  const Symbol y = Add()({x, other});
  EXPECT_THAT(what([&] { Model({.inputs = x, .outputs = y}); }), HasSubstr("'other'"));
  const Symbol p = Dense({.units = 1, .name = "same"})(x),
               q = Dense({.units = 1, .name = "same"})(x);
  EXPECT_THAT(what([&] { Model({.inputs = x, .outputs = {p, q}}); }), HasSubstr("'same'"));
  EXPECT_THROW(Model({.inputs = {}, .outputs = {}}), ValueError);
  EXPECT_THROW(Dense({.units = 1})(Symbol()), ValueError);
}

TEST_F(ModelTest, PredictTakesAnyBatch) {
  const Sequential model({Dense({.units = 2, .activation = "softmax", .input_shape = {3}})});
  const Tensor x = random_tensor({70, 3}, 4);
  const Tensor y = model.predict(x);  // 32, 32 and 6
  EXPECT_TRUE(bit_equal(y, model.predict(x, {.batch_size = 7})));
  EXPECT_TRUE(bit_equal(y, model.predict(x, {.batch_size = 100})));
  EXPECT_EQ(model.predict(Tensor({0, 3})).shape(), (Shape{0, 2}));
  EXPECT_THROW(model.predict(x, {.batch_size = 0}), ValueError);
  EXPECT_THROW(model.predict(Tensor(Shape{})), ValueError);
  EXPECT_THROW(model.predict(x, {.precision = "some"}), ValueError);
  double last = 0;
  model.predict(x, {.progress = [&](double done) {
                  EXPECT_GE(done, last);
                  last = done;
                }});
  EXPECT_DOUBLE_EQ(last, 1);
}

TEST_F(ModelTest, MeasuresItsKernelsOnRequest) {
  const std::string path = ::testing::TempDir() + "/model_test_plan.json";
  std::filesystem::remove(path);
  const Sequential model({Conv2D({.filters = 32, .kernel_size = 3, .input_shape = {9, 9, 32}})});
  const Tensor x = random_tensor({2, 9, 9, 32}, 4);
  const Tensor y = model.predict(x);
  const Program measured = model.program({.plan = "measure", .plan_file = path});
  EXPECT_TRUE(std::filesystem::exists(path) || cpu_target() == "reference");
  const std::string why = measured.steps()[0].reason;
  EXPECT_TRUE(why.starts_with("measured: ") || cpu_target() == "reference") << why;
  for (const std::string& file : {std::string(), path})
    EXPECT_LT(testing::max_error(model.predict(x, {.plan = "measure", .plan_file = file}), y),
              1e-5);
  EXPECT_THAT(what([&] { model.predict(x, {.plan = "guess"}); }), HasSubstr("'guess'"));
  EXPECT_THAT(what([&] { model.program({.plan_file = path}); }), HasSubstr("plan='measure'"));
  base::write_file_atomic(path, "{}");
  EXPECT_THAT(what([&] { model.program({.plan = "measure", .plan_file = path}); }),
              HasSubstr("model_test_plan.json"));
  EXPECT_THAT(what([&] { model.program({.plan = "measure", .plan_file = "/no/such/place"}); }),
              HasSubstr("/no/such/place"));
}

TEST_F(ModelTest, LongChainsOfConcatenations) {
  constexpr int64_t kCount = 1000;
  const Symbol x = Input({.shape = {2, 1}});
  Symbol y = x;
  for (int64_t i = 1; i < kCount; ++i) y = Concatenate()({y, x});
  const Model model({.inputs = x, .outputs = y});
  const Tensor out = model.predict(Tensor({1, 2, 1}, {3, 4}));
  ASSERT_EQ(out.shape(), (Shape{1, 2, kCount}));
  for (int64_t c = 0; c < kCount; ++c) {
    EXPECT_EQ(out.values()[static_cast<size_t>(c)], 3);
    EXPECT_EQ(out.values()[static_cast<size_t>(kCount + c)], 4);
  }
}

TEST_F(ModelTest, PredictFollowsSizesThatChange) {
  const Symbol x = Input({.shape = {None, None, 2}});
  const Model model({.inputs = x,
                     .outputs = UpSampling2D({.size = 2})(
                         Conv2D({.filters = 3, .kernel_size = 3, .padding = "same"})(x))});
  for (int64_t size : {3, 8, 5, 8, 3, 1, 11, 12, 13, 14, 15, 16, 17, 3})
    EXPECT_EQ(model.predict(random_tensor({1, size, size + 1, 2}, 1)).shape(),
              (Shape{1, 2 * size, 2 * size + 2, 3}));
}

TEST_F(ModelTest, SetWeightsIsSeenByTheNextPredict) {
  const Sequential model({Dense({.units = 1, .use_bias = false, .input_shape = {2}})});
  const Tensor x({1, 2}, {1, 2});
  model.set_weights({Tensor({2, 1}, {10, 1})});
  EXPECT_EQ(model.predict(x).values()[0], 12);
  model.set_weights({Tensor({2, 1}, {1, 1})});
  EXPECT_EQ(model.predict(x).values()[0], 3);
  EXPECT_THAT(what([&] { model.set_weights({}); }), HasSubstr("needs 1 arrays. Received: 0"));
  EXPECT_THAT(what([&] { model.set_weights({Tensor({1, 2})}); }), HasSubstr("(1, 2)"));
  EXPECT_EQ(model.predict(x).values()[0], 3);
}

TEST_F(ModelTest, PredictMayBeCalledFromSeveralThreads) {
  const Sequential model(
      {Dense({.units = 8, .activation = "tanh", .input_shape = {16}}), Dense({.units = 4})});
  const Tensor x = random_tensor({40, 16}, 5);
  const Sequential same({model.get_layer(0), model.get_layer(1)});
  const Tensor expected = same.predict(x);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 30; ++i) wrong += !bit_equal(model.predict(x), expected);
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ModelTest, SeedsMakeWeightsRepeatable) {
  const auto weights = [](uint64_t seed) {
    set_random_seed(seed);
    return Sequential({Dense({.units = 3, .input_shape = {4}}), Dense({.units = 2})}).get_weights();
  };
  EXPECT_TRUE(bit_equal(weights(7)[0], weights(7)[0]));
  EXPECT_TRUE(bit_equal(weights(7)[2], weights(7)[2]));
  EXPECT_FALSE(bit_equal(weights(7)[0], weights(8)[0]));
  EXPECT_EQ(weights(7)[1].values()[0], 0);
}

TEST_F(ModelTest, FreezingMovesWeightsToTheOtherList) {
  const Sequential model({Dense({.units = 3, .input_shape = {4}}), BatchNormalization()});
  EXPECT_EQ(model.trainable_weights().size(), 4u);
  EXPECT_EQ(model.non_trainable_weights().size(), 2u);
  model.get_layer(0).set_trainable(false);
  EXPECT_EQ(model.trainable_weights().size(), 2u);
  EXPECT_EQ(model.weights().size(), 6u);
  model.set_trainable(false);
  EXPECT_EQ(model.trainable_weights().size(), 0u);
}

TEST_F(ModelTest, ProgramsRunOnPlainSpans) {
  const Sequential model({Dense({.units = 2, .input_shape = {3}})});
  const Program program = model.program();
  EXPECT_EQ(program.input_shape(), (Shape{1, 3}));
  Workspace workspace(program);
  const Tensor x = random_tensor({1, 3}, 6);
  std::array<float, 2> y{};
  ASSERT_TRUE(workspace.run(x.values(), y));
  EXPECT_TRUE(bit_equal(model.predict(x), Tensor({1, 2}, y)));
  EXPECT_THROW(model.program({.input_shapes = {Shape{None, 3}}}), ValueError);
  EXPECT_THROW(model.program({.input_shapes = {Shape{1, 4}}}), ValueError);
}

}  // namespace
}  // namespace cornu
