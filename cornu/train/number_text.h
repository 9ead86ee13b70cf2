#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cornu/base/export.h"

namespace cornu::train {

// As Python's "%.*f" and "%.*e" print them: 0.5000, 1.0000e-05, nan, -inf, whatever the locale.
std::string fixed(double value, int precision);
std::string scientific(double value, int precision);

// A named value that a text may refer to; whole numbers print as Python's int does.
struct Field {
  std::string name;
  double value = 0;
  bool whole = false;
};

// Python's str.format with numbers: "{epoch:02d}-{val_loss:.2f}.keras", "{{" for a brace. Specs
// are [[fill]align][sign][0][width][,][.precision][type], align one of <>^=, type one of deEfFgG%.
// Throws ValueError as Python does (KeyError: "Missing field 'mae'").
std::string format_fields(const std::string& text, const std::vector<Field>& fields);

}  // namespace cornu::train
