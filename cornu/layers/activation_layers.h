#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"

namespace cornu {

struct ReLUOptions {
  std::optional<double> max_value = None;
  double negative_slope = 0.0;
  double threshold = 0.0;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct LeakyReLUOptions {
  double negative_slope = 0.3;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct PReLUOptions {
  Initializer alpha_initializer = "zeros";
  Regularizer alpha_regularizer = None;
  Constraint alpha_constraint = None;
  OneOrMore<int64_t> shared_axes = None;  // 1-based, without the batch
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct ELUOptions {
  double alpha = 1.0;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct SoftmaxOptions {
  OneOrMore<int64_t> axis = -1;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct ThresholdedReLUOptions {
  double theta = 1.0;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// Activations as layers of their own. https://keras.io/api/layers/activation_layers/, layers.md
// 6.3.

// max_value from max_value on; x between; negative_slope (x - threshold) up to the threshold.
// ValueError for a negative argument.
CORNU_API Layer ReLU(ReLUOptions o = {});
// x > 0 ? x : negative_slope x. ValueError for a negative slope. Files may call it alpha.
CORNU_API Layer LeakyReLU(LeakyReLUOptions o = {});
// max(x, 0) - alpha max(-x, 0). Weight: alpha, of the input's shape without the batch and with 1
// along the shared axes; those that are not shared must be known (ValueError).
CORNU_API Layer PReLU(PReLUOptions o = {});
// x > 0 ? x : alpha (e^x - 1).
CORNU_API Layer ELU(ELUOptions o = {});
// Softmax over an axis, or over several together. ValueError for an axis that the input lacks.
CORNU_API Layer Softmax(SoftmaxOptions o = {});
// x > theta ? x : 0 (Keras 2). ValueError for a negative theta.
CORNU_API Layer ThresholdedReLU(ThresholdedReLUOptions o = {});

}  // namespace cornu
