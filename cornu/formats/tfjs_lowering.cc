#include "cornu/formats/tfjs_lowering.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "cornu/base/text.h"
#include "cornu/formats/json_fields.h"
#include "cornu/layers/registry.h"

namespace cornu::formats {

using base::cat;
using base::Json;

namespace {

// One of the layers that stand for another one.
struct Part {
  std::string class_name;
  Items fields;
  bool is_it = false;  // has its name, and its weights
};
using Parts = std::vector<Part>;

constexpr int64_t kUnknown = -1;
using Sizes = std::vector<int64_t>;  // without the batch

bool is_set(const Json& object, const char* key) {
  const auto value = object.find(key);
  return value && !value->is_null() && !(value->is_bool() && !value->as_bool());
}

Sizes sizes_of(const Json& list) {
  Sizes sizes;
  for (const Json& each : list.elements())
    sizes.push_back(each.is_int() ? each.as_int() : kUnknown);
  return sizes;
}

Part reshape(const Sizes& to) { return {"Reshape", {{"target_shape", Json::list(to)}}}; }

bool all_are_known(const Sizes& sizes) {
  for (int64_t n : sizes)
    if (n == kUnknown) return false;
  return true;
}

// ---- cropping, padding, upsampling
// ----------------------------------------------------------------------------------------------

// What is done to each spatial axis: cells before and after, or how many times it is as long.
struct Change {
  std::string stem;  // "Cropping"
  std::vector<std::pair<int64_t, int64_t>> axes;

