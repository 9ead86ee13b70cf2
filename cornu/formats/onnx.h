#pragma once

#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/model/model.h"

namespace cornu {

struct OnnxOptions {
  // The file is for inputs of these shapes: one per input, batch included. Empty: the model's own
  // with a batch of 1.
  std::vector<Shape> input_shapes = {};
};

// Writes what the model predicts, with its present weights, for other runtimes: ONNX, opset 17. The
// file appears whole or not at all, and equal models make equal files. Inputs and outputs are named
// after their layers and laid out as the model has them; between them channels come first, as ONNX
// wants it. Throws ValueError for another suffix than .onnx, for shapes that are not known, for
// 2 GiB and more and, naming the layer, for what ONNX cannot say; IoError naming the file.
CORNU_API void export_onnx(const Model& model, const std::string& path, const OnnxOptions& o = {});

}  // namespace cornu
