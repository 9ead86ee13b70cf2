#pragma once

// Whole networks, as their papers or Keras's applications have them, with weights that any run
// makes alike; and networks to train.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cornu/cornu.h"

namespace cornu::bench {

struct ModelCase {
  std::string name;
  std::string goal;  // what bench/report.py holds it to
  Shape input;       // batch included
  // Nothing where its files are not there: $CORNU_MODELS (scripts/fetch-models.sh) has the trained
  // ones.
  std::function<std::optional<Model>()> make;
  // An upsampling alone: "nearest" or "bilinear", and the same for channels-first inputs, where
  // turning the axes would be most of the others' work.
  std::string upsampling = {};
  std::function<Model()> channels_first = {};
};
const std::vector<ModelCase>& model_cases();

// One whose step of training is measured: softmax cross-entropy of its outputs, which are logits of
// so many classes per sample, pixel or step.
struct TrainingCase {
  std::string name, goal;
  Shape input;
  int64_t classes = 10;
  std::string optimizer = "adam";  // or "sgd", with momentum 0.9
  double learning_rate = 1e-3;
  std::function<Model()> make;
};
const std::vector<TrainingCase>& training_cases();

// Every weight anew from seeds: kernels keep the scale of what passes through them, statistics and
// scales of normalization are unlike each other.
void set_weights(const Model& model);

}  // namespace cornu::bench
