#pragma once

#include <string>

#include "cornu/base/export.h"
#include "cornu/tensor/tensor.h"

namespace cornu {

// Reads an array in the IDX format, as MNIST and its kin come (http://yann.lecun.com/exdb/mnist/):
// unsigned bytes or floats, plain or packed by gzip. The first axis is the samples. Throws IoError,
// FormatError for a damaged file or one of another kind, OutOfMemory.
CORNU_API Tensor load_idx(const std::string& path);

}  // namespace cornu
