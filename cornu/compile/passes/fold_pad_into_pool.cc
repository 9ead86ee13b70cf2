#include "cornu/compile/passes/fold_pad_into_pool.h"

#include <algorithm>

namespace cornu::compile {
namespace {

using graph::Graph;
using graph::Node;

// For each node: are all its numbers a relu's, or zeros?
std::vector<bool> results_of_relu(const Graph& g) {
  std::vector<bool> all;
  for (const Node& node : g.nodes) {
    const auto* unary = std::get_if<ops::Unary>(&node.op);
    const bool relu = unary && unary->fn == ops::Unary::Fn::kRelu && unary->a == 0 &&
                      unary->b >= 0 && unary->c >= 0;
    const bool moved = ops::moves_data_only(node.op) || std::holds_alternative<ops::Pool>(node.op);
    all.push_back(relu || (moved && !node.in.empty() &&
                           std::all_of(node.in.begin(), node.in.end(), [&](graph::NodeId in) {
                             return all[static_cast<size_t>(in)];
                           })));
  }
  return all;
}

// The pool's padding with the Pad's; empty where it cannot be.
std::vector<ops::Edge> wider(const ops::Pool& pool, const ops::Pad& pad) {
  std::vector<ops::Edge> edges = pool.pad;
  for (size_t i = 0; i < pad.edges.size(); ++i) {
    const ops::Edge& e = pad.edges[i];
    if (i == 0 || i > edges.size()) {
      if (e != ops::Edge{}) return {};
      continue;
    }
    edges[i - 1].before += e.before;
    edges[i - 1].after += e.after;
    const int64_t most = std::max(edges[i - 1].before, edges[i - 1].after);
    if (std::min(e.before, e.after) < 0 || most >= pool.window[i - 1]) return {};
  }
  return edges;
}

}  // namespace

Graph fold_pad_into_pool(Graph g) {
  const std::vector<bool> of_relu = results_of_relu(g);
  for (Node& node : g.nodes) {
    auto* pool = std::get_if<ops::Pool>(&node.op);
    const auto* pad = pool ? std::get_if<ops::Pad>(&g[node.in[0]].op) : nullptr;
    if (!pad || pool->kind != ops::Pool::Kind::kMax || !of_relu[static_cast<size_t>(node.in[0])])
      continue;
    std::vector<ops::Edge> edges = wider(*pool, *pad);
    if (edges.empty()) continue;
    pool->pad = std::move(edges);
    node.in[0] = g[node.in[0]].in[0];
  }
  return graph::drop_dead_nodes(std::move(g));
}

}  // namespace cornu::compile
