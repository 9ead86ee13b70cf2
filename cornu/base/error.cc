#include "cornu/base/error.h"

#include "cornu/base/text.h"

namespace cornu::base {

void check_failed(const char* condition, const char* file, int line) {
  std::string_view path(file);  // from the library's folder on: not where it was built
  const size_t at = path.rfind("cornu/");
  if (at != path.npos) path.remove_prefix(at);
  throw InternalError(cat("internal error: ", condition, " does not hold at ", path, ":", line));
}

}  // namespace cornu::base
