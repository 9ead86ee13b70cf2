#include "cornu/formats/keras_weights.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "cornu/formats/weight_reader.h"
#include "cornu/tensor/finite.h"

namespace cornu::formats {

using base::cat;
using base::quoted;

void warn_if_not_finite(const Tensor& weight, const std::string& what,
                        std::vector<std::string>& warnings) {
  const std::span<const float> values = weight.values();
  if (all_finite(values)) return;
  const float odd =
      *std::find_if_not(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
  warnings.push_back(cat(what, " holds ", std::isnan(odd) ? "NaN" : "infinity"));
}

namespace {

class Filler : public WeightReader {
 public:
  using WeightReader::WeightReader;
  void network(const model::Network& network, const Hdf5Object& group);

 private:
  void layer(const Layer& layer, const Hdf5Object& group);
  void own_weights(const Layer& layer, const Hdf5Object& group);

  std::set<const LayerImpl*> visited_;
};

}  // namespace

std::string group_class(const Layer& layer) {
  const std::string& name = layer.class_name();
  return base::snake_case(name.substr(name.rfind('>') + 1));
}

std::optional<Layer> wrapped_layer(const Layer& layer) {
  const std::vector<Layer> held = layer.impl()->inner_layers();
  if (held.size() != 1 || held[0].impl()->weights().size() != layer.impl()->weights().size())
    return std::nullopt;
  return held[0];
}

namespace {

// 0 for "conv2d", 3 for "conv2d_3"; nothing where `name` is of another class.
std::optional<int64_t> number_in_class(std::string_view name, std::string_view snake) {
  if (!name.starts_with(snake)) return std::nullopt;
  name.remove_prefix(snake.size());
  if (name.empty()) return 0;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
  const bool all = error == std::errc() && end == name.data() + name.size();
  return name[0] == '_' && all && number >= 0 ? std::optional(number) : std::nullopt;
}

struct Child {
  std::string name;
  const Hdf5Object* group;
};

// The groups of a model's layers. Keras 2.12-2.14 named their parent otherwise, and on Windows
// wrote whole paths with '\' as one link name.
std::vector<Child> layer_groups(const Hdf5Object& model) {
  std::vector<Child> children;
  for (const char* parent : {"layers", "_layer_checkpoint_dependencies"})
    if (const Hdf5Object* group = model.find(parent))
      for (const Hdf5Object::Link& link : group->links())
        children.push_back({link.name, link.object});
  for (const Hdf5Object::Link& link : model.links()) {
    const size_t last = link.name.rfind('\\');
    if (last == std::string::npos) continue;
    const std::string_view parents = std::string_view(link.name).substr(0, last);
    if (parents.ends_with("layers") || parents.ends_with("_layer_checkpoint_dependencies"))
      children.push_back({link.name.substr(last + 1), link.object});
  }
  return children;
}

// The groups of one class. Their numbers count the layers of that class, where some may have no
// group; but Keras 2.12 and 2.13 counted some layers twice, and then the order alone tells.
class Numbered {
 public:
  Numbered(const std::vector<Child>& children, const std::string& snake, size_t layers) {
    for (const Child& child : children)
      if (const auto number = number_in_class(child.name, snake))
        groups_.emplace_back(*number, child.group);
    std::sort(groups_.begin(), groups_.end());
    exact_ = groups_.empty() || groups_.back().first < static_cast<int64_t>(layers);
  }
  // The group of layer i of the class; null where there is none.
  const Hdf5Object* find(size_t i) const {
    if (!exact_) return i < groups_.size() ? groups_[i].second : nullptr;
    const auto at = std::lower_bound(groups_.begin(), groups_.end(),
                                     std::pair<int64_t, const Hdf5Object*>(i, nullptr));
    return at != groups_.end() && at->first == static_cast<int64_t>(i) ? at->second : nullptr;
  }

 private:
  std::vector<std::pair<int64_t, const Hdf5Object*>> groups_;
  bool exact_ = true;
};

void Filler::network(const model::Network& network, const Hdf5Object& group) {
  if (const Hdf5Object* own = group.find("vars")) leave_out(own->links().size(), network.name());
  const std::vector<Child> children = layer_groups(group);
  const std::vector<Layer> layers = network.layers();
  std::map<std::string, size_t> counts, next;
  for (const Layer& each : layers) ++counts[group_class(each)];
  std::map<std::string, Numbered> classes;
  for (const auto& [snake, count] : counts) classes.try_emplace(snake, children, snake, count);
  for (const Layer& each : layers) {
    const std::string snake = group_class(each);
    const size_t i = next[snake]++;
    // A layer that two models share is stored once, at its first place.
    if (each.impl()->weights().empty() || !visited_.insert(each.impl().get()).second) continue;
    const Hdf5Object* own = classes.at(snake).find(i);
    if (own) {
      layer(each, *own);
    } else {
      mismatch(cat("there are no weights for layer ", quoted(each.name()), " (", each.class_name(),
                   " number ", i, ")"));
    }
  }
}

void Filler::layer(const Layer& layer, const Hdf5Object& group) {
  if (const auto* inner = dynamic_cast<const model::Network*>(layer.impl().get()))
    return network(*inner, group);
  const std::optional<Layer> wrapped = wrapped_layer(layer);
  if (!wrapped) return own_weights(layer, group);
  if (!visited_.insert(wrapped->impl().get()).second) return;
  const Hdf5Object* inside = group.find("layer");
  if (!inside)
    return mismatch(cat("there are no weights for the layer inside ", quoted(layer.name())));
  this->layer(*wrapped, *inside);
}

void Filler::own_weights(const Layer& layer, const Hdf5Object& group) {
  const Hdf5Object* vars = group.find("vars");
  if (!vars) return mismatch(cat("there are no weights for layer ", quoted(layer.name())));
  if (vars->has_attribute("name")) {
    const std::string name = vars->string_attribute("name");
    if (name != layer.name())
      fail(cat("the weights at ", vars->path(), " are of layer ", quoted(name),
               ", but the model has ", quoted(layer.name()), " there"));
  }
  const std::vector<Weight> weights = layer.impl()->weights();
  if (vars->links().size() != weights.size())
    return mismatch(cat("layer ", quoted(layer.name()), " has ", weights.size(),
                        " weights, the file holds ", vars->links().size()));
  const auto what = [&](size_t i) {
    return cat("weight ", i, " (", weights[i].variable->name(), ") of layer ",
               quoted(layer.name()));
  };
  std::vector<const Hdf5Object*> data;
  for (size_t i = 0; i < weights.size(); ++i) {
    data.push_back(vars->find(std::to_string(i)));
    if (!data[i] || !data[i]->is_dataset()) return mismatch(cat("there is no ", what(i)));
    const Shape& shape = weights[i].variable->shape();
    if (data[i]->shape() != shape)
      return mismatch(cat(what(i), " has shape ", shape, ", the file holds ", data[i]->shape()));
  }
  for (size_t i = 0; i < weights.size(); ++i) add(weights[i].variable, data[i]->tensor(), what(i));
}

}  // namespace

bool holds_data(const Hdf5Object& object) {
  return object.is_dataset() ||
         std::any_of(object.links().begin(), object.links().end(),
                     [](const Hdf5Object::Link& link) { return holds_data(*link.object); });
}

void fail_unbuilt(const std::string& label) {
  throw FormatError(cat(label, ": the model has no input shape, so that its weights have no ",
                        "shapes. Build it in Keras before it is saved"));
}

void read_keras_weights(const model::Network& network, const Hdf5Object& root,
                        const LoadWeightsOptions& o, const std::string& label,
                        std::vector<std::string>& warnings) {
  const std::vector<Child> layers = layer_groups(root);
  if (!network.built() && std::any_of(layers.begin(), layers.end(),
                                      [](const Child& child) { return holds_data(*child.group); }))
    fail_unbuilt(label);
  Filler filler(o, label, warnings);
  filler.network(network, root);
  filler.finish();
}

}  // namespace cornu::formats
