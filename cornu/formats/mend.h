#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cornu/base/json.h"

namespace cornu::formats {

// Changes the configuration of a model before the model is made of it.
using Mend = std::function<base::Json(const base::Json& model)>;

// What the file's own shapes tell of arguments that its writer lost: Keras 3.0 to 3.14 left the
// `output_padding` of transposed convolutions out of their configurations. Where the shape that a
// file records behind such a layer needs one, it is put back, and `findings` says so. Of other
// peculiarities `findings` tells too; nothing else is changed.
base::Json mended_config(const base::Json& model, std::vector<std::string>* findings);

}  // namespace cornu::formats
