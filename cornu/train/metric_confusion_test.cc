#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cornu/train/metric.h"
#include "tests/support/layer_test.h"

namespace cornu {
namespace {

using metrics::AUC;
using metrics::Precision;
using metrics::Recall;
using testing::random_integers;
using testing::random_tensor;

std::vector<double> values(const Metric& m, const Tensor& y, const Tensor& p) {
  Metric fresh = m.clone();
  fresh.check();
  fresh.update(y, p);
  return fresh.results();
}
double value(const Metric& m, const Tensor& y, const Tensor& p) { return values(m, y, p).at(0); }
double value(const Metric& m, const Tensor& y, const Tensor& p, const Tensor& w) {
  Metric fresh = m.clone();
  fresh.update(y, p, w);
  return fresh.result();
}

struct Counts {
  double tp = 0, fp = 0, tn = 0, fn = 0;
};
// By the definition, one threshold at a time; weights repeat over equal shares of the numbers.
// Thresholds that are spread evenly are for numbers in [0, 1], as in Keras.
Counts count(const Tensor& y, const Tensor& p, double threshold,
             const Tensor& w = Tensor::full({1}, 1)) {
  Counts c;
  for (int64_t i = 0; i < p.size(); ++i) {
    const bool is = y.data()[i] != 0, said = p.data()[i] > static_cast<float>(threshold);
    (is ? (said ? c.tp : c.fn) : (said ? c.fp : c.tn)) += w.data()[i * w.size() / p.size()];
  }
  return c;
}
double ratio(double a, double b) { return b == 0 ? 0 : a / b; }

// layers.md 21.12.
TEST(MetricConfusion, WorkedExamples) {
  const Tensor y({4}, {0, 0, 1, 1}), p({4}, {0, .5f, .3f, .9f});
  EXPECT_NEAR(value(AUC(), y, p), .75, 1e-6);
  EXPECT_NEAR(value("AUC", y, p), .75, 1e-6);
  EXPECT_NEAR(value(AUC({.curve = "PR"}), y, p), .797267, 1e-6);
  const Tensor truth({4}, {0, 1, 1, 1}), said({4}, {1, 0, 1, 1});
  EXPECT_NEAR(value(Precision(), truth, said), .666667, 1e-6);
  EXPECT_NEAR(value("recall", truth, said), .666667, 1e-6);
}

TEST(MetricConfusion, CountsOfEachThreshold) {
  const Tensor y = random_integers({40, 3}, 1, 0, 1), p = random_tensor({40, 3}, 2, -.1f, 1.1f);
  const Tensor w = random_tensor({40}, 3, 0, 2);
  // Spread evenly, in no order, and a single one.
  Tensor in_range = p;
  for (float& v : in_range.values()) v = std::clamp(v, 0.f, 1.f);
  for (const std::vector<double>& thresholds :
       {std::vector<double>{0, .25, .5, .75, 1}, {.7, .2, .4}, {.5}, {}}) {
    const auto t = thresholds.empty() ? std::vector<double>{.5} : thresholds;
    for (bool weighted : {false, true}) {
      const auto results = [&](Metric m) {
        m.check();
        // Two batches, the second smaller.
        const auto part = [](const Tensor& x, int64_t begin, int64_t end) {
          Shape shape = x.shape();
          const int64_t width = x.size() / shape[0];
          shape[0] = end - begin;
          return Tensor(shape, x.values().subspan(static_cast<size_t>(begin * width),
                                                  static_cast<size_t>((end - begin) * width)));
        };
        for (auto [begin, end] : {std::pair{0, 25}, std::pair{25, 40}}) {
          const Tensor a = part(y, begin, end), b = part(p, begin, end), c = part(w, begin, end);
          weighted ? m.update(a, b, c) : m.update(a, b);
        }
        return m.results();
      };
      const auto tp = results(metrics::TruePositives({thresholds})),
                 fp = results(metrics::FalsePositives({thresholds})),
                 tn = results(metrics::TrueNegatives({thresholds})),
                 fn = results(metrics::FalseNegatives({thresholds})),
                 precision = results(Precision({thresholds})),
                 recall = results(Recall({thresholds}));
      ASSERT_EQ(tp.size(), t.size());
      for (size_t i = 0; i < t.size(); ++i) {
        const Tensor& seen = t.size() == 5 ? in_range : p;
        const Counts want = weighted ? count(y, seen, t[i], w) : count(y, seen, t[i]);
        EXPECT_NEAR(tp[i], want.tp, 1e-5) << t[i];
        EXPECT_NEAR(fp[i], want.fp, 1e-5) << t[i];
        EXPECT_NEAR(tn[i], want.tn, 1e-5) << t[i];
        EXPECT_NEAR(fn[i], want.fn, 1e-5) << t[i];
        EXPECT_NEAR(precision[i], ratio(want.tp, want.tp + want.fp), 1e-6);
        EXPECT_NEAR(recall[i], ratio(want.tp, want.tp + want.fn), 1e-6);
      }
    }
  }
  // 0/0 is 0.
  EXPECT_EQ(value(Precision(), Tensor({2}, {0, 1}), Tensor({2}, {0, .1f})), 0);
  EXPECT_EQ(value(Recall(), Tensor(Shape{2}), Tensor({2}, {1, 1})), 0);
}

TEST(MetricConfusion, ClassesAndTopK) {
  const Tensor y({2, 3}, {1, 0, 1, 0, 1, 0}), p({2, 3}, {.2f, .6f, .7f, .3f, .3f, .1f});
  EXPECT_EQ(value(Precision({.class_id = 1}), y, p), 0);  // of .6 and .3
  EXPECT_EQ(value(Recall({.class_id = 2}), y, p), 1);
  // The largest of each row: .7 (right), and the first .3 (wrong).
  EXPECT_EQ(value(Precision({.top_k = 1}), y, p), .5);
  EXPECT_NEAR(value(Recall({.top_k = 1}), y, p), 1. / 3, 1e-7);
  EXPECT_NEAR(value(Recall({.top_k = 2}), y, p), 2. / 3, 1e-7);
  EXPECT_EQ(value(Precision({.thresholds = {.4}, .top_k = 1}), y, p), 1);
  EXPECT_ERROR(ValueError, value(Precision({.class_id = 3}), y, p), "metric 'precision'");
  EXPECT_ERROR(ValueError, value(Precision({.top_k = 4}), y, p), "4 classes or more");
}

// The curve and its area written out.
double area(const std::string& curve, const std::string& method, const Tensor& y, const Tensor& p,
            std::vector<double> thresholds, const Tensor& w) {
  std::vector<Counts> c;
  for (double t : thresholds) c.push_back(count(y, p, t, w));
  double sum = 0;
  for (size_t i = 0; i + 1 < c.size(); ++i) {
    if (curve == "PR" && method == "interpolation") {
      const double dtp = c[i].tp - c[i + 1].tp, dp = dtp + c[i].fp - c[i + 1].fp;
      if (dp <= 0) continue;
      const double slope = dtp / dp, p0 = c[i].tp + c[i].fp, p1 = c[i + 1].tp + c[i + 1].fp;
      const double b = c[i + 1].tp - slope * p1;
      const double log = p0 > 0 && p1 > 0 ? std::log(p0 / p1) : 0;
      sum += ratio(slope * (dtp + b * log), c[i + 1].tp + c[i + 1].fn);
      continue;
    }
    const auto x = [&](const Counts& k) {
      if (curve == "ROC") return ratio(k.fp, k.fp + k.tn);
      if (curve == "PR") return ratio(k.tp, k.tp + k.fn);
      return k.tp == 0 ? 0 : std::max(0., 1 - (k.tp + k.fn) / (k.tn + k.fp) * k.fn / k.tp);
    };
    const auto h = [&](const Counts& k) {
      if (curve == "ROC") return ratio(k.tp, k.tp + k.fn);
      if (curve == "PR") return ratio(k.tp, k.tp + k.fp);
      return k.tp == 0 ? 1 : 1 - (k.tp + k.fn) / (k.tn + k.fp) * k.fp / k.tp;
    };
    const double a = h(c[i]), b = h(c[i + 1]);
    const double height = method == "interpolation" ? (a + b) / 2
                          : method == "minoring"    ? std::min(a, b)
                                                    : std::max(a, b);
    sum += (x(c[i]) - x(c[i + 1])) * height;
  }
  return sum;
}

std::vector<double> auc_thresholds(int64_t n) {
  std::vector<double> t = {-1e-7};
  for (int64_t i = 1; i + 1 < n; ++i)
    t.push_back(static_cast<double>(i) / static_cast<double>(n - 1));
  t.push_back(1 + 1e-7);
  return t;
}

TEST(MetricConfusion, AreaUnderEachCurve) {
  const Tensor y = random_integers({60}, 1, 0, 1), w = random_tensor({60}, 2, .1f, 2);
  const Tensor noise = random_tensor({60}, 3);
  Tensor p(Shape{60});  // better than chance
  for (int64_t i = 0; i < 60; ++i)
    p.data()[i] = std::clamp(.4f + .2f * y.data()[i] + .4f * noise.data()[i], 0.f, 1.f);
  for (const char* curve : {"ROC", "PR", "PRGAIN"})
    for (const char* method : {"interpolation", "minoring", "majoring"})
      for (int64_t n : {2, 3, 50, 200}) {
        SCOPED_TRACE(base::cat(curve, " ", method, " ", n));
        const Metric m = AUC({.num_thresholds = n, .curve = curve, .summation_method = method});
        const double want = area(curve, method, y, p, auc_thresholds(n), w);
        EXPECT_NEAR(value(m, y, p, w), want, 1e-6);
        EXPECT_NEAR(value(m, y.reshaped({60, 1}), p.reshaped({60, 1}), w), want, 1e-6);
      }
  const Metric own = AUC({.thresholds = {.6, .3}});
  EXPECT_NEAR(value(own, y, p),
              area("ROC", "interpolation", y, p, {-1e-7, .3, .6, 1 + 1e-7}, Tensor::full({1}, 1)),
              1e-6);
  EXPECT_EQ(AUC().result(), 0);
}

TEST(MetricConfusion, AreaByLabel) {
  const Tensor y = random_integers({50, 3}, 1, 0, 1), p = random_tensor({50, 3}, 2, 0, 1);
  double areas[3];
  for (int64_t c = 0; c < 3; ++c) {
    Tensor a(Shape{50}), b(Shape{50});
    for (int64_t i = 0; i < 50; ++i) {
      a.data()[i] = y.data()[i * 3 + c];
      b.data()[i] = p.data()[i * 3 + c];
    }
    areas[c] = value(AUC(), a, b);
  }
  EXPECT_NEAR(value(AUC({.multi_label = true}), y, p), (areas[0] + areas[1] + areas[2]) / 3, 1e-6);
  EXPECT_NEAR(value(AUC({.multi_label = true, .label_weights = {1, 0, 3}}), y, p),
              (areas[0] + 3 * areas[2]) / 4, 1e-6);
  // Without: one area of all numbers, each with its label's weight.
  EXPECT_NEAR(value(AUC({.label_weights = {0, 1, 0}}), y, p), areas[1], 1e-6);
  Tensor z(p.shape());
  for (int64_t i = 0; i < p.size(); ++i) z.data()[i] = std::log(p.data()[i] / (1 - p.data()[i]));
  EXPECT_NEAR(value(AUC({.from_logits = true}), y, z), value(AUC(), y, p), 1e-3);
  EXPECT_ERROR(ValueError,
               value(AUC({.multi_label = true}), y.reshaped({50, 3, 1}), p.reshaped({50, 3, 1})),
               "rank 2");
  EXPECT_ERROR(ValueError, value(AUC({.label_weights = {1, 2}}), y, p), "2 `label_weights`");
}

TEST(MetricConfusion, RatesUnderConstraint) {
  const Tensor y = random_integers({80}, 5, 0, 1), p = random_tensor({80}, 6, 0, 1);
  const auto best = [&](double least, auto constrained, auto wanted) {
    double found = 0;
    for (int64_t i = 0; i < 200; ++i) {
      const Counts c = count(y, p, static_cast<double>(i) / 199);
      if (constrained(c) >= least) found = std::max(found, wanted(c));
    }
    return found;
  };
  const auto sensitivity = [](const Counts& c) { return ratio(c.tp, c.tp + c.fn); };
  const auto specificity = [](const Counts& c) { return ratio(c.tn, c.tn + c.fp); };
  const auto precision = [](const Counts& c) { return ratio(c.tp, c.tp + c.fp); };
  using namespace metrics;
  EXPECT_NEAR(value(SensitivityAtSpecificity({.specificity = .6}), y, p),
              best(.6, specificity, sensitivity), 1e-6);
  EXPECT_NEAR(value(SpecificityAtSensitivity({.sensitivity = .3}), y, p),
              best(.3, sensitivity, specificity), 1e-6);
  EXPECT_NEAR(value(PrecisionAtRecall({.recall = .35}), y, p), best(.35, sensitivity, precision),
              1e-6);
  EXPECT_NEAR(value(RecallAtPrecision({.precision = .55}), y, p), best(.55, precision, sensitivity),
              1e-6);
  EXPECT_EQ(value(RecallAtPrecision({.precision = 1}), Tensor({2}, {0, 0}), Tensor({2}, {1, 1})),
            0);
}

TEST(MetricConfusion, NaNIsNeverPositive) {
  const Tensor y({2}, {1, 0}), p({2}, {NAN, NAN});
  EXPECT_EQ(value("true_positives", y, p), 0);
  EXPECT_EQ(value(metrics::FalseNegatives({{0, .5, 1}}), y, p), 1);
  EXPECT_EQ(value(AUC(), y, p), 0);
}

TEST(MetricConfusion, StateGoesOn) {
  const Tensor y = random_integers({30, 2}, 1, 0, 1), p = random_tensor({30, 2}, 2, 0, 1);
  for (const Metric& m : {AUC(), AUC({.multi_label = true}), Precision({{.2, .7}}),
                          metrics::PrecisionAtRecall({.recall = .5})}) {
    Metric through = m.clone(), first = m.clone(), second = m.clone();
    through.update(y, p);
    first.update(y, p);
    second.set_state(first.state());
    second.update(p, y);
    through.update(p, y);
    EXPECT_EQ(second.state(), through.state());
    EXPECT_EQ(second.results(), through.results());
    EXPECT_GT(through.result(), 0);
  }
}

TEST(MetricConfusion, Options) {
  const std::pair<Metric, const char*> cases[] = {
      {Precision({.thresholds = {1.5}}), "`thresholds` must be between 0 and 1. Received: thr"},
      {Precision({.top_k = 0}), "`top_k` must be positive"},
      {Recall({.class_id = -1}), "`class_id` must be zero or positive"},
      {AUC({.num_thresholds = 1}), "`num_thresholds` must be 2 or more"},
      {AUC({.curve = "ROD"}), "`curve` must be 'ROC', 'PR' or 'PRGAIN'. Received: curve='ROD'"},
      {AUC({.summation_method = "x"}), "`summation_method` must be"},
      {AUC({.num_labels = 3}), "`num_labels` must be left out unless"},
      {AUC({.label_weights = {-1}}), "`label_weights` must be finite"},
      {metrics::PrecisionAtRecall({.recall = 2}), "`recall` must be between 0 and 1"},
      {metrics::PrecisionAtRecall({.recall = .5, .num_thresholds = 0}), "`num_thresholds` must be"},
  };
  for (const auto& [m, text] : cases) EXPECT_ERROR(ValueError, m.check(), text);
}

}  // namespace
}  // namespace cornu
