#include "cornu/graph/interpret.h"

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/ops/evaluate.h"

namespace cornu::graph {
namespace {

template <class T>
std::vector<T> converted(const Tensor& t) {
  return {t.values().begin(), t.values().end()};
}

}  // namespace

template <class T>
std::vector<std::vector<T>> interpret(const Graph& g, std::span<const Tensor> inputs) {
  if (inputs.size() != g.inputs.size())
    throw ValueError(
        base::cat("the graph takes ", g.inputs.size(), " inputs. Received: ", inputs.size()));
  std::vector<std::vector<T>> results(g.nodes.size());
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    const Node& node = g.nodes[i];
    if (const auto* input = std::get_if<ops::Input>(&node.op)) {
      const Tensor& given = inputs[static_cast<size_t>(input->index)];
      if (given.shape() != node.shape)
        throw ValueError(base::cat("input ", input->index, " has shape ", node.shape,
                                   ". Received: shape=", given.shape()));
      results[i] = converted<T>(given);
    } else if (const auto* variable = std::get_if<ops::Variable>(&node.op)) {
      results[i] = converted<T>(g.variables[static_cast<size_t>(variable->index)]->value());
    } else if (const auto* constant = std::get_if<ops::Constant>(&node.op)) {
      results[i] = converted<T>(constant->value);
    } else {
      std::vector<ops::View<const T>> in;
      for (NodeId id : node.in)
        in.push_back({&g[id].shape, results[static_cast<size_t>(id)].data()});
      results[i].resize(static_cast<size_t>(node.shape.size()));
      ops::evaluate<T>(node.op, in, {&node.shape, results[i].data()},
                       {0, ops::row_count(node.shape)});
    }
  }
  std::vector<std::vector<T>> outputs;
  for (NodeId id : g.outputs) outputs.push_back(results[static_cast<size_t>(id)]);
  return outputs;
}

template std::vector<std::vector<float>> interpret<float>(const Graph&, std::span<const Tensor>);
template std::vector<std::vector<double>> interpret<double>(const Graph&, std::span<const Tensor>);

}  // namespace cornu::graph
