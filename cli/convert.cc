#include "options.h"

namespace cli {
namespace {

struct Options {
  std::string from, to, weights;
  std::vector<std::string> shapes;
  Common common;
};

// What a file is to be shows in its name.
bool is_hdf5(const std::string& path) { return path.ends_with(".h5") || path.ends_with(".hdf5"); }

void run(const Options& o) {
  o.common.apply();
  const cornu::Model model = open_model(o.from, o.common);
  if (!o.weights.empty()) print_warnings(model.load_weights(o.weights), o.common);
  if (!o.to.ends_with(".onnx") && !o.shapes.empty())
    throw cornu::ValueError("--shape is for .onnx alone: the others take any batch");
  if (o.to.ends_with(".onnx")) {
    cornu::OnnxOptions onnx;
    for (const std::string& text : o.shapes) onnx.input_shapes.push_back(parse_shape(text));
    cornu::export_onnx(model, o.to, onnx);
  } else if (o.to.ends_with(".json")) {
    cornu::export_tfjs(model, o.to);
  } else if (o.to.ends_with(".weights.h5") || o.to.ends_with(".npz") ||
             o.to.ends_with(".safetensors")) {
    model.save_weights(o.to);
  } else if (o.to.ends_with(".keras") || is_hdf5(o.to)) {
    model.save(o.to);
  } else {
    throw cornu::ValueError(cornu::base::cat(
        "what a model is written as shows in its suffix: .keras, .h5, .weights.h5, .npz, "
        ".safetensors, .json or .onnx. Received: ",
        cornu::base::quoted(o.to)));
  }
}

}  // namespace

void add_convert(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("convert", "Writes a model in another format");
  verb->footer(
      "\nExamples:\n"
      "  cornu convert model.h5 model.keras\n"
      "  cornu convert model.keras web/model.json\n"
      "  cornu convert model.keras model.weights.h5\n"
      "  cornu convert model.keras model.safetensors\n"
      "  cornu convert model.keras other.keras --weights other.safetensors\n"
      "  cornu convert model.keras model.onnx --shape 8,224,224,3");
  verb->add_option("from", options->from, "The model's file")->required()->type_name("MODEL");
  verb->add_option(
          "to", options->to,
          wrapped(
              "The file to write: .keras, .h5, .json for TensorFlow.js, whose weights come beside "
              "it, or .onnx for other runtimes, which is for inputs of one shape; of the weights "
              "alone .weights.h5, or .npz or .safetensors with Keras's paths as names"))
      ->required()
      ->type_name("FILE");
  verb->add_option("--weights", options->weights,
                   wrapped("Take the weights from this file instead: one of those three, or of any "
                           "other model of the same layers"))
      ->type_name("FILE");
  add_shape_option(*verb, options->shapes);
  options->common.add_to(*verb);
  verb->callback([options] { run(*options); });
}

}  // namespace cli
