#pragma once

#include <functional>
#include <vector>

#include "cornu/compile/compile.h"
#include "cornu/graph/graph.h"
#include "cornu/tensor/tensor.h"

namespace cornu::model {

// Computes the only output of `g` in bands of about `rows` rows (compile/bands.h), or whole where
// it has none: memory for activations is that of one band. `g` is traced for a batch that divides
// that of x and y; y has its shape. `tell` (or null) gets the share of the bands that are done.
void run_in_bands(const graph::Graph& g, int64_t rows, const compile::Options& options,
                  const std::vector<Tensor>& x, Tensor& y, const std::function<void(double)>& tell);

}  // namespace cornu::model
