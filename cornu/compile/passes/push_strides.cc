#include "cornu/compile/passes/push_strides.h"

#include <algorithm>
#include <numeric>

#include "cornu/compile/passes/cells.h"
#include "cornu/compile/passes/rebuild.h"

namespace cornu::compile {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;

// Per spatial axis: every how many-th cell of a result. 0: none.
using Steps = std::vector<int64_t>;

size_t spatial_axes(const Shape& s) {
  return static_cast<size_t>(std::max<int64_t>(0, s.rank() - 2));
}

// The strides of a convolution or a pool, or null.
std::vector<int64_t>* strides_of(ops::Op& op) {
  if (auto* conv = std::get_if<ops::Conv>(&op)) return &conv->stride;
  if (auto* pool = std::get_if<ops::Pool>(&op)) return &pool->stride;
  return nullptr;
}

// Does the node read one cell of operand 0 along the axis for each of its own?
bool reads_one_cell(const Graph& g, const Node& node, size_t axis) {
  if (const auto* pool = std::get_if<ops::Pool>(&node.op)) return pool->window[axis] == 1;
  const auto& conv = std::get<ops::Conv>(node.op);
  return g[node.in[1]].shape[static_cast<int64_t>(axis)] == 1 && conv.pad[axis] == ops::Edge{};
}

// Can the node compute some of its cells only?
bool can_step(const Graph& g, const Node& node) {
  const int64_t last = node.shape.rank() - 1;
  if (last < 2) return false;
  return std::visit(ops::overloaded{
                        [](const ops::Conv&) { return true; },
                        [](const ops::Pool&) { return true; },
                        [](const ops::Unary&) { return true; },
                        [](const ops::Softmax&) { return true; },
                        [&](const ops::BatchNorm& op) { return op.axis == last; },
                        [&](const ops::Concat& op) { return op.axis == last; },
                        [&](const ops::Binary&) {
                          return std::all_of(node.in.begin(), node.in.end(), [&](NodeId in) {
                            return g[in].shape == node.shape || same_everywhere(g[in].shape);
                          });
                        },
                        [](const auto&) { return false; },
                    },
                    node.op);
}

// Which cells of operand i the node reads to compute every steps-th of its own; 1: all.
Steps read_steps(const Graph& g, const Node& node, size_t i, Steps steps) {
  const Steps all(spatial_axes(g[node.in[i]].shape), 1);
  if (!can_step(g, node) || all.size() != steps.size()) return all;
  ops::Op op = node.op;
  const std::vector<int64_t>* strides = strides_of(op);
  const bool cellwise = !strides && g[node.in[i]].shape.rank() == node.shape.rank() &&
                        !same_everywhere(g[node.in[i]].shape);
  if (cellwise) return steps;
  if (!strides || i > 0) return all;
  for (size_t a = 0; a < steps.size(); ++a)
    steps[a] = reads_one_cell(g, node, a) ? steps[a] * (*strides)[a] : 1;
  return steps;
}

std::vector<Steps> needed_steps(const Graph& g) {
  std::vector<Steps> all;
  for (const Node& node : g.nodes) all.emplace_back(spatial_axes(node.shape), 0);
  const auto need = [&](NodeId id, const Steps& steps) {
    Steps& old = all[static_cast<size_t>(id)];
    for (size_t a = 0; a < old.size(); ++a) old[a] = std::gcd(old[a], steps[a]);
  };
  for (NodeId id : g.outputs) need(id, Steps(spatial_axes(g[id].shape), 1));
  for (size_t i = g.nodes.size(); i-- > 0;) {
    const Node& node = g.nodes[i];
    const bool used = !all[i].empty() && !is_all(all[i], 0);
    if (!used || !can_step(g, node)) std::fill(all[i].begin(), all[i].end(), 1);
    for (size_t k = 0; k < node.in.size(); ++k) need(node.in[k], read_steps(g, node, k, all[i]));
  }
  return all;
}

Shape thinned(Shape shape, const Steps& steps) {
  for (size_t a = 0; a < steps.size(); ++a) {
    int64_t& n = shape[static_cast<int64_t>(a) + 1];
    n = (n + steps[a] - 1) / steps[a];
  }
  return shape;
}

class Pusher {
 public:
  explicit Pusher(const Graph& g) : g_(g), to_(g), steps_(needed_steps(g)) {}

  Graph run() && {
    for (size_t i = 0; i < g_.nodes.size(); ++i) to_.replace(add(g_.nodes[i], steps_[i]));
    return std::move(to_).finish();
  }

 private:
  const Steps& made(NodeId id) const { return steps_[static_cast<size_t>(id)]; }

  NodeId add(const Node& node, const Steps& steps) {
    Node copy = to_.next_node();
    copy.shape = thinned(node.shape, steps);
    std::vector<int64_t>* strides = strides_of(copy.op);
    for (size_t a = 0; strides && a < steps.size(); ++a)
      (*strides)[a] = (*strides)[a] * steps[a] / made(node.in[0])[a];
    for (size_t k = 0; k < node.in.size() && !strides; ++k)
      copy.in[k] = thin(node.in[k], read_steps(g_, node, k, steps));
    return to_.add(std::move(copy));
  }

  // Every steps-th cell of what may be thinned already.
  NodeId thin(NodeId id, Steps steps) {
    const Shape shape = thinned(g_[id].shape, steps);
    for (size_t a = 0; a < steps.size(); ++a) steps[a] /= made(id)[a];
    if (is_all(steps, 1)) return to_.at(id);
    const std::vector<int64_t> ones(steps.size(), 1);
    const std::vector<ops::Edge> pad(steps.size());
    return to_.add({ops::Pool{ops::Pool::Kind::kMax, ones, std::move(steps), pad},
                    {to_.at(id)},
                    shape,
                    g_[id].layer});
  }

  const Graph& g_;
  Rebuild to_;
  std::vector<Steps> steps_;  // what is made of each node
};

}  // namespace

Graph push_strides(Graph g) { return Pusher(g).run(); }

}  // namespace cornu::compile
