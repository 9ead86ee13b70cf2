#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cornu/graph/expression.h"
#include "cornu/train/loss_table.h"
#include "cornu/train/metric_settings.h"

namespace cornu::train {

// One batch of numbers.
struct Batch {
  const float* y;
  const Shape& y_shape;
  const float* p;
  const Shape& p_shape;
  const float* w;  // null: all 1
  const Shape& w_shape;
};

class FormulaProgram;

// What a metric works out once for each combination of shapes.
struct Prepared {
  Shape y, p, w;
  bool weighted = false;
  Shape values;                             // what has a weight of its own
  Shape weight;                             // the weights', of the rank of values
  int64_t classes = 1;                      // for whom works by rows
  std::vector<double> weights;              // of each value
  std::vector<double> buffer;               // the values, for whom keeps them
  std::shared_ptr<FormulaProgram> program;  // for whom has one
  double weight_of(int64_t i) const { return weighted ? weights[static_cast<size_t>(i)] : 1; }
};

// What a metric counts, and how its results follow from it.
class Counter {
 public:
  virtual ~Counter() = default;
  void update(const Batch& batch);
  // Puts the results in place of what `out` holds.
  virtual void results(std::vector<double>& out) const = 0;
  // Sums, all 0 at the start. Empty where their number is not known before the first batch.
  std::vector<double> state;

 protected:
  // Fits the state to its number of sums. ValueError where it has another already.
  void need_state(int64_t size);
  // Checks the shapes (ValueError) and fills in `values` and what else is worth keeping.
  virtual void prepare(Prepared& at) = 0;
  virtual void count(const Batch& batch, Prepared& at) = 0;

 private:
  Prepared& prepared(const Batch& batch);
  std::vector<Prepared> prepared_;
};

// [[noreturn]] ValueError: "the metric needs …. Received: y_true.shape=…, y_pred.shape=…".
[[noreturn]] void throw_misfit(const std::string& needed, const Shape& y_true, const Shape& y_pred);

struct MetricRow;
using MakeCounter = std::unique_ptr<Counter> (*)(const MetricRow&, const MetricSettings&);

// One metric of layers.md part 14.
struct MetricRow {
  const char* class_name;
  std::string snake_name;  // the class's, another name of the metric
  std::string name;        // the class's default `name`, and a third
  int direction;           // as Metric::direction()
  MakeCounter make;
  std::vector<Field<MetricSettings>> fields;        // in the order of files
  const LossRow* loss = nullptr;                    // whose values it averages
  void (*set_defaults)(MetricSettings&) = nullptr;  // where they are not those of the struct
};

// The row of any of its names, or of the name of a loss; null for an unknown one.
const MetricRow* find_metric(std::string_view name);
// "accuracy" and "acc", however written.
bool is_accuracy(std::string_view name);
const MetricRow* accuracy_row(Labels labels);
MetricSettings default_settings(const MetricRow& row);
// ValueError for an option that cannot be.
void check_settings(const MetricRow& row, const MetricSettings& s, const std::string& name);

// ---- counters -----------------------------------------------------------------------------------

using MetricFormula = std::function<Expression(Expression y_true, Expression y_pred)>;
// The weighted mean over the samples of what a formula gives.
std::unique_ptr<Counter> mean_of(MetricFormula formula);

std::unique_ptr<Counter> make_loss_mean(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_cosine_similarity(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_root_mean_squared_error(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_accuracy(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_binary_accuracy(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_categorical_accuracy(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_sparse_accuracy(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_top_k_accuracy(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_sparse_top_k_accuracy(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_pearson(const MetricRow&, const MetricSettings& s);
std::unique_ptr<Counter> make_concordance(const MetricRow&, const MetricSettings& s);
std::unique_ptr<Counter> make_mean(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_sum(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_true_positives(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_false_positives(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_true_negatives(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_false_negatives(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_precision(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_recall(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_sensitivity_at_specificity(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_specificity_at_sensitivity(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_precision_at_recall(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_recall_at_precision(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_auc(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_f_beta(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_iou(const MetricRow&, const MetricSettings&);
std::unique_ptr<Counter> make_r2(const MetricRow&, const MetricSettings&);

}  // namespace cornu::train
