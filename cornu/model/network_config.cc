// What Keras 3 writes of a model (formats.md 4.2).

#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "cornu/layers/arithmetic.h"
#include "cornu/layers/core.h"
#include "cornu/layers/registry.h"
#include "cornu/model/network.h"

namespace cornu::model {

using base::cat;
using base::Json;

namespace {

using Items = std::vector<std::pair<std::string, Json>>;

Json shape_json(const Shape& shape) {
  std::vector<Json> dims;
  for (int64_t d : shape) dims.push_back(d == Dim::kUnknown ? Json() : Json(d));
  return Json::array(dims);
}

Json with(const Json& object, const char* key, const Json& value) {
  Json changed = object;
  changed.set(key, value);
  return changed;
}

// Classes that Keras builds when they are made, so that it writes no shape for them.
bool is_built_at_once(const std::string& class_name) {
  static const std::set<std::string, std::less<>> kClasses = {"InputLayer",
                                                              "Activation",
                                                              "ELU",
                                                              "LeakyReLU",
                                                              "ReLU",
                                                              "Softmax",
                                                              "Reshape",
                                                              "Identity",
                                                              "ActivityRegularization",
                                                              "Dropout",
                                                              "SpatialDropout1D",
                                                              "SpatialDropout2D",
                                                              "SpatialDropout3D",
                                                              "GaussianDropout",
                                                              "GaussianNoise",
                                                              "AlphaDropout",
                                                              "Masking"};
  return kClasses.contains(class_name) || class_name.find("Pooling") != std::string::npos;
}

// A layer that is no model, with the shape or shapes it was built for.
Json built_object(const LayerImpl& layer, const Json& config) {
  const Json object = layers::layer_object(layer, config);
  if (layer.built_for().empty() || is_built_at_once(layer.class_name())) return object;
  std::vector<Json> shapes;
  for (const Shape& shape : layer.built_for()) shapes.push_back(shape_json(shape));
  const Json shape = shapes.size() == 1 ? shapes[0] : Json::array(shapes);
  return with(object, "build_config", Json::object({{"input_shape", shape}}));
}

// Writes one model with all that is nested in it. A layer that is in several of its models gets a
// number, by which the reader knows it again.
class Writer {
 public:
  explicit Writer(const Network& top) { count(top); }

  Json object(const LayerImpl& layer) {
    Items items;
    for (const auto& [key, value] : plain_object(layer).items()) items.emplace_back(key, value);
    if (const auto number = numbers_.find(&layer); number != numbers_.end())
      items.emplace_back("shared_object_id", number->second);
    return Json::object(items);
  }

  Json config(const Network& network) {
    if (const auto* functional = dynamic_cast<const Functional*>(&network))
      return functional_config(*functional);
    return sequential_config(static_cast<const Sequential&>(network));
  }

 private:
  void count(const LayerImpl& layer) {
    for (const Layer& inner : layer.inner_layers()) {
      const LayerImpl* impl = inner.impl().get();
      if (seen_.insert(impl).second) {
        count(*impl);
      } else {
        numbers_.try_emplace(impl, std::ssize(numbers_) + 1);
      }
    }
  }

  Json plain_object(const LayerImpl& layer);
  Json sequential_config(const Sequential& network);
  Json functional_config(const Functional& network);

  std::unordered_set<const LayerImpl*> seen_;
  std::unordered_map<const LayerImpl*, int64_t> numbers_;
};

Json Writer::plain_object(const LayerImpl& layer) {
  if (const auto* network = dynamic_cast<const Network*>(&layer)) {
    const bool sequential = layer.class_name() == "Sequential";
    Items items = {{"module", sequential ? "keras" : "keras.src.models.functional"},
                   {"class_name", layer.class_name()},
                   {"config", config(*network)},
                   {"registered_name", sequential ? Json() : Json("Functional")}};
    if (!sequential)
      items.emplace_back("build_config", Json::object({{"input_shape", nullptr}}));
    else if (static_cast<const Sequential*>(network)->has_shapes())
      items.emplace_back("build_config",
                         Json::object({{"input_shape", shape_json(network->inputs()[0].shape())}}));
    items.emplace_back("compile_config", Json::object());
    return Json::object(items);
  }
  if (layers::arithmetic_arguments(layer))
    return Json::object({{"module", "keras.src.ops.numpy"},
                         {"class_name", layer.class_name()},
                         {"config", Json::object({{"name", layer.name()}})},
                         {"registered_name", layer.class_name()}});
  if (layer.class_name() == "TimeDistributed") {  // what it holds may be a model, or shared
    const Json held = object(*layer.inner_layers()[0].impl());
    return built_object(layer, layers::full_config(layer, Json::object({{"layer", held}})));
  }
  return built_object(layer, layers::full_config(layer));
}

// ---- Sequential
// -------------------------------------------------------------------------------------------

Json Writer::sequential_config(const Sequential& network) {
  std::vector<Json> list;
  if (network.has_shapes())
    list.push_back(layers::layer_object(*network.inputs()[0].call()->layer));
  for (const Layer& layer : network.layers()) list.push_back(object(*layer.impl()));
  Items items = {{"name", network.name()},
                 {"trainable", network.trainable()},
                 {"dtype", layers::dtype_json(network)},
                 {"layers", Json::array(list)}};
  if (network.has_shapes())
    items.emplace_back("build_input_shape", shape_json(network.inputs()[0].shape()));
  return Json::object(items);
}

// ---- Functional
// -------------------------------------------------------------------------------------------

// Names the tensors of one model as its file does: [layer, number of its call in this model,
// output].
class Tensors {
 public:
  explicit Tensors(const Functional& network) {
    std::set<std::string> names;
    std::unordered_set<const Call*> own;
    for (const auto& call : network.steps()) own.insert(call.get());
    for (const Layer& layer : network.layers()) {
      names.insert(layer.name());
      std::vector<std::shared_ptr<const Call>>& calls = calls_[layer.impl().get()];
      for (const auto& call : layer.impl()->calls())
        if (own.contains(call.get())) calls.push_back(call);
      for (size_t i = 0; i < calls.size(); ++i) nodes_[calls[i].get()] = static_cast<int64_t>(i);
    }
    // An input may be a tensor in the middle of another model. Keras makes an InputLayer for it.
    for (const Symbol& s : network.inputs()) {
      const LayerImpl& layer = *s.call()->layer;
      if (s.call()->inputs.empty()) {
        inputs_.emplace_back(s, layer.name());
        continue;
      }
      std::string name = cat(layer.name(), "_input");
      for (int i = 1; !names.insert(name).second; ++i) name = cat(layer.name(), "_input_", i);
      inputs_.emplace_back(s, name);
      made_.emplace_back(name, s.shape());
    }
  }

