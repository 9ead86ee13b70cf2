#include "cornu/formats/network_config.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <unordered_map>

#include "cornu/layers/arithmetic.h"
#include "cornu/layers/registry.h"

namespace cornu::formats {

using base::cat;
using base::Json;
using base::quoted;

layers::Dialect dialect_of(std::string_view version) {
  layers::Dialect dialect;
  int major = 3, minor = 0;
  const char* end = version.data() + version.size();
  const auto [dot, error] = std::from_chars(version.data(), end, major);
  if (version.starts_with("tfjs")) {
    major = 2, minor = 15;  // TF.js follows tf.keras
  } else if (error == std::errc() && dot < end && *dot == '.') {
    std::from_chars(dot + 1, end, minor);
  }
  const bool of_tensorflow = version.find("-tf") != std::string_view::npos;
  dialect.keras2_hard_sigmoid = major < 3;
  dialect.legacy_bilinear = major < 3 && minor < 4 && !of_tensorflow;
  return dialect;
}

namespace {

// A tensor named in a file: output `tensor` of call number `node` of a layer.
struct Reference {
  std::string layer;
  int64_t node = 0, tensor = 0;
};

struct CallSpec {
  std::vector<Reference> inputs;
  // The arguments of an arithmetic node, in order; nothing stands for a tensor.
  std::vector<std::optional<double>> arguments;
};

class Reader {
 public:
  Reader(const layers::Dialect& dialect, const std::string& label)
      : dialect_(dialect), label_(label) {}

  std::shared_ptr<model::Network> network(const Json& object, int depth);

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(cat(label_, ": ", what));
  }
  Json need(const Json& object, const char* key, const std::string& whose) const;
  std::string need_text(const Json& object, const char* key, const std::string& whose) const;

  Layer layer(const Json& object, const std::vector<CallSpec>& calls, int depth);
  std::shared_ptr<model::Network> sequential(const Json& object, int depth);
  std::shared_ptr<model::Network> functional(const Json& object, int depth);

  std::vector<CallSpec> calls_of(const Json& layer_object, const std::string& name) const;
  CallSpec keras3_call(const Json& call, const std::string& name) const;
  CallSpec keras2_call(const Json& call, const std::string& name) const;
  Reference reference(const Json& history, const std::string& whose) const;
  std::vector<Reference> references(const Json& list, const std::string& whose) const;
  void check_kwargs(const Json& kwargs, const std::string& name) const;

