#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/tensor/tensor.h"

namespace cornu {

// Reads a NumPy array (.npy, versions 1 to 3): floats of 2, 4 or 8 bytes, integers of 1 to 8 bytes
// and booleans, of either byte order, in C or Fortran order. All become float32; 64-bit numbers are
// rounded. Throws IoError, and FormatError for other types (pickled objects are never read) and
// for a file that is not exactly as long as its header says.
CORNU_API Tensor load_npy(const std::string& path);

// Writes float32 in C order, version 1.0. The file appears whole or not at all. Throws IoError.
CORNU_API void save_npy(const std::string& path, const Tensor& tensor);

// Reads all arrays of an .npz archive (numpy.savez, savez_compressed), in the archive's order,
// named as numpy names them. Errors are load_npy's; packed arrays may unpack to 8 MiB and 32 times
// the file, together: what a small file says may not take much memory.
CORNU_API std::vector<std::pair<std::string, Tensor>> load_npz(const std::string& path);

// Writes an .npz archive (numpy.savez): float32 arrays, not packed. Errors are save_npy's, and
// ValueError for a name that comes twice or that no member of an archive may have: load_npz() would
// refuse it.
CORNU_API void save_npz(const std::string& path,
                        const std::vector<std::pair<std::string, Tensor>>& arrays);

}  // namespace cornu
