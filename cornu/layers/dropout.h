#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"

namespace cornu {

struct DropoutOptions {
  double rate = 0.0;
  std::optional<Shape> noise_shape = None;  // a size of 1 shares one draw; None: as the input
  std::optional<Int> seed = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct DropoutRateOptions {
  double rate = 0.0;
  std::optional<Int> seed = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct SpatialDropoutOptions {
  double rate = 0.0;
  std::optional<std::string> data_format = None;
  std::optional<Int> seed = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct GaussianNoiseOptions {
  double stddev = 0.0;
  std::optional<Int> seed = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct ActivityRegularizationOptions {
  double l1 = 0.0;
  double l2 = 0.0;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// What acts in training alone: at inference each of these gives what it takes. The noise of a step
// follows from set_random_seed() and the step; a layer's `seed` gives it a stream of its own.
// ValueError for a rate outside [0, 1], a stddev outside [0, 1], a negative coefficient; in
// training for a noise_shape that the input does not fit, and for a rate of 1 of GaussianDropout
// and AlphaDropout (Dropout and SpatialDropout* then give zeros).
// https://keras.io/api/layers/regularization_layers/, layers.md 6.5.
CORNU_API Layer Dropout(DropoutOptions o);
CORNU_API Layer SpatialDropout1D(DropoutRateOptions o);  // (batch, steps, channels)
CORNU_API Layer SpatialDropout2D(SpatialDropoutOptions o);
CORNU_API Layer SpatialDropout3D(SpatialDropoutOptions o);
CORNU_API Layer GaussianDropout(DropoutRateOptions o);
CORNU_API Layer AlphaDropout(DropoutOptions o);
CORNU_API Layer GaussianNoise(GaussianNoiseOptions o);
CORNU_API Layer ActivityRegularization(ActivityRegularizationOptions o = {});

}  // namespace cornu
