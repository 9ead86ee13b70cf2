#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cornu/ops/op.h"
#include "cornu/tensor/variable.h"

namespace cornu::graph {

using NodeId = int32_t;

struct Node {
  ops::Op op;
  std::vector<NodeId> in;
  Shape shape;        // always fully known
  std::string layer;  // the layer it was lowered from, for people
};

// What a model computes for one set of input shapes: a list of ops in topological order (a node's
// inputs stand before it). A plain value; passes take one and return one.
struct Graph {
  std::vector<Node> nodes;
  std::vector<NodeId> inputs;   // nodes[inputs[i]] is ops::Input{i}
  std::vector<NodeId> outputs;  // a node may be an output more than once
  std::vector<std::shared_ptr<cornu::Variable>> variables;

  const Node& operator[](NodeId id) const { return nodes[static_cast<size_t>(id)]; }
  Node& operator[](NodeId id) { return nodes[static_cast<size_t>(id)]; }
};

// How many times each node is used, outputs included.
std::vector<int> use_counts(const Graph& g);

// Removes what no output needs, inputs apart, and renumbers. Every pass ends with it.
Graph drop_dead_nodes(Graph g);

// Throws InternalError naming the node where the graph breaks a rule: order, arity, shapes equal to
// the op's own shape rule, inputs and variables numbered right.
void verify(const Graph& g);

// One line per node, and a Graphviz file of the same.
std::string print(const Graph& g);
std::string print_dot(const Graph& g);

}  // namespace cornu::graph
