#pragma once

#include <string>

#include "cornu/base/export.h"
#include "cornu/model/model.h"

namespace cornu {

// Writes a TensorFlow.js layers-model: `path` is the model.json, whose weights come into files of
// 4 MiB in the same folder. Their names tell weights apart, so that what an older model.json names
// stays as it is; model.json appears last, whole or not at all. Equal models make equal files; what
// TensorFlow.js takes for no name is changed. Throws ValueError, naming the layer, for what
// TensorFlow.js 4.22 does not have or computes otherwise than Keras, and for another suffix than
// .json; IoError naming the file.
CORNU_API void export_tfjs(const Model& model, const std::string& path);

}  // namespace cornu
