#include "cornu/train/metric_confusion.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/nn/keras_json.h"
#include "cornu/train/loss_shapes.h"

namespace cornu::train {
namespace {

constexpr float kNever = -1e10f;  // Keras's NEG_INF: below any threshold but itself

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

Confusion::Confusion(const MetricSettings& s, std::vector<double> thresholds, bool spread)
    : settings_(s), spread_(spread), below_zero_(thresholds.front() < 0) {
  for (double t : thresholds) thresholds_.push_back(static_cast<float>(t));
  if (!s.multi_label) state.resize(4 * thresholds_.size());
}

void Confusion::prepare(Prepared& at) {
  Shape y;
  std::tie(at.values, y) = same_rank(at.p, at.y);
  const int64_t classes = at.values.rank() > 1 ? at.values[-1] : 1;
  if (at.values != y) throw_misfit("y_true of y_pred's shape", at.y, at.p);
  const auto& id = settings_.class_id;
  if (id && (at.values.rank() < 2 || *id >= classes))
    throw_misfit(base::cat("a class ", *id, ", its `class_id`"), at.y, at.p);
  if (settings_.top_k && (at.values.rank() < 2 || *settings_.top_k > classes))
    throw_misfit(base::cat(*settings_.top_k, " classes or more, as `top_k` says"), at.y, at.p);
  const auto& weights = settings_.label_weights;
  if (settings_.multi_label && at.values.rank() != 2)
    throw_misfit("predictions of rank 2 where `multi_label` is true", at.y, at.p);
  if (!weights.empty() && std::ssize(weights) != classes)
    throw_misfit(base::cat("one class for each of its ", weights.size(), " `label_weights`"), at.y,
                 at.p);
  const int64_t labels = settings_.multi_label ? classes : 1;
  need_state(4 * thresholds() * labels);
  at.classes = classes;
  if (spread_) cells_.resize(static_cast<size_t>(2 * (thresholds() + 1) * labels));
  row_.resize(std::max(row_.size(), static_cast<size_t>(classes)));
  order_.resize(row_.size());
}

void Confusion::keep_top_k(const float* p, int64_t classes) {
  const auto larger = [&](int64_t a, int64_t b) { return p[a] > p[b] || (p[a] == p[b] && a < b); };
  std::iota(order_.begin(), order_.begin() + classes, 0);
  std::partial_sort(order_.begin(), order_.begin() + *settings_.top_k, order_.begin() + classes,
                    larger);
  for (int64_t i = *settings_.top_k; i < classes; ++i)
    row_[static_cast<size_t>(order_[static_cast<size_t>(i)])] = kNever;
}

void Confusion::count(const Batch& batch, Prepared& at) {
  if (at.values.size() == 0) return;
  const int64_t classes = at.classes;
  const int64_t first = settings_.class_id.value_or(0);
  const int64_t last = settings_.class_id ? first + 1 : classes;
  std::fill(cells_.begin(), cells_.end(), 0.0);
  for (int64_t i = 0; i < at.values.size(); i += classes) {
    std::copy_n(batch.p + i, classes, row_.begin());
    if (settings_.top_k) keep_top_k(batch.p + i, classes);
    for (int64_t c = first; c < last; ++c) {
      const auto label = static_cast<size_t>(c);
      double weight = at.weight_of(i + c);
      if (!settings_.multi_label && !settings_.label_weights.empty())
        weight *= settings_.label_weights[label];
      const float p =
          settings_.from_logits ? static_cast<float>(sigmoid(row_[label])) : row_[label];
      add(batch.y[i + c] != 0, weight, settings_.multi_label ? c : 0, p);
    }
  }
  if (spread_) gather_cells();
}

void Confusion::add(bool positive, double weight, int64_t label, float p) {
  if (spread_) {
    // The number of thresholds below p, in float as Keras counts them.
    const float steps = static_cast<float>(thresholds() - 1);
    const float cell = std::ceil(std::clamp(p, 0.f, 1.f) * steps);
    const int64_t below =
        std::isnan(p) ? 0 : std::max<int64_t>(static_cast<int64_t>(cell), below_zero_);
    cells_[static_cast<size_t>((below * labels() + label) * 2 + positive)] += weight;
    return;
  }
  for (int64_t t = 0; t < thresholds(); ++t) {
    const bool above = p > thresholds_[static_cast<size_t>(t)];
    const Which which = above ? (positive ? kTruePositives : kFalsePositives)
                              : (positive ? kFalseNegatives : kTrueNegatives);
    state[static_cast<size_t>((which * thresholds() + t) * labels() + label)] += weight;
  }
}

void Confusion::gather_cells() {
  const int64_t n = thresholds();
  const auto cell = [&](int64_t below, int64_t label, bool positive) {
    return cells_[static_cast<size_t>((below * labels() + label) * 2 + positive)];
  };
  const auto put = [&](Which which, int64_t t, int64_t label, double weight) {
    state[static_cast<size_t>((which * n + t) * labels() + label)] += weight;
  };
  for (int64_t label = 0; label < labels(); ++label)
    for (bool positive : {false, true}) {
      double total = 0, above = 0;
      for (int64_t below = 0; below <= n; ++below) total += cell(below, label, positive);
      for (int64_t t = n - 1; t >= 0; --t) {
        above += cell(t + 1, label, positive);
        put(positive ? kTruePositives : kFalsePositives, t, label, above);
        put(positive ? kFalseNegatives : kTrueNegatives, t, label, total - above);
      }
    }
}

// ---- the metrics --------------------------------------------------------------------------------

namespace {

// Whether they are i / (n - 1), as near as Keras looks.
bool evenly_spread(const std::vector<double>& thresholds) {
  const auto n = thresholds.size();
  for (size_t i = 0; i < n; ++i) {
    const double even = static_cast<double>(i) / static_cast<double>(n - 1);
    if (!(std::abs(thresholds[i] - even) <= epsilon() + 1e-5 * even)) return false;
  }
  return n >= 3;
}

std::vector<double> given_thresholds(const MetricSettings& s) {
  if (!s.thresholds.empty()) return s.thresholds;
  return {s.top_k ? double{kNever} : 0.5};
}

std::vector<double> even_thresholds(int64_t n) {
  std::vector<double> t;
  for (int64_t i = 0; i < n; ++i) t.push_back(static_cast<double>(i) / static_cast<double>(n - 1));
  return n == 1 ? std::vector<double>{0.5} : t;
}

// One number for each threshold, made of the four counts.
class PerThreshold : public Confusion {
 public:
  using Result = double (*)(double tp, double fp, double tn, double fn);
  PerThreshold(const MetricSettings& s, Result result)
      : Confusion(s, given_thresholds(s), evenly_spread(given_thresholds(s))), result_(result) {}

