// Where the time of a training step goes: the median of every kernel's seconds over some runs.
//
//   bench_train_step PART_OF_A_NAME [RUNS]
//
// The networks are those of bench/models.h. bench_peers times whole steps, the optimizer included.

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "bench/models.h"
#include "bench/workloads.h"
#include "cornu/compile/compile.h"
#include "cornu/grad/differentiate.h"
#include "cornu/graph/expression.h"
#include "cornu/model/network.h"

namespace {

using namespace cornu;

using Variables = std::vector<std::shared_ptr<Variable>>;

// Loss, gradients and updates of one batch as a program, as the trainer makes it; its inputs are x,
// targets and `variables`.
Program step_of(const Model& model, const bench::TrainingCase& c, Variables& variables) {
  graph::Builder g(graph::Mode::kTrain);
  const Expression x(g, g.input(c.input));
  const Expression logits(g, model.network()->lower(g, {x})[0]);
  const Expression targets(g, g.input(g.shape(logits)));
  const Expression loss = -ops::mean(ops::sum(targets * ops::log_softmax(logits), {.axis = {-1}}));
  std::vector<graph::Value> wrt;
  for (const auto& variable : model.trainable_weights()) wrt.push_back(g.variable(variable));
  std::vector<graph::Value> results = grad::differentiate(g, loss, wrt);
  results.push_back(loss);
  for (const auto& update : g.updates()) results.push_back(update.value);
  graph::Graph graph = std::move(g).finish(results);
  variables = graph.variables;
  compile::Options options;
  options.freeze = false;
  return Program(compile::compile(std::move(graph), options));
}

void profile(const Program& program, const Variables& variables, size_t runs) {
  Workspace workspace(program);
  workspace.measure_steps(true);
  std::vector<Tensor> x, y;
  for (size_t i = 0; i < program.input_count(); ++i)
    x.push_back(i < 2 ? bench::numbers(program.input_shape(i), bench::kX)
                      : variables.at(i - 2)->value());
  for (size_t i = 0; i < program.output_count(); ++i) y.emplace_back(program.output_shape(i));
  std::vector<std::span<const float>> in;
  for (const Tensor& t : x) in.push_back(t.values());
  std::vector<std::span<float>> out;
  for (Tensor& t : y) out.push_back(t.values());
  const std::vector<Program::StepInfo> infos = program.steps();
  std::vector<std::vector<double>> seconds(infos.size());
  for (size_t run = 0; run < runs; ++run) {
    workspace.run(in, out);
    for (size_t i = 0; i < infos.size(); ++i) seconds[i].push_back(workspace.step_seconds()[i]);
  }
  for (size_t i = 0; i < infos.size(); ++i) {
    std::sort(seconds[i].begin(), seconds[i].end());
    const double median = seconds[i][runs / 2];
    std::printf("%9.1f us %7.1f GFLOP/s  %-24s %-20s %s\n", 1e6 * median,
                1e-9 * infos[i].flops / std::max(median, 1e-9), infos[i].layer.c_str(),
                infos[i].op.c_str(), infos[i].kernel.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const bench::TrainingCase& c : bench::training_cases()) {
    if (argc < 2 || c.name.find(argv[1]) == std::string::npos) continue;
    const Model model = c.make();
    bench::set_weights(model);
    Variables variables;
    const Program program = step_of(model, c, variables);
    profile(program, variables, argc > 2 ? std::stoul(argv[2]) : 30);
    return 0;
  }
  std::cerr << "usage: bench_train_step PART_OF_A_NAME [RUNS], with one of\n";
  for (const bench::TrainingCase& c : bench::training_cases()) std::cerr << "  " << c.name << '\n';
  return 2;
}
