// compile, fit, evaluate: what Keras's own runs (tests/golden) do not show.

#include "cornu/train/fit.h"

#include <cmath>
#include <limits>

#include "cornu/model/network.h"
#include "tests/support/fit.h"

namespace cornu {
namespace {

using namespace cornu::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Fit, LearnsAndReportsInKerasOrder) {
  const Data d = pictures(64, 1), held = pictures(16, 2);
  Sequential model = compiled(1);
  const History h = model.fit(d.x, d.y,
                              {.batch_size = 16,
                               .epochs = 12,
                               .verbose = 0,
                               .validation_data = {.x = held.x, .y = held.y}});
  std::vector<std::string> keys;
  for (const auto& [key, values] : h.history) {
    keys.push_back(key);
    EXPECT_EQ(values.size(), 12u);
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"accuracy", "loss", "val_accuracy", "val_loss"}));
  EXPECT_LT(h["loss"].back(), 0.7 * h["loss"].front());
  const Logs measured = model.evaluate(held.x, held.y, {.verbose = 0});
  EXPECT_NEAR(*measured.find("loss"), h["val_loss"].back(), 1e-6);
}

TEST(Fit, TheNumberOfThreadsChangesNoBit) {
  const Data d = pictures(50, 3);
  std::vector<Model> models;
  for (int threads : {1, 2, 3}) {
    set_num_threads(threads);
    models.push_back(compiled(5));
    models.back().fit(d.x, d.y, {.batch_size = 16, .epochs = 2, .verbose = 0});
  }
  set_num_threads(0);
  expect_equal_bits(models[0], models[1]);
  expect_equal_bits(models[0], models[2]);
}

TEST(Fit, ASeedRepeatsARunAndAnotherDoesNot) {
  const Data d = pictures(32, 4);
  const auto trained = [&](uint64_t seed) {
    Sequential model = compiled(seed);
    model.fit(d.x, d.y, {.batch_size = 8, .epochs = 1, .verbose = 0});
    return model;
  };
  expect_equal_bits(trained(7), trained(7));
  EXPECT_GT(cornu::testing::max_error(trained(7).get_weights()[0], trained(8).get_weights()[0]),
            1e-4);
}

TEST(Fit, GoesOnAfterAnInterruptionBitForBit) {
  const Data d = pictures(50, 5), held = pictures(10, 6);
  const auto run = [&](const Model& model, std::vector<CallbackPtr> callbacks) {
    return model.fit(d.x, d.y,
                     {.batch_size = 8,
                      .epochs = 3,
                      .verbose = 0,
                      .callbacks = std::move(callbacks),
                      .validation_data = {.x = held.x, .y = held.y}});
  };
  expect_goes_on(run, {1, 3, 6, 7, 8, 13, 14, 20}, 1);  // 7 batches per epoch
  expect_goes_on(run, {8, 14, 20}, "epoch");
}

TEST(Fit, AModelThatIsNotBuiltYetGoesOnToo) {
  const Data d = pictures(30, 5);
  const auto run = [&](const Model& model, std::vector<CallbackPtr> callbacks) {
    return model.fit(array_dataset({d.x}, {d.y}, {.batch_size = 8, .shuffle = true}),
                     {.epochs = 2, .verbose = 0, .callbacks = std::move(callbacks)});
  };
  const auto make = [](uint64_t seed) {
    set_random_seed(seed);
    Sequential model({Flatten(), Dense({.units = 2, .activation = "softmax"})});
    model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
    return model;
  };
  expect_goes_on(run, {1, 4, 6}, 1, make);
}

TEST(Fit, FrozenLayersStay) {
  const Data d = pictures(16, 6);
  Sequential model = compiled(2);
  model.layers()[0].set_trainable(false);
  const std::vector<Tensor> before = model.get_weights();
  model.fit(d.x, d.y, {.epochs = 1, .verbose = 0});
  const std::vector<Tensor> after = model.get_weights();
  EXPECT_EQ(cornu::testing::max_error(before[0], after[0]), 0);
  EXPECT_GT(cornu::testing::max_error(before[2], after[2]), 0);  // gamma
}

