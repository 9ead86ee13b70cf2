#pragma once

#include <cstdint>

#include "cornu/base/json.h"

namespace cornu::formats {

struct TensorflowOp {
  base::Json entry;
  int64_t least_rank =
      0;  // of its input: that of its constant, with which TensorFlow would grow it
};

// Keras 2.4 to 2.15 wrote what a functional model computes with TensorFlow itself (`x * 2`,
// tf.nn.relu(x), x[:, 1:-1]) as entries of the classes TFOpLambda and SlicingOpLambda, which name
// the function, and its arguments in their nodes: the first one as ["layer", 0, 0, {the others}] or
// ["_CONSTANT_VALUE", -1, value, {the others}]. Given such an entry of a Functional's list of
// layers, returns that of a layer, or of an operation of Keras 3, that computes the same; any other
// entry as it is. No function is called: their names are looked up in a table. Throws ValueError
// naming the layer for those it does not have, and for arguments that no layer has.
TensorflowOp without_tensorflow(const base::Json& entry);

}  // namespace cornu::formats
