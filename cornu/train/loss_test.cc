#include "cornu/train/loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "cornu/compile/compile.h"
#include "cornu/exec/program.h"
#include "cornu/nn/field_reader.h"
#include "tests/support/layer_test.h"
#include "tests/support/loss_cases.h"

namespace cornu {
namespace {

using loss_test::Case;
using loss_test::Data;
using loss_test::run;
using loss_test::softmaxed;
using testing::random_tensor;

std::vector<double> values(const Loss& loss, const Tensor& y, const Tensor& p) {
  return run({y, p}, [&](auto x) { return loss.values(x[0], x[1]); });
}

double reduced(const Loss& loss, const Tensor& y, const Tensor& p) {
  return run({y, p}, [&](auto x) { return loss(x[0], x[1]); }).at(0);
}

double reduced(const Loss& loss, const Tensor& y, const Tensor& p, const Tensor& w) {
  return run({y, p, w}, [&](auto x) { return loss(x[0], x[1], x[2]); }).at(0);
}

// layers.md 21.9.
TEST(Loss, WorkedExamples) {
  const Tensor y({2, 2}, {0, 1, 0, 0}), p({2, 2}, {.6f, .4f, .4f, .6f});
  const struct {
    Loss loss;
    double first, second;
  } cases[] = {
      {"mse", .36, .26},
      {"mae", .6, .5},
      {"msle", .17406, .167058},
      {"bce", .916291, .713558},
      {losses::BinaryCrossentropy({.label_smoothing = .2}), .875744, .713558},
      {"binary_focal_crossentropy", .329865, .205798},
      {"kld", .916289, -.000003},
      {"poisson", .958145, .5},
      {"log_cosh", .170135, .124044},
      {"huber", .18, .13},
      {"cosine_similarity", -.5547, 0},
      {"hinge", 1.1, 1.5},
      {"squared_hinge", 1.46, 2.26},
      {"categorical_hinge", 1.2, 1.6},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.loss.name());
    const auto got = values(c.loss, y, p);
    ASSERT_EQ(got.size(), 2u);
    EXPECT_NEAR(got[0], c.first, 1e-6);
    EXPECT_NEAR(got[1], c.second, 1e-6);
  }
  EXPECT_NEAR(reduced("dice", y, p), .733333, 1e-6);
  EXPECT_NEAR(reduced("mse", y, p), .31, 1e-6);
  EXPECT_NEAR(reduced(losses::MeanSquaredError({.reduction = "sum"}), y, p), .62, 1e-6);
  const Tensor w({2}, {.7f, .3f});
  EXPECT_NEAR(reduced("mse", y, p, w), .165, 1e-6);
  EXPECT_NEAR(reduced(losses::MeanSquaredError({.reduction = "mean_with_sample_weight"}), y, p, w),
              .33, 1e-6);
}

TEST(Loss, WorkedExamplesOfClasses) {
  const Tensor y({2, 3}, {0, 1, 0, 0, 0, 1}), labels({2}, {1, 2});
  const Tensor p({2, 3}, {.05f, .95f, 0, .1f, .8f, .1f});
  const Tensor half({2, 3}, {.025f, .475f, 0, .05f, .4f, .05f});
  const Tensor z({2, 3}, {1, 2, 3, 3, 2, 1});
  const auto expect = [](const std::vector<double>& got, double first, double second) {
    ASSERT_EQ(got.size(), 2u);
    EXPECT_NEAR(got[0], first, 1e-6);
    EXPECT_NEAR(got[1], second, 2e-6);
  };
  expect(values("categorical_crossentropy", y, p), .051293, 2.302585);
  expect(values("categorical_crossentropy", y, half), .051293, 2.302585);
  expect(values("sparse_categorical_crossentropy", labels, p), .051293, 2.302585);
  expect(values(losses::CategoricalCrossentropy({.label_smoothing = .1}), y, p), .685001, 2.23327);
  expect(values("categorical_focal_crossentropy", y, p), .000032, .466273);
  expect(values(losses::CategoricalCrossentropy({.from_logits = true}), y, z), 1.407606, 2.407606);
  expect(values(losses::BinaryCrossentropy({.from_logits = true}), Tensor({2, 2}, {0, 1, 0, 0}),
                Tensor({2, 2}, {-1, 1, 2, -2})),
         .313262, 1.126928);
}

const Shape kShapes[] = {{5, 4}, {3, 2, 3}, {2, 3, 2, 5}, {2, 1, 2, 2, 3}};

TEST(Loss, ValuesOfEachSample) {
  for (const Case& c : loss_test::cases())
    for (const Shape& shape : kShapes) {
      SCOPED_TRACE(base::cat(c.loss.config().dump(), " ", shape));
      const Data d = loss_test::data_for(c, shape, 7);
      std::vector<double> want;
      for (size_t i = 0; i < d.p_rows.size(); ++i)
        want.push_back(c.value(d.y_rows[i], d.p_rows[i]));
      EXPECT_LT(testing::max_error(values(c.loss, d.y, d.p), want), 2e-6);
      const auto in_float =
          run<float>({d.y, d.p}, [&](auto x) { return c.loss.values(x[0], x[1]); });
      EXPECT_LT(testing::max_error(in_float, want), 2e-5);
    }
}

// The compiled plan, with its kernels, computes what the formulas mean.
TEST(Loss, CompiledPlan) {
  for (const Case& c : loss_test::cases()) {
    SCOPED_TRACE(c.loss.config().dump());
    const Data d = loss_test::data_for(c, {6, 4, 4, 5}, 11);
    const Tensor w = random_tensor({6}, 3, 0, 2);
    const auto formula = [&](auto x) { return c.loss(x[0], x[1], x[2]); };
    const Program program(compile::compile(loss_test::graph_of({d.y, d.p, w}, formula)));
    Workspace workspace(program);
    const std::span<const float> inputs[] = {d.y.values(), d.p.values(), w.values()};
    float got = NAN;
    const std::span<float> outputs[] = {{&got, 1}};
    ASSERT_TRUE(workspace.run(inputs, outputs));
    const double want = run({d.y, d.p, w}, formula).at(0);
    EXPECT_NEAR(got, want, 1e-5 * (1 + std::abs(want)));
  }
}

// ---- reductions and weights ---------------------------------------------------------------------

Loss with_reduction(const Case& c, const std::string& reduction) {
  base::Json config = c.loss.config();
  if (config.is_string())
    config = nn::to_config("keras.losses", std::string(config.as_string()).c_str(),
                           base::Json::object());
  base::Json options = config.at("config");
  options.set("reduction", reduction);
  config.set("config", options);
  return Loss::from_config(config);
}

TEST(Loss, Reductions) {
  for (const Case& c : loss_test::cases())
    for (const Shape& shape : kShapes) {
      SCOPED_TRACE(base::cat(c.loss.config().dump(), " ", shape));
      const Data d = loss_test::data_for(c, shape, 17);
      const int64_t n = shape[0], cells = shape.size() / shape[-1] / n;
      Shape all = shape;
      all.erase(shape.rank() - 1);
      // Weights of samples, (N) or (N, 1, …), and of all values.
      Shape ones = all;
      for (int64_t a = 1; a < ones.rank(); ++a) ones[a] = 1;
      for (const Shape& weight : {Shape{}, Shape{n}, Shape{n, 1}, ones, all}) {
        const Tensor w = random_tensor(weight, 5, 0.1f, 2);
        double sum = 0, weights = 0;
        for (double v : w.values()) weights += v;
        for (size_t i = 0; i < d.p_rows.size(); ++i) {
          const int64_t at =
              w.size() == n ? static_cast<int64_t>(i) / cells : static_cast<int64_t>(i);
          sum +=
              c.value(d.y_rows[i], d.p_rows[i]) * (weight.rank() == 0 ? 1. : double{w.data()[at]});
        }
        const auto count = static_cast<double>(d.p_rows.size());
        const bool no_weights = weight.rank() == 0;
        const std::pair<const char*, double> wanted[] = {
            {"sum_over_batch_size", sum / count},
            {"mean", sum / count},
            {"sum", sum},
            {"mean_with_sample_weight", sum / (no_weights ? count : weights)}};
        for (const auto& [reduction, want] : wanted) {
          const Loss loss = with_reduction(c, reduction);
          const double got = no_weights ? reduced(loss, d.y, d.p) : reduced(loss, d.y, d.p, w);
          EXPECT_NEAR(got, want, 3e-6 * (1 + std::abs(want))) << reduction << " " << weight.rank();
        }
      }
      EXPECT_ERROR(ValueError, reduced(with_reduction(c, "none"), d.y, d.p),
                   "`reduction` 'none' leaves no single number");
    }
}

TEST(Loss, WeightsThatAreAllZero) {
  const Tensor y({2, 1}, {1, 2}), p({2, 1}, {3, 4});
  EXPECT_EQ(reduced("mse", y, p, Tensor(Shape{2})), 0);
  EXPECT_EQ(reduced(losses::MeanSquaredError({.reduction = "mean_with_sample_weight"}), y, p,
                    Tensor(Shape{2})),
            0);
  EXPECT_ERROR(ValueError, reduced("mse", y, p, Tensor(Shape{3})),
               "loss 'mse': `sample_weight` does not fit the values of the samples. Received: "
               "sample_weight.shape=(3,)");
  EXPECT_ERROR(ValueError, reduced("mse", y, p, Tensor(Shape{2, 1, 1})), "does not fit");
}

// Labels that do not count: the mean is over those that do.
TEST(Loss, IgnoreClass) {
  const Tensor z = random_tensor({2, 3, 4}, 1, -2, 2), y({2, 3}, {0, 255, 3, 1, 255, 2});
  const Tensor w({2}, {.5f, 2});
  for (const char* reduction : {"sum_over_batch_size", "sum", "mean_with_sample_weight"}) {
    const Loss loss = losses::SparseCategoricalCrossentropy(
        {.from_logits = true, .ignore_class = 255, .reduction = reduction});
    double sum = 0, weighted = 0, weights = 0;
    for (int64_t i = 0; i < 6; ++i) {
      if (y.data()[i] == 255) continue;
      const loss_test::Row row(z.data() + i * 4, z.data() + i * 4 + 4);
      const double v = -std::log(loss_test::softmax(row).at(static_cast<size_t>(y.data()[i])));
      sum += v;
      weighted += v * w.data()[i / 3];
      weights += w.data()[i / 3];
    }
    const bool total = std::string(reduction) == "sum";
    const bool by_weight = std::string(reduction) == "mean_with_sample_weight";
    EXPECT_NEAR(reduced(loss, y, z), total ? sum : sum / 4, 1e-6) << reduction;
    EXPECT_NEAR(reduced(loss, y, z, w), total ? weighted : weighted / (by_weight ? weights : 4),
                1e-6)
        << reduction;
    EXPECT_EQ(values(loss, y, z).at(1), 0);
    EXPECT_EQ(reduced(loss, Tensor::full({2, 3}, 255), z), 0);
  }
}

// ---- shapes -------------------------------------------------------------------------------------

// Keras's squeezing: a trailing axis of 1 that only one side has.
TEST(Loss, Squeezing) {
  const Tensor a = random_tensor({4}, 1), b = random_tensor({4}, 2);
  const Shape column{4, 1};
  for (const char* name : {"mse", "mae", "bce", "hinge", "log_cosh"}) {
    const double want = reduced(name, a.reshaped(column), b.reshaped(column));
    EXPECT_EQ(reduced(name, a, b.reshaped(column)), want) << name;
    EXPECT_EQ(reduced(name, a.reshaped(column), b), want) << name;
    EXPECT_EQ(values(name, a, b.reshaped(column)).size(), 4u) << name;
  }
  const Tensor y = random_tensor({2, 3, 4}, 1), p = random_tensor({2, 3, 4}, 2);
  EXPECT_NEAR(reduced("mse", y, p.reshaped({2, 3, 4, 1})), reduced("mse", y, p), 1e-12);
  EXPECT_NEAR(reduced("mse", y.reshaped({2, 3, 4, 1}), p), reduced("mse", y, p), 1e-12);
  // Labels with and without a trailing axis.
  const Tensor labels = testing::random_integers({2, 3}, 3, 0, 3);
  const Loss scce = losses::SparseCategoricalCrossentropy({.from_logits = true});
  EXPECT_EQ(values(scce, labels, p), values(scce, labels.reshaped({2, 3, 1}), p));
}

TEST(Loss, ShapesThatDoNotFit) {
  const std::pair<Shape, Shape> pairs[] = {
      {{4, 2}, {4, 3}}, {{4, 1}, {4, 3}}, {{3, 2}, {4, 2}}, {{4}, {4, 2}}, {{4, 2, 2}, {4, 2}}};
  for (const auto& [y, p] : pairs)
    for (const char* name : {"mse", "bce", "categorical_crossentropy", "dice"})
      EXPECT_ERROR(ValueError, reduced(name, Tensor(y), Tensor(p)),
                   base::cat("y_true does not fit y_pred. Received: y_true.shape=", y,
                             ", y_pred.shape=", p));
  EXPECT_ERROR(ValueError,
               reduced("sparse_categorical_crossentropy", Tensor(Shape{4, 2}), Tensor(Shape{4, 3})),
               "y_true does not fit y_pred");
}

// Classes along another axis, as in channels_first models.
TEST(Loss, Axis) {
  const Tensor y = softmaxed(random_tensor({2, 3, 4, 5}, 1)),
               p = softmaxed(random_tensor({2, 3, 4, 5}, 2));
  const auto moved = [](const Tensor& t) {
    return Tensor({2, 5, 3, 4}, run<float>({t}, [](auto x) {
                    return ops::transpose(x[0], {0, 3, 1, 2});
                  }));
  };
  const Tensor labels = testing::random_integers({2, 3, 4}, 3, 0, 4);
  const std::pair<Loss, Loss> pairs[] = {
      {losses::CategoricalCrossentropy(), losses::CategoricalCrossentropy({.axis = 1})},
      {losses::BinaryCrossentropy(), losses::BinaryCrossentropy({.axis = -3})},
      {losses::CosineSimilarity(), losses::CosineSimilarity({.axis = 1})},
      {losses::BinaryFocalCrossentropy(), losses::BinaryFocalCrossentropy({.axis = 1})},
      {losses::CategoricalFocalCrossentropy(), losses::CategoricalFocalCrossentropy({.axis = 1})}};
  for (const auto& [last, first] : pairs)
    EXPECT_LT(testing::max_error(values(first, moved(y), moved(p)), values(last, y, p)), 1e-9)
        << last.name();
  const Loss sparse = losses::SparseCategoricalCrossentropy({.axis = 1});
  const auto want = values("sparse_categorical_crossentropy", labels, p);
  EXPECT_LT(testing::max_error(values(sparse, labels, moved(p)), want), 1e-9);
  EXPECT_LT(testing::max_error(values(sparse, labels.reshaped({2, 1, 3, 4}), moved(p)), want),
            1e-9);
  EXPECT_ERROR(ValueError, values(losses::CosineSimilarity({.axis = 4}), y, p), "does not fit");
}

TEST(Loss, Segmentation) {
  const Tensor y = testing::random_integers({3, 4, 2}, 1, 0, 1),
               p = random_tensor({3, 4, 2}, 2, 0, 1);
  // Per sample (axes 1, 2) and over everything.
  const auto dice = [&](int64_t begin, int64_t end, double alpha, double beta) {
    double both = 0, all_y = 0, all_p = 0;
    for (int64_t i = begin; i < end; ++i) {
      both += double{y.data()[i]} * p.data()[i];
      all_y += y.data()[i];
      all_p += p.data()[i];
    }
    if (alpha < 0) return 1 - 2 * both / (all_y + all_p + loss_test::kEps);
    return 1 - both / (both + alpha * (all_p - both) + beta * (all_y - both) + loss_test::kEps);
  };
  EXPECT_NEAR(reduced("dice", y, p), dice(0, 24, -1, 0), 1e-7);
  EXPECT_NEAR(reduced("tversky", y, p), dice(0, 24, .5, .5), 1e-7);
  const auto per_sample = values(losses::Dice({.axis = {1, 2}}), y, p);
  const auto tversky = values(losses::Tversky({.alpha = .3, .beta = .6, .axis = {-1, -2}}), y, p);
  ASSERT_EQ(per_sample.size(), 3u);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(per_sample.at(static_cast<size_t>(i)), dice(8 * i, 8 * i + 8, -1, 0), 1e-6);
    EXPECT_NEAR(tversky.at(static_cast<size_t>(i)), dice(8 * i, 8 * i + 8, .3, .6), 1e-6);
  }
  EXPECT_NEAR(reduced("dice", y, p, Tensor({3}, {1, 2, 6})), 3 * dice(0, 24, -1, 0), 1e-6);
}

