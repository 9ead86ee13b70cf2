#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/core.h"

namespace cornu {

struct ConcatenateOptions {
  Int axis = -1;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct DotOptions {
  OneOrMore<int64_t> axes = None;  // one for both inputs, or one for each
  bool normalize = false;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// Layers that make one tensor of several: Add()({a, b}). ValueError for a single input (a file may
// hold a list of one) and for known batch sizes that differ.
// https://keras.io/api/layers/merging_layers/, layers.md 6.7.

// Element by element. An input of lower rank gets axes of 1 right after its batch axis; then sizes
// broadcast as in NumPy. ValueError where they do not. Subtract takes exactly two.
CORNU_API Layer Add(LayerOptions o = {});
CORNU_API Layer Subtract(LayerOptions o = {});
CORNU_API Layer Multiply(LayerOptions o = {});
CORNU_API Layer Average(LayerOptions o = {});
CORNU_API Layer Maximum(LayerOptions o = {});
CORNU_API Layer Minimum(LayerOptions o = {});

// One after another along an axis. ValueError unless the other axes agree.
CORNU_API Layer Concatenate(ConcatenateOptions o = {});

// Sums the products of two inputs along an axis of each, sample by sample: the axes left of the
// first, then those left of the second, (batch, 1) where none is left. With normalize, both are
// divided by their L2 norm along the axis before. ValueError for axis 0 and for sizes that differ.
CORNU_API Layer Dot(DotOptions o);

}  // namespace cornu
