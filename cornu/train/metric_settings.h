#pragma once

#include "cornu/train/loss_settings.h"

namespace cornu::train {

struct MetricData;  // what copies of a metric share (metric.cc)

// Every option that a metric of layers.md part 14 may have; a row says which of them are its own.
struct MetricSettings : LossSettings {
  double threshold = 0.5;               // of BinaryAccuracy, BinaryIoU
  std::vector<double> thresholds = {};  // empty: the default
  int64_t k = 5;
  std::optional<int64_t> top_k = {}, class_id = {};

  int64_t num_thresholds = 200;
  double sensitivity = 0.5, specificity = 0.5, precision = 0.5, recall = 0.5;
  std::string curve = "ROC", summation_method = "interpolation";
  bool multi_label = false;
  std::optional<int64_t> num_labels = {};
  std::vector<double> label_weights = {};

  std::optional<std::string> average = {};
  double f_beta = 1;
  std::optional<double> cut = {};  // the `threshold` of F-beta; none: the largest

  int64_t num_classes = 0;
  std::vector<int64_t> target_class_ids = {};  // empty: all
  bool sparse_y_true = true, sparse_y_pred = true;
  bool binary = false;  // labels are predictions of `threshold` or more

  std::optional<std::string> class_aggregation = "uniform_average";
  int64_t num_regressors = 0;
};

}  // namespace cornu::train
