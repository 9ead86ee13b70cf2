#include "cornu/formats/mend.h"

#include <map>
#include <optional>

#include "cornu/base/text.h"
#include "cornu/formats/json_fields.h"
#include "cornu/layers/registry.h"

namespace cornu::formats {
namespace {

using base::cat;
using base::Json;
using base::quoted;

// The value of a key of a key of an object; null where there is none.
Json look(const Json& object, std::initializer_list<const char*> keys) {
  Json at = object;
  for (const char* key : keys) at = at.find(key).value_or(Json());
  return at;
}

// Element i of a list, or of a single number for every axis.
std::optional<int64_t> axis_of(const Json& value, size_t i) {
  if (value.is_int()) return value.as_int();
  if (value.is_array() && i < value.size() && value[i].is_int()) return value[i].as_int();
  return std::nullopt;
}

// A shape of the file, batch and channels left out; nothing where a size is unknown.
std::optional<std::vector<int64_t>> spatial(const Json& shape, bool channels_first) {
  if (!shape.is_array() || shape.size() < 3) return std::nullopt;
  std::vector<int64_t> dims;
  for (size_t i = 0; i + 2 < shape.size(); ++i) {
    const auto dim = axis_of(shape, i + (channels_first ? 2 : 1));
    if (!dim || *dim < 1 || *dim > 1 << 30) return std::nullopt;
    dims.push_back(*dim);
  }
  return dims;
}

class Mender {
 public:
  explicit Mender(std::vector<std::string>* findings) : findings_(*findings) {}

  // Models recurse as deep as they are nested, which their reader limits to 32.
  Json network(const Json& object, int depth = 0);

 private:
  Json layer(const Json& object, const Json& in, const Json& out, int depth);
  std::optional<std::vector<Json>> lost_padding(const Json& config, const Json& in,
                                                const Json& out) const;
  void tell(const Json& object);

  std::vector<std::string>& findings_;
};

// What a transposed convolution must add so that `in` becomes `out` (layers.md 4.6); nothing where
// that is what it does without, or where no padding does it.
std::optional<std::vector<Json>> Mender::lost_padding(const Json& config, const Json& in,
                                                      const Json& out) const {
  const bool first = text(config, "data_format") == "channels_first";
  const auto from = spatial(in, first), to = spatial(out, first);
  if (!from || !to || from->size() != to->size()) return std::nullopt;
  const bool same = base::lower(text(config, "padding")) == "same";
  std::vector<Json> paddings;
  bool differs = false;
  for (size_t i = 0; i < from->size(); ++i) {
    const auto k = axis_of(look(config, {"kernel_size"}), i);
    const int64_t s = axis_of(look(config, {"strides"}), i).value_or(1);
    const int64_t d = axis_of(look(config, {"dilation_rate"}), i).value_or(1);
    if (!k || *k < 1 || s < 1 || d < 1 || *k > 1 << 20 || s > 1 << 20 || d > 1 << 20)
      return std::nullopt;
    const int64_t taps = (*k - 1) * d + 1, n = (*from)[i];
    const int64_t plain = same ? n * s : n * s + std::max<int64_t>(taps - s, 0);
    const int64_t padding = (*to)[i] - ((n - 1) * s + taps - 2 * (same ? taps / 2 : 0));
    if (padding < 0 || padding >= s) return std::nullopt;
    differs = differs || plain != (*to)[i];
    paddings.emplace_back(padding);
  }
  return differs ? std::optional(paddings) : std::nullopt;
}

void Mender::tell(const Json& object) {
  const std::string class_name = text(object, "class_name");
  const Json config = look(object, {"config"});
  const std::string name = cat(class_name, " ", quoted(text(config, "name")));
  const bool grouped = class_name.starts_with("DepthwiseConv") || class_name.ends_with("Transpose");
  if (grouped && config.contains("groups"))
    findings_.push_back(
        cat(name, ": Keras 3 refuses the file, for its `groups`, which Keras 2 wrote"));
}

// A layer, with the shapes that the file gives before and after it (null: none).
Json Mender::layer(const Json& object, const Json& in, const Json& out, int depth) {
  if (!object.is_object()) return object;
  const std::string class_name = text(object, "class_name");
  if (layers::is_network_class(class_name)) return network(object, depth + 1);
  tell(object);
  Json config = look(object, {"config"});
  if (!class_name.ends_with("Transpose") || !look(config, {"output_padding"}).is_null())
    return object;
  const auto padding = lost_padding(config, in, out);
  if (!padding) return object;
  config.set("output_padding", Json::array(*padding));
  findings_.push_back(cat(class_name, " ", quoted(text(config, "name")),
                          ": its `output_padding` was lost when the file was written. The shapes ",
                          "that the file records need output_padding=",
                          Json::array(*padding).dump(), "; it was put back"));
  Json mended = object;
  mended.set("config", config);
  return mended;
}

// The shape of the first tensor that a call takes.
Json first_input(const Json& object) {
  const Json nodes = look(object, {"inbound_nodes"});
  if (nodes.size() == 0 || !nodes.is_array()) return {};
  const Json args = look(nodes[0], {"args"});
  return args.is_array() && args.size() > 0 ? look(args[0], {"config", "shape"}) : Json();
}

// What the file says of tensors where layers take them: shapes by the layers they come from.
std::map<std::string, Json, std::less<>> shapes_behind(const Json& layers) {
  std::map<std::string, Json, std::less<>> shapes;
  const auto note = [&](const Json& tensor) {
    const Json history = look(tensor, {"config", "keras_history"});
    if (history.is_array() && history.size() == 3 && history[0].is_string())
      shapes.emplace(history[0].as_string(), look(tensor, {"config", "shape"}));
  };
  for (const Json& layer : layers.elements())
    for (const Json& node : look(layer, {"inbound_nodes"}).elements())
      for (const Json& arg : look(node, {"args"}).elements()) {
        note(arg);
        for (const Json& tensor : arg.elements()) note(tensor);
      }
  return shapes;
}

Json Mender::network(const Json& object, int depth) {
  constexpr int kDeepest = 32;
  const Json config = look(object, {"config"}), list = look(config, {"layers"});
  if (depth > kDeepest || !list.is_array()) return object;
  const bool sequential = text(object, "class_name") == "Sequential";
  const auto shapes = shapes_behind(list);
  std::vector<Json> layers;
  const size_t before = findings_.size();
  for (size_t i = 0; i < list.size(); ++i) {
    Json in, out;
    if (sequential) {
      in = look(list[i], {"build_config", "input_shape"});
      if (i + 1 < list.size()) out = look(list[i + 1], {"build_config", "input_shape"});
    } else {
      in = first_input(list[i]);
      if (const auto found = shapes.find(text(list[i], "name")); found != shapes.end())
        out = found->second;
    }
    layers.push_back(layer(list[i], in, out, depth));
  }
  if (findings_.size() == before) return object;
  Json mended = object, changed = config;
  changed.set("layers", Json::array(layers));
  mended.set("config", changed);
  return mended;
}

}  // namespace

Json mended_config(const Json& model, std::vector<std::string>* findings) {
  return Mender(findings).network(model);
}

}  // namespace cornu::formats