  const char* argument() const {
    return stem == "Cropping" ? "cropping" : stem == "ZeroPadding" ? "padding" : "size";
  }
  int64_t length(size_t axis, int64_t n) const {
    const auto [a, b] = axes[axis];
    return stem == "Cropping" ? n - a - b : stem == "ZeroPadding" ? n + a + b : n * a;
  }
  // The 2-D layer that does it to these two axes; none: to nothing.
  Part layer(std::optional<size_t> rows, std::optional<size_t> columns, bool first) const {
    const auto axis = [&](std::optional<size_t> i) -> Json {
      if (stem == "UpSampling") return i ? axes[*i].first : 1;
      return i ? Json::array({axes[*i].first, axes[*i].second}) : Json::array({0, 0});
    };
    Part part{stem + "2D",
              {{argument(), Json::array({axis(rows), axis(columns)})},
               {"data_format", first ? "channels_first" : "channels_last"}}};
    if (stem == "UpSampling") part.fields.emplace_back("interpolation", "nearest");
    return part;
  }
};

std::optional<Change> change_of(const std::string& class_name, const Json& config) {
  for (const char* stem : {"Cropping", "ZeroPadding", "UpSampling"}) {
    if (class_name != cat(stem, "1D") && class_name != cat(stem, "3D")) continue;
    Change change{stem, {}};
    Json list = config.find(change.argument()).value_or(Json());
    if (class_name.ends_with("1D")) list = Json::array({list});
    for (const Json& each : list.elements())
      if (each.is_array())
        change.axes.emplace_back(each[0].as_int(), each[1].as_int());
      else
        change.axes.emplace_back(each.as_int(), each.as_int());
    return change;
  }
  return std::nullopt;
}

// (steps, channels) as an image of one column. TensorFlow.js crops no axis of unknown length.
Parts lowered_steps(const Change& change, const Sizes& in, bool first) {
  const int64_t steps = in[first ? 1 : 0], channels = in[first ? 0 : 1];
  if (channels == kUnknown || (steps == kUnknown && change.stem == "Cropping")) return {};
  const int64_t out = steps == kUnknown ? kUnknown : change.length(0, steps);
  return {reshape(first ? Sizes{channels, steps, 1} : Sizes{steps, 1, channels}),
          change.layer(0, std::nullopt, first),
          reshape(first ? Sizes{channels, out} : Sizes{out, channels})};
}

// A volume as an image of its first two axes with the others as channels, then as one of its last
// axis; with channels first the other way round.
Parts lowered_volume(const Change& change, const Sizes& in, bool first) {
  if (!all_are_known(in)) return {};
  const size_t at = first ? 1 : 0;
  const int64_t channels = in[first ? 0 : 3];
  const int64_t d = in[at], h = in[at + 1], w = in[at + 2];
  const int64_t out_d = change.length(0, d), out_h = change.length(1, h),
                out_w = change.length(2, w);
  if (first)
    return {reshape({channels * d, h, w}), change.layer(1, 2, true),
            reshape({channels, d, out_h * out_w}), change.layer(0, std::nullopt, true),
            reshape({channels, out_d, out_h, out_w})};
  return {reshape({d, h, w * channels}), change.layer(0, 1, false),
          reshape({out_d * out_h, w, channels}), change.layer(std::nullopt, 2, false),
          reshape({out_d, out_h, out_w, channels})};
}

// ---- convolutions
// ----------------------------------------------------------------------------------------------

Items all_fields(const Json& config) {
  Items items;
  for (const auto& [key, value] : config.items())
    if (key != "name" && key != "trainable" && key != "dtype") items.emplace_back(key, value);
  return items;
}

int64_t only(const Json& config, const char* key) {
  const Json value = config.at(key);
  return value.is_array() ? value[0].as_int() : value.as_int();
}

// How long the result is (layers.md 4.4, 4.6).
int64_t conv_length(const std::string& class_name, const Json& config, int64_t n) {
  if (n == kUnknown) return n;
  const int64_t s = only(config, "strides");
  const int64_t extent = (only(config, "kernel_size") - 1) * only(config, "dilation_rate") + 1;
  const bool same = text(config, "padding") == "same";
  if (class_name == "Conv1DTranspose") return n * s + (same ? 0 : std::max<int64_t>(extent - s, 0));
  return same ? (n + s - 1) / s : (n - extent) / s + 1;
}

// One-dimensional convolutions as two-dimensional ones of one row.
Parts lowered_conv(const std::string& class_name, const Json& config, const Sizes& in) {
  const bool first = text(config, "data_format") == "channels_first";
  if (first || in.size() != 2 || in[1] == kUnknown || text(config, "padding") == "causal" ||
      is_set(config, "output_padding"))
    return {};
  const std::string image = class_name == "Conv1DTranspose"   ? "Conv2DTranspose"
                            : class_name == "SeparableConv1D" ? "SeparableConv2D"
                                                              : "DepthwiseConv2D";
  Part part{image, {}, true};
  for (const auto& [key, value] : all_fields(config)) {
    const bool per_axis = key == "kernel_size" || key == "strides" || key == "dilation_rate";
    part.fields.emplace_back(
        key, per_axis ? Json::array({1, value.is_array() ? value[0] : value}) : value);
  }
  const auto filters = config.find("filters");
  const int64_t channels =
      filters ? filters->as_int() : in[1] * config.at("depth_multiplier").as_int();
  return {reshape({1, in[0], in[1]}), part,
          reshape({conv_length(class_name, config, in[0]), channels})};
}

// Causal padding is zeros before the first step.
Parts lowered_causal(const Json& config, const Sizes& in) {
  const int64_t before = (only(config, "kernel_size") - 1) * only(config, "dilation_rate");
  Parts parts = lowered_steps({"ZeroPadding", {{before, 0}}}, in, false);
  if (parts.empty()) return parts;
  Part conv{"Conv1D", all_fields(config), true};
  for (auto& [key, value] : conv.fields)
    if (key == "padding") value = "valid";
  parts.push_back(conv);
  return parts;
}

// ---- any layer
// ----------------------------------------------------------------------------------------------

// The pooled axes come back as ones.
Parts lowered_keepdims(const std::string& class_name, const Json& config,
                       const std::optional<Sizes>& in) {
  const bool first = text(config, "data_format") == "channels_first";
  Sizes to(class_name.ends_with("1D") ? 1 : 2, 1);
  to.insert(first ? to.begin() : to.end(), !in ? kUnknown : first ? in->front() : in->back());
  return {{class_name, {{"data_format", text(config, "data_format")}}}, reshape(to)};
}

// The layer between two Permutes that bring `axis` (0 for the first after the batch) to the end and
// back. `changes`: arguments it has there.
Parts with_axis_last(const std::string& class_name, const Json& config, int64_t rank, int64_t axis,
                     const Items& changes) {
  Sizes there, back;  // counted from 1
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis) there.push_back(i + 1);
  there.push_back(axis + 1);
  for (int64_t i = 0; i < rank; ++i) back.push_back(i < axis ? i + 1 : i == axis ? rank : i);
  Part part{class_name, all_fields(config), true};
  for (auto& [key, value] : part.fields)
    for (const auto& [changed, other] : changes)
      if (key == changed) value = other;
  return {
      {"Permute", {{"dims", Json::list(there)}}}, part, {"Permute", {{"dims", Json::list(back)}}}};
}

// What TensorFlow.js has with channels last only.
Parts lowered_channels(const std::string& class_name, const Json& config, const Sizes& in) {
  const auto rank = static_cast<int64_t>(in.size());
  if (rank > 3) return {};
  if (class_name == "BatchNormalization") {
    Json axis = config.at("axis");
    if (axis.is_array() && axis.size() == 1) axis = axis[0];
    if (!axis.is_int() || axis.as_int() < 1 || axis.as_int() >= rank) return {};
    return with_axis_last(class_name, config, rank, axis.as_int() - 1, {{"axis", -1}});
  }
  // An activation along an axis acts on the last one, which would be another.
  if ((class_name != "Conv1D" && class_name != "SeparableConv2D") ||
      text(config, "data_format") != "channels_first" ||
      text(config, "activation").ends_with("softmax"))
    return {};
  return with_axis_last(class_name, config, rank, 0, {{"data_format", "channels_last"}});
}

// The shape that all calls of the layer are on, without the batch, as far as they agree; nothing
// where the object does not say it.
std::optional<Sizes> input_sizes(const Json& object) {
  const auto built = object.find("build_config");
  const auto shape = built ? built->find("input_shape") : std::nullopt;
  if (shape && shape->is_array() && !shape->empty() && (*shape)[0].is_array()) return std::nullopt;
  Sizes sizes = sizes_of(shape.value_or(Json()));
  const Json nodes = object.find("inbound_nodes").value_or(Json());
  for (const Json& call : nodes.elements()) {
    const Json first = call.at("args")[0];
    if (!first.is_object()) return std::nullopt;  // a merging layer
    const Sizes other = sizes_of(first.at("config").at("shape"));
    if (sizes.empty()) sizes = other;
    for (size_t i = 0; i < sizes.size() && i < other.size(); ++i)
      if (other[i] != sizes[i]) sizes[i] = kUnknown;
  }
  if (sizes.empty()) return std::nullopt;
  sizes.erase(sizes.begin());
  return sizes;
}

// What to write instead of the layer; nothing where it stays.
Parts parts_of(const Json& object) {
  const std::string class_name = text(object, "class_name");
  const Json config = object.at("config");
  const std::optional<Sizes> in = input_sizes(object);
  if (class_name == "Activation" && text(config, "activation") == "leaky_relu")
    return {{"LeakyReLU", {{"negative_slope", 0.2}}}};
  const bool flat = class_name.ends_with("1D") || class_name.ends_with("2D");
  if (class_name.starts_with("Global") && flat && is_set(config, "keepdims"))
    return lowered_keepdims(class_name, config, in);
  if (!in) return {};
  const bool first = text(config, "data_format") == "channels_first";
  if (const auto change = change_of(class_name, config))
    return change->axes.size() == 1 ? lowered_steps(*change, *in, first)
                                    : lowered_volume(*change, *in, first);
  if (gets_an_axis(class_name)) return lowered_conv(class_name, config, *in);
  if (class_name == "Conv1D" && !first && text(config, "padding") == "causal")
    return lowered_causal(config, *in);
  return lowered_channels(class_name, config, *in);
}

// ---- models
// ----------------------------------------------------------------------------------------------

Json tensor(const std::string& layer, size_t call) {
  return Json::object(
      {{"class_name", "__keras_tensor__"},
       {"config", Json::object({{"keras_history", Json::array({layer, call, 0})}})}});
}

Json layer_object(const std::string& class_name, const std::string& name, const Json& trainable,
                  const Items& fields) {
  Items config = {{"name", name}, {"trainable", trainable}, {"dtype", "float32"}};
  config.insert(config.end(), fields.begin(), fields.end());
  return Json::object({{"module", "keras.layers"},
                       {"class_name", class_name},
                       {"config", Json::object(config)},
                       {"registered_name", nullptr}});
}

class Lowering {
 public:
  Json network(const Json& object);

