#pragma once

#include <string>
#include <vector>

#include "cornu/formats/hdf5.h"
#include "cornu/model/model.h"
#include "cornu/model/network.h"

namespace cornu::formats {

// A weight of a layer, or of a layer inside of it.
struct LegacyWeight {
  Layer layer;   // that made it
  size_t index;  // in that layer
  Weight weight;
  std::string path;  // "model/conv2d/kernel"
};
// The weights of a layer in the order of these files: the trainable ones, then the others.
std::vector<LegacyWeight> legacy_order(const Layer& layer);

// The group that holds the weights of a file of Keras 1 to 3's older kind (formats.md part 3): its
// root, or the root's group "model_weights". Null for a file of the newer kind.
const Hdf5Object* legacy_weights_group(const Hdf5Object& root);

// Fills a model's weights from such a group: layers by their order, or by name; the weights of one
// layer by their order, those of a nested model trainable ones first, or failing that by name.
// Kernels that old versions and Theano kept otherwise are put in order. With by_name, layers that
// the file or the model lacks stay as they are; with skip_mismatch, so do layers whose weights do
// not fit, which `warnings` tells. Otherwise FormatError, and no weight is changed.
void read_legacy_weights(const model::Network& network, const Hdf5Object& group,
                         const LoadWeightsOptions& o, const std::string& label,
                         std::vector<std::string>& warnings);

}  // namespace cornu::formats
