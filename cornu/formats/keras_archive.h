#pragma once

#include <string>

#include "cornu/base/bytes.h"
#include "cornu/formats/load.h"
#include "cornu/formats/mend.h"

namespace cornu::formats {

// `mend` may change the configuration before the model is made.

// A .keras archive of Keras 2.12 and newer (formats.md part 4): metadata.json, config.json and
// model.weights.h5 in a zip.
LoadResult load_keras_archive(const base::Bytes& archive, const Mend& mend = {});

// The same three files in a folder (Keras: zipped=False).
LoadResult load_keras_folder(const std::string& path, const Mend& mend = {});

}  // namespace cornu::formats
