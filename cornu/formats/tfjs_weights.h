#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cornu/base/bytes.h"
#include "cornu/base/json.h"
#include "cornu/tensor/tensor.h"

namespace cornu::formats {

// Opens a weight file by its name in the manifest, which is a plain one (base::is_plain_name).
using ShardSource = std::function<base::Bytes(const std::string& name)>;

// The weight files that lie in one folder.
ShardSource shards_in(std::string folder);

// Reads all weights that a TF.js `weightsManifest` lists, in its order, quantised ones widened
// (spec: formats.md 5.1, 5.2); those of the optimizer are left out. The sizes of the files must be
// exactly what the listed shapes need, which is checked before any memory is taken. One file is
// open at a time. Throws FormatError, and what `shards` throws.
std::vector<std::pair<std::string, Tensor>> read_tfjs_weights(const base::Json& manifest,
                                                              const ShardSource& shards);

}  // namespace cornu::formats
