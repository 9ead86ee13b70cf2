#include "cornu/compile/passes/part.h"

#include <algorithm>
#include <optional>

namespace cornu::compile {
namespace {

using graph::Graph;
using graph::Node;

int64_t length(const Span& s) { return s.end - s.begin; }

bool is_empty(const Box& box) {
  return std::any_of(box.begin(), box.end(), [](const Span& s) { return s.end <= s.begin; });
}

// What a convolution or a pool does along a spatial axis: output cell p reads the `extent` cells
// from p * stride - before on.
struct Window {
  int64_t extent, stride, before;

  Span read(const Span& out) const {  // cells outside the tensor, too
    return {out.begin * stride - before, (out.end - 1) * stride - before + extent};
  }
};

bool is_spatial(const Node& node, size_t axis) {
  return axis > 0 && static_cast<int64_t>(axis) + 1 < node.shape.rank();
}

// Of the axis of the result.
std::optional<Window> window_of(const Graph& g, const Node& node, size_t axis) {
  if (!is_spatial(node, axis)) return {};
  const size_t a = axis - 1;
  if (const auto* pool = std::get_if<ops::Pool>(&node.op))
    return Window{pool->window[a], pool->stride[a], pool->pad[a].before};
  if (const auto* conv = std::get_if<ops::Conv>(&node.op)) {
    const int64_t size = g[node.in[1]].shape[static_cast<int64_t>(a)];
    return Window{(size - 1) * conv->dilation[a] + 1, conv->stride[a], conv->pad[a].before};
  }
  return {};
}

// How often Resize repeats the cells of an axis; 0 where it does something else to them.
int64_t repeats(const Graph& g, const Node& node, size_t axis) {
  using Mode = ops::Resize::Mode;
  const Mode mode = std::get<ops::Resize>(node.op).mode;
  const auto a = static_cast<int64_t>(axis);
  const int64_t n = g[node.in[0]].shape[a], size = node.shape[a];
  if (!is_spatial(node, axis)) return 1;
  if (mode == Mode::kNearest) return n > 0 && size % n == 0 ? size / n : 0;
  return size == n && mode != Mode::kLanczos3 && mode != Mode::kLanczos5 ? 1 : 0;
}

// Which cells of an axis of x a transposed convolution adds into these of its result.
Span added_into(const Graph& g, const Node& node, size_t axis, const Span& out) {
  const auto& op = std::get<ops::ConvTranspose>(node.op);
  const size_t a = axis - 1;
  const int64_t n = g[node.in[0]].shape[static_cast<int64_t>(axis)], stride = op.stride[a];
  const int64_t reach = (g[node.in[1]].shape[static_cast<int64_t>(a)] - 1) * op.dilation[a];
  const int64_t first = out.begin + op.crop[a], last = out.end - 1 + op.crop[a];
  // The crop that is left, counted from the first cell, is never negative.
  const int64_t begin = std::min(std::max<int64_t>(0, first - reach + stride - 1) / stride,
                                 std::min(first / stride, n - 1));
  return {begin, std::clamp(last / stride + 1, begin + 1, n)};
}

// A Reshape regroups axes: some neighbours of the operand become some of the result, of as many
// cells together. Only the first of a group can be cut, as the others lie within its cells.
struct Regrouping {
  size_t from = 0;                // the first axis of the operand's group
  int64_t in_cell = 1, cell = 1;  // numbers in a cell of either first axis, within the group

