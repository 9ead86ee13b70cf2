#include "cornu/formats/codegen.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "cornu/base/text.h"
#include "cornu/formats/codegen_values.h"
#include "cornu/layers/arithmetic.h"
#include "cornu/layers/registry.h"
#include "cornu/model/network.h"

namespace cornu {
namespace formats {
namespace {

using base::cat;
using base::Json;
using base::quoted;

constexpr size_t kColumns = 100;

bool is_keyword(std::string_view word) {
  static const std::set<std::string_view> kWords = {
      "alignas",       "alignof",     "and",
      "and_eq",        "asm",         "auto",
      "bitand",        "bitor",       "bool",
      "break",         "case",        "catch",
      "char",          "char8_t",     "char16_t",
      "char32_t",      "class",       "compl",
      "concept",       "const",       "consteval",
      "constexpr",     "constinit",   "const_cast",
      "continue",      "co_await",    "co_return",
      "co_yield",      "decltype",    "default",
      "delete",        "do",          "double",
      "dynamic_cast",  "else",        "enum",
      "explicit",      "export",      "extern",
      "false",         "float",       "for",
      "friend",        "goto",        "if",
      "inline",        "int",         "long",
      "mutable",       "namespace",   "new",
      "noexcept",      "not",         "not_eq",
      "nullptr",       "operator",    "or",
      "or_eq",         "private",     "protected",
      "public",        "register",    "reinterpret_cast",
      "requires",      "return",      "short",
      "signed",        "sizeof",      "static",
      "static_assert", "static_cast", "struct",
      "switch",        "template",    "this",
      "thread_local",  "throw",       "true",
      "try",           "typedef",     "typeid",
      "typename",      "union",       "unsigned",
      "using",         "virtual",     "void",
      "volatile",      "wchar_t",     "while",
      "xor",           "xor_eq"};
  return kWords.contains(word);
}

bool is_identifier(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), plain) &&
         !(name[0] >= '0' && name[0] <= '9') && !is_keyword(name);
}

// Breaks a statement behind commas, but not those in texts.
std::string broken(const std::string& statement, size_t indent) {
  const std::string margin(indent, ' ');
  std::string out;
  std::string line = margin;
  bool in_text = false;
  size_t last = std::string::npos;  // of a place in the line to break at
  for (size_t i = 0; i < statement.size(); ++i) {
    const char c = statement[i];
    if (c == '"') in_text = !in_text;
    if (c == '\\' && in_text) line += statement[i++];
    line += statement[i];
    if (!in_text && c == ' ' && line.size() >= 2 && line[line.size() - 2] == ',')
      last = line.size();
    if (line.size() > kColumns && last != std::string::npos) {
      out += line.substr(0, last - 1) + "\n";
      line = margin + "    " + line.substr(last);
      last = std::string::npos;
    }
  }
  return out + line + "\n";
}

// The statements that build one model, with all that is nested in it. A layer that is used in one
// place stands there; any other one, and every model, is a variable.
class Generator {
 public:
  explicit Generator(const std::string& function) : taken_{function} {}

  // The body of the function.
  std::string run(const model::Network& top) {
    count(top);
    const std::string whole = network(top);
    return cat(body_, "  return ", whole, ";\n");
  }
  bool has_own_layers() const { return has_own_layers_; }

 private:
  void count(const LayerImpl& layer);
  void use(const LayerImpl& layer);
  std::string variable(const std::string& name);
  void add(const std::string& statement) { body_ += broken(statement, 2); }

  std::string layer(const LayerImpl& layer);
  std::string plain_layer(const LayerImpl& layer);
  bool is_for_code(const LayerImpl& layer) const;
  bool is_default(const LayerImpl& layer, const Json& arguments, std::string_view key);
  std::string network(const model::Network& network);
  void functional(const model::Functional& network, const std::string& name);
  void sequential(const model::Sequential& network, const std::string& name);

