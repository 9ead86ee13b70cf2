#pragma once

#include <string>
#include <vector>

#include "cornu/formats/hdf5.h"
#include "cornu/formats/load.h"
#include "cornu/formats/mend.h"
#include "cornu/model/network.h"

namespace cornu::formats {

// A whole model that Keras 1, 2 or 3 saved as HDF5 (formats.md part 3): its configuration, weights
// and training in attributes and groups of one file. `mend` may change the configuration before the
// model is made.
LoadResult load_legacy_model(const base::Bytes& file, const Mend& mend = {});

// What such a file says of training, in the form of Keras 3's files: attribute training_config and
// group optimizer_weights, whose order depends on the writer (formats.md 3.7, 3.8). Nothing where
// the model was not compiled; no optimizer where its numbers cannot be this model's, with a word in
// `warnings`.
std::optional<model::TrainingState> read_legacy_training(const model::Network& network,
                                                         const Hdf5Object& root,
                                                         const std::string& label,
                                                         std::vector<std::string>& warnings);

}  // namespace cornu::formats
