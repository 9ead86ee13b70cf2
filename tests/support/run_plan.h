#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "cornu/compile/compile.h"
#include "cornu/exec/program.h"

namespace cornu::testing {

// The program's outputs on these inputs.
inline std::vector<Tensor> run_program(const Program& program, const std::vector<Tensor>& inputs,
                                       int threads) {
  Workspace workspace(program, threads);
  std::vector<std::span<const float>> in;
  for (const Tensor& t : inputs) in.push_back(t.values());
  std::vector<Tensor> outputs;
  std::vector<std::span<float>> out;
  for (size_t i = 0; i < program.output_count(); ++i)
    outputs.push_back(Tensor::full(program.output_shape(i), -77));  // what no step may leave
  for (Tensor& t : outputs) out.push_back(t.values());
  EXPECT_TRUE(workspace.run(in, out));
  return outputs;
}

// The outputs of the graph's plan on these inputs; the variables, where they are not frozen, as
// they are now.
inline std::vector<Tensor> run_plan(const graph::Graph& g, std::vector<Tensor> inputs,
                                    const compile::Options& options, int threads) {
  if (!options.freeze)
    for (const auto& variable : g.variables) inputs.push_back(variable->value());
  return run_program(Program(compile::compile(g, options)), inputs, threads);
}

}  // namespace cornu::testing
