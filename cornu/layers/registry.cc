#include "cornu/layers/registry.h"

#include <mutex>

namespace cornu {
namespace layers {

// One line per file of layers/.
void add_conv(Registry& r);
void add_conv_transpose(Registry& r);
void add_cropping(Registry& r);
void add_depthwise_conv(Registry& r);
void add_separable_conv(Registry& r);
void add_up_sampling(Registry& r);
void add_zero_padding(Registry& r);
void add_activation_layers(Registry& r);
void add_augmentation(Registry& r);
void add_batch_normalization(Registry& r);
void add_core(Registry& r);
void add_dense(Registry& r);
void add_dropout(Registry& r);
void add_global_pooling(Registry& r);
void add_image_preprocessing(Registry& r);
void add_layer_normalization(Registry& r);
void add_merging(Registry& r);
void add_pooling(Registry& r);
void add_preprocessing(Registry& r);
void add_reshaping(Registry& r);
void add_wrappers(Registry& r);

namespace {

Registry all_layers() {
  Registry r;
  add_conv(r);
  add_conv_transpose(r);
  add_cropping(r);
  add_depthwise_conv(r);
  add_separable_conv(r);
  add_up_sampling(r);
  add_zero_padding(r);
  add_activation_layers(r);
  add_augmentation(r);
  add_batch_normalization(r);
  add_core(r);
  add_dense(r);
  add_dropout(r);
  add_global_pooling(r);
  add_image_preprocessing(r);
  add_layer_normalization(r);
  add_merging(r);
  add_pooling(r);
  add_preprocessing(r);
  add_reshaping(r);
  add_wrappers(r);
  return r;
}

std::map<std::string, LayerFactory, std::less<>>& custom_layers() {
  static std::map<std::string, LayerFactory, std::less<>> factories;
  return factories;
}

// Empty where there is no such text.
std::string text_at(const base::Json& object, const char* key) {
  const auto v = object.find(key);
  return v && v->is_string() ? std::string(v->as_string()) : "";
}

}  // namespace

const Registry& registry() {
  static const Registry r = all_layers();
  return r;
}

Registry::Load Registry::find(const std::string& class_name, std::string* canonical) const {
  *canonical = class_name;
  if (const auto alias = aliases_.find(class_name); alias != aliases_.end())
    *canonical = alias->second;
  const auto row = rows_.find(*canonical);
  return row == rows_.end() ? nullptr : row->second;
}

std::vector<std::string> Registry::class_names() const {
  std::vector<std::string> names;
  for (const auto& [name, how] : rows_) names.push_back(name);
  return names;
}

Layer layer_from_config(const std::string& class_name, const base::Json& config,
                        const Dialect& dialect) {
  std::string canonical;
  if (const Registry::Load how = registry().find(class_name, &canonical))
    return how(canonical, config, dialect);
  const auto custom = custom_layers().find(class_name);
  if (custom != custom_layers().end()) return custom->second(config);
  const nn::Where where{"layer", text_at(config, "name")};
  if (class_name == "Lambda" || class_name == "TFOpLambda" || class_name == "SlicingOpLambda")
    throw ValueError(where.message("class ", base::quoted(class_name),
                                   " holds Python code, which is never run. Rebuild the model with "
                                   "a layer of its own and register_layer()"));
  throw ValueError(where.message("unknown class ", base::quoted(class_name),
                                 ". A class of your own must be made known with register_layer()"));
}

bool is_foreign(const base::Json& object) {
  if (!object.contains("module")) return false;
  const std::string module = text_at(object, "module");
  // "keras.layers", but not "keras_hub.layers".
  for (std::string_view own : {"keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras"})
    if (module.starts_with(own) && (module.size() == own.size() || module[own.size()] == '.'))
      return false;
  return true;
}

std::string registered_class(const base::Json& object) {
  const std::string class_name = text_at(object, "class_name");
  const std::string registered = text_at(object, "registered_name");
  if (class_name.empty()) throw ValueError("a layer in a file must be an object with a class_name");
  const bool foreign = is_foreign(object) || registered != class_name;
  return foreign && !registered.empty() ? registered : class_name;
}

bool is_network_class(std::string_view class_name) {
  return class_name == "Sequential" || class_name == "Functional" || class_name == "Model";
}

Layer layer_from_object(const base::Json& object, const Dialect& dialect) {
  const std::string class_name = registered_class(object);
  // By both names: who holds it looks at the first and would come back here for ever.
  if (is_network_class(class_name) && is_network_class(text_at(object, "class_name")) &&
      dialect.held)
    return dialect.held(object);
  const base::Json config = object.find("config").value_or(base::Json::object());
  std::string canonical;
  if (is_foreign(object) && registry().find(class_name, &canonical))
    throw ValueError(nn::Where{"layer", text_at(config, "name")}.message(
        "class ", base::quoted(class_name), " is not Keras's own but of module ",
        base::quoted(text_at(object, "module")),
        ". Register the class there, and here under its registered name with register_layer()"));
  return layer_from_config(class_name, config, dialect);
}

base::Json layer_object(const LayerImpl& layer) { return layer_object(layer, full_config(layer)); }

base::Json layer_object(const LayerImpl& layer, const base::Json& config) {
  std::string canonical;
  const std::string& class_name = layer.class_name();
  const bool known = registry().find(class_name, &canonical) != nullptr;
  using base::Json;
  // A class of the user's own goes by "package>Name".
  return Json::object({{"module", known ? Json("keras.layers") : Json()},
                       {"class_name", class_name.substr(class_name.rfind('>') + 1)},
                       {"config", config},
                       {"registered_name", known ? Json() : Json(class_name)}});
}

}  // namespace layers

void register_layer(const std::string& class_name, LayerFactory factory) {
  std::string canonical;
  if (layers::registry().find(class_name, &canonical))
    throw ValueError(base::cat("register_layer: ", base::quoted(class_name),
                               " is a class of Keras and cannot be replaced"));
  layers::custom_layers()[class_name] = std::move(factory);
}

}  // namespace cornu
