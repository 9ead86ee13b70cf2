#pragma once

#include <string>

#include "cornu/formats/onnx_writer.h"
#include "cornu/ops/op.h"

namespace cornu::formats {

// Adds the nodes that compute an elementwise function of the value x.
std::string add_unary(OnnxWriter& out, const ops::Unary& fn, const std::string& x);

}  // namespace cornu::formats
