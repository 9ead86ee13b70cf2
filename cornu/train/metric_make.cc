#include "cornu/train/metric_access.h"

// One function per class of metrics.
namespace cornu::metrics {
namespace {

template <class Options, class Set>
Metric make(const char* class_name, const Options& o, const Set& set) {
  const train::MetricRow& row = *train::find_metric(class_name);
  train::MetricSettings s = train::default_settings(row);
  set(s);
  return MetricAccess::make(row, std::move(s), o.name);
}

Metric plain(const char* class_name, const MetricOptions& o) {
  return make(class_name, o, [](train::MetricSettings&) {});
}

Metric along_axis(const char* class_name, const AxisMetricOptions& o) {
  return make(class_name, o, [&](train::MetricSettings& s) { s.axis = o.axis; });
}

Metric counts(const char* class_name, const ThresholdsOptions& o) {
  return make(class_name, o, [&](train::MetricSettings& s) { s.thresholds = o.thresholds; });
}

Metric precision(const char* class_name, const PrecisionOptions& o) {
  return make(class_name, o, [&](train::MetricSettings& s) {
    s.thresholds = o.thresholds;
    s.top_k = o.top_k;
    s.class_id = o.class_id;
  });
}

template <class Options>
void set_constraint(train::MetricSettings& s, const Options& o) {
  s.num_thresholds = o.num_thresholds;
  s.class_id = o.class_id;
}

template <class Options>
void set_iou(train::MetricSettings& s, const Options& o) {
  s.num_classes = o.num_classes;
  s.ignore_class = o.ignore_class;
  s.axis = o.axis;
}

}  // namespace

Metric Accuracy(MetricOptions o) { return plain("Accuracy", o); }
Metric CategoricalAccuracy(MetricOptions o) { return plain("CategoricalAccuracy", o); }
Metric SparseCategoricalAccuracy(MetricOptions o) { return plain("SparseCategoricalAccuracy", o); }
Metric MeanSquaredError(MetricOptions o) { return plain("MeanSquaredError", o); }
Metric RootMeanSquaredError(MetricOptions o) { return plain("RootMeanSquaredError", o); }
Metric MeanAbsoluteError(MetricOptions o) { return plain("MeanAbsoluteError", o); }
Metric MeanAbsolutePercentageError(MetricOptions o) {
  return plain("MeanAbsolutePercentageError", o);
}
Metric MeanSquaredLogarithmicError(MetricOptions o) {
  return plain("MeanSquaredLogarithmicError", o);
}
Metric LogCoshError(MetricOptions o) { return plain("LogCoshError", o); }
Metric Hinge(MetricOptions o) { return plain("Hinge", o); }
Metric SquaredHinge(MetricOptions o) { return plain("SquaredHinge", o); }
Metric CategoricalHinge(MetricOptions o) { return plain("CategoricalHinge", o); }
Metric KLDivergence(MetricOptions o) { return plain("KLDivergence", o); }
Metric Poisson(MetricOptions o) { return plain("Poisson", o); }
Metric Mean(MetricOptions o) { return plain("Mean", o); }
Metric Sum(MetricOptions o) { return plain("Sum", o); }

Metric BinaryAccuracy(BinaryAccuracyOptions o) {
  return make("BinaryAccuracy", o, [&](train::MetricSettings& s) { s.threshold = o.threshold; });
}
Metric TopKCategoricalAccuracy(TopKOptions o) {
  return make("TopKCategoricalAccuracy", o, [&](train::MetricSettings& s) { s.k = o.k; });
}
Metric SparseTopKCategoricalAccuracy(TopKOptions o) {
  return make("SparseTopKCategoricalAccuracy", o, [&](train::MetricSettings& s) { s.k = o.k; });
}
Metric CosineSimilarity(AxisMetricOptions o) { return along_axis("CosineSimilarity", o); }
Metric PearsonCorrelation(AxisMetricOptions o) { return along_axis("PearsonCorrelation", o); }
Metric ConcordanceCorrelation(AxisMetricOptions o) {
  return along_axis("ConcordanceCorrelation", o);
}
Metric BinaryCrossentropy(BinaryCrossentropyMetricOptions o) {
  return make("BinaryCrossentropy", o, [&](train::MetricSettings& s) {
    s.from_logits = o.from_logits;
    s.label_smoothing = o.label_smoothing;
  });
}
Metric CategoricalCrossentropy(CategoricalCrossentropyMetricOptions o) {
  return make("CategoricalCrossentropy", o, [&](train::MetricSettings& s) {
    s.from_logits = o.from_logits;
    s.label_smoothing = o.label_smoothing;
    s.axis = o.axis;
  });
}
Metric SparseCategoricalCrossentropy(SparseCategoricalCrossentropyMetricOptions o) {
  return make("SparseCategoricalCrossentropy", o, [&](train::MetricSettings& s) {
    s.from_logits = o.from_logits;
    s.ignore_class = o.ignore_class;
    s.axis = o.axis;
  });
}

Metric TruePositives(ThresholdsOptions o) { return counts("TruePositives", o); }
Metric FalsePositives(ThresholdsOptions o) { return counts("FalsePositives", o); }
Metric TrueNegatives(ThresholdsOptions o) { return counts("TrueNegatives", o); }
Metric FalseNegatives(ThresholdsOptions o) { return counts("FalseNegatives", o); }
Metric Precision(PrecisionOptions o) { return precision("Precision", o); }
Metric Recall(PrecisionOptions o) { return precision("Recall", o); }

Metric SensitivityAtSpecificity(SensitivityAtSpecificityOptions o) {
  return make("SensitivityAtSpecificity", o, [&](train::MetricSettings& s) {
    s.specificity = o.specificity;
    set_constraint(s, o);
  });
}
Metric SpecificityAtSensitivity(SpecificityAtSensitivityOptions o) {
  return make("SpecificityAtSensitivity", o, [&](train::MetricSettings& s) {
    s.sensitivity = o.sensitivity;
    set_constraint(s, o);
  });
}
Metric PrecisionAtRecall(PrecisionAtRecallOptions o) {
  return make("PrecisionAtRecall", o, [&](train::MetricSettings& s) {
    s.recall = o.recall;
    set_constraint(s, o);
  });
}
Metric RecallAtPrecision(RecallAtPrecisionOptions o) {
  return make("RecallAtPrecision", o, [&](train::MetricSettings& s) {
    s.precision = o.precision;
    set_constraint(s, o);
  });
}

Metric AUC(AUCOptions o) {
  return make("AUC", o, [&](train::MetricSettings& s) {
    s.num_thresholds = o.thresholds.empty() ? o.num_thresholds : std::ssize(o.thresholds) + 2;
    s.curve = o.curve;
    s.summation_method = o.summation_method;
    s.thresholds = o.thresholds;
    s.multi_label = o.multi_label;
    s.num_labels = o.num_labels;
    s.label_weights = o.label_weights;
    s.from_logits = o.from_logits;
  });
}

Metric FBetaScore(FBetaScoreOptions o) {
  return make("FBetaScore", o, [&](train::MetricSettings& s) {
    s.average = o.average;
    s.f_beta = o.beta;
    s.cut = o.threshold;
  });
}
Metric F1Score(F1ScoreOptions o) {
  return make("F1Score", o, [&](train::MetricSettings& s) {
    s.average = o.average;
    s.cut = o.threshold;
  });
}

Metric IoU(IoUOptions o) {
  return make("IoU", o, [&](train::MetricSettings& s) {
    set_iou(s, o);
    s.target_class_ids = o.target_class_ids;
    s.sparse_y_true = o.sparse_y_true;
    s.sparse_y_pred = o.sparse_y_pred;
  });
}
Metric MeanIoU(MeanIoUOptions o) {
  return make("MeanIoU", o, [&](train::MetricSettings& s) {
    set_iou(s, o);
    s.sparse_y_true = o.sparse_y_true;
    s.sparse_y_pred = o.sparse_y_pred;
  });
}
Metric BinaryIoU(BinaryIoUOptions o) {
  return make("BinaryIoU", o, [&](train::MetricSettings& s) {
    s.target_class_ids = o.target_class_ids;
    s.threshold = o.threshold;
  });
}
Metric OneHotIoU(OneHotIoUOptions o) {
  return make("OneHotIoU", o, [&](train::MetricSettings& s) {
    set_iou(s, o);
    s.target_class_ids = o.target_class_ids;
    s.sparse_y_pred = o.sparse_y_pred;
  });
}
Metric OneHotMeanIoU(OneHotMeanIoUOptions o) {
  return make("OneHotMeanIoU", o, [&](train::MetricSettings& s) {
    set_iou(s, o);
    s.sparse_y_pred = o.sparse_y_pred;
  });
}

Metric R2Score(R2ScoreOptions o) {
  return make("R2Score", o, [&](train::MetricSettings& s) {
    s.class_aggregation = o.class_aggregation;
    s.num_regressors = o.num_regressors;
  });
}

}  // namespace cornu::metrics
