#pragma once

#include <string>
#include <vector>

#include "cornu/formats/hdf5.h"
#include "cornu/model/training.h"

namespace cornu::formats {

// What a Keras 3 file says of a model's training: `compile_config` of its config.json, and the
// optimizer's numbers in the body of its weights (formats.md 3.8), none before the first step.
// Nothing for a model that was not compiled. Numbers that cannot be the optimizer's are left out,
// with a word in `warnings`: training then starts with a fresh one, as in Keras.
std::optional<model::TrainingState> read_keras_training(const base::Json& compile_config,
                                                        const Hdf5Object& root,
                                                        const std::string& label,
                                                        std::vector<std::string>& warnings);

}  // namespace cornu::formats