  const layers::Dialect& dialect_;
  const std::string& label_;
  std::map<int64_t, Layer> shared_;  // by shared_object_id
};

bool is_network_class(std::string_view name) {
  return name == "Sequential" || name == "Functional" || name == "Model";
}

Json Reader::need(const Json& object, const char* key, const std::string& whose) const {
  const auto value = object.find(key);
  if (!value) fail(cat(whose, " lacks ", quoted(key)));
  return *value;
}

std::string Reader::need_text(const Json& object, const char* key, const std::string& whose) const {
  const Json value = need(object, key, whose);
  if (!value.is_string())
    fail(cat(key, " of ", whose, " must be a string, not ", value.kind_name()));
  return std::string(value.as_string());
}

// ---- one layer
// --------------------------------------------------------------------------------------

// A class of Keras's own is named by its class alone; anything else goes by its registered name
// ("package>Name"). The module of a file is looked at, never imported (formats.md 4.2).
std::string registered_class(const Json& object, const std::string& class_name) {
  const auto text = [&](const char* key) -> std::string {
    const auto value = object.find(key);
    return value && value->is_string() ? std::string(value->as_string()) : "";
  };
  const std::string registered = text("registered_name"), module = text("module");
  const bool foreign_module = object.contains("module") && !module.starts_with("keras");
  const bool foreign_name = !registered.empty() && registered != class_name;
  return (foreign_module || foreign_name) && !registered.empty() ? registered : class_name;
}

bool is_operation(const Json& object) {
  const auto module = object.find("module");
  return module && module->is_string() && module->as_string().starts_with("keras.src.ops");
}

Layer Reader::layer(const Json& object, const std::vector<CallSpec>& calls, int depth) {
  if (!object.is_object()) fail(cat("a layer must be an object, not ", object.kind_name()));
  const std::string class_name = need_text(object, "class_name", "a layer");
  if (is_network_class(class_name)) return Layer(network(object, depth + 1));

  std::optional<int64_t> id;
  if (const auto value = object.find("shared_object_id"); value && value->is_int())
    id = value->as_int();
  if (id)
    if (const auto known = shared_.find(*id);
        known != shared_.end() && known->second.class_name() == class_name)
      return known->second;

  const Json config = need(object, "config", cat("layer class ", quoted(class_name)));
  if (is_operation(object)) {
    const auto name = config.find("name");
    const std::vector<std::optional<double>> arguments =
        calls.empty() ? std::vector<std::optional<double>>{} : calls[0].arguments;
    return layers::make_arithmetic(
        class_name, name && name->is_string() ? std::string(name->as_string()) : "", arguments);
  }
  Layer made = layers::layer_from_config(registered_class(object, class_name), config, dialect_);
  if (id) shared_.emplace(*id, made);
  return made;
}

std::shared_ptr<model::Network> Reader::network(const Json& object, int depth) {
  constexpr int kDeepest = 32;
  if (depth > kDeepest) fail(cat("models are nested more than ", kDeepest, " deep"));
  const std::string class_name = need_text(object, "class_name", "the model");
  if (!is_network_class(class_name))
    fail(cat("the model's class must be Sequential or Functional, not ", quoted(class_name)));
  auto made = class_name == "Sequential" ? sequential(object, depth) : functional(object, depth);
  const Json config = need(object, "config", "the model");
  if (const auto trainable = config.find("trainable");
      trainable && trainable->is_bool() && !trainable->as_bool())
    made->set_trainable(false);
  return made;
}

// ---- Sequential
// -------------------------------------------------------------------------------------

std::shared_ptr<model::Network> Reader::sequential(const Json& object, int depth) {
  const Json config = need(object, "config", "the Sequential model");
  // Keras up to 2.2.2 wrote the bare list of layers.
  const Json list = config.is_array() ? config : need(config, "layers", "the Sequential model");
  if (!list.is_array()) fail(cat("the layers of a model must be a list, not ", list.kind_name()));
  std::string name;
  if (const auto given = config.find("name"); given && given->is_string())
    name = std::string(given->as_string());
  auto model = std::make_shared<model::Sequential>(name);
  for (const Json& element : list.elements()) model->add(layer(element, {}, depth));
  if (const auto shape = config.find("build_input_shape");
      shape && shape->is_array() && !model->has_shapes() && list.size() > 0) {
    std::vector<int64_t> dims;
    for (const Json& d : shape->elements()) {
      if (!d.is_null() && !d.is_int()) fail("build_input_shape must hold integers or null");
      dims.push_back(d.is_null() ? Dim::kUnknown : d.as_int());
    }
    if (!dims.empty()) dims[0] = Dim::kUnknown;
    model->build_for(Shape(std::move(dims)));
  }
  return model;
}

// ---- Functional: what a file says of its calls
// ------------------------------------------------------

Reference Reader::reference(const Json& history, const std::string& whose) const {
  if (!history.is_array() || history.size() < 3 || !history[0].is_string() ||
      !history[1].is_int() || !history[2].is_int())
    fail(cat(whose, ": a tensor must be [layer, node, tensor]"));
  return {std::string(history[0].as_string()), history[1].as_int(), history[2].as_int()};
}

void Reader::check_kwargs(const Json& kwargs, const std::string& name) const {
  for (const auto& [key, value] : kwargs.items()) {
    const bool says_nothing = value.is_null() || (value.is_bool() && !value.as_bool()) ||
                              ((value.is_array() || value.is_object()) && value.empty());
    if (!says_nothing)
      fail(cat("layer ", quoted(name), " is called with the argument ", quoted(key),
               ", which is not supported"));
  }
}

// {"args": [tensor | [tensor, …] | number, …], "kwargs": {…}}
CallSpec Reader::keras3_call(const Json& call, const std::string& name) const {
  CallSpec spec;
  const Json args = need(call, "args", cat("a call of layer ", quoted(name)));
  const auto add = [&](const Json& arg) {
    if (arg.is_object()) {
      const Json config = need(arg, "config", cat("an input of layer ", quoted(name)));
      spec.inputs.push_back(
          reference(need(config, "keras_history", cat("an input of layer ", quoted(name))),
                    cat("an input of layer ", quoted(name))));
      spec.arguments.emplace_back();
    } else if (arg.is_number() && arg.is_finite()) {
      spec.arguments.emplace_back(arg.as_double());
    } else {
      fail(cat("layer ", quoted(name), " is called with an argument that is ", arg.kind_name()));
    }
  };
  for (const Json& arg : args.elements()) {
    if (arg.is_array()) {
      for (const Json& element : arg.elements()) add(element);
    } else {
      add(arg);
    }
  }
  if (const auto kwargs = call.find("kwargs")) check_kwargs(*kwargs, name);
  return spec;
}

// [[layer, node, tensor, kwargs?], …]
CallSpec Reader::keras2_call(const Json& call, const std::string& name) const {
  CallSpec spec;
  if (!call.is_array()) fail(cat("a call of layer ", quoted(name), " must be a list"));
  const bool single = call.size() > 0 && call[0].is_string();
  const size_t count = single ? 1 : call.size();
  for (size_t i = 0; i < count; ++i) {
    const Json tensor = single ? call : call[i];
    spec.inputs.push_back(reference(tensor, cat("an input of layer ", quoted(name))));
    spec.arguments.emplace_back();
    if (tensor.size() > 3) check_kwargs(tensor[3], name);
  }
  return spec;
}

std::vector<CallSpec> Reader::calls_of(const Json& layer_object, const std::string& name) const {
  std::vector<CallSpec> specs;
  const auto nodes = layer_object.find("inbound_nodes");
  if (!nodes) return specs;
  if (!nodes->is_array()) fail(cat("inbound_nodes of layer ", quoted(name), " must be a list"));
  for (const Json& call : nodes->elements())
    specs.push_back(call.is_object() ? keras3_call(call, name) : keras2_call(call, name));
  return specs;
}

// input_layers and output_layers: ["a", 0, 0], [["a", 0, 0], …] or {"x": ["a", 0, 0], …}.
std::vector<Reference> Reader::references(const Json& list, const std::string& whose) const {
  std::vector<Reference> all;
  if (list.is_array() && list.size() > 0 && list[0].is_string()) return {reference(list, whose)};
  if (list.is_object()) {
    for (const auto& [key, value] : list.items()) all.push_back(reference(value, whose));
  } else {
    for (const Json& element : list.elements()) all.push_back(reference(element, whose));
  }
  if (all.empty()) fail(cat(whose, " names no tensor"));
  return all;
}

// ---- Functional: making the calls
// -------------------------------------------------------------------

// The layers of one Functional model and the calls made of them so far.
class Wiring {
 public:
  struct Row {
    Layer layer;
    std::vector<CallSpec> calls;
    bool legacy_nodes = false;
    std::vector<Symbols> made = {};
    std::vector<std::string> waiting = {};  // layers whose next call needs one of this one's
  };