  std::unordered_map<const LayerImpl*, int> uses_;
  std::unordered_map<const LayerImpl*, std::string> variables_;
  std::set<std::string> taken_;
  // By class and argument: what a layer has that is not given it; nothing where it must be given.
  std::map<std::pair<std::string, std::string>, std::optional<std::string>> defaults_;
  std::string body_;
  bool has_own_layers_ = false;
};

void Generator::use(const LayerImpl& layer) {
  if (uses_[&layer]++ == 0) count(layer);
}

void Generator::count(const LayerImpl& layer) {
  if (const auto* functional = dynamic_cast<const model::Functional*>(&layer)) {
    for (const auto& call : functional->steps()) use(*call->layer);
  } else {
    for (const Layer& inner : layer.inner_layers()) use(*inner.impl());
  }
}

// A name of its own for a variable: of small letters, which no function of this library's is.
std::string Generator::variable(const std::string& name) {
  static const std::set<std::string, std::less<>> kOthers = {
      "cornu", "base", "layers", "initializers", "regularizers", "constraints", "std",    "errno",
      "linux", "unix", "assert", "major",        "minor",        "stdin",       "stdout", "stderr"};
  std::string plain;
  for (char c : base::lower(name)) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (fits || (!plain.empty() && plain.back() != '_')) plain += fits ? c : '_';
  }
  while (!plain.empty() && plain.back() == '_') plain.pop_back();
  if (plain.empty() || (plain[0] >= '0' && plain[0] <= '9')) plain.insert(0, "x");
  if (is_keyword(plain) || kOthers.contains(plain)) plain += "_1";
  std::string unique = plain;
  for (int i = 2; !taken_.insert(unique).second; ++i) unique = cat(plain, "_", i);
  return unique;
}

// ---- layers
// ------------------------------------------------------------------------------------------------

std::string input_code(const std::string& name, const Shape& shape) {
  const std::string named = cat(".name = ", string_literal(name));
  if (shape.rank() < 2 || shape.known(0))
    return cat("Input({", named, ", .batch_shape = ", shape_code(shape), "})");
  Shape sample = shape;
  sample.erase(0);
  return cat("Input({.shape = ", shape_code(sample), ", ", named, "})");
}

// What makes the layer, or the variable it is.
std::string Generator::layer(const LayerImpl& layer) {
  if (const auto known = variables_.find(&layer); known != variables_.end()) return known->second;
  if (const auto* nested = dynamic_cast<const model::Network*>(&layer)) return network(*nested);
  const std::string code = plain_layer(layer);
  if (uses_[&layer] < 2) return code;
  const std::string name = variable(layer.name() + "_layer");
  add(cat("const Layer ", name, " = ", code, ";"));
  variables_[&layer] = name;
  return name;
}

std::string Generator::plain_layer(const LayerImpl& layer) {
  const std::string& class_name = layer.class_name();
  if (const layers::ArithmeticArguments* arguments = layers::arithmetic_arguments(layer)) {
    std::vector<std::string> parts;
    for (const auto& argument : *arguments) parts.push_back(value_code("", Json(argument)));
    return cat("layers::make_arithmetic(", string_literal(class_name), ", ",
               string_literal(layer.name()), ", ", braced(parts), ")");
  }
  std::string canonical;
  const bool known = layers::registry().find(class_name, &canonical);
  if (!known || !is_for_code(layer)) {
    const std::string config = string_literal(layers::full_config(layer).dump());
    has_own_layers_ = has_own_layers_ || !known;
    return known ? cat("layers::layer_from_config(", string_literal(class_name),
                       ", base::parse_json(", config, ", ", string_literal(layer.name()), "), {})")
                 : cat("own_layer(", string_literal(class_name), ", ", config, ")");
  }
  std::vector<std::string> fields;
  if (class_name == "TimeDistributed") {
    fields.push_back(cat(".layer = ", this->layer(*layer.inner_layers()[0].impl())));
    if (const Json penalty = layer.common().activity_regularizer.config(); !penalty.is_null())
      fields.push_back(
          cat(".activity_regularizer = ", value_code("activity_regularizer", penalty)));
  } else {
    const Json arguments = layer.declared_config();
    for (const auto& [key, value] : arguments.items())
      if (!is_default(layer, arguments, key))
        fields.push_back(cat(".", key, " = ", value_code(std::string(key), value)));
  }
  fields.push_back(cat(".name = ", string_literal(layer.name())));
  if (!layer.trainable()) fields.emplace_back(".trainable = false");
  return cat(class_name, "(", braced(fields), ")");
}

// Whether a program may make and call the layer so: not everything that is in files.
bool Generator::is_for_code(const LayerImpl& layer) const {
  if (layer.class_name() == "TimeDistributed") return true;
  try {
    const Layer made = layers::layer_from_config(layer.class_name(), layers::full_config(layer),
                                                 {.origin = layers::Origin::kCode});
    if (layer.built()) (void)made.impl()->output_shapes(layer.built_for());
    return true;
  } catch (const Error&) {
    return false;
  }
}

