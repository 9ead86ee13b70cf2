#include "cornu/formats/network_config.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>

#include "cornu/formats/keras1_layer.h"
#include "cornu/formats/tensorflow_op.h"
#include "cornu/formats/weight_reader.h"
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
  dialect.legacy_bilinear = (major < 2 || (major == 2 && minor < 4)) && !of_tensorflow;
  return dialect;
}

namespace {

// A tensor named in a file: output `tensor` of call number `node` of a layer. Names are views of
// the file's JSON.
struct Reference {
  std::string_view layer;
  int64_t node = 0, tensor = 0;
};

struct CallSpec {
  std::vector<Reference> inputs;
  // The arguments of an arithmetic node, in order; nothing stands for a tensor.
  std::vector<std::optional<double>> arguments;
};

class Wiring;

class Reader {
 public:
  Reader(const layers::Dialect& dialect, const std::string& label)
      : dialect_(dialect), label_(label) {}

  std::shared_ptr<model::Network> network(const Json& object, int depth = 0);
  void check_shapes() const;

 private:
  void check_keras1_shapes() const;
  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(cat(label_, ": ", what));
  }
  Json need(const Json& object, const char* key, const std::string& whose) const;
  std::string need_text(const Json& object, const char* key, const std::string& whose) const;

  Layer layer(const Json& object, const std::vector<CallSpec>& calls, int depth);
  Layer new_layer(const Json& given, const std::vector<CallSpec>& calls, int depth);
  int64_t calls_inside(const LayerImpl& layer) const;
  int64_t charge_call(const Layer& layer);
  std::shared_ptr<model::Network> sequential(const Json& object, int depth);
  std::shared_ptr<model::Network> functional(const Json& object, int depth);

  std::string_view name_in_list(const Json& element) const;
  Wiring layers_of(const Json& list, int depth);
  std::vector<CallSpec> calls_of(const Json& layer_object, std::string_view name) const;
  CallSpec keras3_call(const Json& call, std::string_view name) const;
  CallSpec keras2_call(const Json& call, std::string_view name) const;
  Reference reference(const Json& history, const std::string& whose) const;
  std::vector<Reference> references(const Json& list, const std::string& whose) const;
  void check_kwargs(const Json& kwargs, std::string_view name) const;

  const layers::Dialect& dialect_;
  const std::string& label_;
  std::vector<std::pair<Layer, Json>> keras1_shapes_;   // what each of them must give
  std::vector<std::pair<Layer, int64_t>> least_ranks_;  // of what each of them takes
  std::deque<Json> rewritten_;                          // entries, for views of their texts
  std::map<int64_t, Layer> shared_;                     // by shared_object_id
  // Calls made so far, those inside of nested models counted each time one is called: models that
  // call models twice, 32 deep, must not cost 2^32.
  int64_t calls_made_ = 0;
  std::unordered_map<const LayerImpl*, int64_t> calls_inside_;
};

