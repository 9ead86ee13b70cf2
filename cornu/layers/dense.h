#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"
#include "cornu/nn/activation.h"

namespace cornu {

struct DenseOptions {
  Int units = {};
  ActivationFunction activation = None;
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = None;
  Regularizer bias_regularizer = None;
  Regularizer activity_regularizer = None;
  Constraint kernel_constraint = None;
  Constraint bias_constraint = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
  std::optional<Int> input_dim = None;  // the same as input_shape = {input_dim}
};

// activation(x kernel + bias) along the last axis of (batch, …, n), which becomes `units` long.
// Weights: kernel (n, units), bias (units,). ValueError for units <= 0, for an input of rank < 2
// and for a last axis that is None or that changes.
// https://keras.io/api/layers/core_layers/dense/, layers.md 6.2.
CORNU_API Layer Dense(DenseOptions o);

}  // namespace cornu
