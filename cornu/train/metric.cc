#include "cornu/train/metric.h"

#include <cmath>
#include <numeric>

#include "cornu/base/error.h"
#include "cornu/nn/field_reader.h"
#include "cornu/train/metric_access.h"

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
  Shape samples;                // (N) of the last batch
  std::vector<double> results;  // room for them
};

}  // namespace train

namespace {

const nn::Where kWhere{"compile", ""};

nn::Functions<Metric::Function>& own_functions() {
  static nn::Functions<Metric::Function> functions;
  return functions;
}

// "accuracy" and "crossentropy", which mean what the shapes say.
bool depends_on_shapes(const std::string& name) {
  return train::is_accuracy(name) || train::is_crossentropy(name);
}

}  // namespace

Metric MetricAccess::make(const MetricRow& row, MetricSettings settings, const std::string& name) {
  Metric metric(row.class_name);
  train::MetricData& d = *metric.data_;
  d.identifier.clear();
  d.row = &row;
  d.name = name.empty() ? row.name : name;
  d.settings = std::move(settings);
  return metric;
}

Metric::Metric(std::string name) : data_(std::make_shared<train::MetricData>()) {
  train::MetricData& d = *data_;
  d.name = d.identifier = std::move(name);
  if (depends_on_shapes(d.name)) return;
  d.row = train::find_metric(d.name);
  if (d.row) d.settings = train::default_settings(*d.row);
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
  MetricSettings s = train::default_settings(*row);
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
  if (d.row) train::check_settings(*d.row, d.settings, d.name);
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
    d.settings = train::default_settings(*d.resolved);
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
  std::vector<double> all;
  if (data_->counter) data_->counter->results(all);
  for (double& v : all) v = static_cast<float>(v);
  return all;
}

double Metric::result() const {
  if (!data_->counter) return 0;
  std::vector<double>& all = data_->results;
  data_->counter->results(all);
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
  if (state.empty()) return reset();  // of a metric that had not begun
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
  if (train::is_accuracy(data_->identifier)) return 1;
  return train::is_crossentropy(data_->identifier) ? -1 : 0;
}

void register_metric(const std::string& name, Metric::Function function) {
  if (train::find_metric(name) || depends_on_shapes(name))
    throw ValueError(cat("register_metric: ", base::quoted(name),
                         " is a metric of Keras and cannot be replaced"));
  own_functions()[name] = std::move(function);
}

}  // namespace cornu
