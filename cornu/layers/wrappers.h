#pragma once

#include <optional>

#include "cornu/layers/layer.h"

namespace cornu {

struct TimeDistributedOptions {
  std::optional<Layer> layer = {};
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// Applies a layer with one input and one output to every step of (batch, steps, …), with the same
// weights. ValueError for an input of rank < 3.
// https://keras.io/api/layers/recurrent_layers/time_distributed/.
CORNU_API Layer TimeDistributed(TimeDistributedOptions o);
CORNU_API Layer TimeDistributed(Layer layer);

}  // namespace cornu
