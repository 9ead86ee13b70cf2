#include "cornu/train/metric.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/layer_test.h"

namespace cornu {
namespace {

using testing::random_integers;
using testing::random_tensor;

double value(Metric m, const Tensor& y, const Tensor& p) {
  m = m.clone();
  m.update(y, p);
  return m.result();
}
double value(Metric m, const Tensor& y, const Tensor& p, const Tensor& w) {
  m = m.clone();
  m.update(y, p, w);
  return m.result();
}

TEST(Metric, Accuracies) {
  const Tensor p({4, 3}, {.1f, .7f, .2f, .5f, .2f, .3f, .2f, .2f, .6f, .4f, .4f, .2f});
  const Tensor labels({4}, {1, 2, 2, 0});  // right: 0, 2, and 3 by the first of equal ones
  Tensor one_hot(Shape{4, 3});
  for (int64_t i = 0; i < 4; ++i)
    one_hot.data()[i * 3 + static_cast<int64_t>(labels.data()[i])] = 1;
  const Tensor w({4}, {1, 2, 0, 5});
  for (const char* name : {"accuracy", "acc", "Accuracy", "sparse_categorical_accuracy",
                           "SparseCategoricalAccuracy"}) {
    EXPECT_FLOAT_EQ(static_cast<float>(value(name, labels, p)), .75f) << name;
    EXPECT_FLOAT_EQ(static_cast<float>(value(name, labels.reshaped({4, 1}), p)), .75f) << name;
    EXPECT_FLOAT_EQ(static_cast<float>(value(name, labels, p, w)), .75f) << name;
  }
  for (const char* name : {"accuracy", "categorical_accuracy"}) {
    EXPECT_EQ(value(name, one_hot, p), .75) << name;
    EXPECT_EQ(value(name, one_hot, p, Tensor({4}, {1, 1, 0, 0})), .5) << name;
  }
  // Ties: the second of equal ones is not the largest, but among the first two.
  const Tensor second({4}, {1, 2, 2, 1});
  EXPECT_EQ(value("accuracy", second, p), .5);
  EXPECT_EQ(value(metrics::SparseTopKCategoricalAccuracy({.k = 1}), second, p), .75);
  EXPECT_EQ(value(metrics::SparseTopKCategoricalAccuracy({.k = 2}), second, p), 1);
  EXPECT_EQ(value(metrics::TopKCategoricalAccuracy({.k = 1}), one_hot, p), .75);
}

TEST(Metric, BinaryAccuracy) {
  const Tensor y({4}, {0, 1, 1, 0}), p({4, 1}, {.5f, .6f, .5f, .2f});
  EXPECT_EQ(value("accuracy", y, p), .75);  // .5 counts as class 0
  EXPECT_EQ(value("binary_accuracy", y.reshaped({4, 1}), p), .75);
  EXPECT_EQ(value(metrics::BinaryAccuracy({.threshold = .4}), y, p), .75);
  EXPECT_EQ(value(metrics::BinaryAccuracy({.threshold = .55}), y, p), .75);
  EXPECT_EQ(value("accuracy", y, p, Tensor({4}, {1, 0, 3, 0})), .25);
  EXPECT_EQ(value(metrics::Accuracy(), Tensor({3}, {1, 2, 3}), Tensor({3}, {1, 2, 4})),
            static_cast<float>(2. / 3));
}

TEST(Metric, NaNIsNeverRight) {
  const float nan = NAN;
  EXPECT_EQ(value("accuracy", Tensor({2}, {0, 0}), Tensor({2, 2}, {nan, nan, nan, 0})), 0);
  EXPECT_EQ(value("accuracy", Tensor({2}, {0, 0}), Tensor({2, 1}, {nan, nan})), 0);
  EXPECT_EQ(value("top_k_categorical_accuracy", Tensor({1, 2}, {0, 1}), Tensor({1, 2}, {nan, 1})),
            0);
  EXPECT_EQ(value("accuracy", Tensor({3}, {nan, -1, 2}), Tensor({3, 2}, {1, 0, 1, 0, 1, 0})), 0);
  EXPECT_TRUE(std::isnan(value("mse", Tensor({1, 2}, {0, 0}), Tensor({1, 2}, {nan, 0}))));
}

// The mean over samples of what the formula gives, over batches of several sizes.
TEST(Metric, LossesAsMetrics) {
  Metric mse("mse"), rmse("root_mean_squared_error"), cosine("cosine_similarity");
  double total = 0, squares = 0, weights = 0, cosines = 0;
  int64_t count = 0;
  for (int64_t n : {4, 4, 3}) {
    const Tensor y = random_tensor({n, 5, 2}, 1 + static_cast<uint64_t>(n)),
                 p = random_tensor({n, 5, 2}, 2), w = random_tensor({n}, 3, 0, 1);
    for (int64_t i = 0; i < n; ++i) {
      double own = 0, similar = 0;
      for (int64_t t = 0; t < 5; ++t) {
        const float* a = y.data() + (i * 5 + t) * 2;
        const float* b = p.data() + (i * 5 + t) * 2;
        own += std::pow(double{a[0]} - b[0], 2) + std::pow(double{a[1]} - b[1], 2);
        similar += (double{a[0]} * b[0] + double{a[1]} * b[1]) /
                   (std::hypot(double{a[0]}, a[1]) * std::hypot(double{b[0]}, b[1]));
      }
      total += own / 10;
      squares += own / 10 * w.data()[i];
      weights += w.data()[i];
      cosines += similar / 5;
    }
    count += n;
    mse.update(y, p);
    rmse.update(y, p, w);
    cosine.update(y, p);
  }
  EXPECT_NEAR(mse.result(), total / static_cast<double>(count), 1e-7);
  EXPECT_NEAR(rmse.result(), std::sqrt(squares / weights), 1e-7);
  EXPECT_NEAR(cosine.result(), cosines / static_cast<double>(count), 1e-6);
  mse.reset();
  EXPECT_EQ(mse.result(), 0);
}

TEST(Metric, WeightsOfCells) {
  const Tensor y({2, 3}, {0, 1, 2, 0, 1, 1}), w({2, 3}, {1, 2, 3, 0, .5f, 1});
  const Tensor p = random_tensor({2, 3, 3}, 5);
  double total = 0, weights = 0;
  for (int64_t i = 0; i < 6; ++i) {
    const float* row = p.data() + i * 3;
    const bool right = std::max_element(row, row + 3) - row == static_cast<int64_t>(y.data()[i]);
    total += right * double{w.data()[i]};
    weights += w.data()[i];
  }
  EXPECT_NEAR(value("accuracy", y, p, w), total / weights, 1e-7);
  // (N) weights repeat over the cells; (N, 1) ones too.
  const Tensor per_sample({2}, {.25f, 2});
  EXPECT_EQ(value("accuracy", y, p, per_sample),
            value("accuracy", y, p, per_sample.reshaped({2, 1})));
  EXPECT_EQ(value("accuracy", y, p, per_sample),
            value("accuracy", y, p, Tensor({2, 3}, {.25f, .25f, .25f, 2, 2, 2})));
}

TEST(Metric, StateGoesOn) {
  for (const char* name : {"accuracy", "mse", "crossentropy"}) {
    const Tensor y = random_integers({6}, 1, 0, 2), p = random_tensor({6, 3}, 2, .1f, .9f);
    const Tensor w = random_tensor({6}, 3, 0, 1);
    const bool labels = std::string(name) != "mse";
    const Tensor target = labels ? y : random_tensor({6, 3}, 4);
    Metric through(name), first(name), second(name);
    through.update(target, p, w);
    first.update(target, p, w);
    second.set_state(first.state());
    through.update(target, p);
    second.update(target, p);
    EXPECT_EQ(second.state(), through.state()) << name;
    EXPECT_GT(through.result(), 0) << name;
    Metric copy = through, fresh = through.clone();
    EXPECT_EQ(fresh.result(), 0);
    copy.reset();
    EXPECT_EQ(through.result(), 0);
  }
  Metric m("mse");
  m.update(Tensor(Shape{1, 1}), Tensor(Shape{1, 1}));
  EXPECT_ERROR(ValueError, m.set_state(std::vector<double>{1, 2, 3}), "metric 'mse': its state");
}

TEST(Metric, OwnFunction) {
  const auto f = [](Expression y, Expression p) {
    return ops::max(ops::absolute(y - p), {.axis = {-1}});
  };
  const Tensor y({2, 2}, {0, 1, 2, 3}), p({2, 2}, {0, 2, 5, 3});
  EXPECT_EQ(value(Metric("worst", f), y, p), 2);
  register_metric("worst_metric", f);
  EXPECT_EQ(value("worst_metric", y, p), 2);
  EXPECT_EQ(Metric("worst", f).direction(), 0);
}

TEST(Metric, Errors) {
  EXPECT_ERROR(ValueError, Metric("precisoin").check(), "compile: unknown metric 'precisoin'");
  EXPECT_ERROR(ValueError, value("accuracy", Tensor(Shape{3}), Tensor(Shape{4, 2})),
               "metric 'accuracy': the metric needs class labels");
  EXPECT_ERROR(ValueError, value("binary_accuracy", Tensor(Shape{4, 2}), Tensor(Shape{4, 1})),
               "y_true.shape=(4, 2), y_pred.shape=(4, 1)");
  EXPECT_ERROR(ValueError, value("mse", Tensor(Shape{4, 2}), Tensor(Shape{4, 3})), "does not fit");
  EXPECT_ERROR(ValueError, value("mse", Tensor(Shape{4, 2}), Tensor(Shape{4, 2}), Tensor(Shape{3})),
               "`sample_weight` does not fit");
}

}  // namespace
}  // namespace cornu
