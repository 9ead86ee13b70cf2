#include "cornu/train/metric_formula.h"

#include <algorithm>

namespace cornu::train {

FormulaProgram::FormulaProgram(const MetricFormula& formula, const Shape& y, const Shape& p) {
  graph::Builder g;
  const Expression y_true(g, g.input(y)), y_pred(g, g.input(p));
  graph_ = std::move(g).finish({formula(y_true, y_pred)});
  for (const graph::Node& node : graph_.nodes) {
    results_.emplace_back(static_cast<size_t>(node.shape.size()));
    if (const auto* constant = std::get_if<ops::Constant>(&node.op))
      std::copy_n(constant->value.data(), constant->value.size(), results_.back().begin());
  }
  for (const graph::Node& node : graph_.nodes) {
    operands_.emplace_back();
    for (graph::NodeId id : node.in)
      operands_.back().push_back({&graph_[id].shape, results_[static_cast<size_t>(id)].data()});
  }
}

const Shape& FormulaProgram::shape() const { return graph_[graph_.outputs[0]].shape; }

std::span<const double> FormulaProgram::run(const float* y, const float* p) {
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    const graph::Node& node = graph_.nodes[i];
    std::vector<double>& out = results_[i];
    if (const auto* input = std::get_if<ops::Input>(&node.op))
      std::copy_n(input->index == 0 ? y : p, out.size(), out.begin());
    else if (!std::holds_alternative<ops::Constant>(node.op))
      ops::evaluate<double>(node.op, operands_[i], {&node.shape, out.data()},
                            {0, ops::row_count(node.shape)});
  }
  return results_[static_cast<size_t>(graph_.outputs[0])];
}

}  // namespace cornu::train
