#include "cornu/train/step.h"

#include <algorithm>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/compile/compile.h"
#include "cornu/grad/differentiate.h"

namespace cornu::train {

using graph::Builder;
using graph::Mode;
using graph::Value;

namespace {

std::vector<Shape> shapes_of(const std::vector<Tensor>& tensors) {
  std::vector<Shape> shapes;
  for (const Tensor& t : tensors) shapes.push_back(t.shape());
  return shapes;
}

bool same_shapes(const std::vector<Shape>& shapes, const std::vector<Tensor>& tensors) {
  return std::equal(shapes.begin(), shapes.end(), tensors.begin(), tensors.end(),
                    [](const Shape& s, const Tensor& t) { return s == t.shape(); });
}

// The inputs of a step's graph, in this order; the variables follow when it is compiled.
struct Inputs {
  std::vector<Value> x, y, w;
  Value key;

  Inputs(Builder& g, const Batch& like) {
    for (const Tensor& t : like.x) x.push_back(g.input(t.shape()));
    for (const Tensor& t : like.y) y.push_back(g.input(t.shape()));
    for (const Tensor& t : like.sample_weight) w.push_back(g.input(t.shape()));
    if (g.training()) g.set_random_key(key = g.input(Shape{6}));
  }
};

// A model traced in some mode and rewritten, ready for a loss.
struct Traced {
  Builder g;
  std::vector<Value> y, w, outputs, losses;
  std::vector<Builder::Update> updates;
};

Traced trace(const model::Network& network, Mode mode, const Batch& like) {
  Builder forward(mode);
  const Inputs in(forward, like);
  const std::vector<Value> outputs = network.lower(forward, in.x);
  std::vector<Value> kept = outputs;
  std::vector<Builder::Update> updates = forward.updates();
  for (const Builder::Update& u : updates) kept.push_back(u.value);
  for (Value loss : forward.losses()) kept.push_back(loss);

  Traced t{Builder(compile::rewrite(std::move(forward).finish(kept)), mode), {}, {}, {}, {}, {}};
  const std::vector<Value> now = t.g.outputs();
  const auto updates_at = now.begin() + std::ssize(outputs);
  const auto losses_at = updates_at + std::ssize(updates);
  t.outputs.assign(now.begin(), updates_at);
  for (size_t i = 0; i < updates.size(); ++i)
    updates[i].value = updates_at[static_cast<std::ptrdiff_t>(i)];
  t.updates = std::move(updates);
  t.losses.assign(losses_at, now.end());
  const std::vector<Value> inputs = t.g.inputs();
  const auto y_at = inputs.begin() + std::ssize(like.x), w_at = y_at + std::ssize(like.y);
  t.y.assign(y_at, w_at);
  t.w.assign(w_at, w_at + std::ssize(like.sample_weight));
  return t;
}

// The loss of each trained output, 0 for the others, and the sum of everything.
struct Losses {
  std::vector<Value> each;
  Value total;
};

Losses add_losses(Traced& t, const Objective& objective, const std::vector<Weight>& trainable) {
  Builder& g = t.g;
  const auto sum = [&](Value a, Value b) {
    return a.id < 0 ? b : g.binary(ops::Binary::Fn::kAdd, a, b);
  };
  Losses losses;
  for (size_t i = 0; i < t.outputs.size(); ++i) {
    if (!objective.losses[i]) {
      losses.each.push_back(g.scalar(0));
      continue;
    }
    std::optional<Expression> weight;
    if (!t.w.empty()) weight.emplace(g, t.w.size() == 1 ? t.w[0] : t.w[i]);
    g.set_layer(objective.losses[i]->name());
    const Expression loss = (*objective.losses[i])({g, t.y[i]}, {g, t.outputs[i]}, weight);
    losses.each.push_back(loss);
    const double factor = objective.loss_weights[i];
    losses.total = sum(losses.total, factor == 1 ? loss : loss * factor);
  }
  g.set_layer("penalties");
  const size_t own = g.losses().size();
  add_weight_penalties(g, trainable);
  for (Value loss : t.losses) losses.total = sum(losses.total, loss);
  for (size_t i = own; i < g.losses().size(); ++i) losses.total = sum(losses.total, g.losses()[i]);
  if (losses.total.id < 0) losses.total = g.scalar(0);
  g.set_layer("");
  return losses;
}

}  // namespace

Step::Step(const model::Network& network, Mode mode, const Batch& like, const Objective& objective,
           const std::vector<Weight>& trainable, const std::vector<float*>& gradients)
    : mode_(mode),
      x_(shapes_of(like.x)),
      y_(shapes_of(like.y)),
      w_(shapes_of(like.sample_weight)),
      samples_(like.x[0].shape()[0]) {
  network.output_shapes(x_);  // all checks, before anything is traced
  Traced t = trace(network, mode, like);
  const Losses losses = add_losses(t, objective, trainable);
  std::vector<Value> results = {losses.total};
  results.insert(results.end(), losses.each.begin(), losses.each.end());
  if (objective.keep_outputs) results.insert(results.end(), t.outputs.begin(), t.outputs.end());
  if (mode == Mode::kTrain) {
    std::vector<Value> wrt;
    for (const Weight& w : trainable) wrt.push_back(t.g.variable(w.variable));
    const Value scaled = Expression(t.g, losses.total) * objective.loss_scale;
    for (Value v : grad::differentiate(t.g, objective.loss_scale == 1 ? losses.total : scaled, wrt))
      results.push_back(v);
    for (const Builder::Update& u : t.updates) results.push_back(u.value);
  }
  graph::Graph g = std::move(t.g).finish(results);
  variables_ = g.variables;

  // Where the results go, in the order above.
  output_losses_.resize(losses.each.size());
  out_.push_back({&loss_, 1});
  for (float& v : output_losses_) out_.push_back({&v, 1});
  if (objective.keep_outputs)
    for (size_t i = 0; i < t.outputs.size(); ++i)
      outputs_.emplace_back(g[g.outputs[out_.size() + i]].shape);
  for (Tensor& v : outputs_) out_.push_back(v.values());
  if (mode == Mode::kTrain) {
    for (size_t i = 0; i < trainable.size(); ++i)
      out_.push_back({gradients[i], static_cast<size_t>(trainable[i].variable->shape().size())});
    for (const Builder::Update& u : t.updates) {
      updated_.push_back(u.variable);
      updates_.emplace_back(u.variable->shape());
    }
    for (Tensor& v : updates_) out_.push_back(v.values());
  }
  held_.resize(variables_.size());
  in_.resize(x_.size() + y_.size() + w_.size() + (mode == Mode::kTrain ? 1 : 0) +
             variables_.size());

  compile::Options options;
  options.strict = objective.strict;
  options.freeze = false;
  Program program(compile::compile(std::move(g), options));
  bytes_ = program.workspace_bytes();
  workspace_.emplace(std::move(program));
}

bool Step::fits(Mode mode, const Batch& batch) const {
  return mode == mode_ && same_shapes(x_, batch.x) && same_shapes(y_, batch.y) &&
         same_shapes(w_, batch.sample_weight);
}

void Step::run(const Batch& batch, const float (&key)[6], base::Replicas* replicas) {
  size_t at = 0;
  for (const std::vector<Tensor>* list : {&batch.x, &batch.y, &batch.sample_weight})
    for (const Tensor& t : *list) in_[at++] = t.values();
  if (mode_ == Mode::kTrain) in_[at++] = key;
  for (size_t i = 0; i < variables_.size(); ++i) {
    held_[i] = variables_[i]->numbers();
    in_[at++] = {held_[i].get(), static_cast<size_t>(variables_[i]->shape().size())};
  }
  workspace_->share_with(replicas);
  CORNU_CHECK(workspace_->run(in_, out_));
  // Nobody may hold a variable's numbers when it is changed in place.
  for (std::shared_ptr<const float>& h : held_) h.reset();
}

void Step::apply_updates() {
  for (size_t i = 0; i < updated_.size(); ++i)
    updated_[i]->modify([&](float* numbers) {
      std::copy_n(std::as_const(updates_[i]).data(), updates_[i].size(), numbers);
    });
}

}  // namespace cornu::train
