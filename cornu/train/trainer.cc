#include "cornu/train/trainer.h"

#include <algorithm>

#include "cornu/base/error.h"
#include "cornu/base/random.h"
#include "cornu/base/text.h"
#include "cornu/exec/threads.h"
#include "cornu/train/distribute.h"

namespace cornu::train {

using base::cat;
using base::quoted;
using graph::Mode;

// ---- making -------------------------------------------------------------------------------------

Trainer::Trainer(model::Network& network, CompileOptions options)
    : network_(network), options_(std::move(options)) {
  if (options_.precision != "fast" && options_.precision != "strict")
    throw ValueError(network_.where().message(
        "compile: `precision` must be 'fast' or 'strict'. Received: precision=",
        quoted(options_.precision)));
  for (const Loss& loss : options_.loss.list) loss.check();
  for (const auto& [name, loss] : options_.loss.by_name) loss.check();
  position_.seed = base::next_seed();
}

std::shared_ptr<Trainer> Trainer::of(model::Network& network) {
  if (!network.training) {
    if (!network.loaded_training || network.loaded_training->compile_config.empty())
      throw StateError(network.where().message("compile() it before training or evaluating it"));
    std::vector<std::string> warnings;
    auto trainer = std::make_shared<Trainer>(
        network, options_from_config(network.loaded_training->compile_config, &warnings));
    trainer->warnings_ = std::move(warnings);
    if (network.loaded_training->optimizer && network.built()) {
      trainer->build_optimizer();
      trainer->options_.optimizer.set_state(*network.loaded_training->optimizer);
    }
    network.training = std::move(trainer);
  }
  return std::static_pointer_cast<Trainer>(network.training);
}

namespace {

// The entry of an argument for one output; null where it has none.
template <class T>
const T* entry(const PerOutput<T>& argument, size_t i, const std::string& name) {
  if (!argument.by_name.empty()) {
    const auto it = argument.by_name.find(name);
    return it == argument.by_name.end() ? nullptr : &it->second;
  }
  return i < argument.list.size() ? &argument.list[i] : nullptr;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += cat(text.empty() ? "" : ", ", quoted(name));
  return text;
}

template <class T>
void check_per_output(const nn::Where& where, const char* what, const PerOutput<T>& argument,
                      const std::vector<std::string>& outputs) {
  for (const auto& [name, value] : argument.by_name)
    if (std::find(outputs.begin(), outputs.end(), name) == outputs.end())
      throw ValueError(where.message("compile: `", what, "` names ", quoted(name),
                                     ", but the outputs are ", listed(outputs)));
  if (argument.list.size() > outputs.size())
    throw ValueError(where.message("compile: `", what, "` has ", argument.list.size(),
                                   " entries for ", outputs.size(), " outputs"));
}

}  // namespace

void Trainer::resolve_outputs(const std::vector<Shape>& y) {
  const nn::Where& where = network_.where();
  output_names_.clear();
  loss_names_.clear();
  for (const Symbol& s : network_.outputs()) {
    output_names_.push_back(s.call()->layer->name());
    loss_names_.push_back(output_names_.back() + "_loss");
  }
  const size_t count = output_names_.size();
  LossArgument loss = options_.loss;
  if (loss.list.size() == 1 && count > 1) loss.list.assign(count, options_.loss.list[0]);
  check_per_output(where, "loss", loss, output_names_);
  if (!loss.list.empty() && loss.list.size() != count)
    throw ValueError(where.message("compile: `loss` has ", loss.list.size(), " entries for ", count,
                                   " outputs"));
  loss_weights_ = options_.loss_weights;
  if (loss_weights_.empty()) loss_weights_.assign(count, 1.0);
  if (loss_weights_.size() != count)
    throw ValueError(where.message("compile: `loss_weights` has ", loss_weights_.size(),
                                   " entries for ", count, " outputs"));
  losses_.clear();
  for (size_t i = 0; i < count; ++i) {
    const Loss* one = entry(loss, i, output_names_[i]);
    losses_.push_back(one ? std::optional<Loss>(*one) : std::nullopt);
  }
  if (y.size() != count)
    throw ValueError(
        where.message("it has ", count, " outputs. Received: `y` with ", y.size(), " arrays"));
  output_losses_.assign(count, {});
  metrics_.clear();
  add_metrics(options_.metrics, false, "metrics");
  add_metrics(options_.weighted_metrics, true, "weighted_metrics");
  std::vector<Shape> batch_outputs;
  for (const Symbol& s : network_.outputs()) batch_outputs.push_back(s.shape());
  for (OutputMetric& m : metrics_) m.metric.resolve(y[m.output], batch_outputs[m.output]);
  resolved_ = true;
}

void Trainer::add_metrics(const MetricsArgument& argument, bool weighted, const char* what) {
  check_per_output(network_.where(), what, argument, output_names_);
  for (size_t i = 0; i < output_names_.size(); ++i) {
    const std::vector<Metric>* list = entry(argument, i, output_names_[i]);
    if (!list) continue;
    for (const Metric& metric : *list) {
      std::string name =
          output_names_.size() > 1 ? cat(output_names_[i], "_", metric.name()) : metric.name();
      int same = 0;
      for (const OutputMetric& other : metrics_)
        same += other.name == name || other.name.starts_with(name + "_");
      if (same > 0) name += cat("_", same);
      metrics_.push_back({i, weighted, std::move(name), metric.clone()});
    }
  }
}

std::vector<Weight> Trainer::trainable() const {
  std::vector<Weight> found;
  for (Weight& w : network_.weights())
    if (w.trainable) found.push_back(std::move(w));
  return found;
}

void Trainer::prepare(const Batch& like) {
  std::vector<Shape> x, y;
  for (const Tensor& t : like.x) x.push_back(t.shape());
  for (const Tensor& t : like.y) y.push_back(t.shape());
  if (!network_.built()) {
    for (Shape& shape : x)
      if (shape.rank() > 0) shape[0] = Dim::kUnknown;
    network_.build(x);
  }
  if (!resolved_) resolve_outputs(y);
  pool_ = exec::process_pool();
  // What is trainable may have changed since.
  std::vector<Weight> now = trainable();
  const bool same =
      std::equal(now.begin(), now.end(), weights_.begin(), weights_.end(),
                 [](const Weight& a, const Weight& b) { return a.variable == b.variable; });
  if (same && gradients_.size() == now.size()) return;
  weights_ = std::move(now);
  steps_.clear();
  gradients_.clear();
  gradient_data_.clear();
  for (const Weight& w : weights_) gradients_.emplace_back(w.variable->shape());
  for (Tensor& g : gradients_) gradient_data_.push_back(g.data());
}

void Trainer::check_targets(const std::vector<Tensor>& y) const {
  for (size_t i = 0; i < losses_.size() && i < y.size(); ++i)
    if (losses_[i]) losses_[i]->check_target(y[i], network_.outputs()[i].shape(), output_names_[i]);
}

// ---- stepping -----------------------------------------------------------------------------------

Step& Trainer::step_for(Mode mode, const Batch& batch) {
  constexpr size_t kKept = 8;
  for (auto it = steps_.begin(); it != steps_.end(); ++it)
    if (it->fits(mode, batch)) {
      steps_.splice(steps_.begin(), steps_, it);
      return steps_.front();
    }
  const Objective objective{losses_, loss_weights_, !metrics_.empty(),
                            options_.precision == "strict", options_.optimizer.loss_scale()};
  steps_.emplace_front(network_, mode, batch, objective, weights_, gradient_data_);
  if (steps_.size() > kKept) steps_.pop_back();
  return steps_.front();
}

void Trainer::run(Mode mode, const Batch& batch) {
  if (batch.x.empty() || batch.x[0].shape().rank() == 0 || batch.x[0].shape()[0] == 0)
    throw ValueError(network_.where().message("a batch without samples cannot be used"));
  const size_t weights = batch.sample_weight.size();
  if (batch.y.size() != losses_.size() || (weights > 1 && weights != losses_.size()))
    throw ValueError(network_.where().message("it has ", losses_.size(),
                                              " outputs. Received: `y` with ", batch.y.size(),
                                              " arrays and `sample_weight` with ", weights));
  Step& step = step_for(mode, batch);
  float key[6] = {};
  if (mode == Mode::kTrain) {
    const uint64_t seed =
        base::Philox(position_.seed).bits64(static_cast<uint64_t>(position_.step));
    for (int i = 0; i < 4; ++i) key[i] = static_cast<float>(seed >> (16 * i) & 0xffff);
    for (int i = 0; i < 2; ++i)
      key[4 + i] = static_cast<float>(batch.first_sample >> (16 * i) & 0xffff);
  }
  SharedStep together(processes_.get(), batch.share);
  step.run(batch, key, &together);
  together.finish();
  if (mode == Mode::kTrain) {
    build_optimizer();
    if (processes_) sum_over_processes(step, batch.share);
    options_.optimizer.apply(weights_, gradient_data_, pool_.get());
    step.apply_updates();
    ++position_.step;
  }
  if (batch.counts) gather(step, batch);
}

// The gradient of the mean over a batch is the mean of the parts' gradients, each by its share.
void Trainer::sum_over_processes(Step& step, double share) {
  const auto sum = [&](Tensor& t) {
    for (float& v : t.values()) v *= static_cast<float>(share);
    processes_->sum(t.values());
  };
  for (Tensor& gradient : gradients_) sum(gradient);
  for (Tensor& update : step.updates()) sum(update);
}

void Trainer::join(std::shared_ptr<base::Communicator> communicator) {
  processes_ = std::move(communicator);
  if (!processes_ || processes_->size() == 1) return;
  for (const std::optional<Loss>& loss : losses_)
    if (loss && loss->reduction() != "sum_over_batch_size" && loss->reduction() != "mean")
      throw ValueError(network_.where().message(
          "several processes can share a loss whose reduction is 'sum_over_batch_size' only. "
          "Received: ",
          loss->name(), " with reduction=", quoted(loss->reduction())));
  processes_->broadcast(std::as_writable_bytes(std::span(&position_, 1)));
  for (const Weight& w : network_.weights())
    w.variable->modify([&](float* numbers) {
      processes_->broadcast(std::as_writable_bytes(
          std::span(numbers, static_cast<size_t>(w.variable->shape().size()))));
    });
}

void Trainer::gather(const Step& step, const Batch& batch) {
  const auto samples = static_cast<double>(step.samples());
  loss_.sum += step.loss() * samples;
  loss_.count += samples;
  for (size_t i = 0; i < output_losses_.size(); ++i) {
    output_losses_[i].sum += step.output_loss(i) * samples;
    output_losses_[i].count += samples;
  }
  for (OutputMetric& m : metrics_) {
    const Tensor& y = batch.y[m.output];
    const Tensor& prediction = step.output(m.output);
    const float* weight = nullptr;
    if (m.weighted && !batch.sample_weight.empty())
      weight = batch.sample_weight[batch.sample_weight.size() == 1 ? 0 : m.output].data();
    m.metric.update(y.data(), y.shape(), prediction.data(), prediction.shape(), weight);
  }
}

// ---- metrics ------------------------------------------------------------------------------------

void Trainer::reset_metrics() {
  loss_ = {};
  for (Mean& m : output_losses_) m = {};
  for (OutputMetric& m : metrics_) m.metric.reset();
}

void Trainer::read_metrics(Logs& logs) {
  if (!processes_) return read_own_metrics(logs);
  const auto own = metric_state();
  set_metric_state(metric_state_of_all());
  read_own_metrics(logs);
  set_metric_state(own);
}

std::vector<std::vector<double>> Trainer::metric_state_of_all() const {
  std::vector<std::vector<double>> all = metric_state();
  if (processes_)
    for (std::vector<double>& one : all) processes_->sum(one);
  return all;
}

void Trainer::read_own_metrics(Logs& logs) const {
  const auto as_float = [](double v) { return static_cast<double>(static_cast<float>(v)); };
  logs.set("loss", as_float(loss_.value()));
  if (output_losses_.size() > 1)
    for (size_t i = 0; i < output_losses_.size(); ++i)
      if (losses_[i]) logs.set(loss_names_[i], as_float(output_losses_[i].value()));
  for (const OutputMetric& m : metrics_) logs.set(m.name, m.metric.result());
}

int Trainer::direction(const std::string& log_name) const {
  if (log_name == "loss" || log_name.ends_with("_loss")) return -1;
  for (const OutputMetric& m : metrics_)
    if (m.name == log_name) return m.metric.direction();
  return 0;
}

std::vector<std::vector<double>> Trainer::metric_state() const {
  std::vector<std::vector<double>> all = {{loss_.sum, loss_.count}};
  for (const Mean& m : output_losses_) all.push_back({m.sum, m.count});
  for (const OutputMetric& m : metrics_) all.push_back(m.metric.state());
  return all;
}

void Trainer::set_metric_state(const std::vector<std::vector<double>>& state) {
  if (state.size() != 1 + output_losses_.size() + metrics_.size())
    throw FormatError(network_.where().message("the checkpoint has the state of ", state.size(),
                                               " metrics; the model has ",
                                               1 + output_losses_.size() + metrics_.size()));
  const auto mean = [&](size_t i) {
    if (state[i].size() != 2)
      throw FormatError(network_.where().message("the checkpoint's state of a mean is damaged"));
    return Mean{state[i][0], state[i][1]};
  };
  loss_ = mean(0);
  for (size_t i = 0; i < output_losses_.size(); ++i) output_losses_[i] = mean(1 + i);
  for (size_t i = 0; i < metrics_.size(); ++i)
    metrics_[i].metric.set_state(state[1 + output_losses_.size() + i]);
}

// ---- state --------------------------------------------------------------------------------------

uint64_t Trainer::next_shuffle_seed() {
  // Stream 1: the steps' keys are stream 0.
  return base::Philox(position_.seed, 1).bits64(static_cast<uint64_t>(position_.shuffles++));
}

int64_t Trainer::step_bytes() const {
  int64_t most = 0;
  for (const Step& step : steps_) most = std::max(most, step.bytes());
  if (most == 0) return 0;
  for (const Tensor& g : gradients_) most += g.size() * static_cast<int64_t>(sizeof(float));
  return most;
}

void Trainer::build_optimizer() {
  if (!options_.optimizer.built()) options_.optimizer.build(trainable());
}

int64_t Trainer::optimizer_params() const { return options_.optimizer.params(); }

}  // namespace cornu::train
