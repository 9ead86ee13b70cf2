#include "cornu/compile/passes/cancel_movement.h"

namespace cornu::compile {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;

bool is_identity(const std::vector<int64_t>& perm) {
  for (size_t i = 0; i < perm.size(); ++i)
    if (perm[i] != static_cast<int64_t>(i)) return false;
  return true;
}

// True when the axes longer than 1 keep their order: no number moves.
bool only_relabels(const std::vector<int64_t>& perm, const Shape& in) {
  int64_t last = -1;
  for (int64_t axis : perm) {
    if (in[axis] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

// Nodes are visited in order and read their inputs through `same`: a node found to compute the same
// as an earlier one points there.
class Canceller {
 public:
  explicit Canceller(Graph g) : g_(std::move(g)), uses_(graph::use_counts(g_)) {
    for (size_t i = 0; i < g_.nodes.size(); ++i) same_.push_back(static_cast<NodeId>(i));
  }

  Graph run() {
    for (size_t i = 0; i < g_.nodes.size(); ++i) {
      const auto id = static_cast<NodeId>(i);
      for (NodeId& in : g_[id].in) in = same_[static_cast<size_t>(in)];
      if (std::holds_alternative<ops::Unary>(g_[id].op)) sink_transpose(id);
      if (std::holds_alternative<ops::Transpose>(g_[id].op)) transpose(id);
      if (std::holds_alternative<ops::Reshape>(g_[id].op)) reshape(id);
    }
    for (NodeId& id : g_.outputs) id = same_[static_cast<size_t>(id)];
    return graph::drop_dead_nodes(std::move(g_));
  }

 private:
  // Unary(Transpose(x)) -> Transpose(Unary(x)), by turning the two nodes' ops round: the
  // transpose's node computes the unary, which is allowed as nobody else uses it.
  void sink_transpose(NodeId id) {
    const NodeId below = g_[id].in[0];
    if (uses_[static_cast<size_t>(below)] != 1) return;
    if (!std::holds_alternative<ops::Transpose>(g_[below].op)) return;
    std::swap(g_[id].op, g_[below].op);
    std::swap(g_[id].layer, g_[below].layer);
    g_[below].shape = g_[g_[below].in[0]].shape;
  }

  // From now on the users of `id` read `target`.
  void replace(NodeId id, NodeId target) {
    same_[static_cast<size_t>(id)] = target;
    uses_[static_cast<size_t>(target)] += uses_[static_cast<size_t>(id)];
  }

  void skip_input(Node& node) {
    node.in[0] = g_[node.in[0]].in[0];
    ++uses_[static_cast<size_t>(node.in[0])];
  }

  void transpose(NodeId id) {
    Node& node = g_[id];
    auto perm = std::get<ops::Transpose>(node.op).perm;
    const Node& below = g_[node.in[0]];
    if (const auto* inner = std::get_if<ops::Transpose>(&below.op)) {
      for (int64_t& axis : perm) axis = inner->perm[static_cast<size_t>(axis)];
      skip_input(node);
    }
    if (is_identity(perm)) {
      replace(id, node.in[0]);
    } else if (only_relabels(perm, g_[node.in[0]].shape)) {
      node.op = ops::Reshape{node.shape};
    } else {
      node.op = ops::Transpose{perm};
    }
  }

  void reshape(NodeId id) {
    Node& node = g_[id];
    while (std::holds_alternative<ops::Reshape>(g_[node.in[0]].op)) skip_input(node);
    if (g_[node.in[0]].shape == node.shape) replace(id, node.in[0]);
  }

  Graph g_;
  std::vector<int> uses_;  // never too low: rewrites only add to it
  std::vector<NodeId> same_;
};

}  // namespace

Graph cancel_movement(Graph g) { return Canceller(std::move(g)).run(); }

}  // namespace cornu::compile
