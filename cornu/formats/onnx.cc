#include "cornu/formats/onnx.h"

#include <algorithm>
#include <cmath>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/compile/passes/cancel_movement.h"
#include "cornu/compile/passes/fold_constants.h"
#include "cornu/compile/passes/fold_pad_into_conv.h"
#include "cornu/formats/onnx_unary.h"
#include "cornu/formats/onnx_values.h"
#include "cornu/model/input_shapes.h"
#include "cornu/model/network.h"

namespace cornu {
namespace formats {
namespace {

using base::cat;
using graph::Node;
using graph::NodeId;
using Ints = std::vector<int64_t>;
using Layout = OnnxValues::Layout;

// Before all axes, then after all of them.
Ints begins_and_ends(const std::vector<ops::Edge>& edges) {
  Ints list;
  for (const ops::Edge& e : edges) list.push_back(e.before);
  for (const ops::Edge& e : edges) list.push_back(e.after);
  return list;
}

// Where (N, H, W, s*s*C) becomes (N, H*s, W*s, C) by a Reshape, a Transpose and a Reshape, the last
// of these nodes; s, or 0.
int64_t depth_to_space_scale(const graph::Graph& g, const std::vector<int>& uses, NodeId last) {
  const Node& to = g[last];
  if (!std::holds_alternative<ops::Reshape>(to.op) || to.shape.rank() != 4) return 0;
  const NodeId turned = to.in[0];
  const auto* transpose = std::get_if<ops::Transpose>(&g[turned].op);
  if (!transpose || transpose->perm != Ints{0, 1, 3, 2, 4, 5}) return 0;
  const NodeId split = g[turned].in[0];
  if (!std::holds_alternative<ops::Reshape>(g[split].op)) return 0;
  const Shape &six = g[split].shape, &from = g[g[split].in[0]].shape;
  const int64_t s = six[3];
  const bool once = uses[static_cast<size_t>(turned)] == 1 && uses[static_cast<size_t>(split)] == 1;
  const bool fits = from.rank() == 4 && six == Shape{from[0], from[1], from[2], s, s, six[5]} &&
                    to.shape == Shape{from[0], from[1] * s, from[2] * s, six[5]};
  return once && fits ? s : 0;
}

// Turns the nodes of a graph whose variables are constants into ONNX's, one after another.
class Exporter {
 public:
  explicit Exporter(const graph::Graph& g)
      : g_(g), values_(g_, out_), inside_(g.nodes.size(), false) {
    const std::vector<int> uses = graph::use_counts(g_);
    for (NodeId id = 0; id < static_cast<NodeId>(g_.nodes.size()); ++id)
      if (depth_to_space_scale(g_, uses, id) > 0) {
        inside_[static_cast<size_t>(g_[id].in[0])] = true;
        inside_[static_cast<size_t>(g_[g_[id].in[0]].in[0])] = true;
      }
  }

  Content run(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
    for (size_t i = 0; i < inputs.size(); ++i)
      values_.set(g_.inputs[i], Layout::kLast, out_.input(inputs[i], g_[g_.inputs[i]].shape));
    for (NodeId id = 0; id < static_cast<NodeId>(g_.nodes.size()); ++id) {
      if (inside_[static_cast<size_t>(id)]) continue;
      out_.set_layer(g_[id].layer);
      std::visit([&](const auto& op) { add(id, op); }, g_[id].op);
    }
    for (size_t i = 0; i < outputs.size(); ++i)
      out_.output(outputs[i], values_.last(g_.outputs[i]), g_[g_.outputs[i]].shape);
    return out_.finish();
  }

 private:
  int64_t rank(NodeId id) const { return g_[id].shape.rank(); }
  NodeId in(NodeId id, size_t i = 0) const { return g_[id].in[i]; }
  void first(NodeId id, std::string name) { values_.set(id, Layout::kFirst, std::move(name)); }
  void last(NodeId id, std::string name) { values_.set(id, Layout::kLast, std::move(name)); }

