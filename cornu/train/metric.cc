#include "cornu/train/metric.h"

#include <cmath>
#include <numeric>

#include "cornu/base/error.h"
#include "cornu/nn/field_reader.h"
#include "cornu/train/metric_counter.h"

namespace cornu {

using base::cat;
using base::Json;
using train::MetricRow;
using train::MetricSettings;

namespace train {

struct MetricData {
  std::string name;
  std::string identifier;          // the name it was given by; empty for an object
  const MetricRow* row = nullptr;  // none: "accuracy", "crossentropy", a function, an unknown name
  MetricSettings settings;
  Metric::Function function;

  std::unique_ptr<Counter> counter;  // once it is known what the name stands for
  std::vector<double> restored;      // the state to begin with
  const MetricRow* resolved = nullptr;
  Shape samples;  // (N) of the last batch
};

}  // namespace train

namespace {

const nn::Where kWhere{"compile", ""};

nn::Functions<Metric::Function>& own_functions() {
  static nn::Functions<Metric::Function> functions;
  return functions;
}

MetricSettings default_settings(const MetricRow& row) {
  MetricSettings s;
  if (row.loss) static_cast<train::LossSettings&>(s) = train::default_settings(*row.loss);
  return s;
}

// "accuracy" and "crossentropy", which mean what the shapes say.
bool depends_on_shapes(const std::string& name) {
  return train::is_accuracy(name) || train::is_crossentropy(name);
}

}  // namespace

struct MetricAccess {
  static Metric make(const MetricRow& row, MetricSettings settings, const std::string& name) {
    Metric metric(row.class_name);
    train::MetricData& d = *metric.data_;
    d.identifier.clear();
    d.row = &row;
    d.name = name.empty() ? row.name : name;
    d.settings = std::move(settings);
    return metric;
  }
};

Metric::Metric(std::string name) : data_(std::make_shared<train::MetricData>()) {
  train::MetricData& d = *data_;
  d.name = d.identifier = std::move(name);
  if (depends_on_shapes(d.name)) return;
  d.row = train::find_metric(d.name);
  if (d.row) d.settings = default_settings(*d.row);
  const auto own = own_functions().find(d.name);
  if (!d.row && own != own_functions().end()) d.function = own->second;
}

Metric::Metric(std::string name, Function function) : data_(std::make_shared<train::MetricData>()) {
  data_->name = std::move(name);
  data_->function = std::move(function);
}

Metric Metric::from_config(const Json& config) {
  nn::KerasObject object = nn::keras_object(config, "metric", kWhere);
  if (object.config.is_null()) {
    Metric metric(object.name);
    metric.check();
    return metric;
  }
  std::string name;
  // How Keras 2 writes a metric given by name.
  if (object.name == "MeanMetricWrapper")
    if (const auto fn = object.config.find("fn"))
      object.name = nn::keras_object(*fn, "function of the metric", kWhere).name;
  const MetricRow* row = object.custom ? nullptr : train::find_metric(object.name);
  if (!row && own_functions().contains(object.name)) {
    Metric metric(object.name);
    if (const auto given = object.config.find("name"))
      if (given->is_string()) metric.data_->name = std::string(given->as_string());
    return metric;
  }
  if (!row) nn::throw_unknown("metric", object.name, config, kWhere);
  MetricSettings s = default_settings(*row);
  nn::FieldReader fields(object.config, cat("metric ", row->class_name), kWhere);
  fields.read("name", name);
  train::read_fields(fields, row->fields, s);
  fields.ignore({"fn", "dtype"});
  fields.finish();
  Metric metric = MetricAccess::make(*row, std::move(s), name);
  metric.check();
  return metric;
}

Json Metric::config() const {
  const train::MetricData& d = *data_;
  if (d.function) return nn::function_config(d.identifier.empty() ? d.name : d.identifier);
  if (!d.row || !d.identifier.empty()) return d.identifier;
  std::vector<std::pair<std::string, Json>> items = {{"name", d.name}, {"dtype", "float32"}};
  train::write_fields(d.row->fields, d.settings, items);
  return nn::to_config("keras.metrics", d.row->class_name, Json::object(items));
}

void Metric::check() const {
  const train::MetricData& d = *data_;
  if (!d.row && !d.function && !depends_on_shapes(d.identifier))
    nn::throw_unknown("metric", d.name, d.name, kWhere);
}

Metric Metric::clone() const {
  auto data = std::make_shared<train::MetricData>();
  data->name = data_->name;
  data->identifier = data_->identifier;
  data->row = data_->row;
  data->settings = data_->settings;
  data->function = data_->function;
  return Metric(std::move(data));
}

const std::string& Metric::name() const { return data_->name; }

void Metric::reset() {
  data_->restored.clear();
  if (data_->counter) std::ranges::fill(data_->counter->state, 0.0);
}

void Metric::resolve(const Shape& y_true, const Shape& y_pred) {
  train::MetricData& d = *data_;
  if (d.counter) return;
  check();
  d.resolved = d.row;
  if (!d.row && !d.function) {
    const train::Labels labels = train::labels_of(y_true, y_pred);
    d.resolved = train::is_accuracy(d.identifier)
                     ? train::accuracy_row(labels)
                     : train::find_metric(train::crossentropy_row(labels)->function);
    d.settings = default_settings(*d.resolved);
  }
  d.counter = d.function ? train::mean_of(d.function) : d.resolved->make(*d.resolved, d.settings);
  if (!d.restored.empty()) set_state(std::exchange(d.restored, {}));
}

void Metric::update(const float* y_true, const Shape& y_true_shape, const float* y_pred,
                    const Shape& y_pred_shape, const float* sample_weight,
                    const Shape* sample_weight_shape) {
  resolve(y_true_shape, y_pred_shape);
  Shape& samples = data_->samples;
  if (samples.rank() == 0) samples.push_back(0);
  samples[0] = y_pred_shape.rank() > 0 ? y_pred_shape[0] : 1;
  try {
    data_->counter->update({y_true, y_true_shape, y_pred, y_pred_shape, sample_weight,
                            sample_weight_shape ? *sample_weight_shape : samples});
  } catch (const ValueError& e) {
    throw ValueError(cat("metric ", base::quoted(name()), ": ", e.what()));
  }
}

void Metric::update(const Tensor& y_true, const Tensor& y_pred) {
  update(y_true.data(), y_true.shape(), y_pred.data(), y_pred.shape());
}

void Metric::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  update(y_true.data(), y_true.shape(), y_pred.data(), y_pred.shape(), sample_weight.data(),
         &sample_weight.shape());
}

