#pragma once

// graph/interpret.h by its old name.

#include "cornu/graph/interpret.h"

namespace cornu::exec {

using graph::interpret;

}  // namespace cornu::exec
