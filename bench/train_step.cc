// Seconds of training steps of a small network on pictures of 28x28, batch 128: two or three
// convolutions with batch normalization, Adam. Speaks with train_step.py, which runs PyTorch in
// turns with it:
//
//   bench_train_step [flatten] [cpu] [profile]
//
// For every number n read, runs n steps and writes the milliseconds of each on one line: of the
// clock on the wall or, with `cpu`, of all processors together, which a busy machine disturbs less.
// With `profile`, runs 30 steps and writes the median of every kernel's time.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <random>

#include "bench/measure.h"
#include "cornu/compile/compile.h"
#include "cornu/cornu.h"
#include "cornu/exec/program.h"
#include "cornu/grad/differentiate.h"
#include "cornu/graph/expression.h"
#include "cornu/model/model.h"
#include "cornu/model/network.h"
#include "cornu/train/optimizer.h"

namespace {

using namespace cornu;

constexpr int64_t kBatch = 128;

Sequential make_model(bool flatten) {
  Sequential model({Conv2D({.filters = 32, .kernel_size = 3, .padding = "same"}),
                    BatchNormalization(), Activation("relu"), MaxPooling2D({.pool_size = 2}),
                    Conv2D({.filters = 64, .kernel_size = 3, .padding = "same"}),
                    BatchNormalization(), Activation("relu"), MaxPooling2D({.pool_size = 2}),
                    Conv2D({.filters = 64, .kernel_size = 3, .padding = "same"}),
                    BatchNormalization(), Activation("relu")});
  flatten ? model.add(Flatten()) : model.add(GlobalAveragePooling2D());
  model.add(Dense({.units = 10}));
  model.build({kBatch, 28, 28, 1});
  return model;
}

// The plan of one step, and what it reads and writes.
class Step {
 public:
  explicit Step(const Sequential& model) : optimizer_(Adam({.learning_rate = 0.001})) {
    graph::Builder g(graph::Mode::kTrain);
    const Expression x(g, g.input({kBatch, 28, 28, 1})), labels(g, g.input({kBatch, 10}));
    const Expression logits(g, model.network()->lower(g, {x})[0]);
    const Expression loss = ops::mean(ops::sum(labels * ops::log_softmax(logits), {.axis = {-1}}));
    std::vector<graph::Value> wrt;
    for (const Weight& w : model.network()->weights())
      if (w.variable->trainable()) {
        trainable_.push_back(w);
        wrt.push_back(g.variable(w.variable));
      }
    std::vector<graph::Value> results = grad::differentiate(g, -loss, wrt);
    results.push_back(-loss);
    for (const auto& update : g.updates()) {
      updated_.push_back(update.variable);
      results.push_back(update.value);
    }
    graph::Graph graph = std::move(g).finish(results);
    variables_ = graph.variables;
    compile::Options options;
    options.freeze = false;
    workspace_.emplace(Program(compile::compile(std::move(graph), options)));
    optimizer_.build(trainable_);
    make_memory();
  }

  void run() {
    for (size_t i = 0; i < variables_.size(); ++i)
      variables_[i]->modify([&](float* numbers) {
        in_[2 + i] = {numbers, static_cast<size_t>(variables_[i]->shape().size())};
      });
    workspace_->run(in_, out_);
    optimizer_.apply(trainable_, gradients_);
    for (size_t i = 0; i < updated_.size(); ++i)
      updated_[i]->modify(
          [&](float* to) { std::ranges::copy(out_[trainable_.size() + 1 + i], to); });
  }
  float loss() const { return out_[trainable_.size()][0]; }
  Workspace& workspace() { return *workspace_; }

 private:
  void make_memory() {
    const Program& program = workspace_->program();
    std::mt19937 random(1);
    std::uniform_real_distribution<float> uniform(0, 1);
    images_ = Tensor(program.input_shape(0));
    for (float& v : images_.values()) v = uniform(random);
    labels_ = Tensor(program.input_shape(1));
    for (int64_t i = 0; i < kBatch; ++i)
      labels_.data()[i * 10 + std::uniform_int_distribution<int64_t>(0, 9)(random)] = 1;
    in_.assign(program.input_count(), {});
    in_[0] = images_.values();
    in_[1] = labels_.values();
    for (size_t i = 0; i < program.output_count(); ++i)
      results_.emplace_back(program.output_shape(i));
    for (Tensor& t : results_) out_.push_back(t.values());
    for (size_t i = 0; i < trainable_.size(); ++i) gradients_.push_back(results_[i].data());
  }

  std::vector<Weight> trainable_;
  std::vector<std::shared_ptr<Variable>> updated_, variables_;
  Optimizer optimizer_;
  std::optional<Workspace> workspace_;
  Tensor images_, labels_;
  std::vector<Tensor> results_;
  std::vector<std::span<const float>> in_;
  std::vector<std::span<float>> out_;
  std::vector<float*> gradients_;
};

double milliseconds(bool cpu) {
  return 1e3 * bench::seconds(cpu ? bench::Clock::kProcess : bench::Clock::kWall);
}

void profile(Step& step) {
  constexpr int kRuns = 30;
  step.workspace().measure_steps(true);
  const auto infos = step.workspace().program().steps();
  std::vector<std::vector<double>> seconds(infos.size());
  for (int run = 0; run < kRuns; ++run) {
    step.run();
    for (size_t i = 0; i < infos.size(); ++i)
      seconds[i].push_back(step.workspace().step_seconds()[i]);
  }
  for (size_t i = 0; i < infos.size(); ++i) {
    std::sort(seconds[i].begin(), seconds[i].end());
    std::printf("%8.1f us (best %8.1f)  %-24s %-20s %s\n", 1e6 * seconds[i][kRuns / 2],
                1e6 * seconds[i][0], infos[i].layer.c_str(), infos[i].op.c_str(),
                infos[i].kernel.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto has = [&](const char* word) {
    return std::any_of(argv + 1, argv + argc, [&](char* a) { return !std::strcmp(a, word); });
  };
  const Sequential model = make_model(has("flatten"));
  Step step(model);
  if (has("profile")) {
    profile(step);
    return 0;
  }
  for (int n = 0; std::cin >> n;) {
    for (int i = 0; i < n; ++i) {
      const double start = milliseconds(has("cpu"));
      step.run();
      std::cout << milliseconds(has("cpu")) - start << ' ';
    }
    std::cout << std::endl;
  }
  std::cerr << "loss " << step.loss() << '\n';
  return 0;
}
