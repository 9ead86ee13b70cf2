#include <algorithm>
#include <cmath>

#include "cornu/base/text.h"
#include "cornu/nn/keras_json.h"
#include "cornu/train/metric_confusion.h"

namespace cornu::train {
namespace {

// The inner thresholds between one below 0 and one above 1.
std::vector<double> auc_thresholds(const MetricSettings& s) {
  std::vector<double> t = s.thresholds;
  std::sort(t.begin(), t.end());
  if (t.empty())
    for (int64_t i = 1; i + 1 < s.num_thresholds; ++i)
      t.push_back(static_cast<double>(i) / static_cast<double>(s.num_thresholds - 1));
  t.insert(t.begin(), -epsilon());
  t.push_back(1 + epsilon());
  return t;
}

// The area under a curve of two rates, by the thresholds.
class Auc : public Confusion {
 public:
  explicit Auc(const MetricSettings& s)
      : Confusion(s, auc_thresholds(s), s.thresholds.empty()),
        curve_(base::lower(s.curve)),
        summation_(base::lower(s.summation_method)) {}

  void results(std::vector<double>& out) const override {
    double sum = 0, weights = 0;
    for (int64_t label = 0; label < labels(); ++label) {
      const auto& given = settings_.label_weights;
      const double weight = given.empty() || labels() == 1 ? 1 : given[static_cast<size_t>(label)];
      sum += weight * area(label);
      weights += weight;
    }
    out.assign({ratio(sum, weights)});
  }

 private:
  struct Point {
    double x, y;
  };

  double area(int64_t label) const {
    const bool trapezoid = summation_ == "interpolation";
    if (curve_ == "pr" && trapezoid) return interpolated_precision_recall(label);
    double sum = 0;
    Point before = point(0, label);
    for (int64_t t = 1; t < thresholds(); ++t) {
      const Point now = point(t, label);
      const double height = trapezoid                  ? (before.y + now.y) / 2
                            : summation_ == "minoring" ? std::min(before.y, now.y)
                                                       : std::max(before.y, now.y);
      sum += (before.x - now.x) * height;
      before = now;
    }
    return sum;
  }

  Point point(int64_t t, int64_t label) const {
    const double tp = at(kTruePositives, t, label), fp = at(kFalsePositives, t, label),
                 tn = at(kTrueNegatives, t, label), fn = at(kFalseNegatives, t, label);
    if (curve_ == "roc") return {ratio(fp, fp + tn), ratio(tp, tp + fn)};
    if (curve_ == "pr") return {ratio(tp, tp + fn), ratio(tp, tp + fp)};
    // Gains: the rates against those of calling everything positive.
    if (tp == 0) return {0, 1};
    const double scale = ratio(tp + fn, tn + fp);
    return {std::max(1 - scale * fn / tp, 0.0), 1 - scale * fp / tp};
  }

  // Davis and Goadrich: between two thresholds true positives grow in a line with positives.
  double interpolated_precision_recall(int64_t label) const {
    double sum = 0;
    for (int64_t t = 0; t + 1 < thresholds(); ++t) {
      const double tp = at(kTruePositives, t, label), next_tp = at(kTruePositives, t + 1, label);
      const double p = tp + at(kFalsePositives, t, label);
      const double next_p = next_tp + at(kFalsePositives, t + 1, label);
      const double slope = ratio(tp - next_tp, std::max(p - next_p, 0.0));
      const double intercept = next_tp - slope * next_p;
      const double grown = p > 0 && next_p > 0 ? p / next_p : 1;
      sum += ratio(slope * (tp - next_tp + intercept * std::log(grown)),
                   std::max(next_tp + at(kFalseNegatives, t + 1, label), 0.0));
    }
    return sum;
  }

  std::string curve_, summation_;
};

}  // namespace

std::unique_ptr<Counter> make_auc(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<Auc>(s);
}

}  // namespace cornu::train
