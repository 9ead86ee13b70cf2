#pragma once

#include <span>

namespace cornu {

// Whether none is NaN or infinite, as fast as memory is read.
bool all_finite(std::span<const float> values);

}  // namespace cornu
