#pragma once

#include <map>
#include <set>
#include <string>

#include "cornu/base/json.h"

namespace cornu::formats {

// Names that TensorFlow.js takes: letters, digits, '-', '_', '.' and '/', a letter or a digit
// first. Other characters become '_', and names that would then be one get a number.
class TfjsNames {
 public:
  // For all layers of a model's object, and of those inside.
  explicit TfjsNames(const base::Json& object);
  std::string of(std::string_view name) const;
  // The object with them.
  base::Json renamed(const base::Json& object) const;

 private:
  void collect(const base::Json& object);
  base::Json list(const base::Json& value) const;

  std::set<std::string, std::less<>> all_;
  std::map<std::string, std::string, std::less<>> others_;
};

}  // namespace cornu::formats
