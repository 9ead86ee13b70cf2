#include "cornu/compile/passes/fuse_add.h"

#include "cornu/compile/passes/rebuild.h"

namespace cornu::compile {
namespace {

using graph::Node;
using graph::NodeId;

// Which operand of the sum is a convolution that can add the other one: the later one where both
// are, as its operands are needed until then anyway.
std::optional<size_t> convolution_of(const graph::Graph& g, const Node& sum,
                                     const std::vector<int>& uses) {
  const auto can = [&](size_t i) {
    const NodeId id = sum.in[i];
    const auto* conv = std::get_if<ops::Conv>(&g[id].op);
    return conv && !conv->activation && g[id].in.size() <= 3 &&
           uses[static_cast<size_t>(id)] == 1 && g[id].shape == sum.shape;
  };
  const size_t later = sum.in[1] > sum.in[0] ? 1 : 0;
  if (g[sum.in[0]].shape != g[sum.in[1]].shape) return {};
  if (can(later)) return later;
  return can(1 - later) ? std::optional(1 - later) : std::nullopt;
}

}  // namespace

graph::Graph fuse_add(graph::Graph g) {
  const std::vector<int> uses = graph::use_counts(g);
  Rebuild to(g);
  for (const Node& old : g.nodes) {
    const auto* binary = std::get_if<ops::Binary>(&old.op);
    const bool adds = binary && binary->fn == ops::Binary::Fn::kAdd;
    const std::optional<size_t> i = adds ? convolution_of(g, old, uses) : std::nullopt;
    if (!i) {
      to.keep();
      continue;
    }
    Node conv = to[to.at(old.in[*i])];
    if (conv.in.size() < 3)
      conv.in.push_back(to.constant(Tensor(Shape{conv.shape[-1]}), conv.layer));
    conv.in.push_back(to.at(old.in[1 - *i]));
    to.replace(to.add(std::move(conv)));
  }
  return std::move(to).finish();
}

}  // namespace cornu::compile