// Empty where there is none.
std::string name_of(const Json& config) {
  const auto name = config.find("name");
  return name && name->is_string() ? std::string(name->as_string()) : "";
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

bool is_operation(const Json& object) {
  const auto module = object.find("module");
  return module && module->is_string() && module->as_string().starts_with("keras.src.ops");
}

Layer Reader::layer(const Json& object, const std::vector<CallSpec>& calls, int depth) {
  if (!object.is_object()) fail(cat("a layer must be an object, not ", object.kind_name()));
  const auto id = object.find("shared_object_id");
  if (!id || !id->is_int()) return new_layer(object, calls, depth);
  const auto known = shared_.find(id->as_int());
  if (known != shared_.end()) {
    // Initializers and regularizers are numbered too, but among themselves.
    const std::string class_name = need_text(object, "class_name", "a layer");
    if (known->second.class_name() == class_name) return known->second;
  }
  const Layer made = new_layer(object, calls, depth);
  shared_.insert_or_assign(id->as_int(), made);
  return made;
}

// The object of a layer, or of a model, by its own name.
Json with_own_name(Json object) {
  auto config = object.find("config");
  if (!config || !config->is_object()) return object;
  if (const std::string name = name_of(*config); name.find('/') != std::string::npos) {
    config->set("name", own_name(name));
    object.set("config", *config);
  }
  return object;
}

Layer Reader::new_layer(const Json& given, const std::vector<CallSpec>& calls, int depth) {
  const Json object = with_own_name(layer_of_keras1(given));
  const std::string class_name = need_text(object, "class_name", "a layer");
  if (layers::is_network_class(class_name)) return Layer(network(object, depth + 1));
  const Json config = need(object, "config", cat("layer class ", quoted(class_name)));
  const auto has_constant = [](const CallSpec& call) {
    return std::count(call.arguments.begin(), call.arguments.end(), std::nullopt) !=
           std::ssize(call.arguments);
  };
  if (is_operation(object)) {
    if (calls.empty()) fail(cat("the operation ", quoted(class_name), " is never called"));
    for (const CallSpec& call : calls)
      if (call.arguments != calls[0].arguments)
        fail(cat("the operation ", quoted(class_name), " is called with different constants"));
    return layers::make_arithmetic(class_name, name_of(config), calls[0].arguments);
  }
  if (std::any_of(calls.begin(), calls.end(), has_constant))
    fail(cat("a layer of class ", quoted(class_name), " is called with a number"));
  // A layer may hold another, or a model (TimeDistributed).
  layers::Dialect dialect = dialect_;
  dialect.held = [&](const Json& inner) { return this->layer(inner, {}, depth); };
  const Layer made = layers::layer_from_object(object, dialect);
  if (class_name == "Deconvolution2D")
    keras1_shapes_.emplace_back(
        made, need(given, "config", "a layer").find("output_shape").value_or(Json()));
  return made;
}

// Keras 1's Deconvolution2D was told its output's shape, where later ones compute it. Another shape
// than that would be another model.
void Reader::check_keras1_shapes() const {
  for (const auto& [layer, wanted] : keras1_shapes_)
    for (const auto& call : layer.impl()->calls()) {
      const Shape& shape = call->outputs[0];
      if (static_cast<int64_t>(wanted.size()) != shape.rank()) continue;
      for (int64_t i = 1; i < shape.rank(); ++i)
        if (const Json dim = wanted[static_cast<size_t>(i)];
            shape.known(i) && dim.is_int() && dim.as_int() != shape[i])
          fail(cat("layer ", quoted(layer.name()), " gives ", shape, ", but its output_shape says ",
                   wanted.dump()));
    }
}

void Reader::check_shapes() const {
  check_keras1_shapes();
  for (const auto& [layer, least] : least_ranks_)
    for (const auto& call : layer.impl()->calls())
      if (const Shape& shape = call->inputs[0].shape(); shape.rank() < least)
        fail(cat("layer ", quoted(layer.name()), " has a constant of ", least,
                 " dimensions, but is called on shape ", shape));
}

// Of a model, or of the layer that a wrapper holds.
int64_t Reader::calls_inside(const LayerImpl& layer) const {
  const auto known = calls_inside_.find(&layer);
  if (known != calls_inside_.end()) return known->second;
  int64_t calls = 0;
  for (const Layer& held : layer.inner_layers()) calls += calls_inside(*held.impl());
  return calls;
}

// Returns what one call of the layer counts for.
int64_t Reader::charge_call(const Layer& layer) {
  constexpr int64_t kMostCalls = 1 << 18;
  const int64_t cost = 1 + calls_inside(*layer.impl());
  calls_made_ += cost;
  if (calls_made_ > kMostCalls)
    fail(cat("the model calls more than ", kMostCalls, " layers, those of nested models included"));
  return cost;
}

std::shared_ptr<model::Network> Reader::network(const Json& object, int depth) {
  constexpr int kDeepest = 32;
  if (depth > kDeepest) fail(cat("models are nested more than ", kDeepest, " deep"));
  const std::string class_name = need_text(object, "class_name", "the model");
  if (!layers::is_network_class(class_name))
    fail(cat("the model's class must be Sequential or Functional, not ", quoted(class_name)));
  if (layers::is_foreign(object))
    fail(cat("the model is of a class ", quoted(class_name), " that is not Keras's own"));
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
  auto model = std::make_shared<model::Sequential>(name_of(config));
  for (const Json& element : list.elements()) {
    const Layer next = layer(element, {}, depth);
    calls_inside_[model.get()] += charge_call(next);
    model->add(next);
  }
  const Json shape = nn::unwrapped(config.find("build_input_shape").value_or(Json()));
  if (shape.size() > 0 && !model->has_shapes() && list.size() > 0) {
    std::vector<int64_t> dims;
    for (const Json& d : shape.elements()) {
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
  return {history[0].as_string(), history[1].as_int(), history[2].as_int()};
}

void Reader::check_kwargs(const Json& kwargs, std::string_view name) const {
  for (const auto& [key, value] : kwargs.items()) {
    const bool says_nothing = value.is_null() || (value.is_bool() && !value.as_bool()) ||
                              ((value.is_array() || value.is_object()) && value.empty());
    if (!says_nothing)
      fail(cat("layer ", quoted(name), " is called with the argument ", quoted(key),
               ", which is not supported"));
  }
}

// {"args": [tensor | [tensor, …] | number, …], "kwargs": {…}}
CallSpec Reader::keras3_call(const Json& call, std::string_view name) const {
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
CallSpec Reader::keras2_call(const Json& call, std::string_view name) const {
  CallSpec spec;
  if (!call.is_array()) fail(cat("a call of layer ", quoted(name), " must be a list"));
  const bool single = call.size() > 0 && call[0].is_string();
  const size_t count = single ? 1 : call.size();
  for (size_t i = 0; i < count; ++i) {
    const Json tensor = single ? call : call[i];
    if (tensor.is_array() && tensor.size() > 0 && tensor[0].is_string() &&
        tensor[0].as_string() == "_CONSTANT_VALUE")
      fail(cat("layer ", quoted(name), " is called with a constant, which only arithmetic takes"));
    spec.inputs.push_back(reference(tensor, cat("an input of layer ", quoted(name))));
    spec.arguments.emplace_back();
    if (tensor.size() > 3) check_kwargs(tensor[3], name);
  }
  return spec;
}

std::vector<CallSpec> Reader::calls_of(const Json& layer_object, std::string_view name) const {
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
    // Whether a call, or the model's outputs, name its call number 0.
    bool zero_in_calls = false, zero_in_outputs = false;
    std::vector<Symbols> made = {};
    Symbols inputs = {};                         // of its next call, those that exist
    std::vector<std::string_view> waiting = {};  // layers whose next call needs one of this one's
  };

  void add(std::string_view name, Row row) {
    order_.push_back(name);
    rows_.emplace(name, std::move(row));
  }
  bool contains(std::string_view name) const { return rows_.contains(name); }

  // All references of the file are noted before any call is made. False for an unknown layer.
  bool note(const Reference& r, bool in_outputs) {
    const auto row = rows_.find(r.layer);
    if (row == rows_.end()) return false;
    if (r.node == 0) (in_outputs ? row->second.zero_in_outputs : row->second.zero_in_calls) = true;
    return true;
  }
  // The name of the first layer that is not there.
  std::optional<std::string_view> note_calls() {
    for (std::string_view name : order_)
      for (const CallSpec& call : rows_.at(name).calls)
        for (const Reference& r : call.inputs)
          if (!note(r, false)) return r.layer;
    return {};
  }

  // Null while that call has not been made.
  const Symbol* find(const Reference& r, bool in_outputs = false) {
    Row& row = rows_.at(r.layer);
    const int64_t node = node_number(row, r.node, in_outputs);
    if (node < 0 || node >= std::ssize(row.made)) return nullptr;
    const Symbols& outputs = row.made[static_cast<size_t>(node)];
    if (r.tensor < 0 || r.tensor >= std::ssize(outputs)) return nullptr;
    return &outputs[static_cast<size_t>(r.tensor)];
  }

  // Makes every call whose inputs exist, however the file orders them; the calls of one layer in
  // their order. Returns a layer with a call that can never be made. `before` is told of each call.
  template <class F>
  std::optional<std::string_view> make_all(F&& before) {
    std::vector<std::string_view> ready(order_.rbegin(), order_.rend());
    while (!ready.empty()) {
      const std::string_view name = ready.back();
      ready.pop_back();
      Row& row = rows_.at(name);
      while (row.made.size() < row.calls.size() && gather_inputs(name, row)) {
        before(row.layer);
        row.made.push_back(row.layer.call(row.inputs));
        row.inputs.clear();
        ready.insert(ready.end(), row.waiting.begin(), row.waiting.end());
        row.waiting.clear();
      }
    }
    for (std::string_view name : order_)
      if (const Row& row = rows_.at(name); row.made.size() < row.calls.size()) return name;
    return {};
  }

 private:
  // False when an input of the next call does not exist; the layer then waits for that one alone.
  bool gather_inputs(std::string_view name, Row& row) {
    const std::vector<Reference>& wanted = row.calls[row.made.size()].inputs;
    while (row.inputs.size() < wanted.size()) {
      const Reference& r = wanted[row.inputs.size()];
      const Symbol* symbol = find(r);
      if (!symbol) {
        rows_.at(r.layer).waiting.push_back(name);
        return false;
      }
      row.inputs.push_back(*symbol);
    }
    return true;
  }

  // A nested model may own a first node, so that its first call here is number 1: in Keras 2's
  // nodes one that starts with an InputLayer, in Keras 3's a Functional, in the list of outputs
  // only (formats.md 3.6). Every call that is kept is used, so that a file which never says 0
  // counts from 1.
  static int64_t node_number(const Row& row, int64_t node, bool in_outputs) {
    const LayerImpl* layer = row.layer.impl().get();
    if (!dynamic_cast<const model::Network*>(layer)) return node;
    const bool functional = dynamic_cast<const model::Functional*>(layer) != nullptr;
    const bool from_one = row.legacy_nodes ? !row.zero_in_calls && !row.zero_in_outputs
                                           : in_outputs && functional && !row.zero_in_outputs;
    return from_one ? node - 1 : node;
  }

  std::vector<std::string_view> order_;
  std::unordered_map<std::string_view, Row> rows_;
};

// The name of a layer in a Functional's list. A view of the file's JSON.
std::string_view Reader::name_in_list(const Json& element) const {
  const auto name = element.find("name");
  const Json text =
      name ? *name : need(need(element, "config", "a layer"), "name", "a layer's config");
  if (!text.is_string()) fail(cat("the name of a layer must be a string, not ", text.kind_name()));
  return text.as_string();
}

Wiring Reader::layers_of(const Json& list, int depth) {
  if (!list.is_array()) fail(cat("the layers of a model must be a list, not ", list.kind_name()));
  Wiring wiring;
  for (const Json& given : list.elements()) {
    const TensorflowOp op = without_tensorflow(given);
    const Json& element = rewritten_.emplace_back(op.entry);
    const std::string_view name = name_in_list(element);
    if (wiring.contains(name)) fail(cat("two layers are named ", quoted(name)));
    std::vector<CallSpec> calls = calls_of(element, name);
    const auto nodes = element.find("inbound_nodes");
    const bool legacy = nodes && nodes->size() > 0 && !(*nodes)[0].is_object();
    Layer made = layer(element, calls, depth);
    if (made.class_name() == "InputLayer") calls = {CallSpec{}};
    if (op.least_rank > 0) least_ranks_.emplace_back(made, op.least_rank);
    wiring.add(name, {std::move(made), std::move(calls), legacy});
  }
  return wiring;
}

std::shared_ptr<model::Network> Reader::functional(const Json& object, int depth) {
  const Json config = need(object, "config", "the Functional model");
  Wiring wiring = layers_of(need(config, "layers", "the Functional model"), depth);
  const std::vector<Reference> inputs =
      references(need(config, "input_layers", "the Functional model"), "input_layers");
  const std::vector<Reference> outputs =
      references(need(config, "output_layers", "the Functional model"), "output_layers");
  std::optional<std::string_view> unknown = wiring.note_calls();
  for (const std::vector<Reference>* list : {&inputs, &outputs})
    for (const Reference& r : *list)
      if (!wiring.note(r, true)) unknown = r.layer;
  if (unknown) fail(cat("the model names a layer ", quoted(*unknown), " that it does not have"));
  int64_t calls = 0;
  const auto count = [&](const Layer& layer) { calls += charge_call(layer); };
  if (const auto stuck = wiring.make_all(count))
    fail(cat("layer ", quoted(*stuck),
             " is connected in a loop, or to a call of a layer that does not exist"));

  const auto symbols = [&](const std::vector<Reference>& list) {
    std::vector<Symbol> found;
    for (const Reference& r : list) {
      const Symbol* symbol = wiring.find(r, true);
      if (!symbol)
        fail(cat("there is no tensor [", quoted(r.layer), ", ", r.node, ", ", r.tensor, "]"));
      found.push_back(*symbol);
    }
    return found;
  };
  auto model =
      std::make_shared<model::Functional>(name_of(config), symbols(inputs), symbols(outputs));
  calls_inside_[model.get()] = calls;
  return model;
}

}  // namespace

std::shared_ptr<model::Network> network_from_config(const Json& object,
                                                    const layers::Dialect& dialect,
                                                    const std::string& label) {
  // Layers do not know what file they are from.
  const auto named = [&](const Error& e) { return cat(label, ": ", e.what()); };
  try {
    Reader reader(dialect, label);
    auto network = reader.network(with_own_name(object));
    reader.check_shapes();
    return network;
  } catch (const ValueError& e) {
    throw ValueError(named(e));
  } catch (const TypeError& e) {
    throw TypeError(named(e));
  } catch (const StateError& e) {
    throw StateError(named(e));
  }
}

}  // namespace cornu::formats
