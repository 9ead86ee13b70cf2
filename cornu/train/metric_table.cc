#include <algorithm>

#include "cornu/base/text.h"
#include "cornu/train/metric_counter.h"

namespace cornu::train {
namespace {

using S = MetricSettings;
using Fields = std::vector<Field<S>>;
const Field<S> kThreshold{"threshold", &S::threshold}, kK{"k", &S::k},
    kFromLogits{"from_logits", &S::from_logits}, kSmoothing{"label_smoothing", &S::label_smoothing},
    kAxis{"axis", &S::axis}, kIgnoreClass{"ignore_class", &S::ignore_class};

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

}  // namespace cornu::train
