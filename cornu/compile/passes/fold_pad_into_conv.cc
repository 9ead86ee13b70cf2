#include "cornu/compile/passes/fold_pad_into_conv.h"

namespace cornu::compile {
namespace {

// Zeros around the spatial axes only: (batch, *spatial, channels).
bool pads_space_only(const ops::Pad& pad) {
  for (size_t i = 0; i < pad.edges.size(); ++i) {
    const ops::Edge& e = pad.edges[i];
    if (e.before < 0 || e.after < 0) return false;
    const bool spatial = i > 0 && i + 1 < pad.edges.size();
    if (!spatial && e != ops::Edge{}) return false;
  }
  return true;
}

// Wider borders. False where the convolution cannot have them.
bool add_borders(ops::Conv& conv, const ops::Pad& pad) {
  for (size_t i = 0; i < conv.pad.size(); ++i) {
    conv.pad[i].before += pad.edges[i + 1].before;
    conv.pad[i].after += pad.edges[i + 1].after;
  }
  return true;
}
bool add_borders(ops::ConvTranspose& conv, const ops::Pad& pad) {
  for (size_t i = 0; i < conv.crop.size(); ++i)
    if (conv.crop[i] < pad.edges[i + 1].before * conv.stride[i]) return false;
  for (size_t i = 0; i < conv.crop.size(); ++i)
    conv.crop[i] -= pad.edges[i + 1].before * conv.stride[i];
  return true;
}

}  // namespace

graph::Graph fold_pad_into_conv(graph::Graph g) {
  for (graph::Node& node : g.nodes) {
    auto* conv = std::get_if<ops::Conv>(&node.op);
    auto* transposed = std::get_if<ops::ConvTranspose>(&node.op);
    if (!conv && !transposed) continue;
    const graph::Node& source = g[node.in[0]];
    const auto* pad = std::get_if<ops::Pad>(&source.op);
    if (!pad || !pads_space_only(*pad)) continue;
    if (conv ? add_borders(*conv, *pad) : add_borders(*transposed, *pad)) node.in[0] = source.in[0];
  }
  return graph::drop_dead_nodes(std::move(g));
}

}  // namespace cornu::compile
