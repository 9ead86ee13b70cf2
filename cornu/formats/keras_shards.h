#pragma once

#include "cornu/formats/hdf5.h"
#include "cornu/formats/tfjs_weights.h"

namespace cornu::formats {

// Weights that Keras split over files (max_shard_size): `json` is the .weights.json, which says
// what lies where, `shards` opens the files it names, which must be plain names. All of them as one
// file. Throws FormatError, and what `shards` throws.
Hdf5File open_keras_shards(const base::Bytes& json, const ShardSource& shards);

}  // namespace cornu::formats
