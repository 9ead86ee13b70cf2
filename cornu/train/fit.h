#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "cornu/base/none.h"
#include "cornu/model/model.h"
#include "cornu/train/callback.h"
#include "cornu/train/data.h"

namespace cornu {

// Arrays, or batches, to measure the model on after each epoch.
struct ValidationData {
  Tensors x = {}, y = {};
  std::vector<Tensor> sample_weight = {};
  std::shared_ptr<Dataset> dataset = {};  // instead of the arrays
  bool empty() const { return x.empty() && !dataset; }
};

// Model.fit() of Keras: https://keras.io/api/models/model_training_apis/#fit-method.
struct FitOptions {
  int64_t batch_size = 32;  // samples per step
  int64_t epochs = 1;       // the number of the last one
  // 0: nothing is printed. 1: a progress bar. 2: a line per epoch. None: 1 on a terminal, else 2.
  std::optional<int> verbose = None;
  std::vector<CallbackPtr> callbacks = {};
  // The last part of the samples is kept apart to measure on: 0 <= validation_split < 1.
  double validation_split = 0.0;
  ValidationData validation_data = {};
  bool shuffle = true;  // a new order each epoch; of arrays only
  std::map<int64_t, double> class_weight = {};
  std::vector<Tensor> sample_weight = {};
  int64_t initial_epoch = 0;
  // Batches per epoch: the next one goes on in the data where the last one stopped. One in which
  // they end is cut short, with a warning, and the next one begins them anew. None: all data.
  std::optional<int64_t> steps_per_epoch = None;
  std::optional<int64_t> validation_steps = None;  // the first batches, each time; None: all
  std::optional<int64_t> validation_batch_size = None;
  int64_t validation_freq = 1;
};

struct EvaluateOptions {
  int64_t batch_size = 32;
  std::optional<int> verbose = None;
  std::vector<Tensor> sample_weight = {};
  std::optional<int64_t> steps = None;
  std::vector<CallbackPtr> callbacks = {};
};

struct BatchOptions {
  std::vector<Tensor> sample_weight = {};
  std::map<int64_t, double> class_weight = {};
};

}  // namespace cornu
