#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/model/model.h"

namespace cornu {

// What a file is, and what is odd about it or lost.
struct Diagnosis {
  std::string kind;           // "a .keras archive"
  std::string keras_version;  // of the writer; empty where the file does not say
  std::vector<std::string> findings = {};
  std::optional<Model> model =
      {};                  // with what could be repaired; nothing where it cannot be opened
  std::string error = {};  // why it cannot
};

// Looks at a file of any kind that load() knows, or of weights alone. Unlike load() it repairs what
// the file itself tells how to: an `output_padding` that Keras 3.0 to 3.14 lost. Throws IoError
// where there is no such file, OutOfMemory.
CORNU_API Diagnosis diagnose(const std::string& path);

}  // namespace cornu
