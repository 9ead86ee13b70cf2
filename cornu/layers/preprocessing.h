#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"

namespace cornu {

struct RescalingOptions {
  OneOrMore<double> scale = 1.0;  // one number, or one per channel
  OneOrMore<double> offset = 0.0;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct NormalizationOptions {
  OneOrMore<int64_t> axis = -1;  // the axes that keep statistics of their own; None: no axis
  OneOrMore<double> mean = None;
  OneOrMore<double> variance = None;
  bool invert = false;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
// https://keras.io/api/layers/preprocessing_layers/.

// x * scale + offset. Lists go along the channels, which keras.json says where to find.
CORNU_API Layer Rescaling(RescalingOptions o = {});

// (x - mean) / max(sqrt(variance), epsilon), or with invert mean + x * max(sqrt(variance),
// epsilon). Without mean and variance among the options they are weights, which a file brings or
// Layer::adapt(data) sets: mean, variance, count, none of them trainable. ValueError for one of the
// two alone, for an axis that the input lacks or whose size is None.
CORNU_API Layer Normalization(NormalizationOptions o = {});

}  // namespace cornu
