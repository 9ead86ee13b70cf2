#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cornu/cornu.h"

namespace cornu::testing {

// The models that are printed, and compared with what is printed of them: the golden ones, one that
// holds every class of layer with every argument, and some that are oddly made. Registers the
// classes and functions that are nobody's but this test's. The same at every call.
struct NamedModel {
  std::string name;
  Model model;
};
std::vector<NamedModel> models();

// Layers with all their arguments, none of which has its default.
std::vector<Layer> layers_with_every_argument();

}  // namespace cornu::testing
