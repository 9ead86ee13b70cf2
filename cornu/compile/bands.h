#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cornu/compile/passes/part.h"
#include "cornu/graph/graph.h"

namespace cornu::compile {

// A graph of one output computed in bands along one axis: each step computes the next rows of the
// output, from the next rows of the inputs and from what the steps before kept. Nothing is computed
// twice, and memory is that of a band and of the rows that convolutions look back to.
//
// Every number is computed by the same op from the same numbers as in the whole graph.
class Bands {
 public:
  // Along the first axis of the output (the batch apart) whose parts need only parts of the
  // inputs, at least `rows` of its cells in each step. Nothing where there is no such axis.
  static std::optional<Bands> along_rows(const graph::Graph& g, int64_t rows);

  int64_t steps() const { return static_cast<int64_t>(ends_.size()); }

  struct Step {
    // Inputs: the new rows of those inputs of the whole graph that have some, in order; then what
    // the step before kept. Outputs: the new rows, if there are any; then what this step keeps.
    graph::Graph graph;
    std::vector<std::optional<Box>> inputs;  // of each input of the whole graph: its new rows
    std::optional<Box> output;  // nothing in the first steps, where convolutions look far ahead
  };
  Step step(int64_t k) const;

 private:
  using Rows = std::vector<int64_t>;  // of each node, along its axis
  class Builder;

  explicit Bands(const graph::Graph& g) : g_(g), axis_(g.nodes.size(), -1) {}

  bool find_axes(const std::vector<Boxes>& steps);
  Rows ends_of(const Boxes& boxes) const;
  void fill(const Rows& first, const Rows& second);
  Rows made_of(int64_t input_rows, const Rows& most) const;
  Rows wanted_after(const Rows& ends) const;
  bool makes_sense() const;

  bool is_fixed(graph::NodeId id) const;  // a weight: there in every step
  bool is_free(graph::NodeId id) const;   // put together in every step from what is kept of others
  int64_t first(graph::NodeId id) const;
  Span made(graph::NodeId id, int64_t k) const;  // rows that step k computes
  Span kept(graph::NodeId id, int64_t k) const;  // rows that steps before k made for it
  Box with_rows(graph::NodeId id, Span rows) const;

  graph::Graph g_;
  Boxes boxes_;                // what is needed at all
  std::vector<int64_t> axis_;  // that a node's rows lie along; -1: all is one row
  std::vector<Rows> ends_;     // behind the last row made, after each step
  std::vector<Rows> wanted_;   // the first row that is needed from a step on
};

}  // namespace cornu::compile
