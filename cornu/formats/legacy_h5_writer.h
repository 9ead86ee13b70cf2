#pragma once

#include "cornu/formats/hdf5_writer.h"
#include "cornu/model/network.h"

namespace cornu::formats {

// A whole model as HDF5, as Keras 3 writes it (formats.md part 3): configuration and training in
// attributes, weights by the names of layers. Equal models make equal bytes. ValueError for layer
// names that no file can hold.
Content legacy_model(const model::Network& network);

}  // namespace cornu::formats
