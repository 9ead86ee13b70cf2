#include <algorithm>
#include <cmath>

#include "cornu/base/text.h"
#include "cornu/nn/keras_json.h"
#include "cornu/train/loss_shapes.h"
#include "cornu/train/metric_counter.h"

// Scores that are counted by class: F-beta, intersection over union, R squared.
namespace cornu::train {
namespace {

// ---- F-beta -------------------------------------------------------------------------------------

class FBeta : public Counter {
 public:
  explicit FBeta(const MetricSettings& s) : s_(s) {}

  void results(std::vector<double>& scores) const override {
    const size_t n = state.size() / 4;
    const double beta = s_.f_beta * s_.f_beta;
    scores.clear();
    double mean = 0, weighted = 0, weights = 0;
    for (size_t c = 0; c < n; ++c) {
      const double tp = state[c], fp = state[n + c], fn = state[2 * n + c],
                   weight = state[3 * n + c];
      const double precision = tp / (tp + fp + epsilon()), recall = tp / (tp + fn + epsilon());
      scores.push_back(precision * recall / (beta * precision + recall + epsilon()) * (1 + beta));
      mean += scores.back() / static_cast<double>(n);
      weighted += scores.back() * weight;
      weights += weight;
    }
    if (s_.average)
      scores.assign({*s_.average == "weighted" ? weighted / (weights + epsilon()) : mean});
  }

 protected:
  void prepare(Prepared& at) override {
    if (at.p.rank() != 2 || at.y != at.p)
      throw_misfit("two-dimensional predictions and targets of one shape", at.y, at.p);
    at.values = at.p;
    need_state(4 * (s_.average == "micro" ? 1 : at.p[1]));
  }

  void count(const Batch& batch, Prepared& at) override {
    const int64_t classes = at.p[1];
    const size_t n = state.size() / 4;
    for (int64_t i = 0; i < at.p.size(); i += classes) {
      const float* p = batch.p + i;
      const float top = classes > 0 ? *std::max_element(p, p + classes) : 0;
      for (int64_t c = 0; c < classes; ++c) {
        // All zeros predict nothing.
        const bool is =
            s_.cut ? p[c] > static_cast<float>(*s_.cut) : p[c] >= top && std::abs(p[c]) > 1e-9f;
        const double y = batch.y[i + c], weight = at.weight_of(i + c);
        const size_t k = n == 1 ? 0 : static_cast<size_t>(c);
        state[k] += is * y * weight;
        state[n + k] += is * (1 - y) * weight;
        state[2 * n + k] += !is * y * weight;
        state[3 * n + k] += y * weight;
      }
    }
  }

 private:
  const MetricSettings s_;
};

// ---- intersection over union --------------------------------------------------------------------

// One label per cell, from labels or from the largest of the scores along an axis.
struct LabelReader {
  bool labels;
  int64_t classes = 1, inner = 1;

  LabelReader(const Shape& shape, bool sparse, int64_t axis) : labels(sparse) {
    if (sparse) return;
    classes = shape[axis];
    for (int64_t a = axis < 0 ? axis + shape.rank() + 1 : axis + 1; a < shape.rank(); ++a)
      inner *= shape[a];
  }
  // -1 for what cannot be a class.
  int64_t at(const float* x, int64_t i) const {
    if (labels) return x[i] > -1 && x[i] < 1e9f ? static_cast<int64_t>(x[i]) : -1;
    const float* from = x + i / inner * inner * classes + i % inner;
    int64_t best = 0;
    for (int64_t c = 1; c < classes; ++c)
      if (from[c * inner] > from[best * inner]) best = c;
    return best;
  }
};

class Iou : public Counter {
 public:
  explicit Iou(const MetricSettings& s) : s_(s), targets_(s.target_class_ids) {
    state.resize(static_cast<size_t>(s.num_classes * s.num_classes));
    if (targets_.empty())
      for (int64_t c = 0; c < s.num_classes; ++c) targets_.push_back(c);
  }

  void results(std::vector<double>& out) const override {
    double sum = 0, present = 0;
    for (int64_t c : targets_) {
      double row = 0, column = 0;
      for (int64_t k = 0; k < s_.num_classes; ++k) {
        row += at(c, k);
        column += at(k, c);
      }
      const double all = row + column - at(c, c);
      if (!(all > 1e-9)) continue;  // a class that is not there does not count
      sum += at(c, c) / (all + epsilon());
      ++present;
    }
    out.assign({sum / (present + epsilon())});
  }

