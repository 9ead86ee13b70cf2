#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/train/loss.h"
#include "cornu/train/metric.h"
#include "cornu/train/optimizer.h"

namespace cornu {

// What every output has one of, or a list of: said once, in the order of the outputs, or by their
// names (the names of the layers that make them).
template <class T>
struct PerOutput {
  std::vector<T> list = {};
  std::map<std::string, T> by_name = {};

  PerOutput() = default;
  PerOutput(std::initializer_list<T> items) : list(items) {}
  PerOutput(std::vector<T> items) : list(std::move(items)) {}
  PerOutput(std::map<std::string, T> items) : by_name(std::move(items)) {}
  bool empty() const { return list.empty() && by_name.empty(); }
};

// One loss for all outputs, or one per output.
struct LossArgument : PerOutput<Loss> {
  using PerOutput::PerOutput;
  LossArgument(Loss one) : PerOutput({std::move(one)}) {}
  LossArgument(const char* one) : PerOutput({Loss(one)}) {}
};

// The metrics of the only output, {"accuracy", "mae"}, or a list per output.
struct MetricsArgument : PerOutput<std::vector<Metric>> {
  MetricsArgument() = default;
  MetricsArgument(std::initializer_list<Metric> only_output)
      : PerOutput(std::vector<std::vector<Metric>>{only_output}) {}
  MetricsArgument(std::vector<std::vector<Metric>> per_output) : PerOutput(std::move(per_output)) {}
  MetricsArgument(std::map<std::string, std::vector<Metric>> by_output)
      : PerOutput(std::move(by_output)) {}
};

// Model.compile() of Keras: https://keras.io/api/models/model_training_apis/#compile-method.
struct CompileOptions {
  Optimizer optimizer = "rmsprop";
  LossArgument loss = {};
  std::vector<double> loss_weights = {};  // one per output; none: all 1
  MetricsArgument metrics = {};
  MetricsArgument weighted_metrics = {};  // these see the sample and class weights
  // "fast", or "strict": no algorithm that rounds worse than plain sums.
  std::string precision = "fast";
};

// What a model is compiled with: by compile(), or by the file it came from. The optimizer is the
// model's own, with its state. StateError where there is neither.
class Model;
CORNU_API CompileOptions compile_options(const Model& model);
// What is odd about the compile configuration of the model's file but does not stop it from being
// used, such as a `decay` of Keras 2, which is ignored. Empty where compile() replaced it.
// StateError as above.
CORNU_API std::vector<std::string> compile_warnings(const Model& model);

}  // namespace cornu
