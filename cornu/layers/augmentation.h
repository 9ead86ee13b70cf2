#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"

namespace cornu {

struct RandomFlipOptions {
  std::string mode = "horizontal_and_vertical";  // or "horizontal", "vertical"
  std::optional<Int> seed = None;
  std::optional<std::string> data_format = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct RandomRotationOptions {
  OneOrMore<double> factor = 0.0;          // of a full turn; positive: counter-clockwise
  std::string fill_mode = "reflect";       // or "wrap", "constant", "nearest"
  std::string interpolation = "bilinear";  // or "nearest"
  std::optional<Int> seed = None;
  double fill_value = 0.0;
  std::optional<std::string> data_format = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct RandomZoomOptions {
  OneOrMore<double> height_factor = 0.0;  // 0.2: an image 20% farther away; negative: nearer
  OneOrMore<double> width_factor = None;  // None: as the height
  std::string fill_mode = "reflect";
  std::string interpolation = "bilinear";
  std::optional<Int> seed = None;
  double fill_value = 0.0;
  std::optional<std::string> data_format = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct RandomTranslationOptions {
  OneOrMore<double> height_factor = 0.0;  // of the height; positive: down
  OneOrMore<double> width_factor = 0.0;   // of the width; positive: to the right
  std::string fill_mode = "reflect";
  std::string interpolation = "bilinear";
  std::optional<Int> seed = None;
  double fill_value = 0.0;
  std::optional<std::string> data_format = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct RandomContrastOptions {
  OneOrMore<double> factor = 0.0;  // a pair (l, u): between 1 - l and 1 + u; f: both
  OneOrMore<double> value_range = {0.0, 255.0};
  std::optional<Int> seed = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct RandomBrightnessOptions {
  OneOrMore<double> factor = 0.0;  // of the value_range
  OneOrMore<double> value_range = {0.0, 255.0};
  std::optional<Int> seed = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// Images (batch, height, width, channels), or channels first, changed in training alone, each in
// its own way; at inference each of these layers gives what it takes. A factor is the two ends
// between which a number is drawn for each image, or one number f for -f and f. The numbers follow
// from set_random_seed() and the step; a layer's `seed` gives it a stream of its own. ValueError
// for factors outside [-1, 1] (RandomContrast: [0, 1]), unknown modes and inputs of another rank.
// Nothing can be learned before them: differentiating through a flip, rotation, zoom or translation
// throws ValueError.
// https://keras.io/api/layers/preprocessing_layers/image_augmentation/.

// With probability 1/2 mirrors an image, left to right, upside down, or both at once.
CORNU_API Layer RandomFlip(RandomFlipOptions o = {});
// About its middle. `fill_mode` says what is seen beyond the image (d c b a | a b c d | d c b a for
// "reflect"), `fill_value` what "constant" shows.
CORNU_API Layer RandomRotation(RandomRotationOptions o);
CORNU_API Layer RandomZoom(RandomZoomOptions o);
CORNU_API Layer RandomTranslation(RandomTranslationOptions o);
// (x - mean) * c + mean, with the mean of each channel, cut to the value_range. Channels are where
// keras.json says.
CORNU_API Layer RandomContrast(RandomContrastOptions o);
// x + b * (the length of the value_range), cut to it.
CORNU_API Layer RandomBrightness(RandomBrightnessOptions o);

}  // namespace cornu
