#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/base/json.h"
#include "cornu/graph/expression.h"
#include "cornu/tensor/tensor.h"
#include "cornu/train/metric_settings.h"

namespace cornu {

// A metric (layers.md part 14): a Keras name ("accuracy", "mse", "auc", …; every loss's name is a
// metric's too), one of the functions below, or a formula of your own. A handle: copies go on
// counting together, clone() starts anew. What it was given is checked by check() and before the
// first update. Not for several threads at once.
class CORNU_API Metric {
 public:
  // The values whose weighted mean over the samples the metric is, the samples first: the function
  // a loss takes serves here too.
  using Function = std::function<Expression(Expression y_true, Expression y_pred)>;

  Metric(const char* name) : Metric(std::string(name)) {}
  Metric(std::string name);
  Metric(std::string name, Function function);

  // A name, or an object as files of any Keras write it. ValueError as check().
  static Metric from_config(const base::Json& config);
  // As Keras 3 writes it in a compile configuration: what was given as a name stays one.
  base::Json config() const;
  // ValueError for an unknown name or a bad option.
  void check() const;

  // The same metric with nothing counted yet.
  Metric clone() const;
  // In logs: as given, or the option `name`.
  const std::string& name() const;

  // Forgets what was counted.
  void reset();
  // Settles what "accuracy" and "crossentropy" stand for (layers.md 13.1). Done once; the first
  // update does it otherwise.
  void resolve(const Shape& y_true, const Shape& y_pred);
  // Counts one batch. Weights have the shape of the leading axes that they are for, (N) unless
  // said; null: all 1. Nothing is allocated but for shapes that are new. ValueError where shapes
  // do not fit.
  void update(const float* y_true, const Shape& y_true_shape, const float* y_pred,
              const Shape& y_pred_shape, const float* sample_weight = nullptr,
              const Shape* sample_weight_shape = nullptr);
  void update(const Tensor& y_true, const Tensor& y_pred);
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight);

  // What is counted so far as one number, rounded to float as Keras shows it: of a metric with
  // several (one per threshold, one per class) their mean.
  double result() const;
  // All of them; one for most metrics. Of nothing counted, none where their number is not known.
  std::vector<double> results() const;

  // What was counted, to go on later: set_state(state()) changes no later result by a bit. Empty
  // before the first update. ValueError for a state that is not this metric's.
  std::vector<double> state() const;
  void set_state(std::span<const double> state);

  // +1 where higher is better, -1 where lower is, 0 where it is not known.
  int direction() const;

 private:
  friend struct MetricAccess;
  explicit Metric(std::shared_ptr<train::MetricData> data) : data_(std::move(data)) {}
  std::shared_ptr<train::MetricData> data_;
};

// Makes a formula of your own known by a name, so that files that name it can be read. ValueError
// for Keras's own names. Not for several threads at once.
CORNU_API void register_metric(const std::string& name, Metric::Function function);

// An empty name stands for the class's.
struct MetricOptions {
  std::string name = {};
};
struct BinaryAccuracyOptions {
  double threshold = 0.5;
  std::string name = {};
};
struct TopKOptions {
  int64_t k = 5;
  std::string name = {};
};
struct BinaryCrossentropyMetricOptions {
  bool from_logits = false;
  double label_smoothing = 0;
  std::string name = {};
};
struct CategoricalCrossentropyMetricOptions {
  bool from_logits = false;
  double label_smoothing = 0;
  int64_t axis = -1;
  std::string name = {};
};
struct SparseCategoricalCrossentropyMetricOptions {
  bool from_logits = false;
  std::optional<int64_t> ignore_class = {};
  int64_t axis = -1;
  std::string name = {};
};
struct AxisMetricOptions {
  int64_t axis = -1;
  std::string name = {};
};

