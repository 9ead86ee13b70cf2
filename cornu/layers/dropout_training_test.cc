#include <numeric>

#include "cornu/layers/dropout.h"
#include "tests/support/training_test.h"

namespace cornu::testing {
namespace {

struct Statistics {
  double mean = 0, variance = 0;
};
Statistics statistics(const Tensor& t) {
  double sum = 0, squares = 0;
  for (const double v : t.values()) sum += v, squares += v * v;
  const auto n = static_cast<double>(t.size());
  return {sum / n, squares / n - sum / n * (sum / n)};
}
Tensor ones(Shape shape) { return Tensor::full(std::move(shape), 1); }

// Kept cells are `want`, the others 0; returns the share of those kept.
double kept_share(const Tensor& y, float want) {
  double kept = 0;
  for (const float v : y.values()) {
    EXPECT_TRUE(v == 0 || v == want) << v;
    kept += v != 0;
  }
  return kept / static_cast<double>(y.size());
}

TEST(DropoutTraining, KeepsTheShareAndScales) {
  const Tensor x = ones({100, 30, 20});  // the share's deviation is below 0.002
  EXPECT_NEAR(kept_share(train(Dropout({.rate = 0.25}), x), static_cast<float>(1 / 0.75)), 0.75,
              0.01);
  EXPECT_NEAR(kept_share(train(Dropout({.rate = 0.9}), x), static_cast<float>(1 / (1 - 0.9))), 0.1,
              0.01);
}

TEST(DropoutTraining, RatesOfNothingAndEverything) {
  const Tensor x = random_tensor({4, 5}, 1);
  EXPECT_TRUE(bit_equal(train(Dropout({.rate = 0}), x), x));
  EXPECT_TRUE(bit_equal(train(AlphaDropout({.rate = 0}), x), x));
  EXPECT_TRUE(bit_equal(train(GaussianDropout({.rate = 0}), x), x));
  EXPECT_TRUE(bit_equal(train(GaussianNoise({.stddev = 0}), x), x));
  EXPECT_TRUE(bit_equal(train(Dropout({.rate = 1}), x), Tensor({4, 5})));
  EXPECT_TRUE(bit_equal(train(SpatialDropout1D({.rate = 1}), ones({2, 3, 4})), Tensor({2, 3, 4})));
  EXPECT_ERROR(ValueError, train(AlphaDropout({.rate = 1}), x), "`rate` must be below 1");
  EXPECT_ERROR(ValueError, train(GaussianDropout({.rate = 1}), x), "rate=1.0");
}

TEST(DropoutTraining, FollowsKeyAndSeed) {
  const Tensor x = ones({10, 50});
  const Layer plain = Dropout({.rate = 0.5}), seven = Dropout({.rate = 0.5, .seed = 7});
  EXPECT_TRUE(bit_equal(train(plain, x, 1), train(plain, x, 1)));
  EXPECT_FALSE(bit_equal(train(plain, x, 1), train(plain, x, 2)));
  EXPECT_TRUE(bit_equal(train(seven, x, 1), train(Dropout({.rate = 0.5, .seed = 7}), x, 1)));
  EXPECT_FALSE(bit_equal(train(seven, x, 1), train(seven, x, 2)));
  EXPECT_FALSE(bit_equal(train(seven, x, 1), train(plain, x, 1)));
  EXPECT_FALSE(bit_equal(train(seven, x, 1), train(Dropout({.rate = 0.5, .seed = 8}), x, 1)));
}

// Two layers, and two calls of one, draw independently: 1/4 of the cells survive both.
TEST(DropoutTraining, CallsAreIndependent) {
  const Tensor x = ones({100, 100});
  for (const std::optional<Int>& seed : {std::optional<Int>(), std::optional<Int>(3)}) {
    const Layer a = Dropout({.rate = 0.5, .seed = seed}), b = Dropout({.rate = 0.5, .seed = seed});
    EXPECT_NEAR(kept_share(run_training({a, b}, {x}).outputs.at(0), 4), 0.25, 0.03);
    EXPECT_NEAR(kept_share(run_training({a, a}, {x}).outputs.at(0), 4), 0.25, 0.03);
  }
}

// A batch cut in two draws what the whole one does.
TEST(DropoutTraining, DoesNotDependOnHowABatchIsCut) {
  const Layer layer = Dropout({.rate = 0.5});
  const Tensor whole = train(layer, ones({6, 9}), 5);
  const Tensor end = run_training(layer, ones({2, 9}), {.key = random_key(5, 4)}).outputs.at(0);
  EXPECT_TRUE(std::equal(end.values().begin(), end.values().end(), whole.values().begin() + 36));
}

TEST(DropoutTraining, SamplesMayShareDrawsHoweverTheBatchIsCut) {
  const Layer layer = Dropout({.rate = 0.5, .noise_shape = Shape{1, None}});
  const Tensor whole = train(layer, ones({6, 9}), 5);
  for (const int64_t count : {1, 2}) {
    const Tensor end =
        run_training(layer, ones({count, 9}), {.key = random_key(5, 4)}).outputs.at(0);
    EXPECT_TRUE(std::equal(end.values().begin(), end.values().end(), whole.values().begin()));
  }
}

// The mask is constant along `shared` and not along the others.
void expect_shared(const Layer& layer, const Shape& shape, const std::vector<int64_t>& shared) {
  const Tensor y = train(layer, ones(shape));
  EXPECT_NEAR(kept_share(y, 2), 0.5, 0.2);
  for (int64_t axis = 0; axis < shape.rank(); ++axis) {
    int64_t stride = 1;
    for (int64_t i = axis + 1; i < shape.rank(); ++i) stride *= shape[i];
    bool same = true;
    for (int64_t i = 0; i + stride < y.size(); ++i)
      if (i / stride % shape[axis] + 1 < shape[axis])
        same = same && y.data()[i] == y.data()[i + stride];
    EXPECT_EQ(same, std::ranges::count(shared, axis) == 1) << "axis " << axis;
  }
}

TEST(DropoutTraining, NoiseShapeSharesDraws) {
  expect_shared(Dropout({.rate = 0.5, .noise_shape = Shape{None, 1, 8}}), {8, 8, 8}, {1});
  expect_shared(Dropout({.rate = 0.5, .noise_shape = Shape{1, None, 1}}), {8, 32, 8}, {0, 2});
  expect_shared(SpatialDropout1D({.rate = 0.5}), {8, 5, 8}, {1});
  expect_shared(SpatialDropout2D({.rate = 0.5}), {8, 5, 4, 8}, {1, 2});
  expect_shared(SpatialDropout2D({.rate = 0.5, .data_format = "channels_first"}), {8, 8, 5, 4},
                {2, 3});
  expect_shared(SpatialDropout3D({.rate = 0.5}), {8, 3, 4, 2, 8}, {1, 2, 3});
  expect_shared(SpatialDropout3D({.rate = 0.5, .data_format = "channels_first"}), {8, 8, 3, 4, 2},
                {2, 3, 4});
  EXPECT_ERROR(ValueError,
               train(Dropout({.rate = 0.5, .noise_shape = Shape{None, 2}}), ones({2, 3})),
               "noise_shape=(None, 2), input shape=(2, 3)");
  EXPECT_ERROR(ValueError, train(Dropout({.rate = 0.5, .noise_shape = Shape{1}}), ones({2, 3})),
               "`noise_shape`");
}

TEST(DropoutTraining, GaussiansAndAlpha) {
  const Tensor x = ones({100, 600});
  const Statistics times = statistics(train(GaussianDropout({.rate = 0.2}), x));
  EXPECT_NEAR(times.mean, 1, 0.01);
  EXPECT_NEAR(times.variance, 0.25, 0.01);
  const Statistics plus = statistics(train(GaussianNoise({.stddev = 0.5}), x));
  EXPECT_NEAR(plus.mean, 1, 0.01);
  EXPECT_NEAR(plus.variance, 0.25, 0.01);
  // Keeps the mean 0 and the variance 1 of what SELU gives.
  const Tensor normal = train(GaussianNoise({.stddev = 1}), Tensor({100, 600}), 9);
  for (const double rate : {0.1, 0.5}) {
    const Tensor y = train(AlphaDropout({.rate = rate}), normal);
    EXPECT_NEAR(statistics(y).mean, 0, 0.03);
    EXPECT_NEAR(statistics(y).variance, 1, 0.03);
    const double limit = -1.7580993408473766,
                 a = 1 / std::sqrt((1 - rate) * (1 + rate * limit * limit));
    const auto dropped = static_cast<float>(a * limit - a * limit * rate);
    const auto count =
        std::ranges::count_if(y.values(), [&](float v) { return std::fabs(v - dropped) < 1e-6f; });
    EXPECT_NEAR(static_cast<double>(count) / 60000, rate, 0.01);
  }
}

TEST(DropoutTraining, GradientsFlowWhereItIsKept) {
  const Tensor x = random_tensor({3, 4, 5}, 2);
  EXPECT_LT(gradient_error(Dropout({.rate = 0.5}), x), 1e-6);
  EXPECT_LT(gradient_error(Dropout({.rate = 1}), x), 1e-6);
  EXPECT_LT(gradient_error(Dropout({.rate = 0.5, .noise_shape = Shape{None, 1, None}}), x), 1e-6);
  EXPECT_LT(gradient_error(SpatialDropout1D({.rate = 0.5}), x), 1e-6);
  EXPECT_LT(gradient_error(GaussianDropout({.rate = 0.3}), x), 1e-6);
  EXPECT_LT(gradient_error(GaussianNoise({.stddev = 0.3}), x), 1e-6);
  EXPECT_LT(gradient_error(AlphaDropout({.rate = 0.3}), x), 1e-6);
}

}  // namespace
}  // namespace cornu::testing
