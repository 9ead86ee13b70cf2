#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cornu/train/metric.h"
#include "tests/support/layer_test.h"

namespace cornu {
namespace {

using namespace metrics;
using testing::random_integers;
using testing::random_tensor;

std::vector<double> values(const Metric& m, const Tensor& y, const Tensor& p) {
  Metric fresh = m.clone();
  fresh.check();
  fresh.update(y, p);
  return fresh.results();
}
std::vector<double> values(const Metric& m, const Tensor& y, const Tensor& p, const Tensor& w) {
  Metric fresh = m.clone();
  fresh.update(y, p, w);
  return fresh.results();
}

Tensor one_hot(const Tensor& labels, int64_t classes) {
  Shape shape = labels.shape();
  shape.push_back(classes);
  Tensor y(shape);
  for (int64_t i = 0; i < labels.size(); ++i)
    y.data()[i * classes + static_cast<int64_t>(labels.data()[i])] = 1;
  return y;
}

// ---- F-beta -------------------------------------------------------------------------------------

TEST(MetricScore, FBeta) {
  const Tensor labels = random_integers({40}, 1, 0, 2), y = one_hot(labels, 3);
  const Tensor p = random_tensor({40, 3}, 2, 0, 1), w = random_tensor({40}, 3, 0, 2);
  for (double beta : {1., 2., .5})
    for (bool weighted : {false, true})
      for (bool cut : {false, true}) {
        SCOPED_TRACE(base::cat(beta, " ", weighted, " ", cut));
        double tp[4] = {}, fp[4] = {}, fn[4] = {}, all[4] = {};  // by class, and of all
        for (int64_t i = 0; i < 40; ++i) {
          const float* row = p.data() + i * 3;
          const double weight = weighted ? w.data()[i] : 1;
          for (int64_t c = 0; c < 3; ++c) {
            const bool said = cut ? row[c] > .6f : row[c] == *std::max_element(row, row + 3);
            const bool is = y.data()[i * 3 + c] == 1;
            for (int64_t k : {c, int64_t{3}}) {
              tp[k] += said && is ? weight : 0;
              fp[k] += said && !is ? weight : 0;
              fn[k] += !said && is ? weight : 0;
              all[k] += is ? weight : 0;
            }
          }
        }
        const auto score = [&](int64_t c) {
          const double b = beta * beta;
          return (1 + b) * tp[c] / ((1 + b) * tp[c] + b * fn[c] + fp[c]);
        };
        const auto with = [&](std::optional<std::string> average) {
          const Metric m = FBetaScore({.average = std::move(average),
                                       .beta = beta,
                                       .threshold = cut ? std::optional(.6) : std::nullopt});
          return weighted ? values(m, y, p, w) : values(m, y, p);
        };
        const auto each = with(None);
        ASSERT_EQ(each.size(), 3u);
        for (int64_t c = 0; c < 3; ++c) EXPECT_NEAR(each[static_cast<size_t>(c)], score(c), 1e-6);
        EXPECT_NEAR(with("micro").at(0), score(3), 1e-6);
        EXPECT_NEAR(with("macro").at(0), (score(0) + score(1) + score(2)) / 3, 1e-6);
        EXPECT_NEAR(with("weighted").at(0),
                    (score(0) * all[0] + score(1) * all[1] + score(2) * all[2]) / all[3], 1e-6);
      }
  EXPECT_EQ(values(F1Score(), y, p), values(FBetaScore(), y, p));
  // All zeros predict nothing; several numbers are shown as their mean.
  EXPECT_EQ(values(F1Score(), Tensor({1, 2}, {1, 0}), Tensor(Shape{1, 2})),
            (std::vector<double>{0, 0}));
  Metric f1 = F1Score();
  EXPECT_EQ(f1.result(), 0);
  f1.update(y, p);
  const auto each = f1.results();
  EXPECT_NEAR(f1.result(), (each.at(0) + each.at(1) + each.at(2)) / 3, 1e-7);
}

// ---- intersection over union --------------------------------------------------------------------

double mean_iou(const Tensor& y, const Tensor& p, int64_t classes, const Tensor& w,
                std::vector<int64_t> targets = {}, int64_t ignored = -1) {
  if (targets.empty())
    for (int64_t c = 0; c < classes; ++c) targets.push_back(c);
  double sum = 0, present = 0;
  for (int64_t c : targets) {
    double both = 0, any = 0;
    for (int64_t i = 0; i < y.size(); ++i) {
      const auto a = static_cast<int64_t>(y.data()[i]), b = static_cast<int64_t>(p.data()[i]);
      if (a == ignored) continue;
      const double weight = w.data()[i * w.size() / y.size()];
      both += a == c && b == c ? weight : 0;
      any += a == c || b == c ? weight : 0;
    }
    if (any == 0) continue;
    sum += both / any;
    ++present;
  }
  return sum / present;
}

TEST(MetricScore, IntersectionOverUnion) {
  // layers.md 21.12.
  EXPECT_NEAR(
      values(MeanIoU({.num_classes = 2}), Tensor({4}, {0, 0, 1, 1}), Tensor({4}, {0, 1, 0, 1}))
          .at(0),
      .333333, 1e-6);
  const Tensor y = random_integers({4, 5, 5}, 1, 0, 3), p = random_integers({4, 5, 5}, 2, 0, 3);
  const Tensor w = random_tensor({4}, 3, .1f, 2), plain = Tensor::full({1}, 1);
  const Metric m = MeanIoU({.num_classes = 4});
  EXPECT_NEAR(values(m, y, p).at(0), mean_iou(y, p, 4, plain), 1e-6);
  EXPECT_NEAR(values(m, y, p, w).at(0), mean_iou(y, p, 4, w), 1e-6);
  EXPECT_NEAR(values(MeanIoU({.num_classes = 6}), y, p).at(0), mean_iou(y, p, 4, plain), 1e-6);
  EXPECT_NEAR(values(MeanIoU({.num_classes = 4, .ignore_class = 1}), y, p).at(0),
              mean_iou(y, p, 4, plain, {}, 1), 1e-6);
  EXPECT_NEAR(values(IoU({.num_classes = 4, .target_class_ids = {0, 2}}), y, p).at(0),
              mean_iou(y, p, 4, plain, {0, 2}), 1e-6);
  // Scores instead of labels, the classes last or first.
  const Tensor scores = random_tensor({4, 5, 5, 4}, 4);
  Tensor first(Shape{4, 4, 5, 5}), largest(Shape{4, 5, 5});
  for (int64_t i = 0; i < 100; ++i) {
    const float* row = scores.data() + i * 4;
    largest.data()[i] = static_cast<float>(std::max_element(row, row + 4) - row);
    for (int64_t c = 0; c < 4; ++c) first.data()[(i / 25 * 4 + c) * 25 + i % 25] = row[c];
  }
  const double want = mean_iou(y, largest, 4, plain);
  EXPECT_NEAR(values(MeanIoU({.num_classes = 4, .sparse_y_pred = false}), y, scores).at(0), want,
              1e-6);
  EXPECT_NEAR(
      values(MeanIoU({.num_classes = 4, .sparse_y_pred = false, .axis = 1}), y, first).at(0), want,
      1e-6);
  EXPECT_NEAR(values(OneHotMeanIoU({.num_classes = 4}), one_hot(y, 4), scores).at(0), want, 1e-6);
  EXPECT_NEAR(
      values(OneHotIoU({.num_classes = 4, .target_class_ids = {3}}), one_hot(y, 4), scores).at(0),
      mean_iou(y, largest, 4, plain, {3}), 1e-6);
  // Labels that are no class do not count, NaN among them.
  Tensor odd = p;
  odd.data()[0] = NAN;
  odd.data()[1] = -3;
  odd.data()[2] = 4;
  const auto got = values(m, y, odd).at(0);
  EXPECT_TRUE(got > 0 && got < 1);
  const Tensor binary({4}, {.5f, .4f, .6f, .1f});
  EXPECT_NEAR(values(BinaryIoU(), Tensor({4}, {1, 1, 0, 0}), binary).at(0), 1. / 3, 1e-6);
  EXPECT_NEAR(values(BinaryIoU({.target_class_ids = {1}, .threshold = .3}),
                     Tensor({4}, {1, 1, 0, 0}), binary)
                  .at(0),
              2. / 3, 1e-6);
}

// ---- R squared ----------------------------------------------------------------------------------

TEST(MetricScore, RSquared) {
  const Tensor y = random_tensor({30, 2}, 1), noise = random_tensor({30, 2}, 2, -.3f, .3f);
  const Tensor w = random_tensor({30}, 3, .1f, 2);
  Tensor p(y.shape());
  for (int64_t i = 0; i < 60; ++i) p.data()[i] = y.data()[i] + noise.data()[i];
  for (bool weighted : {false, true}) {
    double score[2], variance[2];
    for (int64_t c = 0; c < 2; ++c) {
      double sum = 0, weights = 0, residual = 0, total = 0;
      const auto weight = [&](int64_t i) { return weighted ? double{w.data()[i]} : 1.; };
      for (int64_t i = 0; i < 30; ++i) {
        sum += weight(i) * y.data()[i * 2 + c];
        weights += weight(i);
      }
      for (int64_t i = 0; i < 30; ++i) {
        residual += weight(i) * std::pow(double{y.data()[i * 2 + c]} - p.data()[i * 2 + c], 2);
        total += weight(i) * std::pow(y.data()[i * 2 + c] - sum / weights, 2);
      }
      score[c] = 1 - residual / total;
      variance[c] = total;
    }
    const auto get = [&](const Metric& m) {
      return weighted ? values(m, y, p, w) : values(m, y, p);
    };
    const double mean = (score[0] + score[1]) / 2;
    EXPECT_NEAR(get(R2Score()).at(0), mean, 1e-6);
    const auto each = get(R2Score({.class_aggregation = None}));
    ASSERT_EQ(each.size(), 2u);
    EXPECT_NEAR(each[1], score[1], 1e-6);
    EXPECT_NEAR(get(R2Score({.class_aggregation = "variance_weighted_average"})).at(0),
                (score[0] * variance[0] + score[1] * variance[1]) / (variance[0] + variance[1]),
                1e-6);
    EXPECT_NEAR(get(R2Score({.num_regressors = 4})).at(0), 1 - (1 - mean) * 29 / 25, 1e-6);
  }
  EXPECT_NEAR(values(R2Score(), Tensor({3}, {1, 2, 4}), Tensor({3, 1}, {1, 2, 4})).at(0), 1, 1e-7);
  EXPECT_EQ(values(R2Score(), Tensor({2}, {1, 1}), Tensor({2, 1}, {0, 1})).at(0), 0);  // -inf
}

TEST(MetricScore, Correlations) {
  const Tensor y = random_tensor({4, 6}, 1), p = random_tensor({4, 6}, 2);
  double pearson = 0, concordance = 0;
  for (int64_t i = 0; i < 4; ++i) {
    const float *a = y.data() + i * 6, *b = p.data() + i * 6;
    double ma = 0, mb = 0, va = 0, vb = 0, both = 0;
    for (int64_t k = 0; k < 6; ++k) ma += a[k] / 6., mb += b[k] / 6.;
    for (int64_t k = 0; k < 6; ++k) {
      va += (a[k] - ma) * (a[k] - ma);
      vb += (b[k] - mb) * (b[k] - mb);
      both += (a[k] - ma) * (b[k] - mb);
    }
    pearson += both / std::sqrt(va * vb) / 4;
    concordance += 2 * both / (va + vb + 6 * (ma - mb) * (ma - mb)) / 4;
  }
  EXPECT_NEAR(values(PearsonCorrelation(), y, p).at(0), pearson, 1e-6);
  EXPECT_NEAR(values(ConcordanceCorrelation(), y, p).at(0), concordance, 1e-6);
  EXPECT_NEAR(values("pearson_correlation", y, y).at(0), 1, 1e-6);
}

TEST(MetricScore, MeanAndSum) {
  const Tensor p({4}, {1, 3, 5, 7}), w({4}, {1, 1, 0, 0});
  EXPECT_EQ(values("mean", p, p).at(0), 4);
  EXPECT_EQ(values("sum", p, p).at(0), 16);
  EXPECT_EQ(values(Mean(), p, p, w).at(0), 2);
  EXPECT_EQ(values(Sum(), p, p, w).at(0), 4);
}

TEST(MetricScore, StateGoesOn) {
  const Tensor y = one_hot(random_integers({20}, 1, 0, 2), 3), p = random_tensor({20, 3}, 2, 0, 1);
  for (const Metric& m : {F1Score(), FBetaScore({.average = "micro"}), R2Score(),
                          OneHotMeanIoU({.num_classes = 3}), Sum()}) {
    Metric through = m.clone(), first = m.clone(), second = m.clone();
    through.update(y, p);
    first.update(y, p);
    second.set_state(first.state());
    second.update(y, y);
    through.update(y, y);
    EXPECT_EQ(second.state(), through.state());
    EXPECT_EQ(second.results(), through.results());
    EXPECT_NE(through.result(), 0);
    through.reset();
    first.reset();
    EXPECT_EQ(through.state(), first.state());
  }
  Metric bad = F1Score();
  bad.set_state(std::vector<double>{1, 2, 3});
  EXPECT_ERROR(ValueError, bad.update(y, p), "metric 'f1_score': the metric's state has 3 numbers");
}

TEST(MetricScore, Errors) {
  const std::pair<Metric, const char*> cases[] = {
      {FBetaScore({.beta = 0}),
       "compile: metric 'fbeta_score': `beta` must be finite and positive"},
      {F1Score({.average = "mean"}), "`average` must be None, 'micro'"},
      {F1Score({.threshold = 0}), "`threshold` must be above 0 and up to 1"},
      {Metric("MeanIoU"), "`num_classes` must be positive"},
      {IoU({.num_classes = 2, .target_class_ids = {2}}), "`target_class_ids` must be classes"},
      {R2Score({.class_aggregation = "mean"}), "`class_aggregation` must be None"},
      {R2Score({.num_regressors = -1}), "`num_regressors` must be zero or positive"},
  };
  for (const auto& [m, text] : cases) EXPECT_ERROR(ValueError, m.check(), text);
  const Tensor flat(Shape{4}), deep(Shape{4, 2, 2});
  EXPECT_ERROR(ValueError, values(F1Score(), flat, flat),
               "metric 'f1_score': the metric needs two-");
  EXPECT_ERROR(ValueError, values(R2Score(), deep, deep), "metric 'r2_score'");
  EXPECT_ERROR(ValueError, values(MeanIoU({.num_classes = 2}), flat, deep), "as many labels");
  EXPECT_ERROR(ValueError,
               values(MeanIoU({.num_classes = 2, .sparse_y_pred = false, .axis = 3}), flat, deep),
               "an axis 3");
}

// ---- configurations -----------------------------------------------------------------------------

Metric read(const std::string& text) { return Metric::from_config(base::parse_json(text, "test")); }

std::string written(const char* class_name, const std::string& config) {
  return base::cat(R"({"module": "keras.metrics", "class_name": ")", class_name, R"(", "config": )",
                   config, R"(, "registered_name": null})");
}

TEST(MetricConfig, NamesStayNames) {
  for (const char* name : {"accuracy",
                           "acc",
                           "Accuracy",
                           "mse",
                           "MSE",
                           "mae",
                           "mean_absolute_error",
                           "bce",
                           "AUC",
                           "auc",
                           "Precision",
                           "precision",
                           "recall",
                           "top_k_categorical_accuracy",
                           "binary_accuracy",
                           "crossentropy",
                           "ce",
                           "huber",
                           "kl_divergence",
                           "cosine_similarity",
                           "f1_score",
                           "F1Score",
                           "r2_score",
                           "root_mean_squared_error",
                           "log_cosh",
                           "LogCoshError",
                           "true_positives"})
    for (const Metric& m : {Metric(name), read(base::cat("\"", name, "\""))}) {
      m.check();
      EXPECT_EQ(m.config().dump(), base::cat("\"", name, "\""));
      EXPECT_EQ(m.name(), name);
    }
}

TEST(MetricConfig, ObjectsAsKeras3WritesThem) {
  const std::pair<Metric, std::string> cases[] = {
      {BinaryAccuracy({.threshold = .3}),
       written("BinaryAccuracy",
               R"({"name": "binary_accuracy", "dtype": "float32", "threshold": 0.3})")},
      {TopKCategoricalAccuracy({.k = 3, .name = "top3"}),
       written("TopKCategoricalAccuracy", R"({"name": "top3", "dtype": "float32", "k": 3})")},
      {SparseCategoricalCrossentropy({.from_logits = true}),
       written("SparseCategoricalCrossentropy",
               R"({"name": "sparse_categorical_crossentropy", "dtype": "float32", )"
               R"("from_logits": true, "ignore_class": null, "axis": -1})")},
      {Precision(),
       written("Precision", R"({"name": "precision", "dtype": "float32", )"
                            R"("thresholds": null, "top_k": null, "class_id": null})")},
      {Recall({.thresholds = {.2, .4}, .class_id = 1}),
       written("Recall", R"({"name": "recall", "dtype": "float32", "thresholds": [0.2, 0.4], )"
                         R"("top_k": null, "class_id": 1})")},
      {AUC({.curve = "PR"}),
       written("AUC", R"({"name": "auc", "dtype": "float32", "num_thresholds": 200, )"
                      R"("curve": "PR", "summation_method": "interpolation", )"
                      R"("multi_label": false, "num_labels": null, "label_weights": null, )"
                      R"("from_logits": false})")},
      {AUC({.thresholds = {.5}}),
       written("AUC", R"({"name": "auc", "dtype": "float32", "num_thresholds": 3, )"
                      R"("curve": "ROC", "summation_method": "interpolation", )"
                      R"("multi_label": false, "num_labels": null, "label_weights": null, )"
                      R"("from_logits": false, "thresholds": [0.5]})")},
      {F1Score({.average = "macro"}),
       written("F1Score", R"({"name": "f1_score", "dtype": "float32", "average": "macro", )"
                          R"("threshold": null})")},
      {FBetaScore({.beta = 2}),
       written("FBetaScore", R"({"name": "fbeta_score", "dtype": "float32", )"
                             R"("average": null, "beta": 2.0, "threshold": null})")},
      {MeanIoU({.num_classes = 3}),
       written("MeanIoU", R"({"name": "mean_io_u", "dtype": "float32", "num_classes": 3, )"
                          R"("ignore_class": null, "sparse_y_true": true, "sparse_y_pred": true, )"
                          R"("axis": -1})")},
      {BinaryIoU(), written("BinaryIoU", R"({"name": "binary_io_u", "dtype": "float32", )"
                                         R"("target_class_ids": [0, 1], "threshold": 0.5})")},
      {R2Score(),
       written("R2Score", R"({"name": "r2_score", "dtype": "float32", )"
                          R"("class_aggregation": "uniform_average", "num_regressors": 0})")},
      {RootMeanSquaredError(),
       written("RootMeanSquaredError",
               R"({"name": "root_mean_squared_error", "dtype": "float32"})")},
  };
  for (const auto& [m, config] : cases) {
    m.check();
    EXPECT_EQ(m.config().dump(), config);
    EXPECT_EQ(read(config).config().dump(), config);
    EXPECT_EQ(m.clone().config().dump(), config);
  }
}

TEST(MetricConfig, EveryClassRoundTrips) {
  for (const Metric& m : {Accuracy(),
                          BinaryAccuracy(),
                          CategoricalAccuracy(),
                          SparseCategoricalAccuracy(),
                          TopKCategoricalAccuracy(),
                          SparseTopKCategoricalAccuracy(),
                          MeanSquaredError(),
                          RootMeanSquaredError(),
                          MeanAbsoluteError(),
                          MeanAbsolutePercentageError(),
                          MeanSquaredLogarithmicError(),
                          CosineSimilarity(),
                          LogCoshError(),
                          Hinge(),
                          SquaredHinge(),
                          CategoricalHinge(),
                          KLDivergence(),
                          Poisson(),
                          BinaryCrossentropy(),
                          CategoricalCrossentropy(),
                          SparseCategoricalCrossentropy(),
                          TruePositives(),
                          FalsePositives(),
                          TrueNegatives(),
                          FalseNegatives(),
                          Precision(),
                          Recall(),
                          SensitivityAtSpecificity({}),
                          SpecificityAtSensitivity({}),
                          PrecisionAtRecall({}),
                          RecallAtPrecision({}),
                          AUC(),
                          FBetaScore(),
                          F1Score(),
                          IoU({.num_classes = 2, .target_class_ids = {1}}),
                          MeanIoU({.num_classes = 2}),
                          BinaryIoU(),
                          OneHotIoU({.num_classes = 2, .target_class_ids = {1}}),
                          OneHotMeanIoU({.num_classes = 2}),
                          R2Score(),
                          PearsonCorrelation(),
                          ConcordanceCorrelation(),
                          Mean(),
                          Sum()}) {
    SCOPED_TRACE(m.name());
    m.check();
    EXPECT_EQ(Metric::from_config(m.config()).config().dump(), m.config().dump());
  }
}

TEST(MetricConfig, OtherDialects) {
  const Metric wrapped = read(R"({"class_name": "MeanMetricWrapper", "config": {"name": "accuracy",
      "dtype": "float32", "fn": "categorical_accuracy"}})");
  EXPECT_EQ(wrapped.name(), "accuracy");
  EXPECT_EQ(wrapped.config().dump(), CategoricalAccuracy({.name = "accuracy"}).config().dump());
  EXPECT_EQ(read(R"({"class_name": "Precision", "config": {"name": "p", "dtype": "float32",
      "thresholds": 0.4}})")
                .config()
                .dump(),
            Precision({.thresholds = {.4}, .name = "p"}).config().dump());
  const auto f = [](Expression y, Expression p) { return ops::mean(y - p, {.axis = {-1}}); };
  register_metric("bias_metric", f);
  const Metric own = read(R"({"class_name": "MeanMetricWrapper", "config": {"name": "b", "fn":
      {"module": "builtins", "class_name": "function", "config": "bias_metric"}}})");
  EXPECT_EQ(own.name(), "b");
  EXPECT_EQ(own.config().at("config").dump(), "\"bias_metric\"");
}

