#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cornu/base/json.h"
#include "cornu/model/model.h"
#include "cornu/train/trainer.h"

namespace cornu::train {

// All that a fit() which was interrupted needs to go on, beside weights and optimizer.
struct RunState {
  Trainer::Position position;
  int64_t epoch = 0, step = 0;  // to go on with
  int64_t taken = 0;            // batches of the present pass over the data (Feed)
  std::vector<std::vector<double>> metrics;
  base::Json callbacks;  // CallbackList's
  std::vector<Tensor> callback_tensors;
};

// A checkpoint is a .keras file that Keras opens, with one more member, "cornu/state", that Keras
// ignores. Written as Model::save() writes: the old file stays whole until the new one is.
void save_checkpoint(const Model& model, const RunState& state, const std::string& path);
// Gives the model and its optimizer the checkpoint's numbers and returns the rest. FormatError,
// IoError, ValueError for a checkpoint of another model; nothing is changed then.
RunState load_checkpoint(const Model& model, Trainer& trainer, const std::string& path);

}  // namespace cornu::train
