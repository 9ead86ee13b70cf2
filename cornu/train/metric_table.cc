#include <algorithm>

#include "cornu/base/text.h"
#include "cornu/train/metric_counter.h"

namespace cornu::train {
namespace {

using S = MetricSettings;
using Fields = std::vector<Field<S>>;
const Field<S> kThreshold{"threshold", &S::threshold}, kK{"k", &S::k},
    kFromLogits{"from_logits", &S::from_logits}, kSmoothing{"label_smoothing", &S::label_smoothing},
    kAxis{"axis", &S::axis}, kIgnoreClass{"ignore_class", &S::ignore_class},
    kThresholds{"thresholds", &S::thresholds}, kTopK{"top_k", &S::top_k},
    kClassId{"class_id", &S::class_id}, kNumThresholds{"num_thresholds", &S::num_thresholds},
    kSensitivity{"sensitivity", &S::sensitivity}, kSpecificity{"specificity", &S::specificity},
    kPrecision{"precision", &S::precision}, kRecall{"recall", &S::recall},
    kCurve{"curve", &S::curve}, kSummation{"summation_method", &S::summation_method},
    kMultiLabel{"multi_label", &S::multi_label}, kNumLabels{"num_labels", &S::num_labels},
    kLabelWeights{"label_weights", &S::label_weights},
    kGivenThresholds{"thresholds", &S::thresholds, false}, kAverage{"average", &S::average},
    kBeta{"beta", &S::f_beta}, kCut{"threshold", &S::cut},
    kNumClasses{"num_classes", &S::num_classes}, kTargets{"target_class_ids", &S::target_class_ids},
    kSparseTrue{"sparse_y_true", &S::sparse_y_true},
    kSparsePred{"sparse_y_pred", &S::sparse_y_pred},
    kAggregation{"class_aggregation", &S::class_aggregation},
    kRegressors{"num_regressors", &S::num_regressors};

void binary_iou(S& s) {
  s.num_classes = 2;
  s.binary = true;
  s.target_class_ids = {0, 1};
}
void one_hot_iou(S& s) { s.sparse_y_true = s.sparse_y_pred = false; }

MetricRow mean_of_loss(const char* class_name, const char* name, const Fields& fields = {}) {
  return {class_name, name, nullptr, -1, make_loss_mean, fields, find_loss(name)};
}

std::vector<MetricRow> make_rows() {
  std::vector<MetricRow> rows = {
      {"Accuracy", "accuracy", nullptr, 1, make_accuracy},
      {"BinaryAccuracy", "binary_accuracy", nullptr, 1, make_binary_accuracy, {kThreshold}},
      {"CategoricalAccuracy", "categorical_accuracy", nullptr, 1, make_categorical_accuracy},
      {"SparseCategoricalAccuracy", "sparse_categorical_accuracy", nullptr, 1,
       make_sparse_accuracy},
      {"TopKCategoricalAccuracy",
       "top_k_categorical_accuracy",
       nullptr,
       1,
       make_top_k_accuracy,
       {kK}},
      {"SparseTopKCategoricalAccuracy",
       "sparse_top_k_categorical_accuracy",
       nullptr,
       1,
       make_sparse_top_k_accuracy,
       {kK}},
      {"RootMeanSquaredError", "root_mean_squared_error", nullptr, -1,
       make_root_mean_squared_error},
      {"CosineSimilarity",
       "cosine_similarity",
       nullptr,
       1,
       make_cosine_similarity,
       {kAxis},
       find_loss("cosine_similarity")},
      {"LogCoshError", "logcosh", "log_cosh_error", -1, make_loss_mean, {}, find_loss("log_cosh")},
      {"TruePositives", "true_positives", nullptr, 0, make_true_positives, {kThresholds}},
      {"FalsePositives", "false_positives", nullptr, 0, make_false_positives, {kThresholds}},
      {"TrueNegatives", "true_negatives", nullptr, 0, make_true_negatives, {kThresholds}},
      {"FalseNegatives", "false_negatives", nullptr, 0, make_false_negatives, {kThresholds}},
      {"Precision", "precision", nullptr, 1, make_precision, {kThresholds, kTopK, kClassId}},
      {"Recall", "recall", nullptr, 1, make_recall, {kThresholds, kTopK, kClassId}},
      {"SensitivityAtSpecificity",
       "sensitivity_at_specificity",
       nullptr,
       1,
       make_sensitivity_at_specificity,
       {kNumThresholds, kSpecificity, kClassId}},
      {"SpecificityAtSensitivity",
       "specificity_at_sensitivity",
       nullptr,
       1,
       make_specificity_at_sensitivity,
       {kNumThresholds, kSensitivity, kClassId}},
      {"PrecisionAtRecall",
       "precision_at_recall",
       nullptr,
       1,
       make_precision_at_recall,
       {kNumThresholds, kRecall, kClassId}},
      {"RecallAtPrecision",
       "recall_at_precision",
       nullptr,
       1,
       make_recall_at_precision,
       {kNumThresholds, kPrecision, kClassId}},
      {"AUC",
       "auc",
       nullptr,
       1,
       make_auc,
       {kNumThresholds, kCurve, kSummation, kMultiLabel, kNumLabels, kLabelWeights, kFromLogits,
        kGivenThresholds}},
      {"FBetaScore", "fbeta_score", "f_beta_score", 1, make_f_beta, {kAverage, kBeta, kCut}},
      {"F1Score", "f1_score", nullptr, 1, make_f_beta, {kAverage, kCut}},
      {"IoU",
       "io_u",
       nullptr,
       1,
       make_iou,
       {kNumClasses, kTargets, kIgnoreClass, kSparseTrue, kSparsePred, kAxis}},
      {"MeanIoU",
       "mean_io_u",
       nullptr,
       1,
       make_iou,
       {kNumClasses, kIgnoreClass, kSparseTrue, kSparsePred, kAxis}},
      {"BinaryIoU",
       "binary_io_u",
       nullptr,
       1,
       make_iou,
       {kTargets, kThreshold},
       nullptr,
       binary_iou},
      {"OneHotIoU",
       "one_hot_io_u",
       nullptr,
       1,
       make_iou,
       {kNumClasses, kTargets, kIgnoreClass, kSparsePred, kAxis},
       nullptr,
       one_hot_iou},
      {"OneHotMeanIoU",
       "one_hot_mean_io_u",
       nullptr,
       1,
       make_iou,
       {kNumClasses, kIgnoreClass, kSparsePred, kAxis},
       nullptr,
       one_hot_iou},
      {"PearsonCorrelation", "pearson_correlation", nullptr, 1, make_pearson, {kAxis}},
      {"ConcordanceCorrelation", "concordance_correlation", nullptr, 1, make_concordance, {kAxis}},
      {"R2Score", "r2_score", nullptr, 1, make_r2, {kAggregation, kRegressors}},
      {"Mean", "mean", nullptr, 0, make_mean},
      {"Sum", "sum", nullptr, 0, make_sum},
      mean_of_loss("BinaryCrossentropy", "binary_crossentropy", {kFromLogits, kSmoothing}),
      mean_of_loss("CategoricalCrossentropy", "categorical_crossentropy",
                   {kFromLogits, kSmoothing, kAxis}),
      mean_of_loss("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy",
                   {kFromLogits, kIgnoreClass, kAxis}),
  };
  // The rest of the losses, without options of their own.
  for (const LossRow& loss : loss_rows()) {
    const auto same = [&](const MetricRow& row) {
      return std::string_view(row.class_name) == loss.class_name;
    };
    if (std::none_of(rows.begin(), rows.end(), same))
      rows.push_back(mean_of_loss(loss.class_name, loss.function));
  }
  return rows;
}

}  // namespace

const MetricRow* find_metric(std::string_view name) {
  static const std::vector<MetricRow> rows = make_rows();
  for (const MetricRow& row : rows)
    if (name == row.class_name || name == row.name || (row.other && name == row.other)) return &row;
  const LossRow* loss = find_loss(name);
  if (!loss) return nullptr;
  for (const MetricRow& row : rows)
    if (row.loss == loss) return &row;
  return nullptr;
}

bool is_accuracy(std::string_view name) {
  const std::string word = base::lower(name);
  return word == "accuracy" || word == "acc";
}

const MetricRow* accuracy_row(Labels labels) {
  switch (labels) {
    case Labels::kBinary:
      return find_metric("binary_accuracy");
    case Labels::kSparse:
      return find_metric("sparse_categorical_accuracy");
    case Labels::kCategorical:
      break;
  }
  return find_metric("categorical_accuracy");
}

MetricSettings default_settings(const MetricRow& row) {
  MetricSettings s;
  if (row.loss) static_cast<LossSettings&>(s) = default_settings(*row.loss);
  if (row.set_defaults) row.set_defaults(s);
  return s;
}

}  // namespace cornu::train
