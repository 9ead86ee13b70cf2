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

// Optimizer, loss and metrics, where they are not to be the file's.
struct Training {
  std::string optimizer, loss;
  double learning_rate = 0;  // 0: not given
  std::vector<std::string> metrics;

  void add_to(CLI::App& verb, bool trains);
  // Compiles the model with what was given, the rest as its file says; without a flag nothing
  // changes. ValueError where neither says what the loss is.
  void apply(const cornu::Model& model, const std::string& path, const Common& common) const;
};

// --measure FILE
void add_measure_option(CLI::App& verb, std::string& path);

// --data D.npz
void add_data_option(CLI::App& verb, std::string& path);

// --shape N,H,W,C, once per input; and what one says. ValueError for what is no shape.
void add_shape_option(CLI::App& verb, std::vector<std::string>& shapes);
cornu::Shape parse_shape(const std::string& text);

// What working memory a program takes.
std::string memory_text(const cornu::Program& program);

// How fit() and evaluate() are to print: nothing for machines; a bar on a terminal, else lines, or
// nothing.
int bar_or_lines(const Common& common);
int bar_or_nothing(const Common& common);

// To standard error, unless quiet.
void print_warnings(const std::vector<std::string>& warnings, const Common& common);

// The model of a file. Prints the file's warnings to standard error, unless quiet.
cornu::Model open_model(const std::string& path, const Common& common);

// Each verb adds itself to the program; its work is the callback.
void add_summary(CLI::App& app);
void add_predict(CLI::App& app);
void add_benchmark(CLI::App& app);
void add_convert(CLI::App& app);
void add_codegen(CLI::App& app);
void add_doctor(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_fit(CLI::App& app);

}  // namespace cli
