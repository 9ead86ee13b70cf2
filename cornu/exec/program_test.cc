#include "cornu/exec/program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "cornu/base/error.h"
#include "cornu/compile/compile.h"
#include "cornu/exec/interpreter.h"
#include "cornu/tensor/held.h"
#include "tests/support/count_allocations.h"
#include "tests/support/random_graph.h"
#include "tests/support/random_space.h"
#include "tests/support/run_plan.h"

namespace cornu {
namespace {

using testing::max_error;
using testing::random_inputs;
using testing::RandomGraph;
using testing::run_plan;

// Plans of the graph compute what the interpreter says, whatever the passes, kernels and threads.
void expect_plans_equal_interpreter(const graph::Graph& g, uint64_t seed, bool freeze) {
  ASSERT_NO_THROW(graph::verify(g)) << graph::print(g);
  const std::vector<Tensor> x = random_inputs(g, seed);
  const auto exact = exec::interpret<double>(g, x);
  const auto plain = exec::interpret<float>(g, x);
  for (const bool reference : {false, true})
    for (const bool rewrite : {false, true}) {
      const compile::Options options{.rewrite = rewrite, .reference = reference, .freeze = freeze};
      const std::vector<Tensor> one = run_plan(g, x, options, 1);
      const std::vector<Tensor> two = run_plan(g, x, options, 2);
      ASSERT_EQ(one.size(), exact.size());
      for (size_t i = 0; i < one.size(); ++i) {
        ASSERT_TRUE(testing::bit_equal(one[i], two[i])) << "seed " << seed << " threads";
        ASSERT_EQ(one[i].size(), static_cast<int64_t>(exact[i].size()));
        const double plan_error = max_error(one[i].values(), std::span<const double>(exact[i]));
        const double float_error =
            max_error(std::span<const float>(plain[i]), std::span<const double>(exact[i]));
        ASSERT_LE(plan_error, 2e-5 + 20 * float_error)
            << "seed " << seed << " output " << i << " reference " << reference << " rewrite "
            << rewrite << "\n"
            << graph::print(g) << graph::print(compile::optimize(g, options));
      }
    }
}

TEST(Program, EqualsTheInterpreterOnRandomGraphs) {
  for (uint64_t seed = 1; seed <= 400 && !HasFatalFailure(); ++seed)
    expect_plans_equal_interpreter(RandomGraph(seed).make(), seed, true);
}

TEST(Program, EqualsTheInterpreterOnRandomChainsOfConvolutions) {
  for (uint64_t seed = 1; seed <= 400 && !HasFatalFailure(); ++seed)
    expect_plans_equal_interpreter(testing::RandomSpace(seed).make(), seed, true);
}

TEST(Program, EqualsTheInterpreterOnGradientsOfRandomGraphs) {
  for (uint64_t seed = 1; seed <= 400 && !HasFatalFailure(); ++seed) {
    const graph::Graph g = RandomGraph(seed, testing::Kinks::kOnInputs).make();
    expect_plans_equal_interpreter(testing::with_gradients(g), seed, seed % 4 == 0);
  }
}

TEST(Program, AllocatesNothingOnceItHasRun) {
  graph::Builder g;
  graph::Value x = g.input({1, 16, 16, 3});
  for (int i = 0; i < 3; ++i) {
    const int64_t c = g.shape(x)[-1];
    auto kernel = std::make_shared<Variable>(
        "kernel", testing::random_tensor({3, 3, c, 8}, static_cast<uint64_t>(i)), true);
    x = g.add(ops::Conv{.stride = {1, 1}, .dilation = {1, 1}, .pad = {{1, 1}, {1, 1}}},
              {x, g.variable(kernel)});
    x = g.unary(ops::Unary::Fn::kGelu, x);
    x = g.add(ops::Softmax{}, {x});
  }
  const Program program(compile::compile(std::move(g).finish({x})));
  Workspace workspace(program, 2);
  const Tensor in = testing::random_tensor(program.input_shape(), 1);
  Tensor out(program.output_shape());
  const std::span<float> to = out.values();
  ASSERT_TRUE(workspace.run(in.values(), to));
  const int64_t before = allocations;
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(workspace.run(in.values(), to));
  EXPECT_EQ(allocations, before);
}

// What is left of the tensors once the graph is gone are the plan's weights: no copy beside the
// packed one, and none that is not counted.
TEST(Program, CountsTheWeightsItHolds) {
  int64_t all = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const int64_t before = tensor_bytes_held();
    const Program program(compile::compile(RandomGraph(seed).make()));
    EXPECT_EQ(tensor_bytes_held() - before, program.weight_bytes()) << "seed " << seed;
    all += program.weight_bytes();
  }
  EXPECT_GT(all, 0);
}

TEST(Program, CountsPackedWeights) {
  graph::Builder g;
  const graph::Value x = g.input({1, 8, 8, 64});
  const graph::Value kernel = g.constant(testing::random_tensor({1, 1, 64, 64}, 1));
  const ops::Conv conv{.stride = {1, 1}, .dilation = {1, 1}, .pad = {{}, {}}};
  const Program program(compile::compile(std::move(g).finish({g.add(conv, {x, kernel})})));
  const int64_t raw = 64 * 64 * int64_t{sizeof(float)};
  EXPECT_GE(program.weight_bytes(), raw);
  EXPECT_LE(program.weight_bytes(), raw + 4096);  // and lines of zeros
}

TEST(Program, RefusesWrongSizesAndWritesNothing) {
  graph::Builder g;
  const graph::Value x = g.input({2, 3});
  const Program program(
      compile::compile(std::move(g).finish({g.unary(ops::Unary::Fn::kNegate, x)})));
  Workspace workspace(program);
  std::vector<float> in(6, 1.0f), out(6, 5.0f);
  EXPECT_FALSE(workspace.run(std::span<const float>(in).first(5), out));
  EXPECT_FALSE(workspace.run(in, std::span<float>(out).first(5)));
  EXPECT_EQ(out, std::vector<float>(6, 5.0f));
  EXPECT_TRUE(workspace.run(in, out));
  EXPECT_EQ(out, std::vector<float>(6, -1.0f));
}

TEST(Program, IsSharedByThreadsWithTheirOwnWorkspaces) {
  const graph::Graph g = RandomGraph(7).make();
  const std::vector<Tensor> x = random_inputs(g, 7);
  const Program program(compile::compile(g));
  const std::vector<Tensor> expected = run_plan(g, x, {}, 1);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      Workspace workspace(program);
      std::vector<std::span<const float>> in;
      for (const Tensor& input : x) in.push_back(input.values());
      for (int i = 0; i < 50; ++i) {
        std::vector<Tensor> y;
        std::vector<std::span<float>> out;
        for (const Tensor& e : expected) y.emplace_back(e.shape());
        for (Tensor& output : y) out.push_back(output.values());
        if (!workspace.run(in, out)) ++wrong;
        for (size_t k = 0; k < y.size(); ++k)
          if (!testing::bit_equal(y[k], expected[k])) ++wrong;
      }
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, CanBeSet) {
  set_num_threads(3);
  EXPECT_EQ(num_threads(), 3);
  set_num_threads(0);
  EXPECT_GE(num_threads(), 1);
  EXPECT_THROW(set_num_threads(-1), ValueError);
}

}  // namespace
}  // namespace cornu
