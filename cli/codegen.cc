#include <fmt/core.h>

#include "options.h"

namespace cli {
namespace {

struct Options {
  std::string model, output;
  cornu::CodegenOptions code;
  Common common;
};

void run(const Options& o) {
  o.common.apply();
  const std::string text = cornu::codegen(open_model(o.model, o.common), o.code);
  if (o.output.empty())
    fmt::print("{}", text);
  else
    cornu::base::write_file_atomic(o.output, text);
}

}  // namespace

void add_codegen(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("codegen", "Prints the C++ that builds a model");
  verb->footer(
      "\nThe C++ is a function that returns the model, with all its arguments and names, for a\n"
      "program that links cornu. It has the model's summary, and its weights once they are loaded:"
      "\n"
      "  cornu codegen model.keras --output make_model.cc\n"
      "  const cornu::Model model = make_model();\n"
      "  model.load_weights(\"model.keras\");\n"
      "\n"
      "A layer of a class that Keras does not have becomes a call of own_layer(class_name,\n"
      "configuration), which the C++ declares and you write; an activation, initializer,\n"
      "regularizer or constraint of one's own is named, and must be made known with\n"
      "register_activation() and its kin before the function is called. A layer that only files "
      "may\n"
      "hold, such as a strided and dilated DepthwiseConv2D, is made of its configuration. How the\n"
      "model is trained is not printed.");
  verb->add_option("model", options->model, "The model's file")->required()->type_name("MODEL");
  verb->add_option("--output", options->output, "The file to write, instead of standard output")
      ->type_name("FILE");
  verb->add_option("--function", options->code.function, "The name of the function")
      ->type_name("NAME")
      ->capture_default_str();
  options->common.add_to(*verb);
  verb->callback([options] { run(*options); });
}

}  // namespace cli
