#include "cornu/compile/passes/push_crops.h"

#include <algorithm>
#include <optional>

#include "cornu/compile/passes/part.h"
#include "cornu/compile/passes/rebuild.h"
#include "cornu/ops/evaluate.h"

namespace cornu::compile {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;

double size(const Box& box) { return static_cast<double>(shape_of(box).size()); }

// What a number of the result costs, where copying one costs 1.
double work(const Graph& g, const Node& node) {
  constexpr double kProduct = 1.0 / 32;
  if (std::holds_alternative<ops::Conv>(node.op)) {
    const Shape& kernel = g[node.in[1]].shape;
    return 1 + kProduct * static_cast<double>(kernel.size()) / static_cast<double>(kernel[-1]);
  }
  if (std::holds_alternative<ops::ConvTranspose>(node.op)) {
    const auto products = static_cast<double>(g[node.in[1]].shape.size()) *
                          static_cast<double>(g[node.in[0]].shape.size()) /
                          static_cast<double>(g[node.in[1]].shape[-1]);
    return 1 + kProduct * products / static_cast<double>(node.shape.size());
  }
  return 1;
}

std::vector<Box> whole_outputs(const Graph& g) {
  std::vector<Box> boxes;
  for (NodeId id : g.outputs) boxes.push_back(whole(g[id].shape));
  return boxes;
}

class Pusher {
 public:
  explicit Pusher(const Graph& g) : g_(g), to_(g), need_(needs(g, whole_outputs(g))) {}

  Graph run() && {
    for (size_t i = 0; i < g_.nodes.size(); ++i) {
      const Node& node = g_.nodes[i];
      if (node.in.empty() || !need_[i] || !is_cut(node, *need_[i])) {
        to_.keep();
        made_.push_back(whole(node.shape));
        continue;
      }
      Part part = choose(node, *need_[i]);
      to_.replace(add(node, part));
      made_.push_back(std::move(part.out));
    }
    return std::move(to_).finish();
  }

 private:
  // A part of a node's result, and of its operands that it is made of.
  struct Part {
    Box out;
    std::vector<Box> in;
    double cost;
  };

  struct Crop {
    NodeId of;
    Box box;
    NodeId id;  // in the copy
  };

  const Box& made(NodeId id) const { return made_[static_cast<size_t>(id)]; }

  bool is_cut(const Node& node, const Box& need) const {
    return need != whole(node.shape) || std::any_of(node.in.begin(), node.in.end(), [&](NodeId in) {
             return made(in) != whole(g_[in].shape);
           });
  }

  bool reachable(const Node& node, const Box& out) const {
    for (size_t k = 0; k < node.in.size(); ++k)
      if (!contains(made(node.in[k]), needed(g_, node, k, out))) return false;
    return true;
  }

  // As much of the result as there is something to make it of, without cropping operands at the
  // borders.
  Box grown(const Node& node, Box box) const {
    const Box all = whole(node.shape), &first = made(node.in[0]);
    const auto try_span = [&](size_t a, Span span) {
      Box trial = box;
      trial[a] = span;
      trial = widened(g_, node, trial);
      if (contains(all, trial) && contains(trial, box) && reachable(node, trial)) box = trial;
    };
    for (size_t a = 0; a < box.size(); ++a) {
      try_span(a, {all[a].begin, box[a].end});
      try_span(a, {box[a].begin, all[a].end});
      if (first.size() == box.size()) try_span(a, first[a]);
    }
    return box;
  }

  // Cropped operands are copied, and so is what is cropped of the result later.
  Part part(const Node& node, const Box& need, Box out) const {
    Part p{std::move(out), {}, 0};
    p.cost = work(g_, node) * size(p.out) + (p.out == need ? 0 : size(need));
    for (size_t k = 0; k < node.in.size(); ++k) {
      const Box& there = made(node.in[k]);
      p.in.push_back(taken(node, k, needed(g_, node, k, p.out), there));
      if (p.in.back() != there) p.cost += size(p.in.back());
    }
    return p;
  }

  Part choose(const Node& node, const Box& need) const {
    constexpr double kWorthwhile = 0.95;
    Part least = part(node, need, need), most = part(node, need, grown(node, need));
    return most.out == need || least.cost <= kWorthwhile * most.cost ? least : most;
  }

  NodeId cropped(NodeId id, const Box& box) {
    if (box == made(id)) return to_.at(id);
    for (const Crop& crop : crops_)
      if (crop.of == id && crop.box == box) return crop.id;
    crops_.push_back({id, box, add_crop(id, box)});
    return crops_.back().id;
  }

  NodeId add_crop(NodeId id, const Box& box) {
    ops::Pad crop = crop_of(made(id), box);
    const Shape shape = shape_of(box);
    if (const auto* constant = std::get_if<ops::Constant>(&g_[id].op)) {
      Tensor value(shape);
      const ops::View<const float> in{&constant->value.shape(), constant->value.data()};
      ops::evaluate<float>(crop, {&in, 1}, {&shape, value.data()}, {0, ops::row_count(shape)});
      return to_.constant(std::move(value), g_[id].layer);
    }
    return to_.add({std::move(crop), {to_.at(id)}, shape, g_[id].layer});
  }

  NodeId add(const Node& node, const Part& part) {
    Node copy{cut(g_, node, part.in, part.out), {}, shape_of(part.out), node.layer};
    for (size_t k = 0; k < node.in.size(); ++k) copy.in.push_back(cropped(node.in[k], part.in[k]));
    return to_.add(std::move(copy));
  }

  const Graph& g_;
  Rebuild to_;
  Boxes need_;
  std::vector<Box> made_;  // of each node of g_ so far
  std::vector<Crop> crops_;
};

}  // namespace

Graph push_crops(Graph g) { return Pusher(g).run(); }

}  // namespace cornu::compile