TEST(Fit, WeightsOfSamplesAndClasses) {
  const Data d = pictures(16, 7);
  const auto loss = [&](const BatchOptions& o) {
    Sequential model = compiled(3);
    return *model.test_on_batch(d.x, d.y, o).find("loss");
  };
  Tensor twice = Tensor::full(Shape{16}, 2);
  EXPECT_NEAR(loss({.sample_weight = {twice}}), 2 * loss({}), 1e-5);
  EXPECT_NEAR(loss({.class_weight = {{0, 3.0}, {1, 3.0}}}), 3 * loss({}), 1e-5);
  Tensor by_class(Shape{16});
  for (int64_t i = 0; i < 16; ++i) by_class.data()[i] = d.y.data()[i] == 1 ? 4.0f : 1.0f;
  EXPECT_NEAR(loss({.class_weight = {{1, 4.0}}}), loss({.sample_weight = {by_class}}), 1e-6);
  expect_error(
      [&] {
        loss({.sample_weight = {twice}, .class_weight = {{0, 1.0}}});
      },
      {"class_weight", "sample_weight", "same time"});
}

TEST(Fit, SeveralOutputsHaveLossesOfTheirOwn) {
  Symbol in = Input({.shape = {4}});
  Symbol a = Dense({.units = 1, .name = "a"})(in), b = Dense({.units = 2, .name = "b"})(in);
  Model model({.inputs = in, .outputs = {a, b}});
  model.compile({.optimizer = "sgd",
                 .loss = {"mse", "mae"},
                 .loss_weights = {1.0, 0.5},
                 .metrics = std::map<std::string, std::vector<Metric>>{{"b", {"mse"}}}});
  const Tensor x = random_tensor(Shape{8, 4}, 1);
  const Tensors y = {random_tensor(Shape{8, 1}, 2), random_tensor(Shape{8, 2}, 3)};
  const Logs logs = model.test_on_batch(x, y);
  std::vector<std::string> keys;
  for (const auto& [key, value] : logs) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"loss", "a_loss", "b_loss", "b_mse"}));
  EXPECT_NEAR(*logs.find("loss"), *logs.find("a_loss") + 0.5 * *logs.find("b_loss"), 1e-6);
  model.fit(x, y, {.epochs = 2, .verbose = 0});
  EXPECT_LT(*model.test_on_batch(x, y).find("loss"), *logs.find("loss"));
}

class Names final : public Callback {
 public:
  void on_train_batch_end(int64_t, Logs& logs) override {
    seen.clear();
    for (const auto& [name, value] : logs) seen.push_back(name);
  }
  std::vector<std::string> seen;
};

TEST(Fit, TheBarShowsValuesInKerasOrder) {
  const Data d = pictures(8, 11);
  const auto names = std::make_shared<Names>();
  compiled(1).fit(d.x, d.y, {.verbose = 0, .callbacks = {names}});
  EXPECT_EQ(names->seen, (std::vector<std::string>{"accuracy", "loss"}));
}

TEST(Fit, TellsWhatIsOddAboutAFilesOptimizer) {
  const auto loaded = [](const char* optimizer) {
    Sequential model = network();
    model.network()->loaded_training = model::TrainingState{
        base::parse_json(base::cat(R"({"optimizer": )", optimizer, R"(, "loss": "mse"})"),
                         "a file"),
        {}};
    return model;
  };
  const Sequential old = loaded(R"({"class_name": "SGD", "config": {"lr": 0.1, "decay": 0.001}})");
  for (int i = 0; i < 2; ++i)
    EXPECT_THAT(compile_warnings(old),
                ElementsAre(HasSubstr("SGD: `decay` of Keras 2 is ignored")));
  EXPECT_THAT(compile_warnings(loaded(R"({"class_name": "SGD", "config": {"lr": 0.1}})")),
              IsEmpty());
  old.compile({.optimizer = old.optimizer(), .loss = "mse"});
  EXPECT_THAT(compile_warnings(old), IsEmpty());
  expect_error([] { compile_warnings(network()); }, {"compile()"});
}

