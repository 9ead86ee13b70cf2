#include "cornu/compile/passes/fuse_activation.h"

namespace cornu::compile {
namespace {

// The place where a node keeps a fused activation, or null where it takes none (any more).
std::optional<ops::Unary>* free_activation(ops::Op& op) {
  std::optional<ops::Unary>* slot = nullptr;
  if (auto* conv = std::get_if<ops::Conv>(&op)) slot = &conv->activation;
  if (auto* conv = std::get_if<ops::ConvTranspose>(&op)) slot = &conv->activation;
  if (auto* norm = std::get_if<ops::BatchNorm>(&op)) slot = &norm->activation;
  return slot && !*slot ? slot : nullptr;
}

}  // namespace

graph::Graph fuse_activation(graph::Graph g) {
  const std::vector<int> uses = graph::use_counts(g);
  for (graph::Node& node : g.nodes) {
    const auto* unary = std::get_if<ops::Unary>(&node.op);
    if (!unary || uses[static_cast<size_t>(node.in[0])] != 1) continue;
    const graph::Node& source = g[node.in[0]];
    ops::Op fused = source.op;
    std::optional<ops::Unary>* slot = free_activation(fused);
    if (!slot) continue;
    *slot = *unary;
    node = graph::Node{std::move(fused), source.in, node.shape, source.layer};
  }
  return graph::drop_dead_nodes(std::move(g));
}

}  // namespace cornu::compile