TEST(MetricConfig, Directions) {
  for (const char* up : {"accuracy", "auc", "precision", "recall", "f1_score", "cosine_similarity",
                         "r2_score", "top_k_categorical_accuracy"})
    EXPECT_EQ(Metric(up).direction(), 1) << up;
  for (const char* down : {"mse", "mae", "crossentropy", "huber", "root_mean_squared_error", "kld"})
    EXPECT_EQ(Metric(down).direction(), -1) << down;
  for (const char* unknown : {"mean", "sum", "true_positives", "nothing"})
    EXPECT_EQ(Metric(unknown).direction(), 0) << unknown;
}

TEST(MetricConfig, Errors) {
  const std::pair<const char*, const char*> cases[] = {
      {"\"acuracy\"", "compile: unknown metric 'acuracy'"},
      {"3", "the metric must be a name or an object with a class_name. Received: 3"},
      {R"({"class_name": "Auc", "config": {}})", "unknown metric 'Auc'"},
      {R"({"module": "mine", "class_name": "AUC", "config": {}})", "unknown metric 'AUC'"},
      {R"({"class_name": "AUC", "config": {"curve": 3}})",
       "compile: metric AUC: `curve` must be a"},
      {R"({"class_name": "AUC", "config": {"k": 3}})", "metric AUC: unknown argument 'k'"},
      {R"({"class_name": "Precision", "config": {"thresholds": ["a"]}})", "`thresholds` must be a"},
      {R"({"class_name": "MeanIoU", "config": {"num_classes": 0}})", "`num_classes` must be posi"},
      {R"({"class_name": "TopKCategoricalAccuracy", "config": {"k": 2.5}})",
       "`k` must be an integer. Received: k=2.5"},
      {R"({"class_name": "TopKCategoricalAccuracy", "config": {"k": 0}})", "`k` must be positive"},
  };
  for (const auto& [config, text] : cases) {
    SCOPED_TRACE(config);
    EXPECT_ERROR(ValueError, read(config), text);
  }
}

}  // namespace
}  // namespace cornu
