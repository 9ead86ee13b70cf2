#pragma once

#include <string>

#include "cornu/base/bytes.h"

namespace cornu::formats {

// The `size` bytes that the deflated member `name` of an archive unpacks to. They are all in memory
// at first, and go part by part as they are released; to look at such a part again, the member is
// unpacked once more from its start. Throws FormatError when there are more or fewer bytes, or the
// packed ones are damaged; OutOfMemory.
base::Bytes unpacked(const base::Bytes& packed, uint64_t size, const std::string& name);

}  // namespace cornu::formats
