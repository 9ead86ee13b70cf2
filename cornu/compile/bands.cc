#include "cornu/compile/bands.h"

#include <algorithm>

#include "cornu/base/error.h"

namespace cornu::compile {

using graph::Graph;
using graph::Node;
using graph::NodeId;

namespace {

size_t index(NodeId id) { return static_cast<size_t>(id); }

Box first_rows(const Graph& g, size_t axis, int64_t rows) {
  Box box = whole(g[g.outputs[0]].shape);
  box[axis].end = std::min(box[axis].end, rows);
  return box;
}

// The axis of the output along which parts need smaller parts of an input.
std::optional<size_t> row_axis(const Graph& g, const Boxes& all) {
  const Shape& out = g[g.outputs[0]].shape;
  for (size_t a = 1; a < static_cast<size_t>(out.rank()); ++a) {
    if (out[static_cast<int64_t>(a)] < 2) continue;
    const Boxes some = needs(g, {first_rows(g, a, 1)});
    for (NodeId in : g.inputs)
      if (all[index(in)] && some[index(in)] != all[index(in)]) return a;
  }
  return {};
}

}  // namespace

std::optional<Bands> Bands::along_rows(const Graph& g, int64_t rows) {
  CORNU_CHECK(g.outputs.size() == 1 && rows > 0);
  const Box out = whole(g[g.outputs[0]].shape);
  if (out.empty() || shape_of(out).size() == 0 || g[g.outputs[0]].in.empty()) return {};
  Bands bands(g);
  bands.boxes_ = needs(g, {out});
  const std::optional<size_t> axis = row_axis(g, bands.boxes_);
  if (!axis) return {};
  std::vector<Boxes> steps;
  for (int64_t end = rows; steps.empty() || steps.back() != bands.boxes_; end += rows)
    steps.push_back(needs(g, {first_rows(g, *axis, end)}));
  if (!bands.find_axes(steps)) return {};

  const size_t last = index(g.outputs[0]);
  bands.fill(bands.ends_of(steps[0]), bands.ends_of(steps[std::min<size_t>(1, steps.size() - 1)]));
  for (const Boxes& boxes : steps) {
    Rows ends = bands.ends_of(boxes);
    if (!bands.ends_.empty() && bands.ends_.back()[last] == ends[last] && &boxes != &steps[0])
      bands.ends_.back() = std::move(ends);
    else
      bands.ends_.push_back(std::move(ends));
  }
  bands.wanted_.emplace_back();
  for (size_t n = 0; n < g.nodes.size(); ++n)
    bands.wanted_[0].push_back(bands.boxes_[n] ? bands.first(static_cast<NodeId>(n)) : 0);
  for (const Rows& ends : bands.ends_) bands.wanted_.push_back(bands.wanted_after(ends));
  if (!bands.makes_sense()) return {};
  return bands;
}

// False where the steps' boxes differ along two axes of a node.
bool Bands::find_axes(const std::vector<Boxes>& steps) {
  for (const Boxes& boxes : steps)
    for (size_t n = 0; n < boxes.size(); ++n) {
      if (!boxes_[n]) continue;
      if (!boxes[n]) return false;
      for (size_t a = 0; a < boxes_[n]->size(); ++a) {
        if ((*boxes[n])[a] == (*boxes_[n])[a]) continue;
        if (axis_[n] >= 0 && axis_[n] != static_cast<int64_t>(a)) return false;
        axis_[n] = static_cast<int64_t>(a);
      }
    }
  return true;
}

Bands::Rows Bands::ends_of(const Boxes& boxes) const {
  Rows ends;
  for (size_t n = 0; n < boxes.size(); ++n)
    ends.push_back(axis_[n] < 0 || !boxes[n] ? 1 : (*boxes[n])[static_cast<size_t>(axis_[n])].end);
  return ends;
}

// Steps before the first one that gives results, which may look far into the inputs: they take as
// many rows of the inputs as each later one, and make what these allow.
void Bands::fill(const Rows& first, const Rows& second) {
  int64_t each = 0, all = 0;
  for (NodeId id : g_.inputs) {
    if (!boxes_[index(id)] || axis_[index(id)] < 0) continue;
    each = std::max(each, second[index(id)] - first[index(id)]);
    all = std::max(all, first[index(id)]);
  }
  for (int64_t rows = each; each > 0 && rows < all; rows += each)
    ends_.push_back(made_of(rows, first));
}

// What can be made of the first rows of the inputs, `most` at most.
Bands::Rows Bands::made_of(int64_t input_rows, const Rows& most) const {
  Rows ends = most;
  for (size_t n = 0; n < ends.size(); ++n) {
    const auto id = static_cast<NodeId>(n);
    const Node& node = g_[id];
    if (!boxes_[n] || is_fixed(id)) continue;
    if (node.in.empty()) {
      if (axis_[n] >= 0) ends[n] = std::min(most[n], first(id) + input_rows);
      continue;
    }
    const auto possible = [&](int64_t end) {
      const Box box = with_rows(id, {first(id), end});
      if (widened(g_, node, box) != box) return false;
      for (size_t i = 0; i < node.in.size(); ++i) {
        const size_t in = index(node.in[i]);
        if (is_fixed(node.in[i])) continue;
        if (axis_[in] < 0 ? ends[in] < 1
                          : needed(g_, node, i, box)[static_cast<size_t>(axis_[in])].end > ends[in])
          return false;
      }
      return true;
    };
    while (ends[n] > first(id) && !possible(ends[n])) --ends[n];
  }
  return ends;
}

bool Bands::is_fixed(NodeId id) const {
  return g_[id].in.empty() && !std::holds_alternative<ops::Input>(g_[id].op);
}

bool Bands::is_free(NodeId id) const { return std::holds_alternative<ops::Concat>(g_[id].op); }

int64_t Bands::first(NodeId id) const {
  const size_t n = index(id);
  return axis_[n] < 0 ? 0 : (*boxes_[n])[static_cast<size_t>(axis_[n])].begin;
}

Box Bands::with_rows(NodeId id, Span rows) const {
  Box box = *boxes_[index(id)];
  if (axis_[index(id)] >= 0) box[static_cast<size_t>(axis_[index(id)])] = rows;
  return box;
}

// The first rows that are needed once a step ended so.
Bands::Rows Bands::wanted_after(const Rows& ends) const {
  Rows wanted = ends;
  for (size_t n = g_.nodes.size(); n-- > 0;) {
    const auto id = static_cast<NodeId>(n);
    const Node& node = g_.nodes[n];
    const Span left{is_free(id) ? wanted[n] : ends[n], ends_.back()[n]};
    if (!boxes_[n] || left.begin >= left.end) continue;
    for (size_t i = 0; i < node.in.size(); ++i) {
      const size_t in = index(node.in[i]);
      int64_t& from = wanted[in];
      from =
          axis_[in] < 0
              ? 0
              : std::min(
                    from,
                    needed(g_, node, i, with_rows(id, left))[static_cast<size_t>(axis_[in])].begin);
    }
  }
  return wanted;
}

Span Bands::made(NodeId id, int64_t k) const {
  const size_t n = index(id), step = static_cast<size_t>(k);
  const int64_t before = k == 0 ? first(id) : ends_[step - 1][n];
  return {is_free(id) ? std::min(before, wanted_[step][n]) : before, ends_[step][n]};
}

Span Bands::kept(NodeId id, int64_t k) const {
  const size_t n = index(id), step = static_cast<size_t>(k);
  if (k == 0 || is_fixed(id) || is_free(id)) return {0, 0};
  return {wanted_[step][n], ends_[step - 1][n]};
}

// Bands that lie in paddings alone are not computed from anything.
bool Bands::makes_sense() const {
  for (int64_t k = 0; k < steps(); ++k)
    for (size_t n = 0; n < g_.nodes.size(); ++n) {
      const auto id = static_cast<NodeId>(n);
      if (!boxes_[n] || is_fixed(id)) continue;
      const Span span = made(id, k);
      if (span.begin == span.end) continue;
      if (span.begin > span.end) return false;
      const Box box = with_rows(id, span);
      if (!g_[id].in.empty() && widened(g_, g_[id], box) != box) return false;
    }
  return true;
}

// ---- the graph of a step ------------------------------------------------------------------------

class Bands::Builder {
 public:
  Builder(const Bands& bands, int64_t k) : b_(bands), k_(k), there_(bands.g_.nodes.size()) {}

