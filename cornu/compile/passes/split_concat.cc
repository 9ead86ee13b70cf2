#include "cornu/compile/passes/split_concat.h"

#include <algorithm>
#include <optional>

#include "cornu/compile/passes/fold_upsampling.h"
#include "cornu/compile/passes/rebuild.h"

namespace cornu::compile {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;

// Products per result and channel of so many taps along an axis, with the best of the kernels'
// transforms where the axis is one of the last two.
double products(int64_t taps, bool transformed) {
  constexpr double kTransformed[] = {0, 1, 1.2, 1.5, 2, 3};
  return transformed && taps <= 5 ? kTransformed[taps] : static_cast<double>(taps);
}

struct Work {
  double whole = 1, folded = 1;  // products per result and channel, upsampling folded or not
};
Work work(const ops::Conv& conv, const Shape& kernel, const std::vector<int64_t>& factor) {
  Work w;
  for (size_t a = 0; a < factor.size(); ++a) {
    const int64_t size = kernel[static_cast<int64_t>(a)], f = factor[a];
    const bool transformed = a + 2 >= factor.size();
    w.whole *= products(size, transformed);
    double phases = 0;  // each with the taps that meet different cells
    for (int64_t r = 0; r < f; ++r) {
      const int64_t first = r - conv.pad[a].before + f * size;  // not negative
      phases += products((first + size - 1) / f - first / f + 1, transformed);
    }
    w.folded *= phases / static_cast<double>(f);
  }
  return w;
}

// A convolution over a Concat, of which one part is upsampled.
struct Split {
  const Node* concat;
  size_t part;
  int64_t channel;  // the part's first
};

class Splitter {
 public:
  explicit Splitter(const Graph& g) : g_(g), uses_(graph::use_counts(g)), to_(g) {}

  Graph run() && {
    for (const Node& node : g_.nodes) {
      if (const auto found = find(node))
        to_.replace(split(node, *found));
      else
        to_.keep();
    }
    return std::move(to_).finish();
  }

 private:
  bool alone(NodeId id) const { return uses_[static_cast<size_t>(id)] == 1; }

  std::optional<Split> find(const Node& node) const {
    const auto* conv = std::get_if<ops::Conv>(&node.op);
    if (!conv || conv->groups != 1 || conv->activation || !alone(node.in[0])) return {};
    const Node& concat = g_[node.in[0]];
    const auto* op = std::get_if<ops::Concat>(&concat.op);
    const auto* kernel = std::get_if<ops::Constant>(&g_[node.in[1]].op);
    if (!op || op->axis + 1 != node.shape.rank() || !kernel || concat.in.size() < 2) return {};
    int64_t channel = 0;
    for (size_t i = 0; i < concat.in.size(); ++i) {
      if (pays(*conv, kernel->value.shape(), concat.in[i])) return Split{&concat, i, channel};
      channel += g_[concat.in[i]].shape[-1];
    }
    return {};
  }

  // What is saved against what a second sum costs, by measurement (docs/measurements.md).
  bool pays(const ops::Conv& conv, const Shape& kernel, NodeId part) const {
    constexpr double kShare = 0.25, kProducts = 200;
    const auto* resize = std::get_if<ops::Resize>(&g_[part].op);
    if (!resize || !alone(part)) return false;
    const auto factor = foldable_factors(*resize, g_[g_[part].in[0]].shape, conv, kernel);
    if (factor.empty()) return false;
    const Work w = work(conv, kernel, factor);
    const double saved = (w.whole - w.folded) * static_cast<double>(g_[part].shape[-1]);
    return saved >= kProducts && saved >= kShare * w.whole * static_cast<double>(kernel[-2]);
  }

  // Channels [begin, end) of a kernel (*k, C, F), or, without them, all others.
  static Tensor channels(const Tensor& kernel, int64_t begin, int64_t end, bool others) {
    Shape shape = kernel.shape();
    const int64_t all = shape[-2], filters = shape[-1];
    shape[-2] = others ? all - (end - begin) : end - begin;
    Tensor result(shape);
    float* to = result.data();
    for (int64_t row = 0; row < kernel.size() / filters; ++row) {
      const int64_t c = row % all;
      if ((c >= begin && c < end) != others)
        to = std::copy_n(kernel.data() + row * filters, filters, to);
    }
    return result;
  }

  NodeId split(const Node& node, const Split& s) {
    const Tensor& kernel = std::get<ops::Constant>(g_[node.in[1]].op).value;
    const NodeId part = s.concat->in[s.part];
    const int64_t end = s.channel + g_[part].shape[-1];
    Node rest = *s.concat;
    rest.in.erase(rest.in.begin() + static_cast<std::ptrdiff_t>(s.part));
    for (NodeId& id : rest.in) id = to_.at(id);
    rest.shape[-1] -= end - s.channel;
    const NodeId others = rest.in.size() == 1 ? rest.in[0] : to_.add(std::move(rest));
    const NodeId k1 = to_.constant(channels(kernel, s.channel, end, false), node.layer);
    const NodeId k2 = to_.constant(channels(kernel, s.channel, end, true), node.layer);
    std::vector<NodeId> in = {others, k2};
    if (node.in.size() > 2) in.push_back(to_.at(node.in[2]));
    const NodeId one = to_.add({node.op, {to_.at(part), k1}, node.shape, node.layer});
    const NodeId two = to_.add({node.op, std::move(in), node.shape, node.layer});
    return to_.add({ops::Binary{}, {one, two}, node.shape, node.layer});
  }

  const Graph& g_;
  std::vector<int> uses_;
  Rebuild to_;
};

}  // namespace

Graph split_concat(Graph g) { return Splitter(g).run(); }

}  // namespace cornu::compile