  [[noreturn]] void refuse(NodeId id, const std::string& what) const {
    throw ValueError(
        cat("export_onnx: layer ", base::quoted(g_[id].layer), ": ONNX cannot say ", what));
  }

  // The axes that the operand has in its better layout.
  Ints axes_in(Layout layout, const Ints& axes, int64_t rank) const {
    Ints moved(axes);
    if (layout == Layout::kFirst)
      for (int64_t& a : moved) a = axis_channels_first(a, rank);
    std::sort(moved.begin(), moved.end());
    return moved;
  }

  // ---- leaves ----
  void add(NodeId, const ops::Input&) {}
  void add(NodeId, const ops::Constant&) {}  // written where it is used
  void add(NodeId id, const ops::Variable&) { refuse(id, "a variable"); }

  // ---- elementwise ----
  void add(NodeId id, const ops::Unary& op) {
    const Layout layout = values_.best({in(id)});
    values_.set(id, layout, add_unary(out_, op, values_.get(in(id), layout)));
  }

  void add(NodeId id, const ops::Binary& op) {
    using Fn = ops::Binary::Fn;
    const char* const kNames[] = {
        "Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Greater", "GreaterOrEqual", "Equal"};
    const bool compares = op.fn >= Fn::kGreater;
    const Layout layout = rank(id) < 3 ? Layout::kLast : values_.best(g_[id].in);
    std::string y = out_.node(kNames[static_cast<size_t>(op.fn)],
                              {values_.operand(in(id, 0), rank(id), layout),
                               values_.operand(in(id, 1), rank(id), layout)});
    if (compares) y = out_.node("Cast", {y}, {{"to", int64_t{1}}});
    values_.set(id, layout, y);
  }

  // ---- convolution ----
  // (*k, a, b) as ONNX has it: (b, a, *k), also where it is computed.
  std::string kernel(NodeId id) {
    Ints perm{rank(id) - 1, rank(id) - 2};
    for (int64_t i = 0; i < rank(id) - 2; ++i) perm.push_back(i);
    if (const Tensor* value = values_.constant(id)) return out_.numbers(transposed(*value, perm));
    return out_.node("Transpose", {values_.last(id)}, {{"perm", perm}});
  }
  std::vector<std::string> with_bias(NodeId id, std::vector<std::string> operands) {
    if (g_[id].in.size() > 2) operands.push_back(values_.last(in(id, 2)));
    return operands;
  }
  std::string activated(const std::optional<ops::Unary>& fn, const std::string& y) {
    return fn ? add_unary(out_, *fn, y) : y;
  }
  Ints window(NodeId kernel) const {
    const Shape& shape = g_[kernel].shape;
    return {shape.begin(), shape.end() - 2};
  }

  void add(NodeId id, const ops::Conv& op) {
    if (op.stride.empty()) {  // Dense
      if (op.groups != 1) refuse(id, "a Dense layer in groups");
      const auto operands = with_bias(id, {values_.last(in(id)), values_.last(in(id, 1))});
      last(id, activated(op.activation, out_.node("Gemm", operands)));
      return;
    }
    const std::string y =
        out_.node("Conv", with_bias(id, {values_.first(in(id)), kernel(in(id, 1))}),
                  {{"dilations", op.dilation},
                   {"group", op.groups},
                   {"kernel_shape", window(in(id, 1))},
                   {"pads", begins_and_ends(op.pad)},
                   {"strides", op.stride}});
    first(id, activated(op.activation, y));
  }

