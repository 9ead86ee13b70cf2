#include "options.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

namespace cli {

std::string wrapped(const std::string& text) {
  constexpr size_t kWidth = 58;
  std::string out;
  size_t line = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    if (line > 0 && line + 1 + (end - at) > kWidth) {
      out += '\n';
      line = 0;
    } else if (line > 0) {
      out += ' ';
      ++line;
    }
    out.append(text, at, end - at);
    line += end - at;
    at = end + 1;
  }
  return out;
}

void Common::add_to(CLI::App& verb) {
  verb.add_option("--threads", threads,
                  wrapped("Threads to use. Default: the CPUs this process may use, or "
                          "$CORNU_THREADS. Results do not depend on it"))
      ->check(between(1, 1024))
      ->type_name("T");
  verb.add_option("--precision", precision,
                  wrapped("'fast' may use algorithms that round a little worse than plain sums; "
                          "'strict' does not"))
      ->check(CLI::IsMember({"fast", "strict"}).description(""))
      ->capture_default_str()
      ->type_name("P");
  verb.add_flag("--json", json, "Print for machines: one JSON object on standard output");
  verb.add_flag("--quiet", quiet, "No progress bar and no warnings");
}

void Common::apply() const { cornu::set_num_threads(threads); }

void Training::add_to(CLI::App& verb, bool trains) {
  if (trains) {
    verb.add_option("--optimizer", optimizer,
                    wrapped("Its Keras name: adam, sgd, rmsprop, … Default: the file's, with all "
                            "it remembers"))
        ->type_name("O");
    verb.add_option("--learning-rate", learning_rate, "Default: the file's, or the optimizer's own")
        ->check(CLI::PositiveNumber.description(""))
        ->type_name("R");
  }
  verb.add_option("--loss", loss,
                  wrapped("Its Keras name: mse, categorical_crossentropy, … Default: the file's"))
      ->type_name("L");
  verb.add_option("--metrics", metrics,
                  wrapped("Their Keras names, with commas between. Default: the file's"))
      ->delimiter(',')
      ->type_name("A,B");
}

void print_warnings(const std::vector<std::string>& warnings, const Common& common) {
  if (common.quiet) return;
  for (const std::string& warning : warnings) fmt::print(stderr, "warning: {}\n", warning);
}

void Training::apply(const cornu::Model& model, const std::string& path,
                     const Common& common) const {
  const bool compiled = model.compiled();
  if (!compiled && loss.empty())
    throw cornu::ValueError(cornu::base::cat(
        path, ": the file does not say what the model is trained for: give --loss"));
  if (compiled && optimizer.empty()) print_warnings(cornu::compile_warnings(model), common);
  if (compiled && optimizer.empty() && loss.empty() && metrics.empty() &&
      common.precision == "fast") {
    if (learning_rate > 0) model.optimizer().set_learning_rate(learning_rate);
    return;
  }
  cornu::CompileOptions options;
  if (compiled) options = cornu::compile_options(model);
  if (!optimizer.empty()) options.optimizer = cornu::Optimizer(optimizer);
  if (!loss.empty()) options.loss = cornu::Loss(loss);
  if (!metrics.empty()) {
    std::vector<cornu::Metric> list(metrics.begin(), metrics.end());
    options.metrics = std::vector<std::vector<cornu::Metric>>(model.outputs().size(), list);
  }
  options.precision = common.precision;
  model.compile(options);
  if (learning_rate > 0) model.optimizer().set_learning_rate(learning_rate);
}

void add_measure_option(CLI::App& verb, std::string& path) {
  verb.add_option("--measure", path,
                  wrapped("Time the kernels that apply and take the fastest, rather than those a "
                          "count of cycles prefers. FILE keeps what was chosen for next time"))
      ->type_name("FILE");
}

void add_data_option(CLI::App& verb, std::string& path) {
  verb.add_option("--data", path,
                  wrapped("An .npz file of arrays x and y, or x0, x1, … and y0, y1, … in the order "
                          "of the model's inputs and outputs; sample_weight, val_x and val_y are "
                          "used where they are there"))
      ->required()
      ->type_name("D.npz");
}

void add_shape_option(CLI::App& verb, std::vector<std::string>& shapes) {
  verb.add_option("--shape", shapes,
                  wrapped("Shape of an input, batch first, once for each of the model's. Default: "
                          "the model's own with a batch of 1"))
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("N,H,W,C");
}

cornu::Shape parse_shape(const std::string& text) {
  cornu::Shape shape;
  size_t at = 0;
  while (at <= text.size()) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, comma - at);
    if (part.empty() || part.size() > 9 || part.find_first_not_of("0123456789") != part.npos)
      throw cornu::ValueError(
          fmt::format("--shape must be numbers with commas, such as 1,224,224,3. Received: {}",
                      cornu::base::quoted(text)));
    shape.push_back(std::stoll(part));
    at = comma + 1;
  }
  return shape;
}

int bar_or_lines(const Common& common) {
  if (common.json || common.quiet) return 0;
  return isatty(STDOUT_FILENO) ? 1 : 2;
}

int bar_or_nothing(const Common& common) { return bar_or_lines(common) == 1 ? 1 : 0; }

cornu::Model open_model(const std::string& path, const Common& common) {
  cornu::LoadResult loaded = cornu::load(path);
  print_warnings(loaded.warnings, common);
  return loaded.model;
}

std::string memory_text(const cornu::Program& program) {
  const auto mib = [](int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  return fmt::format(
      "{:.1f} MiB of memory: {:.1f} MiB to work in ({:.1f} MiB with memory for each tensor), "
      "{:.1f} MiB of packed weights",
      mib(program.workspace_bytes() + program.weight_bytes()), mib(program.workspace_bytes()),
      mib(program.plain_workspace_bytes()), mib(program.weight_bytes()));
}

}  // namespace cli
