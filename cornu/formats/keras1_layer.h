#pragma once

#include <string>

#include "cornu/base/json.h"

namespace cornu::formats {

// A layer's {"class_name", "config", …} as Keras 2 would write it, where Keras 1 wrote it: its
// arguments have other names there, and merging is one class (formats.md 3.5). Any other object is
// returned as it is. ValueError for what Keras 1 had and no later Keras has.
base::Json layer_of_keras1(const base::Json& object);

}  // namespace cornu::formats
