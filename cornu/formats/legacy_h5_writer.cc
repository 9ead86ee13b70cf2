#include "cornu/formats/legacy_h5_writer.h"

#include <set>
#include <unordered_map>

#include "cornu/formats/json_fields.h"
#include "cornu/formats/keras_training.h"
#include "cornu/formats/keras_weights_writer.h"
#include "cornu/formats/legacy_weights.h"
#include "cornu/layers/registry.h"

namespace cornu::formats {
namespace {

using base::cat;
using base::Json;

bool is_operation(const Json& object) {
  const auto module = object.find("module");
  return module && module->is_string() && module->as_string().starts_with("keras.src.ops");
}

// An object without what these files do not say of it. Models recurse as deep as they are nested.
Json plain_object(const Json& object) {
  static const std::set<std::string, std::less<>> kLeftOut = {"module", "registered_name",
                                                              "build_config", "compile_config"};
  const std::string class_name(object.at("class_name").as_string());
  // Without its module an operation, which is no layer, would pass for one.
  const bool operation = is_operation(object);
  Items items;
  for (const auto& [key, value] : object.items()) {
    if (key == "class_name") {
      items.emplace_back(key, layers::registered_class(object));
    } else if (key == "config" && layers::is_network_class(class_name)) {
      Items config;
      for (const auto& [name, field] : value.items()) {
        if (name != "layers") {
          config.emplace_back(name, field);
          continue;
        }
        std::vector<Json> list;
        for (const Json& layer : field.elements()) list.push_back(plain_object(layer));
        config.emplace_back(name, Json::array(list));
      }
      items.emplace_back(key, Json::object(config));
    } else if (operation || !kLeftOut.contains(key)) {
      items.emplace_back(key, value);
    }
  }
  return Json::object(items);
}

// The group at a path below `group`, made where it is not there.
Hdf5Group& group_at(Hdf5Group* group, std::string_view path) {
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    group = &group->group(std::string(path.substr(begin, end - begin)));
    begin = end + 1;
  }
  return *group;
}

void add_at(Hdf5Group* group, const std::string& path, const Tensor& value) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return group->add(path, value);
  group_at(group, path.substr(0, slash)).add(path.substr(slash + 1), value);
}

void write_layer(const Layer& layer, Hdf5Group* group, std::vector<std::string>* names) {
  check_file_name(*layer.impl());
  for (const LegacyWeight& w : legacy_order(layer)) {
    check_file_name(*w.layer.impl());
    names->push_back(w.path);
    add_at(group, w.path, w.weight.variable->value());
  }
}

// One group for each layer that the configuration lists, but for a Sequential's InputLayer and for
// operations, which are no layers. Some InputLayers are in the configuration alone.
void write_weights(const model::Network& network, const Json& object, Hdf5Group* root) {
  set_writer(root);
  std::unordered_map<std::string, Layer> layers;
  for (const Layer& layer : network.layers()) layers.emplace(layer.name(), layer);
  const bool sequential = object.at("class_name").as_string() == "Sequential";
  std::vector<std::string> names;
  for (const Json& each : object.at("config").at("layers").elements()) {
    const bool input = each.at("class_name").as_string() == "InputLayer";
    if ((sequential && input) || is_operation(each)) continue;
    names.emplace_back(each.at("config").at("name").as_string());
    Hdf5Group& group = group_at(root, names.back());
    std::vector<std::string> weight_names;
    if (const auto layer = layers.find(names.back()); layer != layers.end())
      write_layer(layer->second, &group, &weight_names);
    group.set_list("weight_names", weight_names);
  }
  root->set_list("layer_names", names);
  root->group("top_level_model_weights").set_list("weight_names", {});
}

void write_optimizer(const model::TrainingState& training, Hdf5Group* root) {
  if (!training.optimizer) return;
  const model::OptimizerState& state = *training.optimizer;
  std::string name = "optimizer";
  if (const auto optimizer = training.compile_config.find("optimizer"))
    if (const auto config = optimizer->find("config"))
      if (const auto given = config->find("name"); given && given->is_string())
        name = std::string(given->as_string());
  Hdf5Group& group = root->group("optimizer_weights");
  std::vector<std::string> names = {cat(name, "/iteration")};
  group_at(&group, name).add_int("iteration", state.iteration);
  const auto add = [&](const std::string& slot, const Tensor& value) {
    names.push_back(cat(name, "/", slot));
    add_at(&group, names.back(), value);
  };
  if (state.learning_rate) add("learning_rate", Tensor(Shape{}, {*state.learning_rate}));
  std::set<std::string> seen;
  for (size_t i = 0; i < state.slots.size(); ++i) {
    // Those of a loaded file have no names.
    const std::string& slot = state.slots[i].name;
    const bool plain = !slot.empty() && slot.find('/') == slot.npos && seen.insert(slot).second;
    add(plain ? slot : cat("variable_", i), state.slots[i].value);
  }
  group.set_list("weight_names", names);
}

}  // namespace

Content legacy_model(const model::Network& network) {
  Hdf5Group root;
  set_writer(&root);
  const Json object = plain_object(model::model_object(network));
  root.set("model_config", object.dump());
  write_weights(network, object, &root.group("model_weights"));
  if (const auto training = training_of(network)) {
    root.set("training_config", training_config_of(training->compile_config).dump());
    write_optimizer(*training, &root);
  }
  return write_hdf5(root);
}

}  // namespace cornu::formats