  // Cells of the result that are whole cells of the operand.
  int64_t unit() const { return std::max<int64_t>(1, in_cell / cell); }
};

// Of the first axis of a group, both of whose cells are made of whole ones of the other.
std::optional<Regrouping> regrouping(const Shape& in, const Shape& out, size_t axis) {
  const auto at = [](const Shape& s, size_t a) { return s[static_cast<int64_t>(a)]; };
  const auto rank = [](const Shape& s) { return static_cast<size_t>(s.rank()); };
  for (size_t i = 0, o = 0; i < rank(in) && o < rank(out);) {
    Regrouping r{i};
    const size_t first = o;
    int64_t ins = at(in, i++), outs = at(out, o++);
    while (ins != outs) {
      const bool longer = ins < outs;
      if (longer ? i == rank(in) : o == rank(out)) return {};
      const int64_t n = longer ? at(in, i++) : at(out, o++);
      (longer ? ins : outs) *= n;
      (longer ? r.in_cell : r.cell) *= n;
    }
    if (first != axis) continue;
    const bool whole =
        r.cell > 0 && r.in_cell > 0 && (r.in_cell % r.cell == 0 || r.cell % r.in_cell == 0);
    return whole ? std::optional(r) : std::nullopt;
  }
  return {};
}

std::optional<Regrouping> regrouping(const Graph& g, const Node& node, size_t axis) {
  return regrouping(g[node.in[0]].shape, node.shape, axis);
}

// A box of a Reshape's operand.
Box regrouped(const Graph& g, const Node& node, const Box& out) {
  Box box = whole(g[node.in[0]].shape);
  for (size_t a = 0; a < out.size(); ++a)
    if (const auto r = regrouping(g, node, a); r && out[a] != whole(node.shape)[a])
      box[r->from] = {out[a].begin * r->cell / r->in_cell, out[a].end * r->cell / r->in_cell};
  return box;
}

// Can the node compute a part of this axis?
bool can_cut(const Graph& g, const Node& node, size_t axis) {
  const bool channels = static_cast<int64_t>(axis) + 1 == node.shape.rank();
  return std::visit(
      ops::overloaded{
          [](const ops::Input&) { return true; },
          [](const ops::Unary&) { return true; },
          [](const ops::UnaryGrad&) { return true; },
          [](const ops::Binary&) { return true; },
          [](const ops::Broadcast&) { return true; },
          [&](const ops::Reshape&) { return regrouping(g, node, axis).has_value(); },
          [](const ops::Pad&) { return true; },
          [](const ops::Transpose&) { return true; },
          [](const ops::Pool&) { return true; },
          [&](const ops::Resize&) { return repeats(g, node, axis) > 0; },
          [&](const ops::Conv&) { return !channels; },
          [&](const ops::ConvTranspose&) { return !channels; },
          [&](const ops::Softmax&) { return !channels; },
          [&](const ops::BatchNorm& op) { return op.axis != static_cast<int64_t>(axis); },
          [&](const ops::Concat& op) { return op.axis != static_cast<int64_t>(axis); },
          [](const auto&) { return false; },
      },
      node.op);
}

// Of an operand that is repeated along axes of size 1, and the ones it lacks.
Box broadcast_from(const Shape& x, const Box& out) {
  Box box = whole(x);
  const size_t missing = out.size() - box.size();
  for (size_t a = 0; a < box.size(); ++a)
    if (box[a] != Span{0, 1}) box[a] = out[a + missing];
  return box;
}

// What operand 0 of an op of neighbourhoods needs; the axes are those of the result.
Span needed_along(const Graph& g, const Node& node, size_t axis, const Span& out) {
  const int64_t n = g[node.in[0]].shape[static_cast<int64_t>(axis)];
  const auto clipped = [n](Span s) {
    return Span{std::clamp<int64_t>(s.begin, 0, n), std::clamp<int64_t>(s.end, 0, n)};
  };
  if (const auto window = window_of(g, node, axis)) {
    Span read = window->read(out);
    // Less than a stride may be behind the last window: not worth a cut.
    if (out.end == node.shape[static_cast<int64_t>(axis)]) read.end = n;
    return clipped(read);
  }
  if (const auto* pad = std::get_if<ops::Pad>(&node.op)) {
    const int64_t before = pad->edges[axis].before;
    return clipped({out.begin - before, out.end - before});
  }
  if (std::holds_alternative<ops::ConvTranspose>(node.op) && is_spatial(node, axis))
    return added_into(g, node, axis, out);
  if (std::holds_alternative<ops::Resize>(node.op))
    if (const int64_t times = repeats(g, node, axis)) return {out.begin / times, out.end / times};
  return out;
}

}  // namespace

Box whole(const Shape& shape) {
  Box box;
  for (int64_t n : shape) box.push_back({0, n});
  return box;
}

Shape shape_of(const Box& box) {
  Shape shape;
  for (const Span& s : box) shape.push_back(length(s));
  return shape;
}

bool contains(const Box& outer, const Box& inner) {
  for (size_t a = 0; a < outer.size(); ++a)
    if (inner[a].begin < outer[a].begin || inner[a].end > outer[a].end) return false;
  return true;
}

void unite(Box& box, const Box& other) {
  for (size_t a = 0; a < box.size(); ++a)
    box[a] = {std::min(box[a].begin, other[a].begin), std::max(box[a].end, other[a].end)};
}

Box widened(const Graph& g, const Node& node, Box box) {
  const Box all = whole(node.shape);
  if (is_empty(box)) return all;
  for (size_t a = 0; a < box.size(); ++a) {
    if (!can_cut(g, node, a)) {
      box[a] = all[a];
    } else {
      int64_t unit = 1;
      if (std::holds_alternative<ops::Resize>(node.op)) unit = repeats(g, node, a);
      if (std::holds_alternative<ops::Reshape>(node.op)) unit = regrouping(g, node, a)->unit();
      box[a] = {box[a].begin / unit * unit, (box[a].end + unit - 1) / unit * unit};
    }
  }
  for (size_t i = 0; i < node.in.size(); ++i)  // padding alone is no part
    if (is_empty(needed(g, node, i, box))) return all;
  return box;
}

Box needed(const Graph& g, const Node& node, size_t i, const Box& out) {
  const Shape& x = g[node.in[i]].shape;
  if (is_empty(out) || x.size() == 0) return whole(x);
  const auto along_axes = [&] {
    Box box = whole(x);
    for (size_t a = 0; i == 0 && a < box.size(); ++a)
      if (can_cut(g, node, a)) box[a] = needed_along(g, node, a, out[a]);
    return box;
  };
  return std::visit(ops::overloaded{
                        [&](const ops::Unary&) { return out; },
                        [&](const ops::UnaryGrad&) { return out; },
                        [&](const ops::Binary&) { return broadcast_from(x, out); },
                        [&](const ops::Broadcast&) { return broadcast_from(x, out); },
                        [&](const ops::Transpose& op) {
                          Box box = out;
                          for (size_t a = 0; a < out.size(); ++a)
                            box[static_cast<size_t>(op.perm[a])] = out[a];
                          return box;
                        },
                        [&](const ops::Reshape&) { return regrouped(g, node, out); },
                        [&](const ops::Concat& op) {
                          Box box = out;
                          box[static_cast<size_t>(op.axis)] = {0, x[op.axis]};
                          return box;
                        },
                        [&](const auto&) { return along_axes(); },
                    },
                    node.op);
}

Box taken(const Node& node, size_t i, const Box& need, const Box& made) {
  if (i > 0) return need;
  if (std::holds_alternative<ops::Pad>(node.op)) return made;
  Box box = need;
  for (size_t a = 1; a + 1 < box.size(); ++a) {
    const auto* conv = std::get_if<ops::Conv>(&node.op);
    const auto* pool = std::get_if<ops::Pool>(&node.op);
    if (std::holds_alternative<ops::ConvTranspose>(node.op)) box[a] = made[a];
    if (conv || pool) {
      const int64_t stride = conv ? conv->stride[a - 1] : pool->stride[a - 1];
      if (made[a].end - need[a].end < stride) box[a].end = made[a].end;
    }
  }
  return box;
}

Boxes needs(const Graph& g, const std::vector<Box>& outputs) {
  Boxes all(g.nodes.size());
  const auto need = [&](graph::NodeId id, const Box& box) {
    std::optional<Box>& old = all[static_cast<size_t>(id)];
    if (old)
      unite(*old, box);
    else
      old = box;
  };
  for (size_t i = 0; i < outputs.size(); ++i) need(g.outputs[i], outputs[i]);
  for (size_t i = g.nodes.size(); i-- > 0;) {
    const Node& node = g.nodes[i];
    if (!all[i] || node.in.empty()) continue;
    const Box box = *(all[i] = widened(g, node, *all[i]));
    for (size_t k = 0; k < node.in.size(); ++k) need(node.in[k], needed(g, node, k, box));
  }
  return all;
}

ops::Pad crop_of(const Box& there, const Box& box) {
  ops::Pad pad;
  for (size_t a = 0; a < box.size(); ++a)
    pad.edges.push_back({there[a].begin - box[a].begin, box[a].end - there[a].end});
  return pad;
}

ops::Op cut(const Graph& g, const Node& node, const std::vector<Box>& in, const Box& out) {
  ops::Op op = node.op;
  if (auto* broadcast = std::get_if<ops::Broadcast>(&op)) broadcast->shape = shape_of(out);
  if (auto* reshape = std::get_if<ops::Reshape>(&op)) reshape->shape = shape_of(out);
  for (size_t a = 0; a < out.size(); ++a) {
    const Span& to = out[a];
    const auto from = [&] { return in[0][a]; };
    if (auto* pad = std::get_if<ops::Pad>(&op)) {
      const int64_t shift = pad->edges[a].before;
      pad->edges[a] = {from().begin + shift - to.begin, to.end - shift - from().end};
    }
    if (!is_spatial(node, a)) continue;
    if (auto* resize = std::get_if<ops::Resize>(&op)) resize->size[a - 1] = length(to);
    if (auto* transposed = std::get_if<ops::ConvTranspose>(&op)) {
      transposed->crop[a - 1] += to.begin - from().begin * transposed->stride[a - 1];
      transposed->length[a - 1] = length(to);
    }
    if (const auto window = window_of(g, node, a)) {
      const Span read = window->read(to);
      const ops::Edge edge{from().begin - read.begin, std::max<int64_t>(0, read.end - from().end)};
      if (auto* conv = std::get_if<ops::Conv>(&op)) conv->pad[a - 1] = edge;
      if (auto* pool = std::get_if<ops::Pool>(&op)) pool->pad[a - 1] = edge;
    }
  }
  return op;
}

}  // namespace cornu::compile
