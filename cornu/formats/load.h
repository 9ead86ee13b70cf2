#pragma once

#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/model/model.h"

namespace cornu {

struct LoadResult {
  Model model;
  // What is odd about the file but does not stop it from being used.
  std::vector<std::string> warnings;
  std::string keras_version;  // of the writer, as the file says it
};

// Opens a model that Keras or TensorFlow.js wrote: a .keras archive or the folder of one that is
// not zipped, an HDF5 file (.h5) of Keras 1 to 3, the model.json of a TF.js layers-model with its
// weight files beside it, or the text of to_json(), whose weights are then initial ones. What the
// file is shows in its content, not its name. Nothing in a file is ever run, and memory is bounded
// by the file's size. Throws IoError, FormatError for a file that is damaged or of another kind,
// ValueError for layers and arguments that are wrong or unknown (see register_layer in
// layers/registry.h), OutOfMemory.
CORNU_API LoadResult load(const std::string& path);

// The same without the warnings.
CORNU_API Model load_model(const std::string& path);

// The model of a configuration as Model::to_json(), or Keras's model.to_json() of any version,
// writes it, with initial weights. Errors are load()'s.
CORNU_API Model model_from_json(const std::string& json);

}  // namespace cornu
