#pragma once

#include <span>
#include <vector>

#include "cornu/graph/graph.h"
#include "cornu/ops/evaluate.h"
#include "cornu/train/metric_counter.h"

namespace cornu::train {

// A formula for one pair of shapes, evaluated in double with the ops' reference loops, in memory
// of its own.
class FormulaProgram {
 public:
  FormulaProgram(const MetricFormula& formula, const Shape& y, const Shape& p);
  const Shape& shape() const;  // of the values
  std::span<const double> run(const float* y, const float* p);

 private:
  graph::Graph graph_;
  std::vector<std::vector<double>> results_;                    // of each node
  std::vector<std::vector<ops::View<const double>>> operands_;  // of each node
};

}  // namespace cornu::train