TEST(Fit, SummaryTellsOfTheOptimizer) {
  Sequential model({Input({.shape = {3}}), Dense({.units = 2})});
  model.compile({.optimizer = "adam", .loss = "mse"});
  EXPECT_THAT(model.summary_text(), ::testing::Not(HasSubstr("Optimizer")));
  model.train_on_batch(random_tensor(Shape{4, 3}, 1), random_tensor(Shape{4, 2}, 2));
  const std::string text = model.summary_text();
  EXPECT_THAT(text, HasSubstr(" Total params: 26 (104.00 B)"));
  EXPECT_THAT(text, HasSubstr(" Optimizer params: 18 (72.00 B)"));
  EXPECT_THAT(text, HasSubstr(" Memory of a training step: "));
}

TEST(Fit, DatasetsAndGenerators) {
  const Data d = pictures(24, 8);
  Sequential arrays = compiled(4), batches = compiled(4);
  arrays.fit(d.x, d.y, {.batch_size = 8, .epochs = 2, .verbose = 0, .shuffle = false});
  batches.fit(array_dataset({d.x}, {d.y}, {.batch_size = 8}), {.epochs = 2, .verbose = 0});
  expect_equal_bits(arrays, batches);

  int64_t calls = 0;
  const auto endless = generator_dataset([&]() -> std::optional<Batch> {
    ++calls;
    return Batch{{d.x}, {d.y}, {}};
  });
  compiled(4).fit(endless, {.epochs = 2, .verbose = 0, .steps_per_epoch = 3});
  EXPECT_EQ(calls, 6);
}

TEST(Fit, ALossThatIsNaNIsReportedOrEndsTheRun) {
  Data d = pictures(16, 9);
  d.x.data()[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(compiled(1).fit(d.x, d.y, {.epochs = 1, .verbose = 0})["loss"][0]));
  const History h = compiled(1).fit(
      d.x, d.y,
      {.batch_size = 4, .epochs = 5, .verbose = 0, .callbacks = {callbacks::TerminateOnNaN()}});
  EXPECT_EQ(h.epoch.size(), 1u);
}

TEST(Fit, SaysWhatIsWrong) {
  const Data d = pictures(8, 10);
  Sequential model = compiled(1);
  const auto fit = [&](const Tensors& x, const Tensors& y, FitOptions o = {}) {
    o.verbose = 0;
    model.fit(x, y, o);
  };
  Tensor high = d.y;
  high.data()[3] = 2;
  expect_error([&] { fit(d.x, high); }, {"`y`", "2"});
  expect_error([&] { fit(d.x, Tensor(Shape{7})); }, {"number of samples", "(7,)"});
  expect_error([&] { fit(d.x, {d.y, d.y}); }, {"1 outputs", "2"});
  expect_error([&] { fit(Tensor(Shape{8, 5, 6, 2}), d.y); }, {"(8, 5, 6, 2)"});
  expect_error([&] { fit(Tensor(Shape{0, 6, 6, 2}), Tensor(Shape{0})); }, {"no samples"});
  expect_error([&] { fit(d.x, d.y, {.validation_split = 0.9}); }, {"validation_split"});
  expect_error([&] { fit(d.x, d.y, {.validation_split = 1.0}); }, {"validation_split=1"});
  expect_error([&] { fit(d.x, d.y, {.batch_size = 0}); }, {"batch_size=0"});
  expect_error([&] { fit(d.x, d.y, {.epochs = -1}); }, {"epochs=-1"});
  expect_error([&] { network().fit(d.x, d.y, {.verbose = 0}); }, {"compile()"});
  expect_error([&] { network().compile({.loss = "nonsense"}); }, {"nonsense"});
  expect_error(
      [&] {
        Sequential two = network();
        two.compile({.loss = {"mse", "mse"}});
        two.fit(d.x, d.y, {.verbose = 0});
      },
      {"`loss`", "2 entries"});
}

