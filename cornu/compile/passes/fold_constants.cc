#include "cornu/compile/passes/fold_constants.h"

#include "cornu/ops/evaluate.h"

namespace cornu::compile {

graph::Graph freeze_variables(graph::Graph g) {
  for (graph::Node& node : g.nodes)
    if (const auto* variable = std::get_if<ops::Variable>(&node.op))
      node.op = ops::Constant{g.variables[static_cast<size_t>(variable->index)]->value()};
  g.variables.clear();
  return g;
}

graph::Graph variables_to_inputs(graph::Graph g) {
  const auto first = static_cast<int64_t>(g.inputs.size());
  std::vector<graph::NodeId> node_of(g.variables.size(), -1);
  for (size_t i = 0; i < g.nodes.size(); ++i)
    if (const auto* variable = std::get_if<ops::Variable>(&g.nodes[i].op)) {
      node_of[static_cast<size_t>(variable->index)] = static_cast<graph::NodeId>(i);
      g.nodes[i].op = ops::Input{first + variable->index};
    }
  for (size_t i = 0; i < node_of.size(); ++i) {
    if (node_of[i] < 0) {
      node_of[i] = static_cast<graph::NodeId>(g.nodes.size());
      g.nodes.push_back(
          {ops::Input{first + static_cast<int64_t>(i)}, {}, g.variables[i]->shape(), ""});
    }
    g.inputs.push_back(node_of[i]);
  }
  g.variables.clear();
  return g;
}

graph::Graph fold_constants(graph::Graph g) {
  const auto constant_of = [&](graph::NodeId id) { return std::get_if<ops::Constant>(&g[id].op); };
  for (graph::Node& node : g.nodes) {
    if (node.in.empty()) continue;
    std::vector<ops::View<const float>> in;
    int64_t largest = 0;
    for (graph::NodeId id : node.in) {
      const ops::Constant* constant = constant_of(id);
      if (!constant) break;
      in.push_back({&g[id].shape, constant->value.data()});
      largest = std::max(largest, constant->value.size());
    }
    if (in.size() != node.in.size()) continue;
    if (std::holds_alternative<ops::Reshape>(node.op)) {
      node.op = ops::Constant{constant_of(node.in[0])->value.reshaped(node.shape)};
    } else {
      // Folding must not turn a small weight into a large constant.
      if (node.shape.size() > 4 * largest) continue;
      Tensor value(node.shape);
      ops::evaluate<float>(node.op, in, {&node.shape, value.data()},
                           {0, ops::row_count(node.shape)});
      node.op = ops::Constant{std::move(value)};
    }
    node.in.clear();
  }
  return graph::drop_dead_nodes(std::move(g));
}

}  // namespace cornu::compile
