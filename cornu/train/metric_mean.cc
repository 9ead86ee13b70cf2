#include <algorithm>
#include <cmath>

#include "cornu/nn/keras_json.h"
#include "cornu/train/loss_shapes.h"
#include "cornu/train/metric_counter.h"
#include "cornu/train/metric_formula.h"

// Metrics that are a weighted mean of values over the samples.
namespace cornu::train {
namespace {

class MeanCounter : public Counter {
 public:
  MeanCounter() { state = {0, 0}; }  // total, count
  void results(std::vector<double>& out) const override {
    out.assign({state[1] == 0 ? 0 : state[0] / state[1]});
  }

 protected:
  // A sample's value is the mean of its values, its weight that of their weights.
  void add(std::span<const double> values, const Prepared& at) {
    const auto count = static_cast<double>(values.size());
    const double samples = at.values.rank() == 0 ? 1 : static_cast<double>(at.values[0]);
    if (values.empty()) return;
    double total = 0, weights = at.weighted ? 0 : count;
    for (size_t i = 0; i < values.size(); ++i) {
      total += at.weighted ? values[i] * at.weights[i] : values[i];
      if (at.weighted) weights += at.weights[i];
    }
    state[0] += total * (samples / count);
    state[1] += weights * (samples / count);
  }
};

class FormulaMean : public MeanCounter {
 public:
  explicit FormulaMean(MetricFormula formula) : formula_(std::move(formula)) {}

 protected:
  void prepare(Prepared& at) override {
    at.program = std::make_shared<FormulaProgram>(formula_, at.y, at.p);
    at.values = at.program->shape();
  }
  void count(const Batch& batch, Prepared& at) override {
    add(at.program->run(batch.y, batch.p), at);
  }

 private:
  MetricFormula formula_;
};

class RootMean : public FormulaMean {
 public:
  using FormulaMean::FormulaMean;
  void results(std::vector<double>& out) const override {
    FormulaMean::results(out);
    out[0] = std::sqrt(out[0]);
  }
};

class SumCounter : public MeanCounter {
 public:
  void results(std::vector<double>& out) const override { out.assign({state[0]}); }

 protected:
  void prepare(Prepared& at) override { at.values = at.p; }
  void count(const Batch& batch, Prepared& at) override {
    for (int64_t i = 0; i < at.p.size(); ++i) state[0] += batch.p[i] * at.weight_of(i);
  }
};

// ---- the class that is right --------------------------------------------------------------------

// The index of the largest number, the first of equal ones; -1 where one is NaN, so that numbers
// gone astray never look right.
int64_t argmax(const float* x, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (std::isnan(x[i])) return -1;
    if (x[i] > x[best]) best = i;
  }
  return best;
}

// Whether fewer than k numbers are larger: of equal ones at the border, all are in.
bool in_top(const float* x, int64_t n, int64_t k, int64_t label) {
  int64_t larger = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (std::isnan(x[i])) return false;
    larger += x[i] > x[label];
  }
  return larger < k;
}

// 1 for each sample (or cell) whose class is predicted, 0 for the others. k = 0: by argmax.
class ClassAccuracy : public MeanCounter {
 public:
  ClassAccuracy(bool sparse, int64_t k) : sparse_(sparse), k_(k) {}

 protected:
  void prepare(Prepared& at) override {
    at.values = at.p;
    if (at.p.rank() > 0) at.values.erase(at.p.rank() - 1);
    Shape one_label = at.values;
    one_label.push_back(1);
    if (sparse_ ? at.y != at.values && at.y != one_label : at.y != at.p)
      throw_misfit(sparse_ ? "class labels of y_pred's shape without its classes"
                           : "y_true of y_pred's shape",
                   at.y, at.p);
    at.buffer.resize(static_cast<size_t>(at.values.size()));
  }

  void count(const Batch& batch, Prepared& at) override {
    const int64_t classes = at.p.rank() > 0 ? at.p[-1] : 1;
    for (int64_t i = 0; i < std::ssize(at.buffer); ++i) {
      const float* p = batch.p + i * classes;
      const int64_t label =
          sparse_ ? label_at(batch.y[i], classes) : argmax(batch.y + i * classes, classes);
      const bool right =
          label >= 0 && (k_ == 0 ? argmax(p, classes) == label : in_top(p, classes, k_, label));
      at.buffer[static_cast<size_t>(i)] = right ? 1 : 0;
    }
    add(at.buffer, at);
  }