 private:
  std::string new_name(const std::string& name, const char* what);
  void add_parts(const Json& object, const Parts& parts);
  void add_row(Json row, const std::string& name, const std::vector<Json>& calls);
  bool add_arithmetic(const Json& row);
  Json without_repeats(const Json& row);
  Json without_repeats_in(const Json& args, std::map<std::string, int>* seen);
  bool add_subtraction(const Json& row);
  Json renamed(const Json& history) const;
  Json renamed_args(const Json& args) const;
  Json renamed_row(const Json& row) const;
  Json renamed_list(const Json& list) const;

  bool functional_ = false;
  std::set<std::string> names_;
  std::vector<Json> layers_;
  std::map<std::string, std::string> copies_;                // by tensor and number
  std::map<std::string, std::string, std::less<>> outputs_;  // whose results stand for a layer's
};

std::string Lowering::new_name(const std::string& name, const char* what) {
  std::string unique = cat(name, "_", what);
  for (int i = 1; !names_.insert(unique).second; ++i) unique = cat(name, "_", what, "_", i);
  return unique;
}

void Lowering::add_row(Json row, const std::string& name, const std::vector<Json>& calls) {
  if (functional_) {
    row.set("name", name);
    row.set("inbound_nodes", Json::array(calls));
  }
  layers_.push_back(row);
}

void Lowering::add_parts(const Json& object, const Parts& parts) {
  const Json config = object.at("config");
  const std::string name = text(config, "name");
  size_t own = parts.size() - 1;
  for (size_t i = 0; i < parts.size(); ++i)
    if (parts[i].is_it) own = i;
  std::vector<Json> calls;
  const auto nodes = object.find("inbound_nodes");
  if (nodes)
    for (const Json& call : nodes->elements()) calls.push_back(call);
  std::string last;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string part =
        i == own ? name : new_name(name, base::snake_case(parts[i].class_name).c_str());
    if (i > 0)
      for (size_t c = 0; c < calls.size(); ++c)
        calls[c] = Json::object({{"args", Json::array({tensor(last, c)})}});
    add_row(layer_object(parts[i].class_name, part, config.at("trainable"), parts[i].fields), part,
            calls);
    last = part;
  }
  if (last != name) outputs_[name] = last;
}

