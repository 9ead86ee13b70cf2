#pragma once

#include <string>
#include <vector>

#include "cornu/formats/content.h"
#include "cornu/model/model.h"

namespace cornu::formats {

// A TensorFlow.js layers-model (formats.md 5.4): model.json, and the weights in files beside it.
struct TfjsFiles {
  struct File {
    std::string name;
    Content content;
  };
  Content json;
  // Of 4 MiB, the last one shorter. Their names tell the weights apart, so that those of an older
  // model.json stay as they are until it is replaced.
  std::vector<File> shards;
};

// Equal models make equal bytes. ValueError, naming the layer, for what TensorFlow.js 4.22 does not
// have or computes otherwise, and for a model that is not built.
TfjsFiles tfjs_files(const Model& model);

}  // namespace cornu::formats
