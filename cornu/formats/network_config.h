#pragma once

#include <memory>
#include <string>

#include "cornu/base/json.h"
#include "cornu/layers/config.h"
#include "cornu/model/network.h"

namespace cornu::formats {

// What the writer of a file meant, by its keras_version (layers.md 20.5): "2.3.1", "2.10.0",
// "2.2.4-tf", "3.8.0", "tfjs-layers 4.22.0".
layers::Dialect dialect_of(std::string_view keras_version);

// Builds the model of a {"class_name": "Sequential" | "Functional" | "Model", "config": …} object,
// of any generation of Keras (formats.md 3.6, 4.2). No weight is allocated: weights take memory
// when they are read or assigned first. Throws FormatError for a broken structure, ValueError for
// layers and arguments that are unknown or wrong; both name the place.
std::shared_ptr<model::Network> network_from_config(const base::Json& object,
                                                    const layers::Dialect& dialect,
                                                    const std::string& label);

}  // namespace cornu::formats
