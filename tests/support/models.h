#pragma once

// What scripts/fetch-models.sh brings: where the tests that need it find it.

#include <cstdlib>
#include <string>

namespace cornu::testing {

inline std::string models_folder() {
  if (const char* given = std::getenv("CORNU_MODELS")) return given;
  return CORNU_SOURCE_DIR "/build/models";
}

}  // namespace cornu::testing
