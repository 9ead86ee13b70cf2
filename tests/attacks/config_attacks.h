#pragma once

#include "tests/attacks/attack.h"

namespace cornu::testing_attacks {

namespace config {

// One layer alone in a model whose input is of that shape.
inline std::string alone(const std::string& layer, const std::string& shape = "[null, 4]") {
  return sequential({layer}, cat(", 'build_input_shape': ", shape));
}
inline std::string of_class(const std::string& class_name, const std::string& fields = "",
                            const std::string& more = "") {
  return alone(layer(class_name, "l", fields, "", more));
}
inline std::string functional(const std::vector<std::string>& layers,
                              const std::string& inputs = "[['i', 0, 0]]",
                              const std::string& outputs = "[['a', 0, 0]]") {
  return cat("{'class_name': 'Functional', 'config': {'name': 'm', 'layers': ", list(layers),
             ", 'input_layers': ", inputs, ", 'output_layers': ", outputs, "}}");
}
// The same as a whole model in HDF5.
inline std::string hdf5_of(const std::string& config) {
  using namespace formats::testing_hdf5;
  Builder b;
  const std::string text = json(config);
  const size_t weights = b.group("weights", {});
  b.finish(b.group("root", {{"model_weights", weights}},
                   {attribute("model_config", variable_type(), space({}), b.variable({text})),
                    attribute("keras_version", fixed_type(6), space({}), "2.15.0")}));
  return b.data;
}
// And as JSON alone, of Keras 3.
inline std::string json_of(std::string config) {
  config.pop_back();
  return json(cat(config, ", 'module': 'keras', 'registered_name': null}"));
}

}  // namespace config

namespace config {

inline Attack row(const std::string& name, const char* ending, const char* word,
                  const std::string& config) {
  return attack(cat("graph_", name, ".keras"), ending, word, archive_of(config));
}
inline std::string node(const std::string& from) { return cat("[[['", from, "', 0, 0, {}]]]"); }
inline std::string relu(const std::string& name, const std::string& nodes) {
  return layer("ReLU", name, "", nodes);
}
// Functions that a file names.
const std::string kCode =
    "'function': {'class_name': '__lambda__', 'config': {'code': "
    "'4wEAAAAAAAAAAAAAAAQAAAADAAAA8w==', 'defaults': null, 'closure': null}}";
const std::string kSystem =
    "{'module': 'os', 'class_name': 'function', 'config': 'system', "
    "'registered_name': 'system'}";
const std::string kGetFile =
    "{'module': 'keras.utils', 'class_name': 'get_file', 'config': {'fname': '/tmp/x', 'origin': "
    "'http://localhost/x', 'extract': true}, 'registered_name': null}";
const std::string kUnsafe =
    "{'module': 'keras.config', 'class_name': 'function', 'config': "
    "'enable_unsafe_deserialization', 'registered_name': null}";

const std::string kInput = input("i");

}  // namespace config

// What Keras was attacked with (reliability.md 1), in every format that holds a configuration: no
// code is run, no class but Keras's own is made, no path is opened.
inline Attacks config_classes() {
  using namespace config;
  struct Row {
    const char* name;  // of the attack: a CVE, or the class
    const char* ending;
    const char* word;
    std::string config;
  };
  const auto held = [](const std::string& inner) {
    return alone(layer("TimeDistributed", "t", cat("'layer': ", inner)), "[null, 3, 4]");
  };
  const std::vector<Row> rows = {
      {"2024_3660_lambda", "ValueError", "Python code", of_class("Lambda", kCode)},
      {"2024_3660_lambda_list", "ValueError", "Python code",
       of_class("Lambda", "'function': ['4wEAAAAAAAAA', null, null], 'function_type': 'lambda'")},
      {"2024_3660_lambda_held", "ValueError", "Python code", held(layer("Lambda", "l", kCode))},
      {"2024_3660_lambda_nested", "ValueError", "Python code",
       sequential({sequential({layer("Lambda", "l", kCode)})})},
      {"2024_3660_tf_op", "ValueError", "Python code",
       of_class("TFOpLambda", "'function': 'exec'")},
      {"2024_3660_tf_op_call", "ValueError", "no layer computes TensorFlow's function",
       functional({kInput, layer("TFOpLambda", "a", "'function': 'io.read_file'",
                                 "[['i', 0, 0, {'filename': '/etc/passwd', 'name': null}]]")})},
      {"2024_3660_lambda_activation", "ValueError", "activation",
       of_class("Dense", cat("'units': 3, ",
                             "'activation': {'class_name': '__lambda__', 'config': "
                             "{'code': '4wEA'}}"))},
      {"2025_1550_module", "ValueError", "unknown class",
       alone(cat("{'module': 'builtins', 'class_name': 'exec', 'config': {'name': 'l', 'source': "
                 "'import os'}}"))},
      {"2025_1550_not_keras", "ValueError", "not Keras's own",
       alone(cat("{'module': 'os', 'class_name': 'Dense', 'config': {'name': 'l', 'units': 3}}"))},
      {"2025_1550_function", "ValueError", "activation",
       of_class("Dense", cat("'units': 3, 'activation': ", kSystem))},
      {"2025_1550_initializer", "ValueError", "initializer",
       of_class("Dense", cat("'units': 3, 'kernel_initializer': ", kSystem))},
      {"2025_1550_regularizer", "ValueError", "regularizer",
       of_class("Dense", cat("'units': 3, 'kernel_regularizer': ", kSystem))},
      {"2025_1550_constraint", "ValueError", "constraint",
       of_class("Dense", cat("'units': 3, 'kernel_constraint': ", kSystem))},
      {"2025_8747_get_file", "ValueError", "unknown class", alone(kGetFile)},
      {"2025_8747_get_file_activation", "ValueError", "activation",
       of_class("Dense", cat("'units': 3, 'activation': ", kGetFile))},
      {"2025_9906_unsafe", "ValueError", "unknown class", alone(kUnsafe)},
      {"2025_9906_unsafe_initializer", "ValueError", "initializer",
       of_class("Dense", cat("'units': 3, 'bias_initializer': ", kUnsafe))},
      {"2025_49655_torch", "ValueError", "'TorchModuleWrapper'",
       of_class("TorchModuleWrapper", "'module': 'UEsDBAAA'")},
      {"2025_12058_string_lookup", "ValueError", "'StringLookup'",
       of_class("StringLookup", "'vocabulary': '/etc/passwd'")},
      {"2025_12058_index_lookup", "ValueError", "'IndexLookup'",
       of_class("IndexLookup", "'vocabulary': 'http://localhost/words'")},
      {"2025_12058_text", "ValueError", "'TextVectorization'",
       of_class("TextVectorization", "'vocabulary': 'file:///etc/passwd'")},
      {"2026_1462_tfsm", "ValueError", "'TFSMLayer'",
       of_class("TFSMLayer", "'filepath': '/tmp/model', 'call_endpoint': 'serve'")},
      {"2026_12479_asset_names", "ValueError", "unknown class",
       of_class("../../assets/x", "'units': 3")},
      {"registered_name", "ValueError", "'mine>Dense'",
       of_class("Dense", "'units': 3", ", 'module': 'mine', 'registered_name': 'mine>Dense'")},
      {"registered_as_model", "ValueError", "unknown class 'Sequential'",
       of_class("Dense", "'units': 3", ", 'registered_name': 'Sequential'")},
      {"registered_as_held_model", "ValueError", "unknown class 'Model'",
       held(layer("Dense", "l", "'units': 3", "", ", 'registered_name': 'Model'"))},
      {"jax_layer", "ValueError", "'JaxLayer'", of_class("JaxLayer", "'call_fn': 'exec'")},
      {"class_of_path", "ValueError", "unknown class", of_class("/etc/passwd")},
      {"class_empty", "ValueError", "a class_name", of_class("")},
  };
  Attacks all;
  for (const Row& row : rows) {
    const auto add = [&](const char* suffix, const std::string& content) {
      all.push_back(attack(cat("cve_", row.name, suffix), row.ending, row.word, content));
    };
    add(".keras", archive_of(row.config));
    add(".h5", hdf5_of(row.config));
    add(".json", json_of(row.config));
    add("/model.json", json(cat("{'format': 'layers-model', 'modelTopology': {'keras_version': "
                                "'2.15.0', 'model_config': ",
                                row.config, "}, 'weightsManifest': []}")));
  }
  return all;
}

// Arguments that no layer can have.
inline Attacks config_arguments() {
  using namespace config;
  struct Row {
    const char* class_name;
    const char* others;  // what else it needs
    const char* shape;
    const char* argument;
    std::vector<const char*> values;
  };
  const char *line = "[null, 8, 4]", *image = "[null, 8, 8, 4]", *cube = "[null, 8, 8, 8, 4]";
  const char* sizes = "'kernel_size': 3";
  const std::vector<const char*> count = {"-1", "0", "9223372036854775808", "1e300", "'x'", "[]"};
  const std::vector<const char*> windows = {"-3", "0", "[3, -1]", "[0, 0]", "[1, 2, 3, 4, 5]",
                                            "'x'"};
  const std::vector<const char*> number = {"'x'", "[1]"};
  const std::vector<const char*> words = {"'sideways'", "7"};
  const std::vector<Row> rows = {
      {"Conv1D", sizes, line, "filters", count},
      {"Conv2D", sizes, image, "filters", count},
      {"Conv3D", sizes, cube, "filters", count},
      {"Conv2D", "'filters': 4", image, "kernel_size", windows},
      {"Conv2D", "'filters': 4, 'kernel_size': 3", image, "strides", windows},
      {"Conv2D", "'filters': 4, 'kernel_size': 3", image, "dilation_rate", windows},
      {"Conv2D", "'filters': 4, 'kernel_size': 3", image, "groups", {"-1", "0", "3", "'x'"}},
      {"Conv2D", "'filters': 4, 'kernel_size': 3", image, "padding", {"'sideways'", "'causal'"}},
      {"Conv2D", "'filters': 4, 'kernel_size': 3", image, "data_format", words},
      {"Conv2D", "'filters': 4, 'kernel_size': 3", image, "activation", {"'os.system'", "7"}},
      {"Conv2DTranspose", sizes, image, "filters", count},
      {"Conv2DTranspose",
       "'filters': 4, 'kernel_size': 3, 'strides': 2",
       image,
       "output_padding",
       {"-1", "2", "1000000"}},
      {"Conv1DTranspose", "'filters': 4", line, "kernel_size", {"-1", "0"}},
      {"DepthwiseConv2D", sizes, image, "depth_multiplier", count},
      {"SeparableConv2D", "'filters': 4, 'kernel_size': 3", image, "depth_multiplier", {"-1", "0"}},
      {"Dense", "", "[null, 4]", "units", count},
      {"MaxPooling2D", "", image, "pool_size", windows},
      {"AveragePooling1D", "", line, "pool_size", {"-1", "0"}},
      {"MaxPooling3D", "", cube, "strides", {"-1", "0", "'x'"}},
      {"AveragePooling2D", "", image, "padding", words},
      {"UpSampling2D", "", image, "size", {"-1", "0", "'x'"}},
      {"UpSampling2D", "", image, "interpolation", {"'sideways'", "'area'"}},
      {"ZeroPadding2D", "", image, "padding", {"-1", "[[1, -1], [1, 1]]", "'x'"}},
      {"Cropping2D", "", image, "cropping", {"-1", "'x'"}},
      {"RepeatVector", "", "[null, 4]", "n", count},
      {"Reshape", "", "[null, 4]", "target_shape", {"[-1, -1]", "[0]", "[-2]", "'x'", "['x']"}},
      {"Permute", "", line, "dims", {"[0, 1]", "[1, 1]", "[3, 1]", "'x'"}},
      {"BatchNormalization", "", "[null, 4]", "axis", {"0", "7", "-3", "'x'"}},
      {"BatchNormalization", "", "[null, 4]", "epsilon", number},
      {"LayerNormalization", "", "[null, 4]", "axis", {"7", "'x'"}},
      {"Softmax", "", "[null, 4]", "axis", {"7", "'x'"}},
      {"PReLU", "", line, "shared_axes", {"[0]", "[9]", "'x'"}},
      {"Dropout", "", "[null, 4]", "rate", {"-0.5", "1.5", "NaN", "'x'"}},
      {"GaussianNoise", "", "[null, 4]", "stddev", {"-1", "NaN", "'x'"}},
      {"LeakyReLU", "", "[null, 4]", "negative_slope", {"-1", "NaN", "'x'"}},
      {"ReLU", "", "[null, 4]", "max_value", {"-1", "'x'"}},
      {"Concatenate", "", "[null, 4]", "axis", {"'x'"}},
      {"Rescaling", "", "[null, 4]", "scale", {"'x'"}},
      {"Dense", "'units': 3", "[null, 4]", "kernel_initializer", {"'evil'", "7", "{}"}},
      {"Dense", "'units': 3", "[null, 4]", "kernel_regularizer", {"'evil'", "7"}},
      {"Dense", "'units': 3", "[null, 4]", "kernel_constraint", {"'evil'", "7"}},
      {"Dense", "'units': 3", "[null, 4]", "dtype", {"'float63'", "7", "{'class_name': 'x'}"}},
  };
  Attacks all;
  for (const Row& row : rows)
    for (size_t i = 0; i < row.values.size(); ++i) {
      const std::string fields =
          cat(row.others, *row.others ? ", " : "", "'", row.argument, "': ", row.values[i]);
      all.push_back(attack(cat("argument_", row.class_name, "_", row.argument, "_", i, ".keras"),
                           "ValueError", row.argument,
                           archive_of(alone(layer(row.class_name, "l", fields), row.shape))));
    }
  return all;
}

// What cannot be a model, or is one of absurd size.
inline Attacks config_graphs() {
  using namespace config;
  return {
      row("loop", "FormatError", "loop",
          functional({kInput, relu("a", node("b")), relu("b", node("a"))})),
      row("loop_of_one", "FormatError", "loop", functional({kInput, relu("a", node("a"))})),
      row("loop_of_calls", "FormatError", "loop",
          functional({kInput, relu("a", "[[['a', 1, 0, {}]], [['a', 0, 0, {}]]]")})),
      row("unknown_layer", "FormatError", "'nobody'",
          functional({kInput, relu("a", node("nobody"))})),
      row("unknown_call", "FormatError", "loop",
          functional({kInput, relu("a", "[[['i', 7, 0, {}]]]")})),
      row("unknown_tensor", "FormatError", "loop",
          functional({kInput, relu("a", "[[['i', 0, 7, {}]]]")})),
      row("negative_call", "FormatError", "loop",
          functional({kInput, relu("a", "[[['i', -1, 0, {}]]]")})),
      row("negative_tensor", "FormatError", "loop",
          functional({kInput, relu("a", "[[['i', 0, -9223372036854775808, {}]]]")})),
      row("huge_call", "FormatError", "[layer, node, tensor]",
          functional({kInput, relu("a", "[[['i', 99999999999999999999, 0, {}]]]")})),
      row("twice", "FormatError", "two layers are named",
          functional({kInput, relu("a", node("i")), relu("a", node("i"))})),
      row("no_outputs", "FormatError", "output_layers",
          functional({kInput, relu("a", node("i"))}, "[['i', 0, 0]]", "[]")),
      row("output_unknown", "FormatError", "'z'",
          functional({kInput, relu("a", node("i"))}, "[['i', 0, 0]]", "[['z', 0, 0]]")),
      row("unconnected", "ValueError", "disconnected",
          functional({kInput, input("j"), relu("a", node("j"))})),
      row("nodes_no_list", "FormatError", "must be a list", functional({kInput, relu("a", "7")})),
      row("nodes_of_text", "FormatError", "[layer, node, tensor]",
          functional({kInput, relu("a", "[[['i']]]")})),
      row("layers_no_list", "FormatError", "must be a list",
          "{'class_name': 'Sequential', 'config': {'name': 's', 'layers': 'rm -rf'}}"),
      row("layer_no_object", "FormatError", "must be an object", sequential({"7"})),
      row("layer_without_config", "FormatError", "lacks 'config'",
          sequential({"{'class_name': 'ReLU'}"})),
      row("no_class", "FormatError", "class_name", "{'config': {}}"),
      row("no_model", "FormatError", "Sequential or Functional", dense("d")),
      row("list", "FormatError", "class_name", "[]"),
      row("name_no_text", "FormatError", "name",
          functional(
              {kInput, "{'class_name': 'ReLU', 'config': {'name': 7}, 'inbound_nodes': []}"})),
  };
}

// Models of absurd size.
inline Attacks config_sizes() {
  using namespace config;
  const auto chain = [](const char* class_name, const std::string& fields, int count,
                        const std::string& shape) {
    std::vector<std::string> layers;
    for (int k = 0; k < count; ++k) layers.push_back(layer(class_name, cat("l", k), fields));
    return sequential(layers, cat(", 'build_input_shape': ", shape));
  };
  const auto nested = [](int depth) {
    std::string text = layer("ReLU", "r", "");
    for (int k = 0; k < depth; ++k) text = sequential({text}, "", cat("m", k));
    return text;
  };
  // Each level calls the one inside twice.
  const auto doubling = [&](int depth) {
    std::string text = functional({kInput, relu("a", node("i"))});
    for (int k = 0; k < depth; ++k) {
      text.pop_back();
      text = functional({kInput, cat(text, ", 'name': 'm', 'inbound_nodes': ",
                                     "[[['i', 0, 0, {}]], [['m', 1, 0, {}]]]}")},
                        "[['i', 0, 0]]", "[['m', 2, 0]]");
    }
    return text;
  };
  return {
      row("nested_33", "FormatError", "more than 32 deep", nested(34)),
      row("nested_100", "FormatError", "deep", nested(100)),
      row("doubling", "FormatError", "layers, those of nested models included", doubling(25)),
      row("shape_negative", "ValueError", "zero or positive", alone(dense("d"), "[null, -4]")),
      row("shape_most", "ValueError", "at most 2147483647",
          alone(dense("d"), "[null, 9223372036854775807]")),
      row("shape_beyond", "FormatError", "integer",
          alone(dense("d"), "[null, 9223372036854775808]")),
      row("shape_text", "FormatError", "integers or null", alone(dense("d"), "[null, 'x']")),
      row("shape_overflow", "ValueError", "computed output size",
          alone(layer("Flatten", "f", ""), "[null, 2147483647, 2147483647, 2147483647]")),
      row("shape_axes", "ValueError", "5001 axes",
          alone(dense("d"), cat("[null", repeated(", 1", 5000), "]"))),
      row("up_2_to_64", "ValueError", "computed output size",
          chain("UpSampling2D", "'size': 1000", 10, "[null, 8, 8, 3]")),
      row("units_huge", "ValueError", "elements",
          alone(dense("d", "", 2147483647), "[null, 2147483647]")),
      row("kernel_huge", "ValueError", "elements",
          alone(layer("Conv2D", "c", "'filters': 2147483647, 'kernel_size': 1000000"),
                "[null, null, null, 3]")),
      row("weights_missing", "FormatError", "d", kDense),
      {"graph_layers_3000.keras", "FormatError", "weights",
       [=] { return archive_of(chain("Dense", "'units': 4", 3'000, "[null, 4]")); }},
      {"graph_layers_million.keras", "FormatError", "bytes",
       [] {
         const std::string one = "{\"class_name\":\"ReLU\",\"config\":{}},";
         return archive_of(cat("{\"class_name\":\"Sequential\",\"config\":{\"layers\":[",
                               repeated(one, 1'000'000), "null]}}"));
       }},
      {"graph_layers_16MiB.keras", "FormatError", "unpacked members",
       [] {
         const std::string one = "{\"class_name\":\"ReLU\",\"config\":{}},";
         return archive_of(cat("{\"class_name\":\"Sequential\",\"config\":{\"layers\":[",
                               repeated(one, 450'000), "null]}}"));
       }},
  };
}

}  // namespace cornu::testing_attacks
