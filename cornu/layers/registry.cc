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
  return r;
}

std::map<std::string, LayerFactory, std::less<>>& custom_layers() {
  static std::map<std::string, LayerFactory, std::less<>> factories;
  return factories;
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

Layer layer_from_config(const std::string& class_name, const base::Json& config,
                        const Dialect& dialect) {
  std::string canonical;
  if (const Registry::Load how = registry().find(class_name, &canonical))
    return how(canonical, config, dialect);
  const auto custom = custom_layers().find(class_name);
  if (custom != custom_layers().end()) return custom->second(config);
  std::string name;
  if (const auto n = config.find("name"); n && n->is_string()) name = std::string(n->as_string());
  const nn::Where where{"layer", name};
  if (class_name == "Lambda" || class_name == "TFOpLambda" || class_name == "SlicingOpLambda")
    throw ValueError(where.message("class ", base::quoted(class_name),
                                   " holds Python code, which is never run. Rebuild the model with "
                                   "a layer of its own and register_layer()"));
  throw ValueError(where.message("unknown class ", base::quoted(class_name),
                                 ". A class of your own must be made known with register_layer()"));
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
