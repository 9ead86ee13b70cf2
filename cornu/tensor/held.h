#pragma once

#include <cstdint>

namespace cornu {

// The memory of tensors that this thread has made, in bytes, less what it has freed: its growth is
// what a call keeps, whoever keeps it.
int64_t tensor_bytes_held();

}  // namespace cornu
