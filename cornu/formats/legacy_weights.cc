#include "cornu/formats/legacy_weights.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "cornu/formats/legacy_kernels.h"
#include "cornu/formats/weight_reader.h"

namespace cornu::formats {

using base::cat;
using base::quoted;

namespace {

using Target = LegacyWeight;

void collect(const Layer& layer, const std::string& parent, std::set<const LayerImpl*>* seen,
             std::vector<Target>* targets) {
  if (!seen->insert(layer.impl().get()).second) return;
  const std::string path = parent + layer.name() + "/";
  const std::vector<Layer> inner = layer.impl()->inner_layers();
  for (const Layer& each : inner) collect(each, path, seen, targets);
  if (!inner.empty()) return;
  const std::vector<Weight> weights = layer.impl()->weights();
  for (size_t i = 0; i < weights.size(); ++i)
    targets->push_back({layer, i, weights[i], path + weights[i].variable->name()});
}

// Of a layer and those inside of it, layer by layer.
std::vector<Target> weights_of(const Layer& layer) {
  std::vector<Target> targets;
  std::set<const LayerImpl*> seen;
  collect(layer, "", &seen, &targets);
  return targets;
}

template <class F>
std::vector<Target> partitioned(std::vector<Target> list, F&& first) {
  std::stable_partition(list.begin(), list.end(), first);
  return list;
}

std::vector<Target> trainable_first(const std::vector<Target>& targets) {
  return partitioned(targets, [](const Target& t) { return t.weight.trainable; });
}

// A layer of the file that has weights.
struct Stored {
  std::string name;
  std::vector<const Hdf5Object*> weights;
};

// "/model/conv2d/kernel:0" -> "conv2d/kernel".
std::string short_name(const Hdf5Object& data) {
  std::string name = data.path();
  if (const size_t colon = name.rfind(':'); colon != std::string::npos) name.resize(colon);
  return std::string(last_two_parts(name));
}

class Filler : public WeightReader {
 public:
  Filler(const Hdf5Object& group, const LoadWeightsOptions& o, const std::string& label,
         std::vector<std::string>& warnings)
      : WeightReader(o, label, warnings), group_(group) {
    // A file that does not say so counts as Keras 1's.
    const std::string version = text("keras_version").value_or("1");
    origin_.keras1 = version == "1" || version.starts_with("1.");
    origin_.theano = text("backend") == "theano";
  }

  void fill(const model::Network& network);

 private:
  std::optional<std::string> text(const char* attribute) const {
    if (!group_.has_attribute(attribute)) return std::nullopt;
    return group_.string_attribute(attribute);
  }
  std::vector<Stored> stored_layers();
  Stored stored_layer(const std::string& name);
  void layer(const Layer& layer, const Stored& stored);
  std::vector<Target> ordered(const std::vector<Target>& targets, const Stored& stored) const;
  bool fit(const std::vector<Target>& targets, const Stored& stored) const;
  std::vector<Target> by_weight_names(const std::vector<Target>& targets,
                                      const Stored& stored) const;
  void read(const Target& target, const std::string& layer, const Hdf5Object& data);