  void add(NodeId id, const ops::ConvTranspose& op) {
    const Ints k = window(in(id, 1));
    Ints pads(op.crop), more;
    for (size_t a = 0; a < k.size(); ++a) {
      const int64_t n = g_[in(id)].shape[static_cast<int64_t>(a) + 1];
      const int64_t full = (n - 1) * op.stride[a] + (k[a] - 1) * op.dilation[a] + 1;
      const int64_t cut = full - op.crop[a] - op.length[a];
      pads.push_back(std::max<int64_t>(cut, 0));
      more.push_back(std::max<int64_t>(-cut, 0));
      if (more.back() >= std::max(op.stride[a], op.dilation[a]))
        refuse(id, cat("a transposed convolution with ", more.back(),
                       " cells beyond what its strides reach"));
    }
    const std::string y =
        out_.node("ConvTranspose", with_bias(id, {values_.first(in(id)), kernel(in(id, 1))}),
                  {{"dilations", op.dilation},
                   {"group", op.groups},
                   {"kernel_shape", k},
                   {"output_padding", more},
                   {"pads", pads},
                   {"strides", op.stride}});
    first(id, activated(op.activation, y));
  }

  // ---- pooling, resizing ----
  void add(NodeId id, const ops::Pool& op) {
    OnnxAttributes attributes{
        {"kernel_shape", op.window}, {"pads", begins_and_ends(op.pad)}, {"strides", op.stride}};
    const char* name = op.kind == ops::Pool::Kind::kMax ? "MaxPool" : "AveragePool";
    first(id, out_.node(name, {values_.first(in(id))}, std::move(attributes)));
  }

  void add(NodeId id, const ops::Resize& op) {
    using Mode = ops::Resize::Mode;
    if (op.mode == Mode::kLanczos3 || op.mode == Mode::kLanczos5)
      refuse(id, cat("'", ops::name_of(op), "'"));
    const Shape& from = g_[in(id)].shape;
    bool whole = true;
    std::vector<float> scales{1, 1};
    Ints sizes{from[0], from[-1]};
    for (size_t a = 0; a < op.size.size(); ++a) {
      const int64_t n = from[static_cast<int64_t>(a) + 1];
      whole = whole && op.size[a] % n == 0;
      scales.push_back(static_cast<float>(op.size[a] / n));
      sizes.push_back(op.size[a]);
    }
    OnnxAttributes attributes;
    if (op.mode == Mode::kNearest && whole) {
      attributes = {{"coordinate_transformation_mode", std::string("asymmetric")},
                    {"mode", std::string("nearest")},
                    {"nearest_mode", std::string("floor")}};
    } else if (op.mode == Mode::kNearest) {
      attributes = {{"coordinate_transformation_mode", std::string("half_pixel")},
                    {"mode", std::string("nearest")},
                    {"nearest_mode", std::string("round_prefer_ceil")}};
    } else if (op.mode == Mode::kBicubic) {
      attributes = {{"coordinate_transformation_mode", std::string("half_pixel")},
                    {"cubic_coeff_a", -0.5f},
                    {"exclude_outside", int64_t{1}},
                    {"mode", std::string("cubic")}};
    } else {
      const bool legacy = op.mode == Mode::kBilinearLegacy;
      attributes = {
          {"coordinate_transformation_mode", std::string(legacy ? "asymmetric" : "half_pixel")},
          {"mode", std::string("linear")}};
    }
    std::vector<std::string> operands{values_.first(in(id)), ""};
    operands.push_back(whole ? out_.reals(scales) : "");
    if (!whole) operands.push_back(out_.list(sizes));
    first(id, out_.node("Resize", std::move(operands), std::move(attributes)));
  }

