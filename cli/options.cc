#include "options.h"

#include <fmt/core.h>

namespace cli {

void Common::add_to(CLI::App& verb) {
  verb.add_option("--threads", threads,
                  "Threads to use. Default: the CPUs this process may use, or $CORNU_THREADS. "
                  "Results do not depend on it")
      ->check(CLI::Range(1, 1024))
      ->type_name("T");
  verb.add_option("--precision", precision,
                  "'fast' may use algorithms that round a little worse than plain sums; 'strict' "
                  "does not")
      ->check(CLI::IsMember({"fast", "strict"}))
      ->capture_default_str()
      ->type_name("P");
  verb.add_flag("--json", json, "Print for machines: one JSON object on standard output");
  verb.add_flag("--quiet", quiet, "No progress bar and no warnings");
}

void Common::apply() const { cornu::set_num_threads(threads); }

cornu::Model open_model(const std::string& path, const Common& common) {
  cornu::LoadResult loaded = cornu::load(path);
  if (!common.quiet)
    for (const std::string& warning : loaded.warnings) fmt::print(stderr, "warning: {}\n", warning);
  return loaded.model;
}

}  // namespace cli