 protected:
  void prepare(Prepared& at) override {
    const auto labels = [&](Shape shape, bool sparse) {
      if (sparse) return shape;
      if (s_.axis < -shape.rank() || s_.axis >= shape.rank())
        throw_misfit(base::cat("scores that have an axis ", s_.axis), at.y, at.p);
      shape.erase(s_.axis < 0 ? s_.axis + shape.rank() : s_.axis);
      return shape;
    };
    at.values = labels(at.y, s_.sparse_y_true);
    if (at.values.size() != labels(at.p, s_.sparse_y_pred).size())
      throw_misfit("as many labels in y_true as in y_pred", at.y, at.p);
  }

  void count(const Batch& batch, Prepared& at) override {
    const LabelReader y(at.y, s_.sparse_y_true, s_.axis), p(at.p, s_.sparse_y_pred, s_.axis);
    for (int64_t i = 0; i < at.values.size(); ++i) {
      const int64_t truth = y.at(batch.y, i);
      const int64_t got =
          s_.binary ? batch.p[i] >= static_cast<float>(s_.threshold) : p.at(batch.p, i);
      if (truth < 0 || truth >= s_.num_classes || got < 0 || got >= s_.num_classes) continue;
      if (s_.ignore_class && truth == *s_.ignore_class) continue;
      state[static_cast<size_t>(truth * s_.num_classes + got)] += at.weight_of(i);
    }
  }

 private:
  double at(int64_t truth, int64_t got) const {
    return state[static_cast<size_t>(truth * s_.num_classes + got)];
  }
  const MetricSettings s_;
  std::vector<int64_t> targets_;
};

// ---- R squared ----------------------------------------------------------------------------------

class R2 : public Counter {
 public:
  explicit R2(const MetricSettings& s) : s_(s) {}

  void results(std::vector<double>& scores) const override {
    const size_t n = state.empty() ? 0 : (state.size() - 1) / 4;
    scores.clear();
    double mean = 0, weighted = 0, totals = 0;
    for (size_t c = 0; c < n; ++c) {
      const double* of = state.data() + 1 + 4 * c;  // sum, squares, residuals, weights
      const double total = of[1] - of[0] * (of[0] / of[3]);
      double score = 1 - of[2] / total;
      if (std::isinf(score)) score = 0;
      scores.push_back(score);
      mean += score / static_cast<double>(n);
      weighted += total * score;
      totals += total;
    }
    if (s_.class_aggregation == "uniform_average") scores.assign({mean});
    if (s_.class_aggregation == "variance_weighted_average") scores.assign({weighted / totals});
    const double samples = state.empty() ? 0 : state[0], p = static_cast<double>(s_.num_regressors);
    if (p > 0 && p < samples - 1)
      for (double& score : scores) score = 1 - (1 - score) * (samples - 1) / (samples - p - 1);
  }

 protected:
  void prepare(Prepared& at) override {
    Shape y;
    std::tie(y, at.values) = same_rank(at.y, at.p);
    if (at.values.rank() != 2 || y != at.values)
      throw_misfit("two-dimensional predictions and targets of one shape", at.y, at.p);
    need_state(1 + 4 * at.values[1]);
  }

  void count(const Batch& batch, Prepared& at) override {
    const int64_t classes = at.values[1];
    for (int64_t i = 0; i < at.values.size(); i += classes) {
      bool counts = false;
      for (int64_t c = 0; c < classes; ++c) {
        const double y = batch.y[i + c], error = y - batch.p[i + c], w = at.weight_of(i + c);
        double* of = state.data() + 1 + 4 * c;
        of[0] += y * w;
        of[1] += y * y * w;
        of[2] += error * error * w;
        of[3] += w;
        counts |= w != 0;
      }
      state[0] += counts;
    }
  }

 private:
  const MetricSettings s_;
};

}  // namespace

std::unique_ptr<Counter> make_f_beta(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<FBeta>(s);
}
std::unique_ptr<Counter> make_iou(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<Iou>(s);
}
std::unique_ptr<Counter> make_r2(const MetricRow&, const MetricSettings& s) {
  return std::make_unique<R2>(s);
}

}  // namespace cornu::train
