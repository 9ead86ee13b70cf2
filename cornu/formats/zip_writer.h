#pragma once

#include <string>
#include <vector>

#include "cornu/base/file.h"
#include "cornu/formats/content.h"

namespace cornu::formats {

struct ZipMember {
  std::string name;
  Content content;
};

// Sizes and offsets from which on the fields of zip64 are used. Lower only in tests.
inline constexpr uint64_t kZip64From = 0xffffffff;

// Writes an archive as Python's zipfile does for Keras: members stored, in their order, all dated
// 1980-01-01 so that equal members make equal archives (formats.md 4.1). Throws IoError.
void write_zip(const std::vector<ZipMember>& members, base::AtomicFile* file,
               uint64_t zip64_from = kZip64From);

}  // namespace cornu::formats
