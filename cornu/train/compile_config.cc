// A model's compile configuration as Keras's files hold it (formats.md 4, "compile_config").

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/train/trainer.h"

namespace cornu::train {

using base::Json;

namespace {

// null, one value, a list with nulls or a {output: value}: what `read` makes of each.
template <class T, class Read>
void read_per_output(const Json& config, PerOutput<T>& out, Read&& read) {
  if (config.is_array()) {
    for (Json item : config.elements()) out.list.push_back(read(item));
  } else {
    for (auto [name, item] : config.items())
      if (!item.is_null()) out.by_name.emplace(std::string(name), read(item));
  }
}

bool is_keras_object(const Json& config) {
  return config.is_string() || (config.is_object() && config.contains("class_name"));
}

LossArgument losses_from(const Json& config) {
  LossArgument losses;
  if (config.is_null()) return losses;
  if (is_keras_object(config)) return LossArgument(Loss::from_config(config));
  read_per_output(config, losses, [](const Json& item) { return Loss::from_config(item); });
  return losses;
}

std::vector<Metric> metric_list_from(const Json& config) {
  std::vector<Metric> list;
  if (config.is_null()) return list;
  if (is_keras_object(config)) return {Metric::from_config(config)};
  for (Json item : config.elements())
    if (!item.is_null()) list.push_back(Metric::from_config(item));
  return list;
}

// ["accuracy", …] of the only output, [[…], […]] or {output: […]}.
MetricsArgument metrics_from(const Json& config) {
  MetricsArgument metrics;
  if (config.is_null()) return metrics;
  bool flat = config.is_array();
  for (Json item : config.elements()) flat = flat && is_keras_object(item);
  if (flat)
    metrics.list.push_back(metric_list_from(config));
  else
    read_per_output(config, metrics, metric_list_from);
  return metrics;
}

template <class T, class Write>
Json write_per_output(const PerOutput<T>& argument, Write&& write) {
  if (!argument.by_name.empty()) {
    std::vector<std::pair<std::string, Json>> items;
    for (const auto& [name, value] : argument.by_name) items.emplace_back(name, write(value));
    return Json::object(items);
  }
  if (argument.list.empty()) return {};
  if (argument.list.size() == 1) return write(argument.list[0]);
  std::vector<Json> items;
  for (const T& value : argument.list) items.push_back(write(value));
  return Json::array(items);
}

Json write_metrics(const MetricsArgument& metrics) {
  return write_per_output(metrics, [](const std::vector<Metric>& list) {
    std::vector<Json> items;
    for (const Metric& metric : list) items.push_back(metric.config());
    return Json::array(items);
  });
}

}  // namespace

CompileOptions Trainer::options_from_config(const Json& config,
                                            std::vector<std::string>* warnings) {
  CompileOptions options;
  const auto field = [&](const char* key) { return config.find(key).value_or(Json()); };
  if (const Json v = field("optimizer"); !v.is_null())
    options.optimizer = Optimizer::from_config(v, warnings);
  options.loss = losses_from(field("loss"));
  if (const Json v = field("loss_weights"); v.is_array())
    for (Json item : v.elements()) options.loss_weights.push_back(item.as_double());
  options.metrics = metrics_from(field("metrics"));
  options.weighted_metrics = metrics_from(field("weighted_metrics"));
  return options;
}

model::TrainingState Trainer::state() const {
  model::TrainingState state;
  const Json weights = options_.loss_weights.empty() ? Json() : Json::list(options_.loss_weights);
  state.compile_config = Json::object({
      {"optimizer", options_.optimizer.config()},
      {"loss", write_per_output(options_.loss, [](const Loss& l) { return l.config(); })},
      {"loss_weights", weights},
      {"metrics", write_metrics(options_.metrics)},
      {"weighted_metrics", write_metrics(options_.weighted_metrics)},
      {"run_eagerly", false},
      {"steps_per_execution", 1},
      {"jit_compile", false},
  });
  if (options_.optimizer.built()) state.optimizer = options_.optimizer.state();
  return state;
}

}  // namespace cornu::train
