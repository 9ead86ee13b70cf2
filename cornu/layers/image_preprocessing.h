#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"

namespace cornu {

struct ResizingOptions {
  Int height = {};
  Int width = {};
  std::string interpolation = "bilinear";  // nearest, bicubic, lanczos3, lanczos5
  bool crop_to_aspect_ratio = false;
  bool pad_to_aspect_ratio = false;
  std::string fill_mode = "constant";
  double fill_value = 0.0;
  bool antialias = false;  // must stay false
  std::optional<std::string> data_format = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct CenterCropOptions {
  Int height = {};
  Int width = {};
  std::optional<std::string> data_format = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// https://keras.io/api/layers/preprocessing_layers/image_preprocessing/.

// Images (batch, height, width, channels), or channels first, of another size: half-pixel centres,
// no antialiasing (layers.md 4.7). With crop_to_aspect_ratio the middle of the image that has the
// target's proportions, with pad_to_aspect_ratio the image on a larger one of `fill_value`, which
// must be 0. ValueError for sizes <= 0 and for both at once.
CORNU_API Layer Resizing(ResizingOptions o);

// The middle of images, of this size; smaller images are resized, keeping proportions, as Resizing
// does with crop_to_aspect_ratio. ValueError for sizes <= 0.
CORNU_API Layer CenterCrop(CenterCropOptions o);

}  // namespace cornu
