#pragma once

// What tests of layers in training share: a layer traced as the trainer does, and finite
// differences against its gradients.

#include <string>
#include <vector>

#include "cornu/grad/differentiate.h"
#include "cornu/graph/expression.h"
#include "tests/support/layer_test.h"

namespace cornu::testing {

// The operand of ops::Random for this seed and first sample.
inline Tensor random_key(uint64_t seed, uint64_t first_sample = 0) {
  Tensor key(Shape{6});
  for (int64_t i = 0; i < 6; ++i)
    key.data()[i] =
        static_cast<float>((i < 4 ? seed >> (16 * i) : first_sample >> (16 * (i - 4))) & 0xffff);
  return key;
}

struct TrainingRun {
  std::vector<Tensor> outputs;
  std::vector<float> losses;                            // add_loss(), in order
  std::vector<std::pair<std::string, Tensor>> updates;  // name of the variable, its value to be
  const Tensor& update(const std::string& name) const {
    for (const auto& [variable, value] : updates)
      if (variable == name) return value;
    throw ValueError("no update of " + name);
  }
};

struct TrainingOptions {
  graph::Mode mode = graph::Mode::kTrain;
  Tensor key = random_key(1);
};

// One run of the layer's calls, one after the other: the second takes what the first gave.
inline TrainingRun run_training(const std::vector<Layer>& layers, const std::vector<Tensor>& in,
                                const TrainingOptions& o = {}) {
  graph::Builder g(o.mode);
  std::vector<graph::Value> values;
  for (const Tensor& t : in) values.push_back(g.input(t.shape()));
  g.set_random_key(g.input(Shape{6}));
  for (const Layer& layer : layers) {
    std::vector<Shape> shapes;
    for (graph::Value v : values) shapes.push_back(g.shape(v));
    (void)layer.impl()->output_shapes(shapes);
    layer.impl()->build(shapes);
    values = layer.impl()->trace(g, values);
  }
  TrainingRun run;
  const size_t outputs = values.size(), losses = g.losses().size();
  values.insert(values.end(), g.losses().begin(), g.losses().end());
  for (const auto& update : g.updates()) values.push_back(update.value);
  const auto updates = g.updates();
  std::vector<Tensor> given = in;
  given.push_back(o.key);
  const std::vector<Tensor> results = run_graph(std::move(g).finish(values), given);
  for (size_t i = 0; i < results.size(); ++i) {
    if (i < outputs)
      run.outputs.push_back(results[i]);
    else if (i < outputs + losses)
      run.losses.push_back(results[i].data()[0]);
    else
      run.updates.emplace_back(updates[i - outputs - losses].variable->name(), results[i]);
  }
  return run;
}

inline TrainingRun run_training(const Layer& layer, const Tensor& in,
                                const TrainingOptions& o = {}) {
  return run_training(std::vector<Layer>{layer}, std::vector<Tensor>{in}, o);
}
inline Tensor train(const Layer& layer, const Tensor& in, uint64_t seed = 1) {
  return run_training(layer, in, {.key = random_key(seed)}).outputs.at(0);
}

// The gradients of sum(c * y) + losses, c random, in x and in the layer's trainable weights,
// against central differences in double. Returns the largest error, relative to 1 + |gradient|.
inline double gradient_error(const Layer& layer, const Tensor& x) {
  layer.impl()->build({x.shape()});
  graph::Builder g(graph::Mode::kTrain);
  const graph::Value input = g.input(x.shape());
  g.set_random_key(g.input(Shape{6}));
  const Expression y(g, layer.impl()->trace(g, {input}).at(0));
  Expression total = ops::sum(y * Expression(g, g.constant(random_tensor(y.shape(), 77))));
  for (graph::Value loss : g.losses()) total = total + Expression(g, loss);
  std::vector<graph::Value> wrt = {input};
  std::vector<std::shared_ptr<Variable>> variables;
  for (const Weight& w : layer.impl()->weights())
    if (w.trainable) {
      variables.push_back(w.variable);
      wrt.push_back(g.variable(w.variable));
    }
  std::vector<graph::Value> outputs = grad::differentiate(g, total, wrt);
  outputs.insert(outputs.begin(), total);
  const graph::Graph graph = std::move(g).finish(outputs);

  const auto run = [&](const Tensor& at) {
    return exec::interpret<double>(graph, std::vector<Tensor>{at, random_key(1)});
  };
  const std::vector<std::vector<double>> got = run(x);
  double worst = 0;
  constexpr float kStep = 0x1p-9f;
  const auto compare = [&](Tensor at, const std::vector<double>& gradient, auto&& value_at) {
    for (int64_t i = 0; i < at.size(); ++i) {
      const float before = at.data()[i], up = before + kStep, down = before - kStep;
      at.data()[i] = up;
      const double above = value_at(at);
      at.data()[i] = down;
      const double below = value_at(at);
      at.data()[i] = before;
      const double want = (above - below) / (double{up} - double{down});
      const double error =
          std::fabs(gradient[static_cast<size_t>(i)] - want) / (1 + std::fabs(want));
      worst = error < 1e300 ? std::fmax(worst, error) : 1e300;  // NaN, too
    }
  };
  compare(x, got.at(1), [&](const Tensor& at) { return run(at).at(0).at(0); });
  for (size_t v = 0; v < variables.size(); ++v) {
    const Tensor value = variables[v]->value();
    compare(value, got.at(v + 2), [&](const Tensor& at) {
      variables[v]->assign(at);
      return run(x).at(0).at(0);
    });
    variables[v]->assign(value);
  }
  return worst;
}

}  // namespace cornu::testing
