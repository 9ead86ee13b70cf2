#pragma once

#include "cornu/base/json.h"

namespace cornu::formats {

// A model's object (model::model_object()) as {"class_name", "config"} in the schema of Keras 2
// (formats.md 5.4), with the classes and arguments that TensorFlow.js 4.22 has and computes as
// Keras does. Others stand for those that it lacks where they compute the same (tfjs_lowering.h);
// additions and the like of tensors of one shape become layers. ValueError naming the layer and
// what cannot be said: classes it lacks, arguments it ignores, layers shared between models.
base::Json keras2_object(const base::Json& object);

}  // namespace cornu::formats
