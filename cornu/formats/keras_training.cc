#include "cornu/formats/keras_training.h"

#include <cmath>

#include "cornu/formats/keras_weights.h"

namespace cornu::formats {

using base::cat;
using base::Json;

Json copied(const Json& object) {
  if (!object.is_object()) return {};
  std::vector<std::pair<std::string, Json>> items;
  for (const auto& [key, value] : object.items()) items.emplace_back(key, value);
  return Json::object(items);
}

Json compile_config_of(const Json& training) {
  Json optimizer;
  if (const auto config = training.find("optimizer_config"); config && config->is_object()) {
    std::vector<std::pair<std::string, Json>> items = {{"module", "keras.optimizers"}};
    for (const char* key : {"class_name", "config"})
      items.emplace_back(key, config->find(key).value_or(Json()));
    items.emplace_back("registered_name", nullptr);
    optimizer = Json::object(items);
  }
  std::vector<std::pair<std::string, Json>> items = {{"optimizer", optimizer}};
  for (const auto& [key, value] : training.items())
    if (key != "optimizer_config" && key != "sample_weight_mode") items.emplace_back(key, value);
  return Json::object(items);
}

Json training_config_of(const Json& compile_config) {
  std::vector<std::pair<std::string, Json>> items;
  for (const auto& [key, value] : compile_config.items()) {
    if (key != "optimizer") {
      items.emplace_back(key, value);
    } else if (value.is_object()) {
      items.emplace_back("optimizer_config",
                         Json::object({{"class_name", value.find("class_name").value_or(Json())},
                                       {"config", value.find("config").value_or(Json())}}));
    }
  }
  return Json::object(items);
}

std::optional<int64_t> read_count(const Hdf5Object& data) {
  if (data.shape().rank() != 0) return std::nullopt;
  const NumberType type = data.number_type();
  base::Bytes bytes = data.data();
  if (data.byte_order() == ByteOrder::kBig) bytes = turned_around(bytes, bytes_of(type));
  int64_t count = -1;
  switch (type) {
    case NumberType::kInt64:
    case NumberType::kUint64:
      count = static_cast<int64_t>(bytes.u64(0, "the optimizer's iteration"));
      break;
    case NumberType::kInt32:
      count = static_cast<int32_t>(bytes.u32(0, "the optimizer's iteration"));
      break;
    case NumberType::kUint32:
      count = bytes.u32(0, "the optimizer's iteration");
      break;
    default:
      break;
  }
  return count >= 0 ? std::optional(count) : std::nullopt;
}

namespace {

// Throws FormatError for what is no optimizer's state.
std::optional<model::OptimizerState> read_optimizer(const Hdf5Object& vars, bool has_rate,
                                                    std::vector<std::string>& warnings,
                                                    const std::string& label) {
  const auto fail = [&](const std::string& what) { throw FormatError(cat(label, ": ", what)); };
  std::vector<const Hdf5Object*> data;
  for (size_t i = 0; i < vars.links().size(); ++i) {
    data.push_back(vars.find(std::to_string(i)));
    if (!data[i] || !data[i]->is_dataset()) fail(cat("it lacks variable ", i));
  }
  model::OptimizerState state;
  const auto iteration = read_count(*data.at(0));
  if (!iteration) fail("its first variable does not count steps");
  state.iteration = *iteration;
  size_t next = 1;
  if (has_rate && next < data.size()) {
    if (data[next]->shape().rank() != 0) fail("its second variable is no learning rate");
    state.learning_rate = data[next++]->tensor().values()[0];
    if (!std::isfinite(*state.learning_rate)) fail("its learning rate is not finite");
  }
  for (; next < data.size(); ++next) {
    Tensor value = data[next]->tensor();
    warn_if_not_finite(value, cat(label, ": variable ", next), warnings);
    state.slots.push_back({"", std::move(value)});
  }
  if (state.iteration == 0 && state.slots.empty()) return std::nullopt;  // before the first step
  return state;
}

}  // namespace

std::optional<model::TrainingState> read_keras_training(const Json& compile_config,
                                                        const Hdf5Object& root,
                                                        const std::string& label,
                                                        std::vector<std::string>& warnings) {
  if (compile_config.size() == 0) return std::nullopt;
  model::TrainingState training{compile_config, {}};
  const Hdf5Object* vars = root.find("optimizer/vars");
  if (!vars || vars->links().empty()) return training;
  const auto optimizer = compile_config.find("optimizer");
  const auto config = optimizer ? optimizer->find("config") : std::nullopt;
  const auto rate = config ? config->find("learning_rate") : std::nullopt;
  try {
    // A schedule is not a variable.
    training.optimizer =
        read_optimizer(*vars, !rate || !rate->is_object(), warnings, cat(label, ": optimizer"));
  } catch (const FormatError& e) {
    warnings.push_back(cat(e.what(), "; training will start with a fresh one"));
  }
  return training;
}

}  // namespace cornu::formats
