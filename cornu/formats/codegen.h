#pragma once

#include <string>

#include "cornu/base/export.h"
#include "cornu/model/model.h"

namespace cornu {

struct CodegenOptions {
  std::string function = "make_model";  // the name of the function to print
};

// The C++ text of a function that builds the model with this library: layers with every argument
// that is not the default, names, shared and nested layers. The model it returns has the same
// summary; its weights are initial ones, until load_weights() reads them from the original's file.
//
// What this library does not know has no C++ to print: a layer of a class of one's own becomes a
// call of own_layer(class_name, configuration), which the text declares and its user writes, and a
// function of one's own (activation, initializer, regularizer, constraint) the name that it must be
// registered under. A layer that only files may hold (a strided and dilated DepthwiseConv2D) is
// made of its configuration. Training is left out. ValueError for a function name that C++ does not
// take.
CORNU_API std::string codegen(const Model& model, const CodegenOptions& o = {});

}  // namespace cornu
