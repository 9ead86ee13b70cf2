#pragma once

#include <cornu/cornu.h>

#include <CLI/CLI.hpp>
#include <string>

namespace cli {

// A description broken into lines that fit beside the names of the options.
std::string wrapped(const std::string& text);

// Numbers from low to high, without the library's own wording in --help.
template <class T>
CLI::Validator between(T low, T high) {
  return CLI::Range(low, high).description("");
}

// What every verb takes.
struct Common {
  int threads = 0;
  std::string precision = "fast";
  bool json = false;
  bool quiet = false;

  void add_to(CLI::App& verb);
  // Sets the threads, and what else holds for the process.
  void apply() const;
};

// The model of a file. Prints the file's warnings to standard error, unless quiet.
cornu::Model open_model(const std::string& path, const Common& common);

// Each verb adds itself to the program; its work is the callback.
void add_summary(CLI::App& app);
void add_predict(CLI::App& app);
void add_benchmark(CLI::App& app);

}  // namespace cli
