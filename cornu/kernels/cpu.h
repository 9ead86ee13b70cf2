#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cornu/base/export.h"

// Which instructions the fast kernels use. The best the CPU has is taken unless the environment
// variable CORNU_CPU or set_cpu_target() names another; a model compiled before keeps its own.
namespace cornu {

// Names usable on this CPU, best first, such as "avx512", "avx2", "sse4" or "neon", and
// last what any CPU has. Only "reference" in a library built without fast kernels.
CORNU_API std::vector<std::string> cpu_targets();

// The target that models compiled from now on use. A CORNU_CPU that names none of cpu_targets() is
// a ValueError here, and when the first model is compiled.
CORNU_API std::string cpu_target();

// Throws ValueError for a name that is not among cpu_targets().
CORNU_API void set_cpu_target(std::string_view name);

}  // namespace cornu
