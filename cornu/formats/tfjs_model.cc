#include "cornu/formats/tfjs_model.h"

#include <set>
#include <unordered_map>

#include "cornu/base/file.h"
#include "cornu/formats/keras_training.h"
#include "cornu/formats/keras_weights.h"
#include "cornu/formats/network_config.h"
#include "cornu/formats/tfjs_weights.h"
#include "cornu/formats/weight_reader.h"

namespace cornu::formats {
namespace {

using base::cat;
using base::Json;
using base::quoted;

struct Target {
  std::string layer;
  std::shared_ptr<Variable> variable;
};

// All weights with the names of the layers that own them, those of nested models too, each once.
void collect(const Layer& layer, std::set<const LayerImpl*>* seen, std::vector<Target>& targets) {
  if (!seen->insert(layer.impl().get()).second) return;
  const std::vector<Layer> inner = layer.impl()->inner_layers();
  for (const Layer& each : inner) collect(each, seen, targets);
  if (!inner.empty()) return;
  for (const Weight& w : layer.impl()->weights()) targets.push_back({layer.name(), w.variable});
}

// What a weight may be called: Keras 3's name and Keras 2's.
std::vector<std::string> names_of(const Target& target) {
  const std::string& name = target.variable->name();
  std::vector<std::string> names = {cat(target.layer, "/", name)};
  if (name == "kernel") names.push_back(cat(target.layer, "/depthwise_kernel"));
  return names;
}

// "a/b/c" -> "a/c": TF.js itself drops the part before the last (cells of wrapped layers).
std::string without_inner_part(const std::string& name) {
  const size_t last = name.rfind('/');
  if (last == std::string::npos || last == 0) return name;
  const size_t before = name.rfind('/', last - 1);
  return before == std::string::npos ? name : name.substr(0, before) + name.substr(last);
}

// "conv2d_1_1/kernel" -> "conv2d_1/kernel": a model that was loaded and saved again.
std::string without_number(const std::string& name) {
  const size_t slash = name.rfind('/');
  if (slash == std::string::npos) return name;
  size_t at = slash;
  while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9') --at;
  if (at == slash || at == 0 || name[at - 1] != '_') return name;
  return name.substr(0, at - 1) + name.substr(slash);
}

using Named = std::vector<std::pair<std::string, Tensor>>;

// Assigns each weight of the file to the one weight that has its name, exactly or, failing that,
// under the one rule that makes it unambiguous.
class Matcher {
 public:
  Matcher(const std::string& label, Named weights) : label_(label), weights_(std::move(weights)) {
    used_.resize(weights_.size());
  }

  void fill(const std::vector<Target>& targets, std::vector<std::string>& warnings) {
    std::vector<const Target*> open;
    for (const Target& target : targets) open.push_back(&target);
    using Rename = std::string (*)(const std::string&);
    const Rename as_it_is = [](const std::string& name) { return name; };
    const Rename in_any_model = [](const std::string& name) {
      return std::string(last_two_parts(name));
    };
    for (const Rename rename :
         {as_it_is, Rename(without_inner_part), in_any_model, Rename(without_number)})
      open = match(open, rename, warnings);
    if (!open.empty())
      throw FormatError(cat(label_, ": there is no weight ", quoted(names_of(*open[0])[0]), " (",
                            open.size(), " of the model's ", targets.size(),
                            " weights are missing)"));
    for (size_t i = 0; i < weights_.size(); ++i)
      if (!used_[i])
        throw FormatError(cat(label_, ": the weight ", quoted(weights_[i].first),
                              " belongs to no layer of the model"));
  }

 private:
  template <class F>
  std::vector<const Target*> match(const std::vector<const Target*>& open, F&& rename,
                                   std::vector<std::string>& warnings) {
    std::unordered_map<std::string, std::vector<size_t>> by_name;
    for (size_t i = 0; i < weights_.size(); ++i)
      if (!used_[i]) by_name[rename(weights_[i].first)].push_back(i);
    std::vector<const Target*> left;
    for (const Target* target : open) {
      const std::vector<size_t>* found = nullptr;
      for (const std::string& name : names_of(*target))
        if (const auto it = by_name.find(name); it != by_name.end()) found = &it->second;
      if (!found || found->size() != 1 || used_[(*found)[0]]) {
        left.push_back(target);
      } else {
        assign(*target, (*found)[0], warnings);
      }
    }
    return left;
  }

  void assign(const Target& target, size_t i, std::vector<std::string>& warnings) {
    auto& [name, value] = weights_[i];
    if (value.shape() != target.variable->shape())
      throw FormatError(cat(label_, ": weight ", quoted(name), " of layer ", quoted(target.layer),
                            " has shape ", target.variable->shape(), ", the file holds ",
                            value.shape()));
    warn_if_not_finite(value, cat(label_, ": weight ", quoted(name)), warnings);
    target.variable->assign(std::move(value));
    used_[i] = true;
  }

  const std::string& label_;
  Named weights_;
  std::vector<bool> used_;
};

}  // namespace

LoadResult load_tfjs_model(const Json& json, const std::string& path) {
  const std::string label(json.label());
  const auto topology = json.find("modelTopology");
  if (!topology)
    throw FormatError(
        cat(label, ": this JSON is no TensorFlow.js layers-model: it lacks ", "\"modelTopology\""));
  if (const auto format = json.find("format");
      topology->contains("node") ||
      (format && format->is_string() && format->as_string() == "graph-model"))
    throw FormatError(cat(label,
                          ": this is a TensorFlow.js graph-model, which holds TensorFlow's "
                          "own operations and no Keras layers. Convert the Keras model with "
                          "--output_format=tfjs_layers_model"));
  std::string version;
  for (const Json* holder : {&json, &*topology})
    if (const auto v = holder->find("keras_version"); v && v->is_string())
      version = std::string(v->as_string());
  // The converter wraps the model's configuration; TF.js's own save() does not.
  const Json config = topology->contains("model_config") ? topology->at("model_config") : *topology;
  auto network = network_from_config(config, dialect_of(version.empty() ? "2.15" : version), label);

  const auto manifest = json.find("weightsManifest");
  if (!manifest)
    throw FormatError(cat(label, ": it lacks \"weightsManifest\": there are no weights"));
  std::vector<Target> targets;
  std::set<const LayerImpl*> seen;
  for (const Layer& layer : network->layers()) collect(layer, &seen, targets);
  // The converter keeps it in the topology, TF.js's own save() beside it.
  for (const auto& training : {topology->find("training_config"), json.find("trainingConfig")})
    if (training && training->is_object() && !training->empty())
      network->loaded_training = model::TrainingState{compile_config_of(*training), {}};
  LoadResult result{Model(network), {}, version};
  Matcher(label, read_tfjs_weights(*manifest, shards_in(base::folder_of(path))))
      .fill(targets, result.warnings);
  return result;
}

}  // namespace cornu::formats