// x + 1, 2 * x, 1 - x, -x: a Rescaling. False for anything else.
bool Lowering::add_arithmetic(const Json& row) {
  const std::string operation = text(row, "class_name"), name = text(row, "name");
  std::optional<std::pair<double, double>> line;  // a x + b
  std::vector<Json> calls;
  for (const Json& call : row.at("inbound_nodes").elements()) {
    const Json args = call.at("args");
    if (args.size() < 1 || args.size() > 2) return false;
    const bool second = args.size() == 2 && args[0].is_object() && args[1].is_number();
    const bool first = args.size() == 2 && args[0].is_number() && args[1].is_object();
    const double c = second ? args[1].as_double() : first ? args[0].as_double() : 0;
    if (operation == "Negative" && args.size() == 1) {
      line = {-1, 0};
    } else if (!first && !second) {
      return false;
    } else if (operation == "Add") {
      line = {1, c};
    } else if (operation == "Multiply") {
      line = {c, 0};
    } else if (operation == "Subtract") {
      line = second ? std::pair(1.0, -c) : std::pair(-1.0, c);
    } else {
      return false;
    }
    calls.push_back(Json::object({{"args", Json::array({args[first ? 1 : 0]})}}));
  }
  if (!line) return false;
  add_row(layer_object("Rescaling", name, true, {{"scale", line->first}, {"offset", line->second}}),
          name, calls);
  return true;
}

// a - b as a + (-1 b), both of one shape. False for anything else.
bool Lowering::add_subtraction(const Json& row) {
  const std::string name = text(row, "name");
  const std::string negated = new_name(name, "negated");
  std::vector<Json> negations, sums;
  for (const Json& call : row.at("inbound_nodes").elements()) {
    Json args = call.at("args");
    if (args.size() == 1 && args[0].is_array()) args = args[0];
    if (args.size() != 2 || !args[0].is_object() || !args[1].is_object()) return false;
    const auto shape = [&](size_t i) { return args[i].at("config").at("shape").dump(); };
    if (shape(0) != shape(1)) return false;
    negations.push_back(Json::object({{"args", Json::array({args[1]})}}));
    const Json both = Json::array({args[0], tensor(negated, sums.size())});
    sums.push_back(Json::object({{"args", Json::array({both})}}));
  }
  add_row(layer_object("Rescaling", negated, true, {{"scale", -1.0}, {"offset", 0.0}}), negated,
          negations);
  add_row(layer_object("Add", name, true, {}), name, sums);
  return true;
}

