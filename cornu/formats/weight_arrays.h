#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cornu/model/model.h"
#include "cornu/model/network.h"

// Weights as arrays with names: .npz and .safetensors.
namespace cornu::formats {

using NamedArrays = std::vector<std::pair<std::string, Tensor>>;

// The weights of a model by Keras 3's variable paths, in the model's order: the layer and its
// weight
// ("conv2d/kernel"), after the Sequential and the wrappers that it is in
// ("sequential/conv2d/bias"). Where two would have one path, the later one gets a number.
NamedArrays weight_arrays(const model::Network& network);

// The arrays of such a file, as its content or, for .safetensors, its name says; nothing for any
// other file. Throws IoError, FormatError.
std::optional<NamedArrays> load_arrays(const std::string& path);

// Fills a model's weights: each must be there with its shape, under its path or, where this is
// unambiguous, another one that ends in the same layer and weight; no array may be left. With
// by_name, only what both have is read; with skip_mismatch, what does not fit is told in
// `warnings`. Otherwise FormatError, and no weight is changed.
void read_weight_arrays(const model::Network& network, NamedArrays arrays,
                        const LoadWeightsOptions& o, const std::string& label,
                        std::vector<std::string>& warnings);

}  // namespace cornu::formats
