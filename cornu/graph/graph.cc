#include "cornu/graph/graph.h"

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::graph {

using base::cat;

std::vector<int> use_counts(const Graph& g) {
  std::vector<int> uses(g.nodes.size(), 0);
  for (const Node& node : g.nodes)
    for (NodeId in : node.in) ++uses[static_cast<size_t>(in)];
  for (NodeId id : g.outputs) ++uses[static_cast<size_t>(id)];
  return uses;
}

Graph drop_dead_nodes(Graph g) {
  std::vector<bool> live(g.nodes.size(), false);
  for (NodeId id : g.outputs) live[static_cast<size_t>(id)] = true;
  for (NodeId id : g.inputs) live[static_cast<size_t>(id)] = true;
  for (size_t i = g.nodes.size(); i-- > 0;)
    if (live[i])
      for (NodeId in : g.nodes[i].in) live[static_cast<size_t>(in)] = true;

  std::vector<NodeId> moved(g.nodes.size(), -1);
  std::vector<Node> kept;
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    if (!live[i]) continue;
    moved[i] = static_cast<NodeId>(kept.size());
    for (NodeId& in : g.nodes[i].in) in = moved[static_cast<size_t>(in)];
    kept.push_back(std::move(g.nodes[i]));
  }
  g.nodes = std::move(kept);
  for (NodeId& id : g.inputs) id = moved[static_cast<size_t>(id)];
  for (NodeId& id : g.outputs) id = moved[static_cast<size_t>(id)];
  return g;
}

namespace {

[[noreturn]] void broken(const Graph& g, size_t i, const std::string& why) {
  const Node& node = g.nodes[i];
  throw InternalError(cat("broken graph: node ", i, " (", ops::name_of(node.op), ", layer ",
                          base::quoted(node.layer), "): ", why));
}

void verify_leaf(const Graph& g, size_t i) {
  const Node& node = g.nodes[i];
  if (!node.in.empty()) broken(g, i, "a leaf has no inputs");
  if (const auto* input = std::get_if<ops::Input>(&node.op)) {
    const auto index = static_cast<size_t>(input->index);
    if (index >= g.inputs.size() || g.inputs[index] != static_cast<NodeId>(i))
      broken(g, i, cat("the graph's input ", index, " is another node"));
  } else if (const auto* variable = std::get_if<ops::Variable>(&node.op)) {
    const auto index = static_cast<size_t>(variable->index);
    if (index >= g.variables.size() || !g.variables[index])
      broken(g, i, cat("there is no variable ", index));
    if (g.variables[index]->shape() != node.shape)
      broken(g, i, cat("its variable has shape ", g.variables[index]->shape()));
  } else if (std::get<ops::Constant>(node.op).value.shape() != node.shape) {
    broken(g, i, "its constant has another shape");
  }
}

bool is_leaf(const ops::Op& op) {
  return std::holds_alternative<ops::Input>(op) || std::holds_alternative<ops::Variable>(op) ||
         std::holds_alternative<ops::Constant>(op);
}

}  // namespace

void verify(const Graph& g) {
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    const Node& node = g.nodes[i];
    if (!node.shape.fully_known()) broken(g, i, cat("unknown shape ", node.shape));
    if (is_leaf(node.op)) {
      verify_leaf(g, i);
      continue;
    }
    std::vector<Shape> in;
    for (NodeId id : node.in) {
      if (id < 0 || static_cast<size_t>(id) >= i) broken(g, i, cat("input node ", id));
      in.push_back(g[id].shape);
    }
    const Shape inferred = ops::infer_shape(node.op, in);
    if (inferred != node.shape)
      broken(g, i, cat("shape ", node.shape, ", but its op gives ", inferred));
  }
  for (const std::vector<NodeId>* list : {&g.inputs, &g.outputs})
    for (NodeId id : *list)
      if (id < 0 || static_cast<size_t>(id) >= g.nodes.size())
        throw InternalError(cat("broken graph: there is no node ", id));
}

std::string print(const Graph& g) {
  std::string text;
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    const Node& node = g.nodes[i];
    text += cat('%', i, " = ", ops::to_text(node.op), "(");
    for (size_t k = 0; k < node.in.size(); ++k) text += cat(k ? ", %" : "%", node.in[k]);
    text += cat(") : ", node.shape);
    if (!node.layer.empty()) text += cat("  # ", node.layer);
    text += '\n';
  }
  text += "return";
  for (NodeId id : g.outputs) text += cat(" %", id);
  return text + "\n";
}

std::string print_dot(const Graph& g) {
  std::string text = "digraph model {\n  node [shape=box, fontname=\"sans-serif\"];\n";
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    const Node& node = g.nodes[i];
    // Layer names come from files: only plain characters may stand in a quoted DOT label.
    std::string layer;
    for (char c : node.layer) layer += (c == '"' || c == '\\' || c < ' ') ? '_' : c;
    text += cat("  n", i, " [label=\"", layer, layer.empty() ? "" : "\\n", ops::name_of(node.op),
                "\\n", node.shape, "\"];\n");
    for (NodeId in : node.in) text += cat("  n", in, " -> n", i, ";\n");
  }
  return text + "}\n";
}

}  // namespace cornu::graph
