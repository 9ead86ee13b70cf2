#pragma once

#include "cornu/base/json.h"

namespace cornu::formats {

// The object of a model ({"class_name", "config", …}, as model::model_object() makes it) in which
// layers that TensorFlow.js lacks are said with those it has, where these compute the same: 1-D and
// 3-D cropping, padding and upsampling as 2-D ones between Reshapes, so too Conv1DTranspose,
// SeparableConv1D and DepthwiseConv1D, whose kernels get a first axis of size 1; causal padding,
// keepdims, subtraction and arithmetic with numbers; tensors that a call takes twice. The last
// layer in the place of one has its name, or the one with the weights does. All else is left as it
// is; nested models too, which the caller hands in by themselves.
base::Json lowered_for_tfjs(const base::Json& object);

// Whether kernels of this class get that axis.
bool gets_an_axis(const std::string& class_name);

}  // namespace cornu::formats
