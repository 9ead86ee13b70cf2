#include "cornu/compile/bands.h"

#include <gtest/gtest.h>

#include "cornu/exec/interpreter.h"
#include "tests/support/compare.h"
#include "tests/support/random_graph.h"
#include "tests/support/random_space.h"
#include "tests/support/run_op.h"

namespace cornu::compile {
namespace {

using graph::Graph;

Tensor crop(const Tensor& x, const Box& box) {
  return testing::run_op(crop_of(whole(x.shape()), box), {x});
}

// Runs all steps, each band compared with its part of the whole: the same bits.
void check(const Graph& g, const Bands& bands, uint64_t seed) {
  const std::vector<Tensor> x = testing::random_inputs(g, seed);
  const Tensor want(g[g.outputs[0]].shape, exec::interpret<float>(g, x)[0]);
  std::vector<Tensor> kept;
  int64_t size = 0;
  for (int64_t k = 0; k < bands.steps(); ++k) {
    const Bands::Step step = bands.step(k);
    ASSERT_NO_THROW(graph::verify(step.graph)) << graph::print(g) << graph::print(step.graph);
    std::vector<Tensor> in;
    for (size_t i = 0; i < x.size(); ++i)
      if (step.inputs[i]) in.push_back(crop(x[i], *step.inputs[i]));
    std::move(kept.begin(), kept.end(), std::back_inserter(in));
    const auto out = exec::interpret<float>(step.graph, in);
    if (step.output) {
      const Tensor part = crop(want, *step.output);
      size += part.size();
      ASSERT_EQ(testing::max_error(out[0], part.values()), 0)
          << "step " << k << "\n"
          << graph::print(g) << graph::print(step.graph);
    }
    kept.clear();
    for (size_t i = step.output ? 1 : 0; i < out.size(); ++i)
      kept.emplace_back(step.graph[step.graph.outputs[i]].shape, out[i]);
  }
  EXPECT_EQ(size, want.size());
  EXPECT_TRUE(kept.empty());
}

TEST(Bands, KeepTheBitsOfRandomGraphs) {
  int banded = 0;
  int64_t steps = 0;
  for (uint64_t seed = 3000; seed < 4500 && !::testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Graph g = seed % 4 ? testing::RandomSpace(seed).make() : testing::RandomGraph(seed).make();
    g.outputs.resize(1);
    g = graph::drop_dead_nodes(std::move(g));
    const auto bands = Bands::along_rows(g, static_cast<int64_t>(1 + seed % 3));
    if (!bands) continue;
    ++banded;
    steps += bands->steps();
    check(g, *bands, seed);
  }
  EXPECT_GT(banded, 500);
  EXPECT_GT(steps, 2 * banded);
}

// A long chain keeps two rows per convolution, not more.
TEST(Bands, KeepWhatConvolutionsLookBackTo) {
  graph::Builder g;
  graph::Value x = g.input({1, 100, 8, 2});
  for (int i = 0; i < 10; ++i)
    x = g.add(ops::Conv{.stride = {1, 1}, .dilation = {1, 1}, .pad = {{1, 1}, {1, 1}}},
              {x, g.constant(testing::random_tensor({3, 3, 2, 2}, 1))});
  const Graph whole_graph = std::move(g).finish({x});
  const auto bands = Bands::along_rows(whole_graph, 10);
  ASSERT_TRUE(bands);
  EXPECT_EQ(bands->steps(), 11);  // the first one only fills
  EXPECT_FALSE(bands->step(0).output);
  const Graph step = bands->step(4).graph;
  EXPECT_EQ(step.inputs.size(), 11);
  EXPECT_EQ(step[step.inputs[0]].shape, (Shape{1, 10, 8, 2}));
  for (size_t i = 1; i < step.inputs.size(); ++i)
    EXPECT_EQ(step[step.inputs[i]].shape, (Shape{1, 2, 8, 2}));
}

TEST(Bands, NoneWhereEverythingIsNeeded) {
  graph::Builder g;
  const graph::Value x = g.input({1, 6, 5, 2});
  const Graph flat = std::move(g).finish({g.reshape(x, {1, 60})});
  EXPECT_TRUE(Bands::along_rows(flat, 6));  // rows of numbers
  graph::Builder h;
  const graph::Value y = h.input({1, 6, 5, 2});
  EXPECT_FALSE(Bands::along_rows(std::move(h).finish({h.reduce({}, y, {1, 2})}), 1));
}

}  // namespace
}  // namespace cornu::compile
