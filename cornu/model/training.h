#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cornu/base/json.h"
#include "cornu/tensor/tensor.h"

// What a model knows of its training, for the folders that keep it in files: train/ makes it,
// formats/ writes and reads it, neither sees the other.
namespace cornu::model {

// An optimizer's numbers in the order of Keras's files (layers.md part 12).
struct OptimizerState {
  int64_t iteration = 0;
  std::optional<float> learning_rate = {};  // none where a schedule gives it
  struct Slot {
    std::string name;  // "sequential_conv2d_kernel_momentum"
    Tensor value;
  };
  std::vector<Slot> slots = {};
};

struct TrainingState {
  base::Json compile_config = {};                // as `compile_config` in Keras's files: an object
  std::optional<OptimizerState> optimizer = {};  // none before the first step
};

// A model's compiled training: how it looks from below.
class Training {
 public:
  virtual ~Training() = default;
  virtual TrainingState state() const = 0;
  // How many numbers the optimizer keeps, for summary(); 0 before the first step.
  virtual int64_t optimizer_params() const = 0;
  // The memory in bytes that the largest step so far takes beside weights and optimizer; 0 before
  // the first.
  virtual int64_t step_bytes() const { return 0; }
};

}  // namespace cornu::model
