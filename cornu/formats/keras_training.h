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

// In a document of its own, so that the one it is from can go. Null for what is no object.
base::Json copied(const base::Json& object);

// The compile_config of Keras 3's archives, {"optimizer": …, "loss": …}, and the training_config of
// Keras 2's files, {"optimizer_config": …, "loss": …}, from one another.
base::Json compile_config_of(const base::Json& training_config);
base::Json training_config_of(const base::Json& compile_config);

// A count of steps: an integer of 32 or 64 bits that is not negative. Nothing for anything else.
std::optional<int64_t> read_count(const Hdf5Object& data);

}  // namespace cornu::formats
