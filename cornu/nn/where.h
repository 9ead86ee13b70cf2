#pragma once

#include <string>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::nn {

// Whose argument is being checked: "Conv2D 'conv2d_3'".
struct Where {
  std::string class_name;
  std::string name;

  // "Conv2D 'conv2d_3': <parts>"
  template <class... T>
  std::string message(const T&... parts) const {
    return base::cat(class_name, name.empty() ? "" : " ", name.empty() ? "" : base::quoted(name),
                     ": ", parts...);
  }
};

}  // namespace cornu::nn
