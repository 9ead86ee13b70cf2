#include "cornu/compile/passes/sink_pads.h"

#include "cornu/compile/passes/rebuild.h"
#include "cornu/ops/unary.h"

namespace cornu::compile {

graph::Graph sink_pads(graph::Graph g) {
  const std::vector<int> uses = graph::use_counts(g);
  Rebuild to(g);
  for (const graph::Node& node : g.nodes) {
    const auto* unary = std::get_if<ops::Unary>(&node.op);
    if (!unary || uses[static_cast<size_t>(node.in[0])] != 1 || ops::apply(*unary, 0.0f) != 0 ||
        !std::holds_alternative<ops::Pad>(to[to.at(node.in[0])].op)) {
      to.keep();
      continue;
    }
    graph::Node pad = to[to.at(node.in[0])];
    pad.in[0] = to.add({node.op, pad.in, to[pad.in[0]].shape, node.layer});
    to.replace(to.add(std::move(pad)));
  }
  return std::move(to).finish();
}

}  // namespace cornu::compile