struct ThresholdsOptions {
  std::vector<double> thresholds = {};  // empty: 0.5
  std::string name = {};
};
struct PrecisionOptions {
  std::vector<double> thresholds = {};   // empty: 0.5; with top_k, none
  std::optional<int64_t> top_k = {};     // only the k largest of a row count as predicted
  std::optional<int64_t> class_id = {};  // look at this class alone
  std::string name = {};
};
struct SensitivityAtSpecificityOptions {
  double specificity = 0.5;
  int64_t num_thresholds = 200;
  std::optional<int64_t> class_id = {};
  std::string name = {};
};
struct SpecificityAtSensitivityOptions {
  double sensitivity = 0.5;
  int64_t num_thresholds = 200;
  std::optional<int64_t> class_id = {};
  std::string name = {};
};
struct PrecisionAtRecallOptions {
  double recall = 0.5;
  int64_t num_thresholds = 200;
  std::optional<int64_t> class_id = {};
  std::string name = {};
};
struct RecallAtPrecisionOptions {
  double precision = 0.5;
  int64_t num_thresholds = 200;
  std::optional<int64_t> class_id = {};
  std::string name = {};
};
struct AUCOptions {
  int64_t num_thresholds = 200;
  std::string curve = "ROC";                       // "PR", "PRGAIN"
  std::string summation_method = "interpolation";  // "minoring", "majoring"
  std::vector<double> thresholds = {};             // instead of num_thresholds
  bool multi_label = false;                        // one area per class, averaged
  std::optional<int64_t> num_labels = {};
  std::vector<double> label_weights = {};
  bool from_logits = false;
  std::string name = {};
};
struct FBetaScoreOptions {
  std::optional<std::string> average = {};  // "micro", "macro", "weighted"; none: one per class
  double beta = 1.0;
  std::optional<double> threshold = {};  // none: the largest of a row is what is predicted
  std::string name = {};
};
struct F1ScoreOptions {
  std::optional<std::string> average = {};
  std::optional<double> threshold = {};
  std::string name = {};
};
struct IoUOptions {
  int64_t num_classes = 0;
  std::vector<int64_t> target_class_ids = {};
  std::optional<int64_t> ignore_class = {};
  bool sparse_y_true = true, sparse_y_pred = true;  // labels; else scores along `axis`
  int64_t axis = -1;
  std::string name = {};
};
struct MeanIoUOptions {
  int64_t num_classes = 0;
  std::optional<int64_t> ignore_class = {};
  bool sparse_y_true = true, sparse_y_pred = true;
  int64_t axis = -1;
  std::string name = {};
};
struct BinaryIoUOptions {
  std::vector<int64_t> target_class_ids = {0, 1};
  double threshold = 0.5;
  std::string name = {};
};
struct OneHotIoUOptions {
  int64_t num_classes = 0;
  std::vector<int64_t> target_class_ids = {};
  std::optional<int64_t> ignore_class = {};
  bool sparse_y_pred = false;
  int64_t axis = -1;
  std::string name = {};
};
struct OneHotMeanIoUOptions {
  int64_t num_classes = 0;
  std::optional<int64_t> ignore_class = {};
  bool sparse_y_pred = false;
  int64_t axis = -1;
  std::string name = {};
};
struct R2ScoreOptions {
  // "variance_weighted_average"; none: one per output
  std::optional<std::string> class_aggregation = "uniform_average";
  int64_t num_regressors = 0;
  std::string name = {};
};

namespace metrics {
CORNU_API Metric Accuracy(MetricOptions o = {});
CORNU_API Metric BinaryAccuracy(BinaryAccuracyOptions o = {});
CORNU_API Metric CategoricalAccuracy(MetricOptions o = {});
CORNU_API Metric SparseCategoricalAccuracy(MetricOptions o = {});
CORNU_API Metric TopKCategoricalAccuracy(TopKOptions o = {});
CORNU_API Metric SparseTopKCategoricalAccuracy(TopKOptions o = {});
CORNU_API Metric MeanSquaredError(MetricOptions o = {});
CORNU_API Metric RootMeanSquaredError(MetricOptions o = {});
CORNU_API Metric MeanAbsoluteError(MetricOptions o = {});
CORNU_API Metric MeanAbsolutePercentageError(MetricOptions o = {});
CORNU_API Metric MeanSquaredLogarithmicError(MetricOptions o = {});
CORNU_API Metric CosineSimilarity(AxisMetricOptions o = {});  // 1 for equal directions
CORNU_API Metric LogCoshError(MetricOptions o = {});
CORNU_API Metric Hinge(MetricOptions o = {});
CORNU_API Metric SquaredHinge(MetricOptions o = {});
CORNU_API Metric CategoricalHinge(MetricOptions o = {});
CORNU_API Metric KLDivergence(MetricOptions o = {});
CORNU_API Metric Poisson(MetricOptions o = {});
CORNU_API Metric BinaryCrossentropy(BinaryCrossentropyMetricOptions o = {});
CORNU_API Metric CategoricalCrossentropy(CategoricalCrossentropyMetricOptions o = {});
CORNU_API Metric SparseCategoricalCrossentropy(SparseCategoricalCrossentropyMetricOptions o = {});
CORNU_API Metric TruePositives(ThresholdsOptions o = {});
CORNU_API Metric FalsePositives(ThresholdsOptions o = {});
CORNU_API Metric TrueNegatives(ThresholdsOptions o = {});
CORNU_API Metric FalseNegatives(ThresholdsOptions o = {});
CORNU_API Metric Precision(PrecisionOptions o = {});
CORNU_API Metric Recall(PrecisionOptions o = {});
CORNU_API Metric SensitivityAtSpecificity(SensitivityAtSpecificityOptions o);
CORNU_API Metric SpecificityAtSensitivity(SpecificityAtSensitivityOptions o);
CORNU_API Metric PrecisionAtRecall(PrecisionAtRecallOptions o);
CORNU_API Metric RecallAtPrecision(RecallAtPrecisionOptions o);
CORNU_API Metric AUC(AUCOptions o = {});
CORNU_API Metric FBetaScore(FBetaScoreOptions o = {});
CORNU_API Metric F1Score(F1ScoreOptions o = {});
CORNU_API Metric IoU(IoUOptions o);
CORNU_API Metric MeanIoU(MeanIoUOptions o);
CORNU_API Metric BinaryIoU(BinaryIoUOptions o = {});
CORNU_API Metric OneHotIoU(OneHotIoUOptions o);
CORNU_API Metric OneHotMeanIoU(OneHotMeanIoUOptions o);
// Of the numbers along an axis; their mean over the samples.
CORNU_API Metric PearsonCorrelation(AxisMetricOptions o = {});
CORNU_API Metric ConcordanceCorrelation(AxisMetricOptions o = {});
CORNU_API Metric R2Score(R2ScoreOptions o = {});
// Of the predictions; targets are not looked at.
CORNU_API Metric Mean(MetricOptions o = {});
CORNU_API Metric Sum(MetricOptions o = {});
}  // namespace metrics

}  // namespace cornu
