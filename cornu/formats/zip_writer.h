#pragma once

#include <string>
#include <vector>

#include "cornu/formats/content.h"

namespace cornu::formats {

struct ZipMember {
  std::string name;
  Content content;
};

// Sizes and offsets from which on the fields of zip64 are used. Lower only in tests.
inline constexpr uint64_t kZip64From = 0xffffffff;

// An archive as Python's zipfile writes it for Keras: members stored, in their order, all dated
// 1980-01-01 so that equal members make equal archives (formats.md 4.1).
Content write_zip(std::vector<ZipMember> members, uint64_t zip64_from = kZip64From);

}  // namespace cornu::formats