  void add(const std::string& name, Row row) {
    order_.push_back(name);
    rows_.emplace(name, std::move(row));
  }
  bool contains(const std::string& name) const { return rows_.contains(name); }

  // Null while that call has not been made. `of_outputs`: in the model's own list of outputs.
  const Symbol* find(const Reference& r, bool of_outputs = false) {
    Row& row = rows_.at(r.layer);
    const int64_t node = node_number(row, r.node, of_outputs);
    if (node < 0 || node >= static_cast<int64_t>(row.made.size())) return nullptr;
    const Symbols& outputs = row.made[static_cast<size_t>(node)];
    if (r.tensor < 0 || r.tensor >= static_cast<int64_t>(outputs.size())) return nullptr;
    return &outputs[static_cast<size_t>(r.tensor)];
  }

  // Makes every call whose inputs exist, however the file orders them; the calls of one layer in
  // their order. False when some can never be made.
  bool make_all() {
    std::vector<std::string> ready(order_.rbegin(), order_.rend());
    size_t left = 0;
    for (const auto& [name, row] : rows_) left += row.calls.size();
    while (!ready.empty()) {
      const std::string name = ready.back();
      ready.pop_back();
      Row& row = rows_.at(name);
      while (row.made.size() < row.calls.size()) {
        Symbols inputs;
        const CallSpec& spec = row.calls[row.made.size()];
        for (const Reference& r : spec.inputs) {
          const Symbol* symbol = find(r);
          if (!symbol) {
            rows_.at(r.layer).waiting.push_back(name);
            break;
          }
          inputs.push_back(*symbol);
        }
        if (inputs.size() != spec.inputs.size()) break;
        row.made.push_back(row.layer.call(inputs));
        --left;
        ready.insert(ready.end(), row.waiting.begin(), row.waiting.end());
        row.waiting.clear();
      }
    }
    return left == 0;
  }