  Step build() {
    Step step;
    to_.variables = b_.g_.variables;
    // New rows of inputs come before what was kept.
    for (NodeId id : b_.g_.inputs) {
      step.inputs.emplace_back();
      if (!b_.boxes_[index(id)]) continue;
      const Span rows = b_.made(id, k_);
      if (rows.begin == rows.end) continue;
      step.inputs.back() = b_.with_rows(id, rows);
      new_inputs_.push_back({id, input(*step.inputs.back())});
    }
    for (size_t n = 0; n < b_.g_.nodes.size(); ++n)
      if (b_.boxes_[n]) make(static_cast<NodeId>(n));
    const NodeId last = b_.g_.outputs[0];
    if (const Span rows = b_.made(last, k_); rows.begin < rows.end) {
      step.output = b_.with_rows(last, rows);
      to_.outputs.insert(to_.outputs.begin(), crop(last, *step.output));
    }
    step.graph = graph::drop_dead_nodes(std::move(to_));
    return step;
  }

 private:
  // What of a node is in the step's graph.
  struct There {
    NodeId id = -1;
    Box box;
  };

  NodeId add(Node node) {
    to_.nodes.push_back(std::move(node));
    return static_cast<NodeId>(to_.nodes.size() - 1);
  }

  NodeId input(const Box& box) {
    const NodeId id = add({ops::Input{std::ssize(to_.inputs)}, {}, shape_of(box), ""});
    to_.inputs.push_back(id);
    return id;
  }

