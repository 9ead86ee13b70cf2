#include "cornu/formats/keras1_layer.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "cornu/formats/json_fields.h"
#include "cornu/layers/registry.h"
#include "cornu/nn/field_reader.h"

namespace cornu::formats {
namespace {

using base::cat;
using base::Json;
using base::quoted;

struct Renamed {
  const char *before, *now;
};
// Names that no later Keras uses for anything.
constexpr Renamed kArguments[] = {{"nb_filter", "filters"},
                                  {"filter_length", "kernel_size"},
                                  {"output_dim", "units"},
                                  {"border_mode", "padding"},
                                  {"subsample", "strides"},
                                  {"subsample_length", "strides"},
                                  {"stride", "strides"},
                                  {"pool_length", "pool_size"},
                                  {"length", "size"},
                                  {"atrous_rate", "dilation_rate"},
                                  {"dim_ordering", "data_format"},
                                  {"bias", "use_bias"},
                                  {"init", "kernel_initializer"},
                                  {"W_regularizer", "kernel_regularizer"},
                                  {"b_regularizer", "bias_regularizer"},
                                  {"W_constraint", "kernel_constraint"},
                                  {"b_constraint", "bias_constraint"},
                                  {"gamma_init", "gamma_initializer"},
                                  {"beta_init", "beta_initializer"},
                                  {"p", "rate"},
                                  {"sigma", "stddev"},
                                  {"input_dtype", "dtype"},
                                  // Several of which become one, or none.
                                  {"nb_row", "kernel_size"},
                                  {"nb_col", nullptr},
                                  {"kernel_dim1", "kernel_size"},
                                  {"kernel_dim2", nullptr},
                                  {"kernel_dim3", nullptr},
                                  {"mode", nullptr},
                                  {"input_length", nullptr}};
constexpr Renamed kClasses[] = {{"AtrousConvolution1D", "Conv1D"},
                                {"AtrousConvolution2D", "Conv2D"}};
// "Merge" by its mode.
constexpr Renamed kMerges[] = {{"sum", "Add"},
                               {"mul", "Multiply"},
                               {"ave", "Average"},
                               {"max", "Maximum"},
                               {"concat", "Concatenate"}};

template <size_t N>
const Renamed* find(const Renamed (&table)[N], std::string_view name) {
  const auto at = std::find_if(std::begin(table), std::end(table),
                               [&](const Renamed& r) { return name == r.before; });
  return at == std::end(table) ? nullptr : at;
}

// "mode" is one of RandomFlip's, too.
const Renamed* old_argument(std::string_view class_name, std::string_view key) {
  return key == "mode" && class_name != "BatchNormalization" ? nullptr : find(kArguments, key);
}

std::string_view text(const std::optional<Json>& value) {
  return value && value->is_string() ? value->as_string() : std::string_view();
}

// {"name": "WeightRegularizer", "l1": 0.1, …}, {"name": "MaxNorm", "m": 2, …} and the like.
Json penalty_or_constraint(const Json& object) {
  if (!object.is_object() || object.contains("class_name") || !object.contains("name"))
    return object;
  const std::string name(text(object.find("name")));
  Items config;
  for (const auto& [key, value] : object.items()) {
    if (key == "name") continue;
    const char* now = key == "m" ? "max_value" : key == "low" ? "min_value" : nullptr;
    if (key == "high") now = "max_value";
    config.emplace_back(now ? now : key, value);
  }
  const bool penalty = name.ends_with("Regularizer") && name != "EigenvalueRegularizer";
  return Json::object({{"class_name", penalty ? "L1L2" : name}, {"config", Json::object(config)}});
}

Json data_format(const Json& ordering) {
  const std::string_view word = text(ordering);
  return word == "th" ? Json("channels_first") : word == "tf" ? Json("channels_last") : ordering;
}

class Translator {
 public:
  Translator(std::string class_name, const Json& config)
      : class_(std::move(class_name)), config_(config) {}

