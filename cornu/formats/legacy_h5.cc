#include "cornu/formats/legacy_h5.h"

#include <set>

#include "cornu/formats/keras_training.h"
#include "cornu/formats/keras_weights.h"
#include "cornu/formats/legacy_weights.h"
#include "cornu/formats/network_config.h"

namespace cornu::formats {
namespace {

using base::cat;
using base::Json;

Json json_attribute(const Hdf5Object& root, const char* name, const std::string& label,
                    uint64_t file_size) {
  base::JsonLimits limits;
  limits.free_values += file_size / 32;  // as for .keras archives
  const base::Bytes text = root.text_attribute(name);
  base::check_json_size(text.size(), cat(label, ":", name), limits);
  return base::parse_json(text, cat(label, ":", name), limits);
}

// "Adam/conv2d/kernel/m:0" -> "m"; Keras 3's "adam/conv2d_kernel_momentum" keeps its last part.
std::string slot_name(const std::string& name) {
  const size_t slash = name.rfind('/');
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

// How the slots of an optimizer lie in a file.
enum class Order { kByWeight, kBySlot };

// Keras's own optimizers up to 2.10 kept all first slots, then all second ones; later ones keep
// those of a weight together, where they have two.
Order order_of(const std::string& first_name) {
  const std::string name = slot_name(first_name);
  return name.starts_with("iteration") && !name.starts_with("iterations") ? Order::kByWeight
                                                                          : Order::kBySlot;
}

bool keeps_pairs(const std::string& optimizer) {
  for (const char* each : {"adam", "adamw", "adamax", "nadam", "adadelta"})
    if (base::lower(optimizer) == each) return true;
  return false;
}

using Slots = std::vector<model::OptimizerState::Slot>;

// The numbers in the order of Keras 3's files; false where they cannot be of these weights.
bool sort_slots(const std::vector<Shape>& shapes, bool pairs, Order order, Slots* slots) {
  const size_t n = shapes.size();
  // Keras 2 kept a third slot of one number for each weight when there was none.
  if (pairs && slots->size() == 3 * n && n > 0) {
    bool unused = true;
    for (size_t i = 2 * n; i < 3 * n; ++i)
      unused = unused && (*slots)[i].value.shape() == Shape{1} && shapes[i - 2 * n] != Shape{1};
    if (unused) slots->resize(2 * n);
  }
  if (n == 0 || slots->size() % n != 0) return slots->empty();
  if (pairs && order == Order::kBySlot && slots->size() >= 2 * n) {
    Slots sorted;
    for (size_t i = 0; i < n; ++i) {
      sorted.push_back(std::move((*slots)[i]));
      sorted.push_back(std::move((*slots)[n + i]));
    }
    std::move(sorted.begin(), sorted.end(), slots->begin());
  }
  for (size_t i = 0; i < slots->size(); ++i) {
    const size_t weight = pairs && i < 2 * n ? i / 2 : i % n;
    if ((*slots)[i].value.shape() != shapes[weight]) return false;
  }
  return true;
}

// Throws FormatError for what is no optimizer's state.
model::OptimizerState read_optimizer(const model::Network& network, const Hdf5Object& group,
                                     const std::string& class_name, const std::string& label,
                                     std::vector<std::string>& warnings) {
  const auto fail = [&](const std::string& what) { throw FormatError(cat(label, ": ", what)); };
  const auto names = group.string_list_attribute("weight_names");
  if (!names) fail("its group lacks \"weight_names\"");
  model::OptimizerState state;
  std::set<const Hdf5Object*> seen;
  for (size_t i = 0; i < names->size(); ++i) {
    const Hdf5Object* data = group.find((*names)[i]);
    if (!data || !data->is_dataset()) fail(cat("it lacks variable ", i));
    if (!seen.insert(data).second) fail(cat("it lists variable ", i, " twice"));
    if (data->shape().rank() == 0 && i == 0) {
      const auto count = read_count(*data);
      if (!count) fail("its first variable does not count steps");
      state.iteration = *count;
    } else if (data->shape().rank() == 0 && i == 1) {
      state.learning_rate = data->tensor().values()[0];
    } else {
      state.slots.push_back({slot_name((*names)[i]), data->tensor()});
      warn_if_not_finite(state.slots.back().value, cat(label, ": variable ", i), warnings);
    }
  }
  std::vector<Shape> shapes;
  for (const Weight& w : network.weights())
    if (w.trainable) shapes.push_back(w.variable->shape());
  const Order order = names->empty() ? Order::kByWeight : order_of((*names)[0]);
  if (!sort_slots(shapes, keeps_pairs(class_name), order, &state.slots))
    fail("its numbers are not those of the model's weights");
  return state;
}

}  // namespace

std::optional<model::TrainingState> read_legacy_training(const model::Network& network,
                                                         const Hdf5Object& root,
                                                         const std::string& label,
                                                         std::vector<std::string>& warnings) {
  if (!root.has_attribute("training_config")) return std::nullopt;
  const Json json = json_attribute(root, "training_config", label, 0);
  if (!json.is_object()) return std::nullopt;
  model::TrainingState training{compile_config_of(json), {}};
  const Hdf5Object* group = root.find("optimizer_weights");
  if (!group || group->links().empty()) return training;
  std::string class_name;
  if (const auto optimizer = training.compile_config.find("optimizer"))
    if (const auto name = optimizer->find("class_name"); name && name->is_string())
      class_name = std::string(name->as_string());
  try {
    auto state = read_optimizer(network, *group, class_name, cat(label, ": optimizer"), warnings);
    if (state.iteration > 0 || !state.slots.empty()) training.optimizer = std::move(state);
  } catch (const FormatError& e) {
    warnings.push_back(cat(e.what(), "; training will start with a fresh one"));
  }
  return training;
}

LoadResult load_legacy_model(const base::Bytes& bytes, const Mend& mend) {
  const std::string& label = bytes.label();
  const Hdf5File file(bytes);
  const Hdf5Object& root = file.root();
  if (!root.has_attribute("model_config"))
    throw FormatError(cat(label,
                          ": this HDF5 file holds no model, only weights at best: make the model, "
                          "then load_weights()"));
  std::string version = "1";  // Keras 1 did not say
  if (root.has_attribute("keras_version")) version = root.string_attribute("keras_version");
  Json config = json_attribute(root, "model_config", label, bytes.size());
  if (mend) config = mend(config);
  auto network = network_from_config(config, dialect_of(version), label);
  config = {};
  LoadResult result{Model(network), {}, version};
  const Hdf5Object* weights = root.find("model_weights");
  if (!weights) throw FormatError(cat(label, ": it lacks the group \"model_weights\""));
  if (!network->built() && holds_data(*weights)) fail_unbuilt(label);
  read_legacy_weights(*network, *weights, {}, label, result.warnings);
  network->loaded_training = read_legacy_training(*network, root, label, result.warnings);
  return result;
}

}  // namespace cornu::formats
