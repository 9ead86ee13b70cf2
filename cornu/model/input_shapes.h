#pragma once

#include <vector>

#include "cornu/model/model.h"

namespace cornu::model {

// The shapes to trace a model with: `given` or, where none are, the model's own with a batch of 1.
// ValueError naming the `caller` when one is not fully known.
std::vector<Shape> full_input_shapes(const Model& model, std::vector<Shape> given,
                                     const char* caller);

}  // namespace cornu::model