  Json arguments() {
    for (const auto& [key, value] : config_.items()) {
      if (const Renamed* renamed = old_argument(class_, key)) {
        if (!value.is_null()) add(*renamed, value);
      } else if (key.ends_with("_regularizer") || key.ends_with("_constraint")) {
        items_.emplace_back(key, penalty_or_constraint(value));
      } else if (key == "padding" && class_ == "ZeroPadding2D" && value.size() == 4) {
        // (top, bottom, left, right)
        items_.emplace_back(key, Json::array({Json::array({value[0], value[1]}),
                                              Json::array({value[2], value[3]})}));
      } else if (key != "input_dim" && !(key == "output_shape" && class_ == "Deconvolution2D")) {
        items_.emplace_back(key, value);
      }
    }
    return Json::object(items_);
  }

  // Merge's own.
  Json merge(std::string* class_name) const {
    const Renamed* mode = find(kMerges, text(config_.find("mode")));
    if (!mode || config_.contains("layers"))
      fail(cat("merging by mode ", nn::shown(config_.find("mode").value_or(Json())),
               mode ? " as the first layer of a Sequential" : "", " is not supported"));
    *class_name = mode->now;
    Items items;
    if (const auto name = config_.find("name")) items.emplace_back("name", *name);
    if (mode->now == std::string_view("Concatenate"))
      items.emplace_back("axis", config_.find("concat_axis").value_or(Json(-1)));
    return Json::object(items);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ValueError(nn::Where{class_, std::string(text(config_.find("name")))}.message(what));
  }
  Json all(std::initializer_list<const char*> keys) const {
    std::vector<Json> values;
    for (const char* key : keys) values.push_back(config_.find(key).value_or(Json()));
    return Json::array(values);
  }

  void add(const Renamed& renamed, const Json& value) {
    const std::string_view key = renamed.before;
    if (key == "mode" && !(value.is_int() && value.as_int() == 0))
      fail(cat("only mode 0 is supported. Received: mode=", nn::shown(value)));
    if (!renamed.now) return;
    if (key == "nb_row") {
      items_.emplace_back(renamed.now, all({"nb_row", "nb_col"}));
    } else if (key == "kernel_dim1") {
      items_.emplace_back(renamed.now, all({"kernel_dim1", "kernel_dim2", "kernel_dim3"}));
    } else if (key == "dim_ordering") {
      items_.emplace_back(renamed.now, data_format(value));
    } else if (key == "init" && class_ == "PReLU") {
      items_.emplace_back("alpha_initializer", value);
    } else if (key == "init" && class_.starts_with("Separable")) {
      for (const char* each : {"depthwise_initializer", "pointwise_initializer"})
        items_.emplace_back(each, value);
    } else {
      items_.emplace_back(renamed.now, key.starts_with("W_") || key.starts_with("b_")
                                           ? penalty_or_constraint(value)
                                           : value);
    }
  }

  const std::string class_;
  const Json config_;
  Items items_;
};

}  // namespace

Json layer_of_keras1(const Json& object) {
  std::string class_name(text(object.find("class_name"))), known;
  const Json config = object.find("config").value_or(Json());
  const bool merge = class_name == "Merge";
  const Renamed* renamed = find(kClasses, class_name);
  if (!merge && !renamed && !layers::registry().find(class_name, &known)) return object;
  bool old = merge || renamed;
  for (const auto& [key, value] : config.items()) old = old || old_argument(class_name, key);
  if (!old || layers::is_foreign(object)) return object;
  Translator translator(class_name, config);
  if (renamed) class_name = renamed->now;
  const Json arguments = merge ? translator.merge(&class_name) : translator.arguments();
  Items items;
  for (const auto& [key, value] : object.items()) {
    const Json now = key == "class_name" ? Json(class_name) : key == "config" ? arguments : value;
    items.emplace_back(key, now);
  }
  return Json::object(items);
}

}  // namespace cornu::formats
