#pragma once

#include <string>
#include <vector>

#include "cornu/base/export.h"

namespace cornu {

struct SummaryOptions {
  int line_length = 0;          // columns; 0: 88 for a chain of layers, 108 otherwise (+12 below)
  int max_line_length = 0;      // of the default; 0: no limit
  bool show_trainable = false;  // a column that says which layers are trainable
  bool expand_nested = false;   // the layers of nested models too, indented
};

namespace model {

class Network;

// Keras 3's table (layers.md part 17), UTF-8, ending in a newline.
std::string summary(const Network& network, const SummaryOptions& options);

// Column widths of the table as Keras's printer chooses them: `ends` are the relative ends of the
// columns, the result the width of each with one blank on both sides.
std::vector<int> column_widths(int line_length, const std::vector<double>& ends);

}  // namespace model
}  // namespace cornu
