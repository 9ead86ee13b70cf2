#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"

namespace cornu {

struct BatchNormalizationOptions {
  OneOrMore<int64_t> axis = -1;  // one axis; files may hold it as a list
  double momentum = 0.99;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Initializer moving_mean_initializer = "zeros";
  Initializer moving_variance_initializer = "ones";
  Regularizer beta_regularizer = None;
  Regularizer gamma_regularizer = None;
  Constraint beta_constraint = None;
  Constraint gamma_constraint = None;
  bool synchronized = false;  // several processes: the statistics are those of all their batches
  bool renorm = false;        // must stay false
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

struct LayerNormalizationOptions {
  OneOrMore<int64_t> axis = -1;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Regularizer beta_regularizer = None;
  Regularizer gamma_regularizer = None;
  Constraint beta_constraint = None;
  Constraint gamma_constraint = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

struct GroupNormalizationOptions {
  Int groups = 32;  // -1: as many as channels
  Int axis = -1;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Regularizer beta_regularizer = None;
  Regularizer gamma_regularizer = None;
  Constraint beta_constraint = None;
  Constraint gamma_constraint = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// (x - moving_mean) / sqrt(moving_variance + epsilon) * gamma + beta, one of each along `axis`.
// Weights: gamma (if scale), beta (if center), moving_mean, moving_variance. ValueError for an axis
// that the input lacks or whose size is None.
// https://keras.io/api/layers/normalization_layers/batch_normalization/, layers.md 6.4.
CORNU_API Layer BatchNormalization(BatchNormalizationOptions o = {});

// (x - mean) / sqrt(variance + epsilon) * gamma + beta, with mean and variance of x over the axes,
// for each place along the others. Weights: gamma (if scale), beta (if center), of the sizes of the
// axes, which must be known. https://keras.io/api/layers/normalization_layers/layer_normalization/.
CORNU_API Layer LayerNormalization(LayerNormalizationOptions o = {});

// The same with mean and variance over all axes but the batch and a group of channels. Weights:
// gamma (if scale), beta (if center), one per channel. ValueError unless the groups divide the
// channels. https://keras.io/api/layers/normalization_layers/group_normalization/.
CORNU_API Layer GroupNormalization(GroupNormalizationOptions o = {});

}  // namespace cornu