  // ---- data movement ----
  void add(NodeId id, const ops::Pad& op) {
    const Layout layout = values_.best({in(id)});
    std::vector<ops::Edge> edges(op.edges);
    if (layout == Layout::kFirst) {
      const Ints perm = channels_first(rank(id));
      for (size_t i = 0; i < perm.size(); ++i) edges[i] = op.edges[static_cast<size_t>(perm[i])];
    }
    std::string y = cropped(values_.get(in(id), layout), edges);
    for (ops::Edge& e : edges) e = {std::max<int64_t>(e.before, 0), std::max<int64_t>(e.after, 0)};
    if (std::any_of(edges.begin(), edges.end(), [](auto& e) { return e != ops::Edge{}; }))
      y = out_.node("Pad", {y, out_.list(begins_and_ends(edges))});
    values_.set(id, layout, y);
  }
  std::string cropped(const std::string& x, const std::vector<ops::Edge>& edges) {
    Ints starts, ends, axes;
    for (size_t i = 0; i < edges.size(); ++i) {
      const ops::Edge& e = edges[i];
      if (e.before >= 0 && e.after >= 0) continue;
      constexpr int64_t kEnd = int64_t{1} << 60;
      starts.push_back(std::max<int64_t>(-e.before, 0));
      ends.push_back(e.after < 0 ? e.after : kEnd);
      axes.push_back(static_cast<int64_t>(i));
    }
    if (axes.empty()) return x;
    return out_.node("Slice", {x, out_.list(starts), out_.list(ends), out_.list(axes)});
  }

  void add(NodeId id, const ops::Reshape& op) {
    const NodeId turned = in(id);
    if (inside_[static_cast<size_t>(turned)]) {
      const NodeId x = in(in(turned));
      const int64_t scale = op.shape[1] / g_[x].shape[1];
      first(id, out_.node("DepthToSpace", {values_.first(x)}, {{"blocksize", scale}}));
      return;
    }
    const Ints shape(op.shape.begin(), op.shape.end());
    last(id, out_.node("Reshape", {values_.last(turned), out_.list(shape)}));
  }

  // Where a layout of the result is one that the operand has, nothing moves.
  void add(NodeId id, const ops::Transpose& op) {
    const int64_t r = rank(id);
    const auto of = [](const Ints& a, const Ints& b) {  // first a, then b
      Ints perm;
      for (int64_t axis : b) perm.push_back(a[static_cast<size_t>(axis)]);
      return perm;
    };
    const bool is_first = !values_.known(in(id), Layout::kFirst).empty();
    const Ints from = is_first ? of(channels_last(r), op.perm) : op.perm;
    const std::string x = values_.get(in(id), is_first ? Layout::kFirst : Layout::kLast);
    const Ints to_first = r < 3 ? Ints{} : of(from, channels_first(r));
    if (std::is_sorted(from.begin(), from.end()))
      last(id, x);
    else if (r >= 3 && std::is_sorted(to_first.begin(), to_first.end()))
      first(id, x);
    else
      last(id, out_.node("Transpose", {x}, {{"perm", from}}));
  }

  void add(NodeId id, const ops::Concat& op) {
    const Layout layout = rank(id) < 3 ? Layout::kLast : values_.best(g_[id].in);
    std::vector<std::string> parts;
    for (NodeId part : g_[id].in) parts.push_back(values_.get(part, layout));
    const int64_t axis =
        layout == Layout::kFirst ? axis_channels_first(op.axis, rank(id)) : op.axis;
    values_.set(id, layout, out_.node("Concat", std::move(parts), {{"axis", axis}}));
  }

  void add(NodeId id, const ops::Broadcast& op) {
    const Ints shape(op.shape.begin(), op.shape.end());
    last(id, out_.node("Expand", {values_.last(in(id)), out_.list(shape)}));
  }

