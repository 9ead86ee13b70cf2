#pragma once

#include "cornu/formats/hdf5_writer.h"
#include "cornu/model/network.h"

namespace cornu::formats {

// What is known of a model's training: its compiled state, or else what its file said. Null where
// it was never compiled.
std::optional<model::TrainingState> training_of(const model::Network& network);

// The version of Keras whose files these are.
inline constexpr const char* kKerasVersion = "3.15.1";
// Says who wrote a group: the attributes keras_version and backend.
void set_writer(Hdf5Group* group);
// ValueError for a layer whose name no file can hold: files have names as UTF-8, and some of their
// readers stop at a NUL.
void check_file_name(const LayerImpl& layer);

// The body of a model.weights.h5 as Keras >= 3.6 writes it (formats.md 4.3):
// layers/<class>_<n>/vars with the layer's name, optimizer/vars.
void write_keras_weights(const model::Network& network, Hdf5Group* root);

}  // namespace cornu::formats