  // A part of what is there of a node.
  NodeId crop(NodeId id, const Box& box) {
    const There& there = there_[index(id)];
    if (there.box == box) return there.id;
    return add({crop_of(there.box, box), {there.id}, shape_of(box), b_.g_[id].layer});
  }

  // The rows of a node that this step computes.
  NodeId compute(NodeId id, const Box& box) {
    for (const auto& [of, made] : new_inputs_)
      if (of == id) return made;
    const Node& node = b_.g_[id];
    std::vector<Box> parts;
    Node made{{}, {}, shape_of(box), node.layer};
    for (size_t i = 0; i < node.in.size(); ++i) {
      parts.push_back(needed(b_.g_, node, i, box));
      made.in.push_back(crop(node.in[i], parts.back()));
    }
    made.op = cut(b_.g_, node, parts, box);
    return add(std::move(made));
  }

  void make(NodeId id) {
    if (b_.is_fixed(id)) {
      there_[index(id)] = {add(b_.g_[id]), whole(b_.g_[id].shape)};
      return;
    }
    const Span old = b_.kept(id, k_), fresh = b_.made(id, k_);
    There result;
    if (old.begin < old.end) result = {input(b_.with_rows(id, old)), b_.with_rows(id, old)};
    if (fresh.begin < fresh.end) {
      const Box box = b_.with_rows(id, fresh);
      const NodeId made = compute(id, box);
      if (result.id < 0) {
        result = {made, box};
      } else {
        result.box = b_.with_rows(id, {old.begin, fresh.end});
        result.id = add({ops::Concat{b_.axis_[index(id)]},
                         {result.id, made},
                         shape_of(result.box),
                         b_.g_[id].layer});
      }
    }
    there_[index(id)] = result;
    if (k_ + 1 == b_.steps()) return;
    if (const Span next = b_.kept(id, k_ + 1); next.begin < next.end)
      to_.outputs.push_back(crop(id, b_.with_rows(id, next)));
  }

  const Bands& b_;
  int64_t k_;
  std::vector<There> there_;
  std::vector<std::pair<NodeId, NodeId>> new_inputs_;
  Graph to_;
};

Bands::Step Bands::step(int64_t k) const { return Builder(*this, k).build(); }

}  // namespace cornu::compile
