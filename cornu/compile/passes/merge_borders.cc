#include "cornu/compile/passes/merge_borders.h"

#include <algorithm>

#include "cornu/compile/passes/cells.h"
#include "cornu/compile/passes/rebuild.h"

namespace cornu::compile {
namespace {

using graph::Node;

// Whether one border can stand for two, of which the first is around n cells.
bool adds_up(const ops::Edge& first, const ops::Edge& second, int64_t n) {
  const auto side = [n](int64_t inner, int64_t outer) {
    return (inner >= 0 || outer <= 0) && inner + outer >= -n;
  };
  return side(first.before, second.before) && side(first.after, second.after);
}

// The Pad reads what the Pad below it reads. False where they are not one.
bool merge_pad(ops::Pad& pad, const ops::Pad& below, const Shape& x) {
  for (size_t a = 0; a < pad.edges.size(); ++a)
    if (!adds_up(below.edges[a], pad.edges[a], x[static_cast<int64_t>(a)])) return false;
  for (size_t a = 0; a < pad.edges.size(); ++a) {
    pad.edges[a].before += below.edges[a].before;
    pad.edges[a].after += below.edges[a].after;
  }
  return true;
}

// Are rows and columns repeated, whole times?
bool repeats(const ops::Resize& resize, const Shape& x) {
  if (resize.mode != ops::Resize::Mode::kNearest) return false;
  for (size_t a = 0; a < resize.size.size(); ++a) {
    const int64_t n = x[static_cast<int64_t>(a) + 1];
    if (n == 0 || resize.size[a] % n != 0) return false;
  }
  return true;
}

// The node reads the operand of its operand instead. False where that is another result.
bool skip_operand(Node& node, const Rebuild& to) {
  const Node& below = to[node.in[0]];
  if (below.in.empty()) return false;
  const Shape& x = to[below.in[0]].shape;
  auto* pad = std::get_if<ops::Pad>(&node.op);
  const auto* pad_below = std::get_if<ops::Pad>(&below.op);
  const auto* resize = std::get_if<ops::Resize>(&node.op);
  const auto* resize_below = std::get_if<ops::Resize>(&below.op);
  const bool merged =
      (pad && pad_below && merge_pad(*pad, *pad_below, x)) ||
      (resize && resize_below && repeats(*resize_below, x) && repeats(*resize, below.shape));
  if (merged) node.in[0] = below.in[0];
  return merged;
}

bool changes_nothing(const Node& node, const Shape& x) {
  if (node.shape != x) return false;
  if (const auto* pad = std::get_if<ops::Pad>(&node.op)) return is_bare(pad->edges);
  if (const auto* resize = std::get_if<ops::Resize>(&node.op))  // Lanczos's weights are not exact
    return resize->mode != ops::Resize::Mode::kLanczos3 &&
           resize->mode != ops::Resize::Mode::kLanczos5;
  if (const auto* pool = std::get_if<ops::Pool>(&node.op)) return is_all(pool->window, 1);
  if (const auto* unary = std::get_if<ops::Unary>(&node.op))
    return unary->fn == ops::Unary::Fn::kIdentity;
  return std::holds_alternative<ops::Concat>(node.op) && node.in.size() == 1;
}

}  // namespace

graph::Graph merge_borders(graph::Graph g) {
  Rebuild to(g);
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    Node node = to.next_node();
    if (!node.in.empty()) {
      while (skip_operand(node, to)) {
      }
      if (changes_nothing(node, to[node.in[0]].shape)) {
        to.replace(node.in[0]);
        continue;
      }
    }
    to.replace(to.add(std::move(node)));
  }
  return std::move(to).finish();
}

}  // namespace cornu::compile
