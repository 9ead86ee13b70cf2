#pragma once

#include <utility>
#include <vector>

#include "cornu/graph/graph.h"

namespace cornu::compile {

// For passes that put new nodes into a graph: it is copied node by node, in order.
class Rebuild {
 public:
  explicit Rebuild(const graph::Graph& from) : from_(from) { to_.variables = from.variables; }

  // The next node as it is.
  void keep() { replace(add(next_node())); }
  // A copy of it, whose operands are ids of the copy.
  graph::Node next_node() const {
    graph::Node node = from_[next()];
    for (graph::NodeId& id : node.in) id = at(id);
    return node;
  }
  // A node beside the graph's own; its operands are ids of the copy.
  graph::NodeId add(graph::Node node) {
    to_.nodes.push_back(std::move(node));
    return static_cast<graph::NodeId>(to_.nodes.size() - 1);
  }
  graph::NodeId constant(Tensor value, const std::string& layer) {
    Shape shape = value.shape();
    return add({ops::Constant{std::move(value)}, {}, std::move(shape), layer});
  }
  // A node of the copy instead of the next node.
  void replace(graph::NodeId id) { at_.push_back(id); }

  // The node that keep() or replace() is about, and where an earlier one is now.
  graph::NodeId next() const { return static_cast<graph::NodeId>(at_.size()); }
  graph::NodeId at(graph::NodeId id) const { return at_[static_cast<size_t>(id)]; }

  // A node of the copy.
  const graph::Node& operator[](graph::NodeId id) const { return to_[id]; }

  // Once every node is kept or replaced.
  graph::Graph finish() && {
    for (graph::NodeId id : from_.inputs) to_.inputs.push_back(at(id));
    for (graph::NodeId id : from_.outputs) to_.outputs.push_back(at(id));
    return graph::drop_dead_nodes(std::move(to_));
  }

 private:
  const graph::Graph& from_;
  graph::Graph to_;
  std::vector<graph::NodeId> at_;
};

}  // namespace cornu::compile