// A network of each layer of the seeds can learn one batch by heart.
struct Learner {
  const char* name;
  Shape input;
  std::vector<Layer> layers;
};

std::vector<Learner> learners() {
  const Shape line{12, 2}, plane{6, 6, 2}, volume{4, 4, 4, 2};
  const auto conv = [](int64_t axes) {
    return axes == 1   ? Conv1D({.filters = 8, .kernel_size = 3, .activation = "tanh"})
           : axes == 2 ? Conv2D({.filters = 8, .kernel_size = 3, .activation = "tanh"})
                       : Conv3D({.filters = 8, .kernel_size = 3, .activation = "tanh"});
  };
  return {
      {"Conv1D", line, {conv(1)}},
      {"Conv2D", plane, {conv(2)}},
      {"Conv3D", volume, {conv(3)}},
      {"SeparableConv1D",
       line,
       {SeparableConv1D({.filters = 8, .kernel_size = 3, .depth_multiplier = 3})}},
      {"SeparableConv2D",
       plane,
       {SeparableConv2D({.filters = 8, .kernel_size = 3, .depth_multiplier = 3})}},
      {"DepthwiseConv2D", plane, {DepthwiseConv2D({.kernel_size = 3, .depth_multiplier = 4})}},
      {"Conv2DTranspose", plane, {Conv2DTranspose({.filters = 3, .kernel_size = 3, .strides = 2})}},
      {"Conv3DTranspose",
       volume,
       {Conv3DTranspose({.filters = 2, .kernel_size = 2, .strides = 2})}},
      {"Cropping1D", line, {Cropping1D({.cropping = {1, 2}}), conv(1)}},
      {"Cropping2D", plane, {Cropping2D({.cropping = {{1, 0}, {0, 1}}}), conv(2)}},
      {"Cropping3D", volume, {Cropping3D({.cropping = {{0, 1}, {1, 0}, {0, 0}}}), conv(3)}},
      {"UpSampling1D", line, {UpSampling1D({.size = 2}), conv(1)}},
      {"UpSampling2D", plane, {UpSampling2D({.size = 2, .interpolation = "bilinear"}), conv(2)}},
      {"UpSampling3D", volume, {UpSampling3D({.size = 2}), conv(3)}},
      {"ZeroPadding1D", line, {ZeroPadding1D({.padding = 2}), conv(1)}},
      {"ZeroPadding2D", plane, {ZeroPadding2D({.padding = 1}), conv(2)}},
      {"ZeroPadding3D", volume, {ZeroPadding3D({.padding = 1}), conv(3)}},
  };
}

TEST(Fit, EachLayerOfTheSeedsLearnsABatchByHeart) {
  for (Learner& learner : learners()) {
    set_random_seed(11);
    std::vector<Layer> layers = {Input({.shape = learner.input})};
    layers.insert(layers.end(), learner.layers.begin(), learner.layers.end());
    layers.push_back(Flatten());
    layers.push_back(Dense({.units = 3}));
    Sequential model(layers);
    model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"});
    Shape shape = learner.input;
    shape.insert(0, 4);
    const Tensor x = random_tensor(shape, 1), y = random_tensor(Shape{4, 3}, 2);
    const double first = *model.test_on_batch(x, y).find("loss");
    for (int i = 0; i < 300; ++i) model.train_on_batch(x, y);
    EXPECT_LT(*model.test_on_batch(x, y).find("loss"), 1e-3 * first) << learner.name;
  }
}

}  // namespace
}  // namespace cornu
