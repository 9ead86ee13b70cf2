#include "cornu/base/error.h"

#include "cornu/base/text.h"

namespace cornu::base {

void check_failed(const char* condition, const char* file, int line) {
  throw InternalError(cat("internal error: ", condition, " does not hold at ", file, ":", line));
}

}  // namespace cornu::base