  void results(std::vector<double>& out) const override {
    out.clear();
    for (int64_t t = 0; t < thresholds(); ++t)
      out.push_back(result_(at(kTruePositives, t), at(kFalsePositives, t), at(kTrueNegatives, t),
                            at(kFalseNegatives, t)));
  }

 private:
  Result result_;
};

double sensitivity(double tp, double, double, double fn) { return ratio(tp, tp + fn); }
double specificity(double, double fp, double tn, double) { return ratio(tn, tn + fp); }
double precision(double tp, double fp, double, double) { return ratio(tp, tp + fp); }

// The largest of one rate at the thresholds where another is at least `value`; 0 for none.
class AtLeast : public Confusion {
 public:
  using Rate = PerThreshold::Result;
  AtLeast(const MetricSettings& s, double value, Rate constrained, Rate wanted)
      : Confusion(s, even_thresholds(s.num_thresholds), s.num_thresholds > 1),
        value_(value),
        constrained_(constrained),
        wanted_(wanted) {}

  void results(std::vector<double>& out) const override {
    double best = 0;
    for (int64_t t = 0; t < thresholds(); ++t) {
      const double tp = at(kTruePositives, t), fp = at(kFalsePositives, t),
                   tn = at(kTrueNegatives, t), fn = at(kFalseNegatives, t);
      if (static_cast<float>(constrained_(tp, fp, tn, fn)) >= static_cast<float>(value_))
        best = std::max(best, wanted_(tp, fp, tn, fn));
    }
    out.assign({best});
  }

 private:
  double value_;
  Rate constrained_, wanted_;
};

}  // namespace

std::unique_ptr<Counter> make_true_positives(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<PerThreshold>(s, [](double tp, double, double, double) { return tp; });
}
std::unique_ptr<Counter> make_false_positives(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<PerThreshold>(s, [](double, double fp, double, double) { return fp; });
}
std::unique_ptr<Counter> make_true_negatives(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<PerThreshold>(s, [](double, double, double tn, double) { return tn; });
}
std::unique_ptr<Counter> make_false_negatives(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<PerThreshold>(s, [](double, double, double, double fn) { return fn; });
}
std::unique_ptr<Counter> make_precision(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<PerThreshold>(s, precision);
}
std::unique_ptr<Counter> make_recall(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<PerThreshold>(s, sensitivity);
}

std::unique_ptr<Counter> make_sensitivity_at_specificity(const MetricRow&,
                                                         const MetricSettings& s) {
  return std::make_unique<AtLeast>(s, s.specificity, specificity, sensitivity);
}
std::unique_ptr<Counter> make_specificity_at_sensitivity(const MetricRow&,
                                                         const MetricSettings& s) {
  return std::make_unique<AtLeast>(s, s.sensitivity, sensitivity, specificity);
}
std::unique_ptr<Counter> make_precision_at_recall(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<AtLeast>(s, s.recall, sensitivity, precision);
}
std::unique_ptr<Counter> make_recall_at_precision(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<AtLeast>(s, s.precision, precision, sensitivity);
}

}  // namespace cornu::train
