#include "cornu/formats/keras_weights_writer.h"

#include <set>

#include "cornu/base/utf8.h"
#include "cornu/formats/keras_weights.h"
#include "cornu/layers/arithmetic.h"

namespace cornu::formats {
namespace {

using base::cat;
using base::Json;

class Writer {
 public:
  void network(const model::Network& network, Hdf5Group* group) {
    put_name(network, group);
    Hdf5Group& layers = group->group("layers");
    std::map<std::string, int64_t> counts;
    for (const Layer& layer : network.layers()) {
      if (layers::arithmetic_arguments(*layer.impl())) continue;  // an operation, not a layer
      const std::string snake = group_class(layer);
      const int64_t number = counts[snake]++;
      // What two models share is stored once, at its first place.
      if (!visited_.insert(layer.impl().get()).second) continue;
      this->layer(layer, &layers.group(number == 0 ? snake : cat(snake, "_", number)));
    }
  }

 private:
  void layer(const Layer& layer, Hdf5Group* group) {
    if (const auto* inner = dynamic_cast<const model::Network*>(layer.impl().get()))
      return network(*inner, group);
    Hdf5Group& vars = put_name(*layer.impl(), group);
    if (const std::optional<Layer> wrapped = wrapped_layer(layer)) {
      if (visited_.insert(wrapped->impl().get()).second)
        this->layer(*wrapped, &group->group("layer"));
      return;
    }
    const std::vector<Weight> weights = layer.impl()->weights();
    for (size_t i = 0; i < weights.size(); ++i)
      vars.add(std::to_string(i), weights[i].variable->value());
  }

  static Hdf5Group& put_name(const LayerImpl& layer, Hdf5Group* group) {
    check_file_name(layer);
    Hdf5Group& vars = group->group("vars");
    vars.set("name", layer.name());
    return vars;
  }

  std::set<const LayerImpl*> visited_;
};

// The value of a key of a key of an object; null where there is none.
Json look(const Json& object, std::initializer_list<const char*> keys) {
  Json at = object;
  for (const char* key : keys) at = at.find(key).value_or(Json());
  return at;
}

// Keras's optimizers have their first two variables from the start, the others from the first step.
void write_optimizer(const model::TrainingState& training, Hdf5Group* root) {
  const Json config = look(training.compile_config, {"optimizer", "config"});
  model::OptimizerState state;
  if (const Json rate = look(config, {"learning_rate"}); rate.is_number())
    state.learning_rate = static_cast<float>(rate.as_double());
  if (training.optimizer) {
    state = *training.optimizer;
  } else if (!config.is_object()) {
    return;
  }
  Hdf5Group& vars = root->group("optimizer").group("vars");
  if (const Json name = look(config, {"name"}); name.is_string())
    vars.set("name", std::string(name.as_string()));
  int64_t next = 0;
  vars.add_int(std::to_string(next++), state.iteration);
  if (state.learning_rate)
    vars.add(std::to_string(next++), Tensor(Shape{}, {*state.learning_rate}));
  for (const auto& slot : state.slots) vars.add(std::to_string(next++), slot.value);
}

}  // namespace

std::optional<model::TrainingState> training_of(const model::Network& network) {
  return network.training ? network.training->state() : network.loaded_training;
}

void set_writer(Hdf5Group* group) {
  group->set("keras_version", kKerasVersion);
  group->set("backend", "tensorflow");
}

void check_file_name(const LayerImpl& layer) {
  const std::string& name = layer.name();
  if (!base::is_utf8(name) || name.find('\0') != std::string::npos)
    throw ValueError(layer.where().message("its name cannot be saved: it is not valid UTF-8"));
}

void write_keras_weights(const model::Network& network, Hdf5Group* root) {
  Writer().network(network, root);
  if (const auto training = training_of(network)) write_optimizer(*training, root);
}

}  // namespace cornu::formats
