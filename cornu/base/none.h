#pragma once

#include <optional>

#ifndef None  // X11 defines it as 0L
namespace cornu {
// Python's None: an absent argument, or a dimension that is not known yet.
inline constexpr std::nullopt_t None = std::nullopt;
}  // namespace cornu
#endif