  const Hdf5Object& group_;
  KernelOrigin origin_;
  std::set<const Hdf5Object*> used_;
};

Stored Filler::stored_layer(const std::string& name) {
  const Hdf5Object* group = group_.find(name);
  if (!group) fail(cat("there is no group for layer ", quoted(name)));
  const auto names = group->string_list_attribute("weight_names");
  if (!names) fail(cat("the group of layer ", quoted(name), " lacks \"weight_names\""));
  Stored stored{name, {}};
  for (const std::string& weight : *names) {
    const Hdf5Object* data = group->find(weight);
    if (!data || !data->is_dataset())
      fail(cat("layer ", quoted(name), " lacks its weight ", quoted(weight)));
    // One array under many names could take much more memory than the file.
    if (!used_.insert(data).second)
      fail(cat("layer ", quoted(name), " lists its weight ", quoted(weight), " twice"));
    stored.weights.push_back(data);
  }
  return stored;
}

// Those with weights, in the order of the model that was saved.
std::vector<Stored> Filler::stored_layers() {
  const auto names = group_.string_list_attribute("layer_names");
  if (!names) fail(cat(group_.path(), " lacks \"layer_names\": these are no weights of Keras"));
  std::vector<Stored> layers;
  std::set<std::string> seen;
  for (const std::string& name : *names) {
    if (!seen.insert(name).second) fail(cat("two layers are named ", quoted(name)));
    Stored stored = stored_layer(name);
    if (!stored.weights.empty()) layers.push_back(std::move(stored));
  }
  return layers;
}

void Filler::fill(const model::Network& network) {
  if (const Hdf5Object* own = group_.find("top_level_model_weights"))
    leave_out(
        own->string_list_attribute("weight_names").value_or(std::vector<std::string>()).size(),
        network.name());
  std::vector<Layer> own;
  for (const Layer& layer : network.layers())
    if (!layer.impl()->weights().empty()) own.push_back(layer);
  const std::vector<Stored> stored = stored_layers();
  if (options_.by_name) {
    std::unordered_map<std::string, const Stored*> by_name;
    for (const Stored& each : stored) by_name[own_name(each.name)] = &each;
    for (const Layer& each : own)
      if (const auto found = by_name.find(each.name()); found != by_name.end())
        layer(each, *found->second);
  } else {
    if (own.size() != stored.size())
      fail(cat("layer count mismatch: the model has ", own.size(),
               " layers with weights, the file ", stored.size()));
    for (size_t i = 0; i < own.size(); ++i) layer(own[i], stored[i]);
  }
  finish();
}

bool Filler::fit(const std::vector<Target>& targets, const Stored& stored) const {
  for (size_t i = 0; i < targets.size(); ++i)
    if (!fits_weight(targets[i].layer, targets[i].index, targets[i].weight.variable->shape(),
                     stored.weights[i]->shape(), origin_))
      return false;
  return true;
}

// The targets in the order of the file's names; empty where these do not tell.
std::vector<Target> Filler::by_weight_names(const std::vector<Target>& targets,
                                            const Stored& stored) const {
  std::unordered_map<std::string, const Target*> by_name;
  for (const Target& t : targets) {
    const std::string& variable = t.weight.variable->name();
    for (const std::string& name : {variable, cat("depthwise_", variable)})
      if (!by_name.emplace(cat(t.layer.name(), "/", name), &t).second) return {};
  }
  std::vector<Target> found;
  std::set<const Target*> taken;
  for (const Hdf5Object* data : stored.weights) {
    const auto at = by_name.find(short_name(*data));
    if (at == by_name.end() || !taken.insert(at->second).second) return {};
    found.push_back(*at->second);
  }
  return found;
}

// Keras writes the trainable weights of a layer, then the others. A layer that was frozen when the
// file was written may not be so here: then what weights are by nature decides, or their names.
std::vector<Target> Filler::ordered(const std::vector<Target>& targets,
                                    const Stored& stored) const {
  std::vector<Target> first = trainable_first(targets);
  if (fit(first, stored)) return first;
  for (const std::vector<Target>& other :
       {by_weight_names(targets, stored),
        partitioned(targets, [](const Target& t) { return t.weight.variable->trainable(); }),
        targets})
    if (other.size() == targets.size() && fit(other, stored)) return other;
  return first;
}

void Filler::layer(const Layer& layer, const Stored& stored) {
  const std::vector<Target> targets = weights_of(layer);
  size_t count = stored.weights.size();
  // Keras 2 kept how much data a Normalization had seen.
  if (layer.class_name() == "Normalization" && count == targets.size() + 1) --count;
  if (count != targets.size())
    return mismatch(cat("layer ", quoted(layer.name()), " has ", targets.size(),
                        " weights, the file holds ", stored.weights.size(), " for ",
                        quoted(stored.name)));
  const std::vector<Target> order = ordered(targets, stored);
  for (size_t i = 0; i < count; ++i) {
    const Shape& wanted = order[i].weight.variable->shape();
    if (!fits_weight(order[i].layer, order[i].index, wanted, stored.weights[i]->shape(), origin_))
      return mismatch(cat("weight ", i, " (", order[i].weight.variable->name(), ") of layer ",
                          quoted(layer.name()), " has shape ", wanted, ", the file holds ",
                          stored.weights[i]->shape(), " as ", quoted(stored.weights[i]->path())));
  }
  for (size_t i = 0; i < count; ++i) read(order[i], layer.name(), *stored.weights[i]);
}

void Filler::read(const Target& target, const std::string& layer, const Hdf5Object& data) {
  const std::string what =
      cat("weight ", target.weight.variable->name(), " of layer ", quoted(layer));
  std::string note;
  Tensor value = fitted_weight(target.layer, target.index, target.weight.variable->shape(),
                               data.tensor(), origin_, &note);
  if (!note.empty()) warnings_.push_back(cat(label_, ": ", what, " ", note));
  add(target.weight.variable, std::move(value), what);
}

bool has_layer_names(const Hdf5Object& group) {
  return group.has_attribute("layer_names") || group.has_attribute("layer_names0");
}

}  // namespace

std::vector<LegacyWeight> legacy_order(const Layer& layer) {
  return trainable_first(weights_of(layer));
}

const Hdf5Object* legacy_weights_group(const Hdf5Object& root) {
  if (has_layer_names(root)) return &root;
  const Hdf5Object* inside = root.find("model_weights");
  return inside && has_layer_names(*inside) ? inside : nullptr;
}

void read_legacy_weights(const model::Network& network, const Hdf5Object& group,
                         const LoadWeightsOptions& o, const std::string& label,
                         std::vector<std::string>& warnings) {
  Filler(group, o, label, warnings).fill(network);
}

}  // namespace cornu::formats