 private:
  static int64_t label_at(float label, int64_t classes) {
    if (!(label >= 0 && label < static_cast<float>(classes))) return -1;
    const auto whole = static_cast<int64_t>(label);
    return static_cast<float>(whole) == label ? whole : -1;
  }
  bool sparse_;
  int64_t k_;
};

// y and p of one shape, by Keras's rule.
MetricFormula elementwise(Expression (*f)(Expression y, Expression p, const MetricSettings& s),
                          const MetricSettings& s) {
  return [f, s](Expression y, Expression p) {
    const auto [y_shape, p_shape] = same_rank(y.shape(), p.shape());
    if (y_shape != p_shape) throw_misfit("y_true of y_pred's shape", y.shape(), p.shape());
    return f(ops::reshape(y, y_shape), ops::reshape(p, p_shape), s);
  };
}

Expression pearson(Expression y, Expression p, const MetricSettings& s) {
  const ops::ReduceOptions along = {.axis = {s.axis}, .keepdims = true};
  const Expression a = y - ops::mean(y, along), b = p - ops::mean(p, along);
  const Expression variances = ops::mean(ops::square(a), along) * ops::mean(ops::square(b), along);
  return ops::mean(a * b / ops::sqrt(variances), {.axis = {s.axis}});
}

Expression concordance(Expression y, Expression p, const MetricSettings& s) {
  const ops::ReduceOptions along = {.axis = {s.axis}, .keepdims = true};
  const Expression y_mean = ops::mean(y, along), p_mean = ops::mean(p, along);
  const Expression a = y - y_mean, b = p - p_mean;
  const Expression norm = ops::mean(ops::square(a), along) + ops::mean(ops::square(b), along) +
                          ops::square(y_mean - p_mean);
  return ops::mean(a * b * 2 / (norm + epsilon()), {.axis = {s.axis}});
}

}  // namespace

std::unique_ptr<Counter> mean_of(MetricFormula formula) {
  return std::make_unique<FormulaMean>(std::move(formula));
}

std::unique_ptr<Counter> make_loss_mean(const MetricRow& row, const MetricSettings& s) {
  return mean_of(
      [loss = row.loss, s](Expression y, Expression p) { return loss_values(*loss, s, y, p); });
}

std::unique_ptr<Counter> make_cosine_similarity(const MetricRow& row, const MetricSettings& s) {
  return mean_of(
      [loss = row.loss, s](Expression y, Expression p) { return -loss_values(*loss, s, y, p); });
}

std::unique_ptr<Counter> make_root_mean_squared_error(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<RootMean>(elementwise(
      [](Expression y, Expression p, const MetricSettings&) { return ops::square(p - y); }, s));
}

std::unique_ptr<Counter> make_accuracy(const MetricRow&, const MetricSettings& s) {
  return mean_of(elementwise(
      [](Expression y, Expression p, const MetricSettings&) { return ops::equal(y, p); }, s));
}

std::unique_ptr<Counter> make_binary_accuracy(const MetricRow&, const MetricSettings& s) {
  return mean_of(elementwise(
      [](Expression y, Expression p, const MetricSettings& o) {
        // NaN equals not even itself: it is never right.
        return ops::equal(y, ops::greater(p, o.threshold)) * ops::equal(p, p);
      },
      s));
}

std::unique_ptr<Counter> make_pearson(const MetricRow&, const MetricSettings& s) {
  return mean_of(elementwise(pearson, s));
}
std::unique_ptr<Counter> make_concordance(const MetricRow&, const MetricSettings& s) {
  return mean_of(elementwise(concordance, s));
}

std::unique_ptr<Counter> make_categorical_accuracy(const MetricRow&, const MetricSettings&) {
  return std::make_unique<ClassAccuracy>(false, 0);
}
std::unique_ptr<Counter> make_sparse_accuracy(const MetricRow&, const MetricSettings&) {
  return std::make_unique<ClassAccuracy>(true, 0);
}
std::unique_ptr<Counter> make_top_k_accuracy(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<ClassAccuracy>(false, s.k);
}
std::unique_ptr<Counter> make_sparse_top_k_accuracy(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<ClassAccuracy>(true, s.k);
}

std::unique_ptr<Counter> make_mean(const MetricRow&, const MetricSettings&) {
  return mean_of([](Expression, Expression p) { return p; });
}
std::unique_ptr<Counter> make_sum(const MetricRow&, const MetricSettings&) {
  return std::make_unique<SumCounter>();
}

}  // namespace cornu::train
