// Writes one C++ file with a function for each model, and a table of them all.

#include <cstdio>
#include <fstream>

#include "tests/codegen/models.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    std::ofstream out(argv[1]);
    std::string table;
    int count = 0;
    for (const auto& [name, model] : cornu::testing::models()) {
      const std::string function = "model_" + std::to_string(count++);
      out << cornu::codegen(model, {.function = function});
      table += "    " + function + ",\n";
    }
    out << "\n#include \"tests/codegen/printed_models.h\"\n\n"
        << "const std::vector<cornu::Model (*)()>& printed_models() {\n"
        << "  static const std::vector<cornu::Model (*)()> all = {\n"
        << table << "  };\n  return all;\n}\n";
    return out.flush() ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
