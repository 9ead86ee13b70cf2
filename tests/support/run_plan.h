#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "cornu/compile/compile.h"
#include "cornu/exec/program.h"

namespace cornu::testing {

// The outputs of the graph's plan on these inputs; the variables, where they are not frozen, as
// they are now.
inline std::vector<Tensor> run_plan(const graph::Graph& g, std::vector<Tensor> inputs,
                                    const compile::Options& options, int threads) {
  if (!options.freeze)
    for (const auto& variable : g.variables) inputs.push_back(variable->value());
  const Program program(compile::compile(g, options));
  Workspace workspace(program, threads);
  std::vector<std::span<const float>> in;
  for (const Tensor& t : inputs) in.push_back(std::as_const(t).values());
  std::vector<Tensor> outputs;
  std::vector<std::span<float>> out;
  for (size_t i = 0; i < program.output_count(); ++i)
    outputs.push_back(Tensor::full(program.output_shape(i), -77));  // what no step may leave
  for (Tensor& t : outputs) out.push_back(t.values());
  EXPECT_TRUE(workspace.run(in, out));
  return outputs;
}

}  // namespace cornu::testing
