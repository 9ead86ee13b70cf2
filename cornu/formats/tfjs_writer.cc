#include "cornu/formats/tfjs_writer.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/json.h"
#include "cornu/base/text.h"
#include "cornu/formats/crc32.h"
#include "cornu/formats/keras2_config.h"
#include "cornu/formats/keras_training.h"
#include "cornu/formats/keras_weights_writer.h"
#include "cornu/formats/tfjs.h"
#include "cornu/formats/tfjs_lowering.h"
#include "cornu/formats/tfjs_names.h"
#include "cornu/model/network.h"

namespace cornu {
namespace formats {
namespace {

using base::cat;
using base::Json;
using base::quoted;

constexpr uint64_t kShardBytes = 4 << 20;  // as the converter

// A weight under the name that TensorFlow.js finds it by: the layer's, whatever model it is in.
struct Named {
  std::string name;
  Tensor value;
};

// Keras 2's name of a depthwise kernel; the others have kept theirs.
std::string weight_name(const Layer& layer, const std::string& name) {
  return layer.class_name().starts_with("DepthwiseConv") && name == "kernel" ? "depthwise_kernel"
                                                                             : name;
}

// What a wrapper holds is named after both; TensorFlow.js leaves the inner name out by itself.
void collect(const Layer& layer, const std::string& wrapper, const TfjsNames& names,
             std::set<const LayerImpl*>* seen, std::vector<Named>* weights) {
  if (!seen->insert(layer.impl().get()).second) return;
  const bool is_model = dynamic_cast<const model::Network*>(layer.impl().get()) != nullptr;
  const std::vector<Layer> inner = layer.impl()->inner_layers();
  const std::string name = names.of(layer.name());
  for (const Layer& each : inner) collect(each, is_model ? "" : name + "/", names, seen, weights);
  if (!inner.empty()) return;
  for (const Weight& w : layer.impl()->weights()) {
    Tensor value = w.variable->value();
    if (value.shape().rank() == 3 && gets_an_axis(layer.class_name())) {
      Shape shape = value.shape();
      shape.insert(0, 1);
      value = value.reshaped(shape);
    }
    weights->push_back({cat(wrapper, name, "/", weight_name(layer, w.variable->name())), value});
  }
}

std::vector<Named> weights_of(const model::Network& network, const TfjsNames& tfjs_names) {
  std::vector<Named> weights;
  std::set<const LayerImpl*> seen;
  for (const Layer& layer : network.layers()) collect(layer, "", tfjs_names, &seen, &weights);
  std::set<std::string> names;
  for (const Named& w : weights)
    if (!names.insert(w.name).second)
      throw ValueError(network.where().message("two of its weights would be named ", quoted(w.name),
                                               " in TensorFlow.js"));
  return weights;
}

// The numbers from float `first` on, as many as a shard takes, across tensors.
Content shard_from(const std::vector<Named>& weights, int64_t first) {
  constexpr auto kFloats = static_cast<int64_t>(kShardBytes / sizeof(float));
  Content content;
  int64_t left = kFloats;
  for (const Named& w : weights) {
    const int64_t skipped = std::min(first, w.value.size());
    const int64_t count = std::min(left, w.value.size() - skipped);
    first -= skipped;
    left -= count;
    if (count == w.value.size() && count > 0) {
      content.add(w.value);
    } else if (count > 0) {
      content.add(std::string(reinterpret_cast<const char*>(w.value.data() + skipped),
                              static_cast<size_t>(count) * sizeof(float)));
    }
  }
  return content;
}

std::string checksum(const std::vector<Named>& weights) {
  uint32_t crc = 0;
  for (const Named& w : weights) crc = crc32(crc, std::as_bytes(w.value.values()));
  char text[8];
  const auto end = std::to_chars(text, text + sizeof text, crc, 16).ptr;
  const std::string digits(text, end);
  return std::string(8 - digits.size(), '0') + digits;
}

// What Keras 2 says of training: no modules, and nothing that it does not know. Recurses as deep as
// an optimizer's schedules go.
Json keras2_training(const Json& value) {
  static const std::set<std::string, std::less<>> kUnknown = {"module",
                                                              "registered_name",
                                                              "run_eagerly",
                                                              "jit_compile",
                                                              "steps_per_execution",
                                                              "loss_scale_factor",
                                                              "gradient_accumulation_steps"};
  if (value.is_array()) {
    std::vector<Json> elements;
    for (const Json& each : value.elements()) elements.push_back(keras2_training(each));
    return Json::array(elements);
  }
  if (!value.is_object()) return value;
  std::vector<std::pair<std::string, Json>> items;
  for (const auto& [key, each] : value.items())
    if (!kUnknown.contains(key) || (key.starts_with("gradient") && !each.is_null()))
      items.emplace_back(key, keras2_training(each));
  return Json::object(items);
}

}  // namespace

TfjsFiles tfjs_files(const Model& model) {
  const model::Network& network = *model.network();
  if (!network.built())
    throw ValueError(
        network.where().message("it cannot be written for TensorFlow.js: it has not been built"));
  const Json object = model::model_object(network);
  const TfjsNames names(object);
  const Json config = keras2_object(names.renamed(object));
  const std::vector<Named> weights = weights_of(network, names);
  std::vector<Json> list, paths;
  int64_t size = 0;
  for (const Named& w : weights) {
    size += w.value.size();
    list.push_back(Json::object(
        {{"name", w.name}, {"shape", Json::list(w.value.shape())}, {"dtype", "float32"}}));
  }
  TfjsFiles files;
  constexpr auto kFloats = static_cast<int64_t>(kShardBytes / sizeof(float));
  const int64_t count = std::max<int64_t>(1, (size + kFloats - 1) / kFloats);
  const std::string sum = checksum(weights);
  for (int64_t i = 0; i < count && size > 0; ++i) {
    const std::string name = cat("weights-", sum, "-shard", i + 1, "of", count, ".bin");
    paths.push_back(name);
    files.shards.push_back({name, shard_from(weights, i * kFloats)});
  }
  Json topology = Json::object(
      {{"keras_version", "2.15.0"}, {"backend", "tensorflow"}, {"model_config", config}});
  if (const auto training = training_of(network))
    topology.set("training_config", keras2_training(training_config_of(training->compile_config)));
  files.json.add(Json::object({{"format", "layers-model"},
                               {"generatedBy", cat("Cornu ", version())},
                               {"convertedBy", nullptr},
                               {"modelTopology", topology},
                               {"weightsManifest",
                                Json::array({Json::object({{"paths", Json::array(paths)},
                                                           {"weights", Json::array(list)}})})}})
                     .dump());
  return files;
}

}  // namespace formats

void export_tfjs(const Model& model, const std::string& path) {
  if (!path.ends_with(".json"))
    throw ValueError(base::cat("export_tfjs: the filename must end in '.json'. Received: filepath=",
                               base::quoted(path)));
  const formats::TfjsFiles files = formats::tfjs_files(model);
  const std::string folder = base::folder_of(path);
  for (const formats::TfjsFiles::File& shard : files.shards)
    formats::write_file(shard.content, base::cat(folder, "/", shard.name));
  formats::write_file(files.json, path);
}

}  // namespace cornu
