#pragma once

#include <cornu/cornu.h>

#include <string>

namespace cli {

// The arrays of an .npz file for training or evaluating a model: x and y, or x0, x1, … and y0, y1,
// … in the order of the model's inputs and outputs, or under their names; sample_weight (or
// sample_weight0, …) and, to validate on, val_x, val_y and val_sample_weight, likewise.
struct TrainingData {
  cornu::Batch train, validation;  // validation.x is empty where there is none
};

// ValueError for arrays that are missing, or that nobody asked for.
TrainingData read_training_data(const std::string& path, const cornu::Model& model);

}  // namespace cli