// A layer without the argument tells.
bool Generator::is_default(const LayerImpl& layer, const Json& arguments, std::string_view key) {
  const auto [at, is_new] = defaults_.try_emplace({layer.class_name(), std::string(key)});
  if (is_new) {
    std::vector<std::pair<std::string, Json>> others = {{"name", "x"}};
    for (const auto& [other, value] : arguments.items())
      if (other != key) others.emplace_back(other, value);
    try {
      const Layer without = layers::layer_from_config(layer.class_name(), Json::object(others), {});
      at->second = without.impl()->declared_config().find(key).value_or(Json()).dump();
    } catch (const Error&) {
      // It must be given.
    }
  }
  return at->second == arguments.at(key).dump();
}

// ---- models
// ------------------------------------------------------------------------------------------------

std::string Generator::network(const model::Network& network) {
  const std::string name = variable(network.name());
  if (const auto* nodes = dynamic_cast<const model::Functional*>(&network)) {
    functional(*nodes, name);
  } else {
    sequential(static_cast<const model::Sequential&>(network), name);
  }
  if (!network.trainable()) add(cat(name, ".set_trainable(false);"));
  variables_[&network] = name;
  return name;
}

void Generator::sequential(const model::Sequential& network, const std::string& name) {
  std::string list;
  const auto element = [&](const std::string& code) { list += broken(code + ",", 10); };
  if (network.has_shapes()) {
    const Symbol& input = network.inputs()[0];
    element(input_code(input.call()->layer->name(), input.shape()));
  }
  for (const Layer& each : network.layers()) element(layer(*each.impl()));
  const std::string options = cat("{.name = ", string_literal(network.name()), "}");
  body_ += list.empty() ? cat("  const Sequential ", name, "(SequentialOptions", options, ");\n")
                        : cat("  const Sequential ", name, "(\n      {\n", list, "      },\n      ",
                              options, ");\n");
}

void Generator::functional(const model::Functional& network, const std::string& name) {
  std::map<std::pair<const Call*, size_t>, std::string> symbols;
  const auto key = [](const Symbol& s) { return std::pair(s.call().get(), s.index()); };
  const auto list = [&](const std::vector<Symbol>& of) {
    std::vector<std::string> names;
    for (const Symbol& s : of) names.push_back(symbols.at(key(s)));
    return names.size() == 1 ? names[0] : braced(names);
  };
  for (const Symbol& s : network.inputs()) {
    if (symbols.contains(key(s))) continue;
    // A tensor in the middle of another model is an input like any other here.
    const std::string& own = s.call()->layer->name();
    const std::string title = s.call()->inputs.empty() ? own : own + "_input";
    const std::string variable = this->variable(title);
    add(cat("const Symbol ", variable, " = ", input_code(title, s.shape()), ";"));
    symbols[key(s)] = variable;
  }
  for (const auto& call : network.steps()) {
    if (call->inputs.empty()) continue;
    const std::string made = layer(*call->layer), arguments = list(call->inputs);
    const std::string result = variable(call->layer->name());
    if (call->outputs.size() == 1) {
      add(cat("const Symbol ", result, " = ", made, "(", arguments, ");"));
      symbols[{call.get(), 0}] = result;
    } else {
      add(cat("const Symbols ", result, " = ", made, ".call(", arguments, ");"));
      for (size_t i = 0; i < call->outputs.size(); ++i)
        symbols[{call.get(), i}] = cat(result, "[", i, "]");
    }
  }
  add(cat("const Model ", name, "({.inputs = ", list(network.inputs()), ", .outputs = ",
          list(network.outputs()), ", .name = ", string_literal(network.name()), "});"));
}

}  // namespace
}  // namespace formats

std::string codegen(const Model& model, const CodegenOptions& o) {
  using formats::Generator;
  if (!formats::is_identifier(o.function))
    throw ValueError(base::cat("codegen: `function` must be a name that C++ takes. Received: ",
                               "function=", base::quoted(o.function)));
  Generator generator(o.function);
  const std::string body = generator.run(*model.network());
  std::string text =
      "// Made by cornu codegen. The weights are initial ones until load_weights() reads those of "
      "the\n// model's file.\n#include \"cornu/cornu.h\"\n\n";
  if (generator.has_own_layers())
    text +=
        "// Yours to write: makes a layer of a class of your own from its configuration, which is "
        "JSON.\ncornu::Layer own_layer(const std::string& class_name, const std::string& "
        "configuration);\n\n";
  return base::cat(text, "cornu::Model ", o.function, "() {\n  using namespace cornu;\n", body,
                   "}\n");
}

}  // namespace cornu
