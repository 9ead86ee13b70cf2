#pragma once

#include <iterator>
#include <vector>

#include "cornu/train/metric_counter.h"

namespace cornu::train {

// Counts true and false positives and negatives at each threshold: a prediction is positive where
// it is greater than the threshold, a target where it is not 0. With `multi_label`, one count for
// each entry of the last axis.
class Confusion : public Counter {
 public:
  // `spread` says that the thresholds are i / (n - 1), the first and last moved out by eps or not:
  // predictions, clipped to [0, 1], are then counted by cells.
  Confusion(const MetricSettings& s, std::vector<double> thresholds, bool spread);

 protected:
  enum Which { kTruePositives, kFalsePositives, kTrueNegatives, kFalseNegatives };
  void prepare(Prepared& at) override;
  void count(const Batch& batch, Prepared& at) override;

  int64_t thresholds() const { return static_cast<int64_t>(thresholds_.size()); }
  int64_t labels() const { return std::ssize(state) / (4 * thresholds()); }
  double at(Which which, int64_t threshold, int64_t label = 0) const {
    return state[static_cast<size_t>((which * thresholds() + threshold) * labels() + label)];
  }

  const MetricSettings settings_;

 private:
  void add(bool positive, double weight, int64_t label, float p);
  void keep_top_k(const float* p, int64_t classes);
  void gather_cells();

  std::vector<float> thresholds_;
  bool spread_, below_zero_;
  std::vector<double> cells_;  // spread: weight of positives and of the rest, by cell
  std::vector<float> row_;     // one row of predictions, filtered
  std::vector<int64_t> order_;
};

// a / b; 0 where b is.
inline double ratio(double a, double b) { return b == 0 ? 0 : a / b; }

}  // namespace cornu::train