  // The calls of a layer in this model, oldest first.
  const std::vector<std::shared_ptr<const Call>>& calls(const LayerImpl& layer) const {
    return calls_.at(&layer);
  }
  // Inputs that have no InputLayer of their own.
  const std::vector<std::pair<std::string, Shape>>& made() const { return made_; }

  Json reference(const Symbol& s, bool in_outputs) const {
    for (const auto& [symbol, name] : inputs_)
      if (symbol == s) return Json::array({name, 0, 0});
    const LayerImpl& layer = *s.call()->layer;
    int64_t node = nodes_.at(s.call().get());
    // In this list Keras counts the node that a Functional is born with.
    if (in_outputs && dynamic_cast<const Functional*>(&layer)) ++node;
    return Json::array({layer.name(), node, s.index()});
  }

  // One tensor, or a list of them.
  Json references(const std::vector<Symbol>& symbols) const {
    std::vector<Json> all;
    for (const Symbol& s : symbols) all.push_back(reference(s, true));
    return all.size() == 1 ? all[0] : Json::array(all);
  }

  Json node(const Call& call) const;

 private:
  std::vector<std::pair<Symbol, std::string>> inputs_;
  std::vector<std::pair<std::string, Shape>> made_;
  std::unordered_map<const LayerImpl*, std::vector<std::shared_ptr<const Call>>> calls_;
  std::unordered_map<const Call*, int64_t> nodes_;
};

// {"args": [tensor | [tensor, …] | number, …], "kwargs": {…}}
Json Tensors::node(const Call& call) const {
  static const std::set<std::string, std::less<>> kTakesList = {
      "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"};
  static const std::set<std::string, std::less<>> kTakesMask = {
      "Sequential",     "Functional", "BatchNormalization", "Softmax", "GlobalAveragePooling1D",
      "TimeDistributed"};
  const LayerImpl& layer = *call.layer;
  std::vector<Json> tensors;
  for (const Symbol& s : call.inputs)
    tensors.push_back(
        Json::object({{"class_name", "__keras_tensor__"},
                      {"config", Json::object({{"shape", shape_json(s.shape())},
                                               {"dtype", "float32"},
                                               {"keras_history", reference(s, false)}})}}));
  std::vector<Json> args;
  if (const layers::ArithmeticArguments* arguments = layers::arithmetic_arguments(layer)) {
    size_t next = 0;
    for (const std::optional<double>& constant : *arguments)
      args.push_back(constant ? Json(*constant) : tensors[next++]);
  } else if (tensors.size() > 1 || kTakesList.contains(layer.class_name())) {
    args.push_back(Json::array(tensors));
  } else {
    args = tensors;
  }
  Items kwargs;
  if (kTakesMask.contains(layer.class_name())) kwargs.emplace_back("mask", nullptr);
  return Json::object({{"args", Json::array(args)}, {"kwargs", Json::object(kwargs)}});
}

Json Writer::functional_config(const Functional& network) {
  const Tensors tensors(network);
  const auto row = [](const Json& object, const std::string& name, const std::vector<Json>& nodes) {
    return with(with(object, "name", name), "inbound_nodes", Json::array(nodes));
  };
  std::vector<Json> list;
  for (const auto& [name, shape] : tensors.made())
    list.push_back(row(
        layers::layer_object(*InputLayer({.name = name, .batch_shape = shape}).impl()), name, {}));
  for (const Layer& layer : network.layers()) {
    std::vector<Json> nodes;
    for (const auto& call : tensors.calls(*layer.impl()))
      if (!call->inputs.empty()) nodes.push_back(tensors.node(*call));
    list.push_back(row(object(*layer.impl()), layer.name(), nodes));
  }
  return Json::object({{"name", network.name()},
                       {"trainable", network.trainable()},
                       {"layers", Json::array(list)},
                       {"input_layers", tensors.references(network.inputs())},
                       {"output_layers", tensors.references(network.outputs())}});
}

}  // namespace

Json Network::config() const { return Writer(*this).config(*this); }

Json model_object(const Network& network) { return Writer(network).object(network); }

}  // namespace cornu::model