// 'crossentropy' by the shapes (layers.md 13.1).
TEST(Loss, CrossentropyByShapes) {
  const Tensor p = random_tensor({4, 3}, 1, .1f, .9f), labels({4}, {0, 2, 1, 1});
  const Tensor column = random_tensor({4, 1}, 2, .1f, .9f), binary({4}, {0, 1, 1, 0});
  const Tensor truth = softmaxed(random_tensor({4, 3}, 3));
  for (const char* name : {"crossentropy", "ce", "CE"}) {
    EXPECT_EQ(values(name, labels, p), values("sparse_categorical_crossentropy", labels, p));
    EXPECT_EQ(values(name, labels.reshaped({4, 1}), p),
              values("sparse_categorical_crossentropy", labels, p));
    EXPECT_EQ(values(name, binary, column), values("bce", binary, column));
    EXPECT_EQ(values(name, truth, p), values("categorical_crossentropy", truth, p));
  }
}

TEST(Loss, OwnFormula) {
  const auto f = [](Expression y, Expression p) {
    return ops::max(ops::absolute(y - p), {.axis = {-1}});
  };
  const Tensor y({2, 2}, {0, 1, 2, 3}), p({2, 2}, {0, 2, 5, 3});
  EXPECT_EQ(reduced(Loss("worst", f), y, p), 2);
  EXPECT_EQ(reduced(Loss("worst", f), y, p, Tensor({2}, {1, 0})), .5);
  EXPECT_ERROR(ValueError, Loss("worst").check(), "compile: unknown loss 'worst'");
  register_loss("worst", f);
  EXPECT_EQ(reduced("worst", y, p), 2);
  EXPECT_ERROR(ValueError, register_loss("mse", f), "cannot be replaced");
}

}  // namespace
}  // namespace cornu
