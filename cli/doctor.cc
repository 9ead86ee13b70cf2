#include <fmt/core.h>

#include "options.h"

namespace cli {
namespace {

struct Options {
  std::string file, output;
  Common common;
};

cornu::base::Json as_json(const cornu::Diagnosis& d) {
  using cornu::base::Json;
  std::vector<Json> findings;
  for (const std::string& each : d.findings) findings.emplace_back(each);
  return Json::object({{"kind", d.kind},
                       {"keras_version", d.keras_version},
                       {"findings", Json::array(findings)},
                       {"opens", d.model.has_value()},
                       {"error", d.error}});
}

void print(const Options& o, const cornu::Diagnosis& d) {
  const std::string writer =  // quoted: the file says it, and could say anything
      d.keras_version.empty()
          ? ""
          : fmt::format(", written by version {}", cornu::base::quoted(d.keras_version));
  fmt::print("{}: {}{}\n", o.file, d.kind, writer);
  if (d.model)
    fmt::print("{} {}, {} layers, {} parameters{}\n", cornu::Layer(*d.model).class_name(),
               cornu::base::quoted(d.model->name()), d.model->layers().size(),
               d.model->built() ? d.model->count_params() : 0,
               d.model->compiled() ? ", compiled" : "");
  for (const std::string& each : d.findings) fmt::print("- {}\n", each);
  if (d.findings.empty() && d.model) fmt::print("nothing odd was found\n");
}

void run(const Options& o) {
  o.common.apply();
  const cornu::Diagnosis d = cornu::diagnose(o.file);
  if (o.common.json)
    fmt::print("{}\n", as_json(d).dump());
  else
    print(o, d);
  if (!d.model) throw cornu::FormatError(d.error);
  if (!o.output.empty()) d.model->save(o.output);
}

}  // namespace

void add_doctor(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("doctor", "Says what a file is, and what is odd about it or lost");
  verb->footer("\nExample:\n  cornu doctor old.keras --output repaired.keras");
  verb->add_option("file", options->file, "A model's file, or one of weights")
      ->required()
      ->type_name("FILE");
  verb->add_option("--output", options->output,
                   wrapped("Writes the model (.keras, .h5) with what could be repaired"))
      ->type_name("FILE");
  options->common.add_to(*verb);
  verb->callback([options] { run(*options); });
}

}  // namespace cli
