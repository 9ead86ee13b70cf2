#include "cornu/formats/keras_weights.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

namespace cornu::formats {

using base::cat;
using base::quoted;

void warn_if_not_finite(const Tensor& weight, const std::string& what,
                        std::vector<std::string>& warnings) {
  for (float v : weight.values())
    if (!std::isfinite(v)) {
      warnings.push_back(cat(what, " holds ", std::isnan(v) ? "NaN" : "infinity"));
      return;
    }
}

namespace {

class Filler {
 public:
  Filler(const std::string& label, std::vector<std::string>& warnings)
      : label_(label), warnings_(warnings) {}

  void network(const model::Network& network, const Hdf5Object& group);

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(cat(label_, ": ", what));
  }
  void layer(const Layer& layer, const Hdf5Object& group);
  void own_weights(const Layer& layer, const Hdf5Object& group);

  const std::string& label_;
  std::vector<std::string>& warnings_;
};

// The class of a layer as its group spells it.
std::string group_class(const Layer& layer) {
  const std::string& name = layer.class_name();
  return base::snake_case(name.substr(name.rfind('>') + 1));
}

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

void Filler::network(const model::Network& network, const Hdf5Object& group) {
  const std::vector<Child> children = layer_groups(group);
  // The i-th layer of a class has the i-th group of the class, whatever numbers the groups carry
  // (Keras 2.12 and 2.13 count some layers twice).
  std::map<std::string, std::vector<const Hdf5Object*>> by_class;
  std::map<std::string, size_t> next;
  for (const Layer& each : network.layers()) {
    const std::string snake = group_class(each);
    if (!next.contains(snake)) {
      std::vector<std::pair<int64_t, const Hdf5Object*>> found;
      for (const Child& child : children)
        if (const auto number = number_in_class(child.name, snake))
          found.emplace_back(*number, child.group);
      std::sort(found.begin(), found.end());
      for (const auto& [number, object] : found) by_class[snake].push_back(object);
      next[snake] = 0;
    }
    const size_t i = next[snake]++;
    if (each.impl()->weights().empty()) continue;
    if (i >= by_class[snake].size())
      fail(cat("there are no weights for layer ", quoted(each.name()), " (", each.class_name(),
               " number ", i, ")"));
    layer(each, *by_class[snake][i]);
  }
}

void Filler::layer(const Layer& layer, const Hdf5Object& group) {
  if (const auto* inner = dynamic_cast<const model::Network*>(layer.impl().get()))
    return network(*inner, group);
  const std::vector<Layer> wrapped = layer.impl()->inner_layers();
  if (wrapped.empty()) return own_weights(layer, group);
  const Hdf5Object* inside = group.find("layer");
  if (!inside) fail(cat("there are no weights for the layer inside ", quoted(layer.name())));
  this->layer(wrapped[0], *inside);
}

void Filler::own_weights(const Layer& layer, const Hdf5Object& group) {
  const Hdf5Object* vars = group.find("vars");
  if (!vars) fail(cat("there are no weights for layer ", quoted(layer.name())));
  if (vars->has_attribute("name")) {
    const std::string name = vars->string_attribute("name");
    if (name != layer.name())
      fail(cat("the weights at ", vars->path(), " are of layer ", quoted(name),
               ", but the model has ", quoted(layer.name()), " there"));
  }
  const std::vector<Weight> weights = layer.impl()->weights();
  if (vars->links().size() != weights.size())
    fail(cat("layer ", quoted(layer.name()), " has ", weights.size(), " weights, the file holds ",
             vars->links().size()));
  for (size_t i = 0; i < weights.size(); ++i) {
    Variable& variable = *weights[i].variable;
    const std::string what =
        cat("weight ", i, " (", variable.name(), ") of layer ", quoted(layer.name()));
    const Hdf5Object* data = vars->find(std::to_string(i));
    if (!data || !data->is_dataset()) fail(cat("there is no ", what));
    if (data->shape() != variable.shape())
      fail(cat(what, " has shape ", variable.shape(), ", the file holds ", data->shape()));
    Tensor value = data->tensor();
    warn_if_not_finite(value, cat(label_, ": ", what), warnings_);
    variable.assign(std::move(value));
  }
}

}  // namespace

void read_keras_weights(const model::Network& network, const Hdf5Object& root,
                        const std::string& label, std::vector<std::string>& warnings) {
  Filler(label, warnings).network(network, root);
}

}  // namespace cornu::formats
