#pragma once

#include <string>

#include "cornu/formats/load.h"
#include "cornu/formats/mend.h"

namespace cornu::formats {

enum class FileKind { kFolder, kZip, kHdf5, kJson, kUnknown };

// What a path's content begins like. IoError where it cannot be opened.
FileKind sniff(const std::string& path);

// load(), with a say in the configuration; an empty `mend` has none.
LoadResult load_file(const std::string& path, const Mend& mend);

}  // namespace cornu::formats