std::vector<double> Metric::results() const {
  if (!data_->counter) return {};
  std::vector<double> all = data_->counter->results();
  for (double& v : all) v = static_cast<float>(v);
  return all;
}

double Metric::result() const {
  if (!data_->counter) return 0;
  const std::vector<double> all = data_->counter->results();
  if (all.empty()) return 0;
  const double sum = std::accumulate(all.begin(), all.end(), 0.0);
  return static_cast<float>(sum / static_cast<double>(all.size()));
}

std::vector<double> Metric::state() const {
  return data_->counter ? data_->counter->state : data_->restored;
}

void Metric::set_state(std::span<const double> state) {
  if (!data_->counter) {
    data_->restored.assign(state.begin(), state.end());
    return;
  }
  std::vector<double>& own = data_->counter->state;
  if (!own.empty() && own.size() != state.size())
    throw ValueError(cat("metric ", base::quoted(name()), ": its state has ", own.size(),
                         " numbers. Received: ", state.size()));
  own.assign(state.begin(), state.end());
}

int Metric::direction() const {
  const MetricRow* row = data_->resolved ? data_->resolved : data_->row;
  if (row) return row->direction;
  if (data_->function) return 0;
  return train::is_accuracy(data_->identifier) ? 1 : -1;
}

void register_metric(const std::string& name, Metric::Function function) {
  if (train::find_metric(name) || depends_on_shapes(name))
    throw ValueError(cat("register_metric: ", base::quoted(name),
                         " is a metric of Keras and cannot be replaced"));
  own_functions()[name] = std::move(function);
}

// ---- one per class ------------------------------------------------------------------------------

namespace metrics {
namespace {

template <class Options, class Set>
Metric make(const char* class_name, const Options& o, const Set& set) {
  const MetricRow& row = *train::find_metric(class_name);
  MetricSettings s = default_settings(row);
  set(s);
  return MetricAccess::make(row, std::move(s), o.name);
}

Metric plain(const char* class_name, const MetricOptions& o) {
  return make(class_name, o, [](MetricSettings&) {});
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
  return make("BinaryAccuracy", o, [&](MetricSettings& s) { s.threshold = o.threshold; });
}
Metric TopKCategoricalAccuracy(TopKOptions o) {
  return make("TopKCategoricalAccuracy", o, [&](MetricSettings& s) { s.k = o.k; });
}
Metric SparseTopKCategoricalAccuracy(TopKOptions o) {
  return make("SparseTopKCategoricalAccuracy", o, [&](MetricSettings& s) { s.k = o.k; });
}
Metric CosineSimilarity(CosineSimilarityMetricOptions o) {
  return make("CosineSimilarity", o, [&](MetricSettings& s) { s.axis = o.axis; });
}
Metric BinaryCrossentropy(BinaryCrossentropyMetricOptions o) {
  return make("BinaryCrossentropy", o, [&](MetricSettings& s) {
    s.from_logits = o.from_logits;
    s.label_smoothing = o.label_smoothing;
  });
}
Metric CategoricalCrossentropy(CategoricalCrossentropyMetricOptions o) {
  return make("CategoricalCrossentropy", o, [&](MetricSettings& s) {
    s.from_logits = o.from_logits;
    s.label_smoothing = o.label_smoothing;
    s.axis = o.axis;
  });
}
Metric SparseCategoricalCrossentropy(SparseCategoricalCrossentropyMetricOptions o) {
  return make("SparseCategoricalCrossentropy", o, [&](MetricSettings& s) {
    s.from_logits = o.from_logits;
    s.ignore_class = o.ignore_class;
    s.axis = o.axis;
  });
}

}  // namespace metrics
}  // namespace cornu
