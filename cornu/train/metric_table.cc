#include <algorithm>

#include "cornu/base/text.h"
#include "cornu/train/metric_counter.h"

namespace cornu::train {
namespace {

using S = MetricSettings;
constexpr Field<S> kThreshold{"threshold", &S::threshold}, kK{"k", &S::k},
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

struct Rows {
  std::vector<MetricRow> all;

  MetricRow& add(const char* class_name, int direction, MakeCounter make,
                 std::vector<Field<S>> fields = {}) {
    const std::string name = base::snake_case(class_name);
    all.push_back({class_name, name, name, direction, make, std::move(fields)});
    return all.back();
  }
  void add_loss(const LossRow& loss, std::vector<Field<S>> fields = {}) {
    add(loss.class_name, -1, make_loss_mean, std::move(fields)).loss = &loss;
  }
  bool has(std::string_view class_name) const {
    const auto is = [&](const MetricRow& row) { return class_name == row.class_name; };
    return std::any_of(all.begin(), all.end(), is);
  }
};

void add_means(Rows& rows) {
  rows.add("Accuracy", 1, make_accuracy);
  rows.add("BinaryAccuracy", 1, make_binary_accuracy, {kThreshold});
  rows.add("CategoricalAccuracy", 1, make_categorical_accuracy);
  rows.add("SparseCategoricalAccuracy", 1, make_sparse_accuracy);
  rows.add("TopKCategoricalAccuracy", 1, make_top_k_accuracy, {kK});
  rows.add("SparseTopKCategoricalAccuracy", 1, make_sparse_top_k_accuracy, {kK});
  rows.add("RootMeanSquaredError", -1, make_root_mean_squared_error);
  rows.add("PearsonCorrelation", 1, make_pearson, {kAxis});
  rows.add("ConcordanceCorrelation", 1, make_concordance, {kAxis});
  rows.add("Mean", 0, make_mean);
  rows.add("Sum", 0, make_sum);
}

void add_counts(Rows& rows) {
  rows.add("TruePositives", 0, make_true_positives, {kThresholds});
  rows.add("FalsePositives", 0, make_false_positives, {kThresholds});
  rows.add("TrueNegatives", 0, make_true_negatives, {kThresholds});
  rows.add("FalseNegatives", 0, make_false_negatives, {kThresholds});
  rows.add("Precision", 1, make_precision, {kThresholds, kTopK, kClassId});
  rows.add("Recall", 1, make_recall, {kThresholds, kTopK, kClassId});
  rows.add("SensitivityAtSpecificity", 1, make_sensitivity_at_specificity,
           {kNumThresholds, kSpecificity, kClassId});
  rows.add("SpecificityAtSensitivity", 1, make_specificity_at_sensitivity,
           {kNumThresholds, kSensitivity, kClassId});
  rows.add("PrecisionAtRecall", 1, make_precision_at_recall, {kNumThresholds, kRecall, kClassId});
  rows.add("RecallAtPrecision", 1, make_recall_at_precision,
           {kNumThresholds, kPrecision, kClassId});
  rows.add("AUC", 1, make_auc,
           {kNumThresholds, kCurve, kSummation, kMultiLabel, kNumLabels, kLabelWeights, kFromLogits,
            kGivenThresholds});
}

void add_scores(Rows& rows) {
  rows.add("FBetaScore", 1, make_f_beta, {kAverage, kBeta, kCut}).name = "fbeta_score";
  rows.add("F1Score", 1, make_f_beta, {kAverage, kCut});
  rows.add("IoU", 1, make_iou,
           {kNumClasses, kTargets, kIgnoreClass, kSparseTrue, kSparsePred, kAxis});
  rows.add("MeanIoU", 1, make_iou, {kNumClasses, kIgnoreClass, kSparseTrue, kSparsePred, kAxis});
  rows.add("BinaryIoU", 1, make_iou, {kTargets, kThreshold}).set_defaults = binary_iou;
  rows.add("OneHotIoU", 1, make_iou, {kNumClasses, kTargets, kIgnoreClass, kSparsePred, kAxis})
      .set_defaults = one_hot_iou;
  rows.add("OneHotMeanIoU", 1, make_iou, {kNumClasses, kIgnoreClass, kSparsePred, kAxis})
      .set_defaults = one_hot_iou;
  rows.add("R2Score", 1, make_r2, {kAggregation, kRegressors});
}

void add_losses(Rows& rows) {
  const auto loss = [](const char* name) -> const LossRow& { return *find_loss(name); };
  rows.add("CosineSimilarity", 1, make_cosine_similarity, {kAxis}).loss = &loss("CosineSimilarity");
  MetricRow& log_cosh = rows.add("LogCoshError", -1, make_loss_mean);
  log_cosh.loss = &loss("LogCosh");
  log_cosh.name = "logcosh";
  rows.add_loss(loss("BinaryCrossentropy"), {kFromLogits, kSmoothing});
  rows.add_loss(loss("CategoricalCrossentropy"), {kFromLogits, kSmoothing, kAxis});
  rows.add_loss(loss("SparseCategoricalCrossentropy"), {kFromLogits, kIgnoreClass, kAxis});
  // The rest, without options of their own.
  for (const LossRow& row : loss_rows())
    if (!rows.has(row.class_name) && row.class_name != std::string_view("LogCosh"))
      rows.add_loss(row);
}

std::vector<MetricRow> make_rows() {
  Rows rows;
  add_means(rows);
  add_counts(rows);
  add_scores(rows);
  add_losses(rows);
  return std::move(rows.all);
}

}  // namespace

const MetricRow* find_metric(std::string_view name) {
  static const std::vector<MetricRow> rows = make_rows();
  for (const MetricRow& row : rows)
    if (name == row.class_name || name == row.snake_name || name == row.name) return &row;
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
