#include "options.h"

#include <fmt/core.h>

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

cornu::Model open_model(const std::string& path, const Common& common) {
  cornu::LoadResult loaded = cornu::load(path);
  if (!common.quiet)
    for (const std::string& warning : loaded.warnings) fmt::print(stderr, "warning: {}\n", warning);
  return loaded.model;
}

}  // namespace cli
