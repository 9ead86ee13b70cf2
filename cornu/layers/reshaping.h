#pragma once

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"

namespace cornu {

struct FlattenOptions {
  std::optional<std::string> data_format = None;
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct ReshapeOptions {
  std::vector<int64_t> target_shape = {};  // without the batch; one -1: what is left
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct PermuteOptions {
  std::vector<int64_t> dims = {};  // 1-based, without the batch
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};
struct RepeatVectorOptions {
  Int n = {};
  Regularizer activity_regularizer = None;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

// These move numbers only; the batch axis stays. https://keras.io/api/layers/reshaping_layers/,
// layers.md 6.2.

// (batch, …) to (batch, product). With channels_first the channel axis goes last before: beware of
// a keras.json that says so.
CORNU_API Layer Flatten(FlattenOptions o = {});
// (batch, …) to (batch, *target_shape). ValueError for two -1 or less than -1, and, once shapes are
// known, for another number of elements.
CORNU_API Layer Reshape(ReshapeOptions o);
// Output axis i is input axis dims[i]. ValueError unless dims is a permutation of 1 … r, and for an
// input whose rank is not r + 1.
CORNU_API Layer Permute(PermuteOptions o);
// (batch, features) to (batch, n, features). ValueError for n <= 0.
CORNU_API Layer RepeatVector(RepeatVectorOptions o);

}  // namespace cornu