// TensorFlow.js frees a tensor too early that a call takes twice, as in x + x: all but the first
// are copies.
Json Lowering::without_repeats_in(const Json& args, std::map<std::string, int>* seen) {
  std::vector<Json> all;
  for (const Json& arg : args.elements()) {
    if (arg.is_array()) {
      all.push_back(without_repeats_in(arg, seen));
      continue;
    }
    all.push_back(arg);
    if (!arg.is_object()) continue;
    Json config = arg.at("config");
    const Json history = config.at("keras_history");
    const int times = (*seen)[history.dump()]++;
    if (times == 0) continue;
    std::string& copy = copies_[cat(history.dump(), times)];
    if (copy.empty()) {
      copy = new_name(std::string(history[0].as_string()), "copy");
      add_row(layer_object("Rescaling", copy, true, {{"scale", 1.0}, {"offset", 0.0}}), copy,
              {Json::object({{"args", Json::array({arg})}})});
    }
    config.set("keras_history", Json::array({copy, 0, 0}));
    all.back().set("config", config);
  }
  return Json::array(all);
}

Json Lowering::without_repeats(const Json& row) {
  std::vector<Json> calls;
  for (const Json& call : row.at("inbound_nodes").elements()) {
    std::map<std::string, int> seen;
    calls.push_back(call);
    const Json args = without_repeats_in(call.at("args"), &seen);
    calls.back().set("args", args);
  }
  Json changed = row;
  changed.set("inbound_nodes", Json::array(calls));
  return changed;
}

// ---- names of results that are others' now
// ----------------------------------------------------------------------------------------------

Json Lowering::renamed(const Json& history) const {
  const auto other = outputs_.find(history[0].as_string());
  return other == outputs_.end() ? history : Json::array({other->second, history[1], history[2]});
}

Json Lowering::renamed_args(const Json& args) const {
  std::vector<Json> all;
  for (const Json& arg : args.elements()) {
    if (arg.is_array()) {
      all.push_back(renamed_args(arg));
    } else if (arg.is_object()) {
      Json config = arg.at("config"), changed = arg;
      config.set("keras_history", renamed(config.at("keras_history")));
      changed.set("config", config);
      all.push_back(changed);
    } else {
      all.push_back(arg);
    }
  }
  return Json::array(all);
}

Json Lowering::renamed_row(const Json& row) const {
  std::vector<Json> calls;
  for (const Json& call : row.at("inbound_nodes").elements()) {
    const Json args = call.at("args");
    // The layer after a convolution that has kept its name must read that.
    const bool is_own = args.size() == 1 && args[0].is_object() && [&] {
      const auto own = outputs_.find(args[0].at("config").at("keras_history")[0].as_string());
      return own != outputs_.end() && own->second == text(row, "name");
    }();
    Json changed = call;
    if (!is_own) changed.set("args", renamed_args(args));
    calls.push_back(changed);
  }
  Json changed = row;
  changed.set("inbound_nodes", Json::array(calls));
  return changed;
}

Json Lowering::renamed_list(const Json& list) const {
  if (list.size() > 0 && list[0].is_string()) return renamed(list);
  std::vector<Json> all;
  for (const Json& each : list.elements()) all.push_back(renamed(each));
  return Json::array(all);
}

Json Lowering::network(const Json& object) {
  Json config = object.at("config");
  functional_ = text(object, "class_name") != "Sequential";
  const Json list = config.at("layers");
  for (const Json& each : list.elements()) names_.insert(text(each.at("config"), "name"));
  for (const Json& given : list.elements()) {
    const Json each = functional_ ? without_repeats(given) : given;
    const std::string class_name = text(each, "class_name");
    const bool operation = text(each, "module").starts_with("keras.src.ops");
    const bool other = layers::is_network_class(class_name) || layers::is_foreign(each) ||
                       each.contains("shared_object_id");
    if (functional_ && operation && add_arithmetic(each)) continue;
    if (functional_ && !other && class_name == "Subtract" && add_subtraction(each)) continue;
    const Parts parts = other || operation ? Parts() : parts_of(each);
    if (parts.empty())
      layers_.push_back(each);
    else
      add_parts(each, parts);
  }
  if (!outputs_.empty() && functional_) {
    for (Json& row : layers_) row = renamed_row(row);
    for (const char* key : {"input_layers", "output_layers"})
      config.set(key, renamed_list(config.at(key)));
  }
  config.set("layers", Json::array(layers_));
  Json changed = object;
  changed.set("config", config);
  return changed;
}

}  // namespace

bool gets_an_axis(const std::string& class_name) {
  return class_name == "Conv1DTranspose" || class_name == "SeparableConv1D" ||
         class_name == "DepthwiseConv1D";
}

Json lowered_for_tfjs(const Json& object) { return Lowering().network(object); }

}  // namespace cornu::formats
