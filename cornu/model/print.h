#pragma once

#include <string>

namespace cornu::model {

// Writes text that a user asked for (summary(), verbose) to the print sink, else to standard
// output.
void print(const std::string& text);
bool has_print_sink();

}  // namespace cornu::model
