#include "cornu/compile/passes/pool_first.h"

#include <algorithm>

#include "cornu/compile/passes/cells.h"
#include "cornu/compile/passes/rebuild.h"

namespace cornu::compile {
namespace {

using graph::Node;

// Products saved against channels pooled more, a number pooled costing as much as this many
// products.
bool pays(const Node& pool, const Node& conv, const Shape& x, const Shape& kernel) {
  constexpr double kPooled = 32;
  const auto cells = [](const Shape& s) {
    return static_cast<double>(s.size()) / static_cast<double>(std::max<int64_t>(1, s[-1]));
  };
  const auto more = static_cast<double>(x[-1] - conv.shape[-1]);
  return (cells(x) - cells(pool.shape)) * static_cast<double>(kernel.size()) >
         kPooled * more * cells(x);
}

}  // namespace

graph::Graph pool_first(graph::Graph g) {
  const std::vector<int> uses = graph::use_counts(g);
  Rebuild to(g);
  for (const Node& node : g.nodes) {
    const auto* pool = std::get_if<ops::Pool>(&node.op);
    const auto* conv = pool ? std::get_if<ops::Conv>(&g[node.in[0]].op) : nullptr;
    if (!conv || pool->kind != ops::Pool::Kind::kAverage ||
        uses[static_cast<size_t>(node.in[0])] != 1) {
      to.keep();
      continue;
    }
    const Node& below = g[node.in[0]];
    const Shape &x = g[below.in[0]].shape, &kernel = g[below.in[1]].shape;
    if (conv->activation || !looks_at_one_cell(*conv, kernel) || !pays(node, below, x, kernel)) {
      to.keep();
      continue;
    }
    Node pooled{node.op, {to.at(below.in[0])}, node.shape, node.layer};
    pooled.shape[-1] = x[-1];
    Node after = to[to.at(node.in[0])];
    after.in[0] = to.add(std::move(pooled));
    after.shape = node.shape;
    to.replace(to.add(std::move(after)));
  }
  return std::move(to).finish();
}

}  // namespace cornu::compile
