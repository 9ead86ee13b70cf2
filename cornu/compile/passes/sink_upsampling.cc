#include "cornu/compile/passes/sink_upsampling.h"

#include <algorithm>
#include <optional>

#include "cornu/compile/passes/cells.h"
#include "cornu/compile/passes/rebuild.h"

namespace cornu::compile {
namespace {

using graph::Node;
using graph::NodeId;

// Its operand that the op looks at cell by cell, the cells being all axes but the last.
std::optional<size_t> cellwise(const Rebuild& g, const Node& node) {
  if (node.in.empty()) return {};
  return std::visit(
      ops::overloaded{
          [](const ops::Unary&) -> std::optional<size_t> { return 0; },
          [](const ops::Softmax&) -> std::optional<size_t> { return 0; },
          [&](const ops::BatchNorm& op) -> std::optional<size_t> {
            if (op.axis + 1 == node.shape.rank() && !op.of_batch) return 0;
            return {};
          },
          [&](const ops::Binary&) -> std::optional<size_t> {
            for (size_t x : {size_t{0}, size_t{1}})
              if (same_everywhere(g[node.in[1 - x]].shape) && g[node.in[x]].shape == node.shape)
                return x;
            return {};
          },
          [&](const ops::Conv& op) -> std::optional<size_t> {
            if (looks_at_one_cell(op, g[node.in[1]].shape)) return 0;
            return {};
          },
          [](const auto&) -> std::optional<size_t> { return {}; },
      },
      node.op);
}

bool repeats_cells(const Rebuild& g, const Node& node) {
  const auto* resize = std::get_if<ops::Resize>(&node.op);
  return resize && resize->mode == ops::Resize::Mode::kNearest &&
         node.shape.size() > g[node.in[0]].shape.size();
}

}  // namespace

graph::Graph sink_upsampling(graph::Graph g) {
  const std::vector<int> uses = graph::use_counts(g);
  Rebuild to(g);
  for (const Node& old : g.nodes) {
    Node node = to.next_node();
    const std::optional<size_t> x = cellwise(to, node);
    if (!x || uses[static_cast<size_t>(old.in[*x])] != 1 || !repeats_cells(to, to[node.in[*x]])) {
      to.replace(to.add(std::move(node)));
      continue;
    }
    Node resize = to[node.in[*x]];
    Shape cells = to[resize.in[0]].shape;
    cells[-1] = node.shape[-1];
    resize.shape = node.shape;
    node.shape = std::move(cells);
    node.in[*x] = resize.in[0];
    resize.in[0] = to.add(std::move(node));
    to.replace(to.add(std::move(resize)));
  }
  return std::move(to).finish();
}

}  // namespace cornu::compile
