#pragma once

#include <string>
#include <vector>

#include "cornu/formats/hdf5.h"
#include "cornu/model/model.h"
#include "cornu/model/network.h"

namespace cornu::formats {

// Fills a model's weights from the body of a model.weights.h5 (formats.md 4.3, 4.4): groups by
// class and number, datasets by order. Every weight must be there with its shape, and no layer's
// group may hold more; where a group says which layer it is of, the name must agree. Throws
// FormatError naming file, layer and shapes; no weight is changed then. With skip_mismatch, layers
// whose weights do not fit stay as they are, which `warnings` tells.
void read_keras_weights(const model::Network& network, const Hdf5Object& root,
                        const LoadWeightsOptions& o, const std::string& label,
                        std::vector<std::string>& warnings);

// Whether there is a dataset in it or below.
bool holds_data(const Hdf5Object& object);
// FormatError: there are weights, but the model is not built, so that they have no shapes.
[[noreturn]] void fail_unbuilt(const std::string& label);

// The class of a layer as its group spells it: "conv2d_transpose".
std::string group_class(const Layer& layer);

// The layer whose group "layer" holds the weights of a wrapper (TimeDistributed): what it holds,
// where it has no weights of its own. Nothing for any other layer.
std::optional<Layer> wrapped_layer(const Layer& layer);

// Says so in `warnings` when a weight holds NaN or infinity.
void warn_if_not_finite(const Tensor& weight, const std::string& what,
                        std::vector<std::string>& warnings);

}  // namespace cornu::formats
