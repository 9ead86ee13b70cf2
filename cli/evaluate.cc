#include <fmt/core.h>

#include "options.h"
#include "training_data.h"

namespace cli {
namespace {

struct Options {
  std::string model, data;
  int64_t batch_size = 32;
  Training training;
  Common common;
};

void run(const Options& o) {
  o.common.apply();
  const cornu::Model model = open_model(o.model, o.common);
  o.training.apply(model, o.model, o.common);
  const cornu::Batch data = read_training_data(o.data, model).train;
  const cornu::Logs measured = model.evaluate(data.x, data.y,
                                              {.batch_size = o.batch_size,
                                               .verbose = bar_or_nothing(o.common),
                                               .sample_weight = data.sample_weight});
  if (cornu::communicator() && cornu::communicator()->rank() != 0) return;
  if (o.common.json) {
    std::vector<std::pair<std::string, cornu::base::Json>> items(measured.begin(), measured.end());
    fmt::print("{}\n", cornu::base::Json::object(items).dump());
    return;
  }
  for (const auto& [name, value] : measured) fmt::print("{}: {:.6g}\n", name, value);
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("evaluate", "Measures loss and metrics of a model on data");
  verb->footer(
      "\nExamples:\n"
      "  cornu evaluate model.keras --data test.npz\n"
      "  cornu evaluate model.keras --data test.npz --loss mse --metrics mae --json");
  verb->add_option("model", options->model, "The model's file")->required()->type_name("MODEL");
  add_data_option(*verb, options->data);
  verb->add_option("--batch-size", options->batch_size, "Samples computed at a time")
      ->check(between(int64_t{1}, int64_t{1} << 30))
      ->capture_default_str()
      ->type_name("N");
  options->training.add_to(*verb, false);
  options->common.add_to(*verb);
  verb->callback([options] { run(*options); });
}

}  // namespace cli
