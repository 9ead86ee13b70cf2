#include "cornu/layers/augmentation.h"

#include <algorithm>

#include "cornu/layers/conv.h"
#include "cornu/layers/core.h"
#include "cornu/model/model.h"
#include "tests/support/training_test.h"

namespace cornu::testing {
namespace {

Tensor images(Shape shape) { return random_tensor(std::move(shape), 1, 0, 255); }

TEST(Augmentation, GivesWhatItTakesAtInference) {
  const Tensor x = images({2, 4, 5, 3});
  for (const Layer& layer :
       {RandomFlip(), RandomRotation({.factor = 0.5}), RandomZoom({.height_factor = 0.5}),
        RandomTranslation({.height_factor = 0.5, .width_factor = 0.5}),
        RandomContrast({.factor = 0.5}), RandomBrightness({.factor = 0.5})}) {
    EXPECT_TRUE(bit_equal(run_layer(layer, x), x));
    EXPECT_TRUE(
        bit_equal(run_training(layer, x, {.mode = graph::Mode::kEvaluate}).outputs.at(0), x));
    EXPECT_FALSE(bit_equal(train(layer, x), x)) << layer.class_name();
  }
}

TEST(Augmentation, Contract) {
  const LayerCheck any = {.inputs = {{None, None, None, 3}}, .outputs = {{None, None, None, 3}}};
  check_layer(RandomFlip({.mode = "vertical", .seed = 3}), any);
  check_layer(RandomRotation({.factor = {-0.2, 0.3}, .fill_mode = "WRAP"}), any);
  check_layer(RandomZoom({.height_factor = 0.5, .interpolation = "nearest"}), any);
  check_layer(RandomTranslation({.height_factor = {0.5, -0.5}, .width_factor = 0.1}), any);
  check_layer(RandomContrast({.factor = {0.1, 0.4}}), any);
  check_layer(RandomBrightness({.factor = 0.5, .value_range = {0, 1}}), any);
}

// Keras keeps some factors as they were given, others as pairs.
TEST(Augmentation, FactorsInFiles) {
  const auto factor = [](const Layer& layer, const char* key) {
    return layer.impl()->config().at(key).dump();
  };
  EXPECT_EQ(factor(RandomRotation({.factor = 0.25}), "factor"), "[-0.25, 0.25]");
  EXPECT_EQ(factor(RandomBrightness({.factor = {0.5, -0.25}}), "factor"), "[-0.25, 0.5]");
  EXPECT_EQ(factor(RandomContrast({.factor = 0.25}), "factor"), "[0.25, 0.25]");
  EXPECT_EQ(factor(RandomZoom({.height_factor = 0.25}), "height_factor"), "0.25");
  EXPECT_EQ(factor(RandomZoom({.height_factor = 0.25}), "width_factor"), "null");
  EXPECT_EQ(factor(RandomZoom({.height_factor = {0.25, 0.5}}), "height_factor"), "[0.25, 0.5]");
}

// The share of images that are `want` of their original, all others being as they were.
double changed_share(const Layer& layer, const std::vector<float>& image, const Shape& shape,
                     const std::vector<float>& want) {
  constexpr int64_t kCount = 1000;
  Tensor x(Shape{kCount, shape[0], shape[1], shape[2]});
  const int64_t size = shape.size();
  for (int64_t n = 0; n < kCount; ++n) std::ranges::copy(image, x.data() + n * size);
  const Tensor y = train(layer, x);
  double changed = 0;
  for (int64_t n = 0; n < kCount; ++n) {
    const bool is_want = std::equal(want.begin(), want.end(), y.data() + n * size);
    EXPECT_TRUE(is_want || std::equal(image.begin(), image.end(), y.data() + n * size)) << n;
    changed += is_want;
  }
  return changed / static_cast<double>(kCount);
}

TEST(RandomFlip, HalfOfTheImages) {
  const std::vector<float> image = {1, 2, 3, 4, 5, 6};
  const Shape last{2, 3, 1}, first{1, 2, 3};
  EXPECT_NEAR(changed_share(RandomFlip({.mode = "horizontal"}), image, last, {3, 2, 1, 6, 5, 4}),
              0.5, 0.05);
  EXPECT_NEAR(changed_share(RandomFlip({.mode = "vertical"}), image, last, {4, 5, 6, 1, 2, 3}), 0.5,
              0.05);
  EXPECT_NEAR(changed_share(RandomFlip(), image, last, {6, 5, 4, 3, 2, 1}), 0.5, 0.05);
  EXPECT_NEAR(changed_share(RandomFlip({.mode = "horizontal", .data_format = "channels_first"}),
                            image, first, {3, 2, 1, 6, 5, 4}),
              0.5, 0.05);
}

// With both ends of a range equal nothing is left to chance.
TEST(RandomRotation, QuarterTurn) {
  const Tensor x({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Tensor want({1, 3, 3, 1}, {3, 6, 9, 2, 5, 8, 1, 4, 7});
  EXPECT_LT(max_error(train(RandomRotation({.factor = {0.25, 0.25}}), x), want), 1e-5);
  const Tensor first =
      train(RandomRotation({.factor = {0.25, 0.25}, .data_format = "channels_first"}),
            Tensor({1, 1, 3, 3}, numbers(x)));
  EXPECT_LT(max_error(first, Tensor({1, 1, 3, 3}, numbers(want))), 1e-5);
}

TEST(RandomZoom, OutAndIn) {
  const Tensor x({1, 1, 4, 1}, {1, 2, 4, 8});
  const auto zoomed = [&](double by, const char* fill_mode) {
    return numbers(train(RandomZoom({.height_factor = {0, 0},
                                     .width_factor = {by, by},
                                     .fill_mode = fill_mode,
                                     .fill_value = 7}),
                         x));
  };
  EXPECT_EQ(zoomed(1, "constant"), (std::vector<float>{7, 1.5f, 6, 7}));
  EXPECT_EQ(zoomed(1, "nearest"), (std::vector<float>{1, 1.5f, 6, 8}));
  EXPECT_EQ(zoomed(-0.5, "nearest"), (std::vector<float>{1.75f, 2.5f, 3.5f, 5}));
  // Without a width_factor proportions stay.
  const Tensor square = images({4, 9, 9, 1});
  Tensor turned = internal::move_axis(square, 1, 2);
  const Layer layer = RandomZoom({.height_factor = 0.4});
  EXPECT_LT(max_error(internal::move_axis(train(layer, turned), 1, 2), train(layer, square)), 1e-5);
}

TEST(RandomTranslation, DownAndRight) {
  const Tensor x({1, 2, 4, 1}, {1, 2, 3, 4, 5, 6, 7, 8});
  const auto moved = [&](double down, double right) {
    return numbers(train(RandomTranslation({.height_factor = {down, down},
                                            .width_factor = {right, right},
                                            .fill_mode = "constant"}),
                         x));
  };
  EXPECT_EQ(moved(0, 0.5), (std::vector<float>{0, 0, 1, 2, 0, 0, 5, 6}));
  EXPECT_EQ(moved(0, -0.25), (std::vector<float>{2, 3, 4, 0, 6, 7, 8, 0}));
  EXPECT_EQ(moved(0.5, 0), (std::vector<float>{0, 0, 0, 0, 1, 2, 3, 4}));
}

// What the middle of a ramp shows tells how far it was moved.
TEST(RandomTranslation, DrawsBetweenTheEnds) {
  constexpr int64_t kCount = 2000, kWidth = 101;
  Tensor x(Shape{kCount, 1, kWidth, 1});
  for (int64_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i % kWidth);
  const Tensor y = train(RandomTranslation({.height_factor = 0, .width_factor = {-0.1, 0.3}}), x);
  double sum = 0, least = 1, most = -1;
  for (int64_t n = 0; n < kCount; ++n) {
    const double moved = (50 - double{y.data()[n * kWidth + 50]}) / kWidth;
    least = std::min(least, moved);
    most = std::max(most, moved);
    sum += moved;
  }
  EXPECT_NEAR(least, -0.1, 0.005);
  EXPECT_NEAR(most, 0.3, 0.005);
  EXPECT_GE(least, -0.1 - 1e-6);
  EXPECT_LE(most, 0.3 + 1e-6);
  EXPECT_NEAR(sum / kCount, 0.1, 0.01);
}

TEST(RandomContrast, AboutTheMeanOfEachChannel) {
  const Tensor x({1, 1, 2, 2}, {10, 100, 30, 220});  // means 20, 160
  const auto contrast = [&](double by) {
    return numbers(train(RandomContrast({.factor = {0, by}, .seed = 5}), x));
  };
  EXPECT_EQ(contrast(0), (std::vector<float>{10, 100, 30, 220}));
  const std::vector<float> y = contrast(0.5);
  const float c = (20 - y[0]) / 10;
  EXPECT_GT(c, 1);
  EXPECT_LE(c, 1.5f);
  EXPECT_NEAR(y[1], 160 - 60 * c, 1e-3);
  EXPECT_NEAR(y[2], 20 + 10 * c, 1e-3);
  EXPECT_NEAR(y[3], std::min(160 + 60 * c, 255.f), 1e-3);
}

TEST(RandomBrightness, MovesAllOfAnImageAndCuts) {
  const Tensor x({2, 1, 1, 2}, {100, 10, 100, 250});
  const Tensor y = train(RandomBrightness({.factor = {0.2, 0.2}}), x);
  EXPECT_LT(max_error(y, Tensor({2, 1, 1, 2}, {151, 61, 151, 255})), 1e-6);
  const Tensor unit = train(RandomBrightness({.factor = {-0.5, -0.5}, .value_range = {0, 1}}),
                            Tensor({1, 1, 1, 2}, {0.75f, 0.25f}));
  EXPECT_LT(max_error(unit, Tensor({1, 1, 1, 2}, {0.25f, 0})), 1e-6);
  const Tensor many = train(RandomBrightness({.factor = 0.1}), Tensor::full({100, 1, 1, 1}, 100));
  EXPECT_NE(many.data()[0], many.data()[1]);
}

TEST(Augmentation, FollowsKeyAndSeedHoweverTheBatchIsCut) {
  const Tensor x = Tensor::full({6, 1, 1, 1}, 100);
  const Layer plain = RandomBrightness({.factor = 0.3}),
              seeded = RandomBrightness({.factor = 0.3, .seed = 4});
  const Tensor whole = train(plain, x, 5);
  EXPECT_TRUE(bit_equal(train(plain, x, 5), whole));
  EXPECT_FALSE(bit_equal(train(plain, x, 6), whole));
  EXPECT_FALSE(bit_equal(train(seeded, x, 5), whole));
  EXPECT_TRUE(bit_equal(train(seeded, x, 5), train(seeded, x, 5)));
  const Tensor end =
      run_training(plain, Tensor::full({2, 1, 1, 1}, 100), {.key = random_key(5, 4)}).outputs.at(0);
  EXPECT_TRUE(std::equal(end.values().begin(), end.values().end(), whole.data() + 4));
}

TEST(Augmentation, BeforeTheWeights) {
  const Tensor x = images({2, 4, 4, 1});
  const Sequential good({Input({.shape = {4, 4, 1}}), RandomFlip(), RandomRotation({.factor = 0.1}),
                         Conv2D({.filters = 2, .kernel_size = 2})});
  run_training(Layer(good), x);
  graph::Builder g(graph::Mode::kTrain);
  const graph::Value in = g.input({1, 4, 4, 1});
  g.set_random_key(g.input(Shape{6}));
  const Expression y(g, RandomFlip().impl()->trace(g, {in}).at(0));
  EXPECT_ERROR(ValueError, grad::differentiate(g, ops::sum(y), {in}),
               "nothing can be learned before");
}

TEST(Augmentation, Errors) {
  EXPECT_ERROR(ValueError, RandomFlip({.mode = "diagonal"}), "`mode`");
  EXPECT_ERROR(ValueError, RandomRotation({.factor = 1.5}),
               "`factor` must be a number in [-1.0, 1.0], or two. Received: factor=(1.5)");
  EXPECT_ERROR(ValueError, RandomRotation({.factor = {0.1, 0.2, 0.3}}), "factor=(0.1, 0.2, 0.3)");
  EXPECT_ERROR(ValueError, RandomRotation({.factor = NAN}), "`factor`");
  EXPECT_ERROR(ValueError, RandomRotation({.factor = 0.1, .fill_mode = "mirror"}), "`fill_mode`");
  EXPECT_ERROR(ValueError, RandomZoom({.height_factor = 0.1, .interpolation = "bicubic"}),
               "`interpolation`");
  EXPECT_ERROR(ValueError, RandomTranslation({.height_factor = 0.1, .width_factor = -2}),
               "`width_factor`");
  EXPECT_ERROR(ValueError, RandomContrast({.factor = {-0.1, 0.1}}), "[0.0, 1.0]");
  EXPECT_ERROR(ValueError, RandomBrightness({.factor = 0.1, .value_range = 255}), "`value_range`");
  EXPECT_ERROR(ValueError, RandomFlip()(symbol({None, 4, 4})), "expected ndim=4");
}

}  // namespace
}  // namespace cornu::testing
