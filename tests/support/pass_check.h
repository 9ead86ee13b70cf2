#pragma once

// What the tests of passes share.

#include <gtest/gtest.h>

#include <vector>

#include "cornu/exec/interpreter.h"
#include "tests/support/random_graph.h"
#include "tests/support/random_space.h"

namespace cornu::testing {

template <class Op>
int count(const graph::Graph& g) {
  int n = 0;
  for (const graph::Node& node : g.nodes) n += std::holds_alternative<Op>(node.op);
  return n;
}

// The values of both graphs differ by at most `error` (testing::max_error), 0: -0 apart they are
// the same.
inline void expect_equal_values(const graph::Graph& before, const graph::Graph& after,
                                double error = 1e-5, uint64_t seed = 7) {
  ASSERT_NO_THROW(graph::verify(after)) << graph::print(before) << graph::print(after);
  const std::vector<Tensor> x = random_inputs(before, seed);
  const auto expected = exec::interpret<float>(before, x), got = exec::interpret<float>(after, x);
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_LE(max_error(got[i], expected[i]), error) << "seed " << seed << ", output " << i << "\n"
                                                     << graph::print(before) << graph::print(after);
}

// The pass keeps the values of random graphs; how many graphs it changed. `prepare` comes before.
template <class Prepare, class Pass>
int check_random_graphs(Prepare&& prepare, Pass&& pass, double error) {
  int changed = 0;
  for (uint64_t seed = 2000; seed < 3000 && !::testing::Test::HasFatalFailure(); ++seed) {
    const graph::Graph g = prepare(seed % 4 ? RandomSpace(seed).make() : RandomGraph(seed).make());
    const graph::Graph rewritten = pass(g);
    changed += graph::print(rewritten) != graph::print(g);
    expect_equal_values(g, rewritten, error, seed);
  }
  return changed;
}
template <class Pass>
int check_random_graphs(Pass&& pass, double error) {
  return check_random_graphs([](graph::Graph g) { return g; }, pass, error);
}

}  // namespace cornu::testing
