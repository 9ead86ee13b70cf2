#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "cornu/base/text.h"
#include "cornu/nn/where.h"
#include "cornu/train/metric_counter.h"

namespace cornu::train {
namespace {

struct Checker {
  const std::string& name;

  template <class T>
  void require(bool good, const char* key, const char* needed, const T& got) const {
    if (good) return;
    const nn::Where where{"compile", ""};
    throw ValueError(where.message("metric ", base::quoted(name), ": `", key, "` must be ", needed,
                                   ". Received: ", key, "=", got));
  }
  void rate(const char* key, double value) const {
    require(value >= 0 && value <= 1, key, "between 0 and 1", value);
  }
  void finite(const char* key, double value) const {
    require(value >= 0 && std::isfinite(value), key, "finite and zero or positive", value);
  }
  void one_of(const char* key, const std::string& value, const char* needed,
              std::initializer_list<const char*> words) const {
    const bool known = std::find(words.begin(), words.end(), base::lower(value)) != words.end();
    require(known, key, needed, base::quoted(value));
  }
};

}  // namespace

void check_settings(const MetricRow& row, const MetricSettings& s, const std::string& name) {
  const Checker check{name};
  check.rate("label_smoothing", s.label_smoothing);
  check.require(std::isfinite(s.threshold), "threshold", "finite", s.threshold);
  for (double t : s.thresholds) check.rate("thresholds", t);
  check.require(s.k > 0, "k", "positive", s.k);
  if (s.top_k) check.require(*s.top_k > 0, "top_k", "positive", *s.top_k);
  if (s.class_id) check.require(*s.class_id >= 0, "class_id", "zero or positive", *s.class_id);
  const int64_t least = row.make == make_auc ? 2 : 1;
  check.require(s.num_thresholds >= least, "num_thresholds", least == 2 ? "2 or more" : "positive",
                s.num_thresholds);
  check.rate("sensitivity", s.sensitivity);
  check.rate("specificity", s.specificity);
  check.rate("precision", s.precision);
  check.rate("recall", s.recall);
  check.one_of("curve", s.curve, "'ROC', 'PR' or 'PRGAIN'", {"roc", "pr", "prgain"});
  check.one_of("summation_method", s.summation_method, "'interpolation', 'minoring' or 'majoring'",
               {"interpolation", "minoring", "majoring"});
  if (s.num_labels)
    check.require(s.multi_label, "num_labels", "left out unless `multi_label` is true",
                  *s.num_labels);
  for (double weight : s.label_weights) check.finite("label_weights", weight);
  if (s.average)
    check.one_of("average", *s.average, "None, 'micro', 'macro' or 'weighted'",
                 {"micro", "macro", "weighted"});
  check.require(s.f_beta > 0 && std::isfinite(s.f_beta), "beta", "finite and positive", s.f_beta);
  if (s.cut) check.require(*s.cut > 0 && *s.cut <= 1, "threshold", "above 0 and up to 1", *s.cut);
  if (row.make == make_iou)
    check.require(s.num_classes > 0 && s.num_classes <= 1 << 14, "num_classes",
                  "positive and at most 16384", s.num_classes);
  for (int64_t id : s.target_class_ids)
    check.require(id >= 0 && id < s.num_classes, "target_class_ids", "classes there are", id);
  if (s.class_aggregation)
    check.one_of("class_aggregation", *s.class_aggregation,
                 "None, 'uniform_average' or 'variance_weighted_average'",
                 {"uniform_average", "variance_weighted_average"});
  check.require(s.num_regressors >= 0, "num_regressors", "zero or positive", s.num_regressors);
}

}  // namespace cornu::train