  // ---- the rest ----
  void add(NodeId id, const ops::Reduce& op) {
    using Kind = ops::Reduce::Kind;
    const NodeId x = in(id);
    Ints spatial;
    for (int64_t a = 1; a < rank(x) - 1; ++a) spatial.push_back(a);
    if (op.axes == spatial && !spatial.empty() && spatial.size() <= 3 &&
        (op.kind == Kind::kMean || op.kind == Kind::kMax)) {
      const char* name = op.kind == Kind::kMean ? "GlobalAveragePool" : "GlobalMaxPool";
      first(id, out_.node(name, {values_.first(x)}));
      return;
    }
    const Layout layout = values_.best({x});
    const std::string from = values_.get(x, layout);
    const Ints axes = axes_in(layout, op.axes, rank(x));
    const char* const kNames[] = {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"};
    const char* name = kNames[static_cast<size_t>(op.kind)];
    std::string y = from;
    if (op.kind == Kind::kSum && !axes.empty())
      y = out_.node(name, {from, out_.list(axes)});
    else if (!axes.empty())
      y = out_.node(name, {from}, {{"axes", axes}});
    values_.set(id, layout, y);
  }

  void add(NodeId id, const ops::Softmax& op) {
    if (op.kind == ops::Softmax::Kind::kSparsemax) refuse(id, cat("'", ops::name_of(op), "'"));
    const char* name = op.kind == ops::Softmax::Kind::kSoftmax ? "Softmax" : "LogSoftmax";
    const Layout layout = values_.best({in(id)});
    const int64_t axis = layout == Layout::kFirst ? 1 : -1;
    values_.set(id, layout, out_.node(name, {values_.get(in(id), layout)}, {{"axis", axis}}));
  }

  // ONNX normalizes along axis 1.
  void add(NodeId id, const ops::BatchNorm& op) {
    const int64_t r = rank(id);
    const bool at_end = op.axis == r - 1 && r >= 3;
    std::vector<std::string> operands{at_end ? values_.first(in(id)) : values_.last(in(id))};
    Ints perm;
    for (int64_t i = 0; i < r; ++i) perm.push_back(i);
    const bool turn = !at_end && op.axis != 1;
    if (turn) {
      std::swap(perm[1], perm[static_cast<size_t>(op.axis)]);
      operands[0] = out_.node("Transpose", {operands[0]}, {{"perm", perm}});
    }
    for (size_t i = 1; i < 5; ++i) operands.push_back(values_.last(in(id, i)));
    std::string y = out_.node("BatchNormalization", std::move(operands), {{"epsilon", op.epsilon}});
    if (turn) y = out_.node("Transpose", {y}, {{"perm", perm}});
    values_.set(id, at_end ? Layout::kFirst : Layout::kLast, y);
  }

  void add(NodeId id, const ops::MatMul&) {
    last(id, out_.node("MatMul", {values_.last(in(id)), values_.last(in(id, 1))}));
  }

  // Warp, Random, and what only training needs.
  template <class Op>
  void add(NodeId id, const Op& op) {
    refuse(id, cat("'", ops::name_of(op), "'"));
  }

  const graph::Graph& g_;
  OnnxWriter out_;
  OnnxValues values_;
  std::vector<bool> inside_;  // said by a node after it
};

std::vector<std::string> names_of(const std::vector<Symbol>& symbols) {
  std::vector<std::string> names;
  for (const Symbol& s : symbols) names.push_back(s.call()->layer->name());
  return names;
}

// The layers as they are, with numbers for weights; what is folded is up to who reads the file.
// Pads alone are not: no reader takes them for the cheap thing they are.
graph::Graph traced(const Model& model, const std::vector<Shape>& shapes) {
  graph::Graph g = compile::fold_constants(compile::freeze_variables(model.trace(shapes)));
  return compile::fold_pad_into_conv(compile::cancel_movement(std::move(g)));
}

Content onnx_file(const Model& model, const OnnxOptions& o) {
  const graph::Graph g =
      traced(model, model::full_input_shapes(model, o.input_shapes, "export_onnx"));
  return Exporter(g).run(names_of(model.network()->inputs()), names_of(model.network()->outputs()));
}

}  // namespace
}  // namespace formats

void export_onnx(const Model& model, const std::string& path, const OnnxOptions& o) {
  if (!path.ends_with(".onnx"))
    throw ValueError(base::cat("export_onnx: the filename must end in '.onnx'. Received: filepath=",
                               base::quoted(path)));
  formats::write_file(formats::onnx_file(model, o), path);
}

}  // namespace cornu