 private:
  // Keras 2 gives a nested model a first node of its own, so that its first call here is number 1;
  // Keras 3 does so only in the list of outputs, and only for a Functional (formats.md 3.6).
  static int64_t node_number(const Row& row, int64_t node, bool of_outputs) {
    const auto* network = dynamic_cast<const model::Network*>(row.layer.impl().get());
    if (!network) return node;
    const bool functional = dynamic_cast<const model::Functional*>(network) != nullptr;
    const bool from_one = row.legacy_nodes || (of_outputs && functional);
    const auto calls = static_cast<int64_t>(row.calls.size());
    if (from_one && node >= 1 && node <= calls) return node - 1;
    return node < calls ? node : node - 1;
  }

  std::vector<std::string> order_;
  std::unordered_map<std::string, Row> rows_;
};

std::shared_ptr<model::Network> Reader::functional(const Json& object, int depth) {
  const Json config = need(object, "config", "the Functional model");
  const Json list = need(config, "layers", "the Functional model");
  if (!list.is_array()) fail(cat("the layers of a model must be a list, not ", list.kind_name()));

  Wiring wiring;
  std::vector<Reference> mentioned;
  for (const Json& element : list.elements()) {
    const Json layer_config = need(element, "config", "a layer");
    const std::string name = element.contains("name")
                                 ? need_text(element, "name", "a layer")
                                 : need_text(layer_config, "name", "a layer's config");
    if (wiring.contains(name)) fail(cat("two layers are named ", quoted(name)));
    std::vector<CallSpec> calls = calls_of(element, name);
    for (const CallSpec& call : calls)
      mentioned.insert(mentioned.end(), call.inputs.begin(), call.inputs.end());
    const auto nodes = element.find("inbound_nodes");
    const bool legacy = nodes && nodes->size() > 0 && !(*nodes)[0].is_object();
    Layer made = layer(element, calls, depth);
    if (made.class_name() == "InputLayer") calls = {CallSpec{}};
    wiring.add(name, {std::move(made), std::move(calls), legacy});
  }
  const std::vector<Reference> inputs =
      references(need(config, "input_layers", "the Functional model"), "input_layers");
  const std::vector<Reference> outputs =
      references(need(config, "output_layers", "the Functional model"), "output_layers");
  mentioned.insert(mentioned.end(), inputs.begin(), inputs.end());
  mentioned.insert(mentioned.end(), outputs.begin(), outputs.end());
  for (const Reference& r : mentioned)
    if (!wiring.contains(r.layer))
      fail(cat("the model names a layer ", quoted(r.layer), " that it does not have"));
  if (!wiring.make_all())
    fail("the model's layers are connected in a loop, or to a call that does not exist");

  const auto symbols = [&](const std::vector<Reference>& list_of) {
    std::vector<Symbol> found;
    for (const Reference& r : list_of) {
      const Symbol* symbol = wiring.find(r, true);
      if (!symbol)
        fail(cat("there is no tensor [", quoted(r.layer), ", ", r.node, ", ", r.tensor, "]"));
      found.push_back(*symbol);
    }
    return found;
  };
  std::string name;
  if (const auto given = config.find("name"); given && given->is_string())
    name = std::string(given->as_string());
  return std::make_shared<model::Functional>(name, symbols(inputs), symbols(outputs));
}

}  // namespace

std::shared_ptr<model::Network> network_from_config(const Json& object,
                                                    const layers::Dialect& dialect,
                                                    const std::string& label) {
  return Reader(dialect, label).network(object, 0);
}

}  // namespace cornu::formats
