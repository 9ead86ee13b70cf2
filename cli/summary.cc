#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "options.h"

namespace cli {
namespace {

struct Options {
  std::string model;
  cornu::SummaryOptions table;
  bool memory = false;
  std::vector<std::string> shapes;
  Common common;
};

// The table's own width, narrower where the terminal is (Keras: the terminal's columns less 4).
int width_for_terminal() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 44) return 0;
  return size.ws_col - 4;
}

cornu::base::Json shape_json(const cornu::Shape& shape) {
  using cornu::base::Json;
  std::vector<Json> dims;
  for (int64_t d : shape) dims.push_back(d == cornu::Dim::kUnknown ? Json() : Json(d));
  return Json::array(dims);
}

std::string as_json(const cornu::Model& model) {
  using cornu::base::Json;
  std::vector<Json> layers, inputs, outputs;
  for (const cornu::Layer& layer : model.layers()) {
    const int64_t params = layer.built() ? layer.count_params() : 0;
    layers.push_back(Json::object({{"name", layer.name()},
                                   {"class_name", layer.class_name()},
                                   {"params", params},
                                   {"trainable", layer.trainable()}}));
  }
  for (const cornu::Shape& s : model.input_shapes()) inputs.push_back(shape_json(s));
  for (const cornu::Shape& s : model.output_shapes()) outputs.push_back(shape_json(s));
  int64_t trainable = 0;
  for (const auto& v : model.trainable_weights()) trainable += v->shape().size();
  return Json::object({{"name", model.name()},
                       {"inputs", Json::array(inputs)},
                       {"outputs", Json::array(outputs)},
                       {"params", model.count_params()},
                       {"trainable_params", trainable},
                       {"layers", Json::array(layers)}})
             .dump() +
         "\n";
}

void run(Options o) {
  o.common.apply();
  const cornu::Model model = open_model(o.model, o.common);
  const int terminal = width_for_terminal();
  if (terminal > 0 && o.table.line_length == 0) o.table.max_line_length = terminal;
  fmt::print("{}", o.common.json ? as_json(model) : model.summary_text(o.table));
  if (o.common.json || !o.memory) return;
  cornu::ProgramOptions options{.precision = o.common.precision};
  for (const std::string& text : o.shapes) options.input_shapes.push_back(parse_shape(text));
  fmt::print("{}\n", memory_text(model.program(options)));
}

}  // namespace

void add_summary(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "summary", "Prints a model's layers, shapes and parameters, as Keras does");
  verb->add_option("model", options->model, "The model's file")->required()->type_name("MODEL");
  verb->add_flag("--trainable", options->table.show_trainable, "Say which layers are trainable");
  verb->add_flag("--expand-nested", options->table.expand_nested,
                 "Show the layers of nested models too");
  verb->add_option("--width", options->table.line_length, "Columns of the table")
      ->check(between(40, 1000))
      ->type_name("N");
  verb->add_flag("--memory", options->memory,
                 "Say what memory predicting takes, of inputs of --shape");
  add_shape_option(*verb, options->shapes);
  options->common.add_to(*verb);
  verb->callback([options] { run(*options); });
}

}  // namespace cli
