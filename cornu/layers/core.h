#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"
#include "cornu/nn/activation.h"

namespace cornu {

// The options of a layer that has none of its own.
struct LayerOptions {
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

struct InputOptions {
  Shape shape = {};  // without the batch
  std::optional<Int> batch_size = None;
  std::string name = {};
  std::string dtype = "float32";
  Shape batch_shape = {};  // with the batch, instead of the two above
};

// Where data enters a model. Exactly one of shape and batch_shape must be given, batch_size only
// with shape; ValueError otherwise. https://keras.io/api/layers/core_layers/input/, layers.md 6.1.
CORNU_API Symbol Input(InputOptions o);
// The same as the first entry of a Sequential model. Called on no input.
CORNU_API Layer InputLayer(InputOptions o);

struct ActivationOptions {
  ActivationFunction activation = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// Applies an activation: Activation("relu"), or Activation({.activation = "relu", .name = "out"}).
// ValueError for an unknown name. https://keras.io/api/layers/core_layers/activation/, layers.md
// 6.2 and part 10.
CORNU_API Layer Activation(ActivationOptions o);
CORNU_API Layer Activation(ActivationFunction activation);

// Gives what it takes. https://keras.io/api/layers/core_layers/identity/.
CORNU_API Layer Identity(LayerOptions o = {});

}  // namespace cornu
