#include "cornu/train/checkpoint.h"

#include <cstring>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/formats/load.h"
#include "cornu/formats/save.h"

namespace cornu::train {

using base::cat;
using base::Json;

namespace {

constexpr const char* kMember = "cornu/state";

// The member is a JSON text, a zero byte, and the callbacks' tensors as little-endian floats.
std::string encode(const RunState& state) {
  std::vector<Json> shapes, metrics;
  std::string numbers;
  for (const Tensor& t : state.callback_tensors) {
    shapes.push_back(Json::list(t.shape()));
    numbers.append(reinterpret_cast<const char*>(t.data()),
                   static_cast<size_t>(t.size()) * sizeof(float));
  }
  for (const std::vector<double>& m : state.metrics) metrics.push_back(Json::list(m));
  const Json text = Json::object({
      {"version", 1},
      {"seed", cat(state.position.seed)},  // beyond what a JSON integer holds
      {"trained_steps", state.position.step},
      {"shuffles", state.position.shuffles},
      {"epoch", state.epoch},
      {"step", state.step},
      {"taken", state.taken},
      {"metrics", Json::array(metrics)},
      {"callbacks", state.callbacks},
      {"tensors", Json::array(shapes)},
  });
  return text.dump() + '\0' + numbers;
}

uint64_t as_seed(const Json& text) {
  uint64_t seed = 0;
  for (char c : text.as_string()) {
    if (c < '0' || c > '9')
      throw FormatError(cat("a checkpoint's seed must be a number. Received: ",
                            base::quoted(std::string(text.as_string()))));
    seed = seed * 10 + static_cast<uint64_t>(c - '0');
  }
  return seed;
}

class NumberReader {
 public:
  explicit NumberReader(std::string_view bytes) : left_(bytes) {}
  Tensor take(const Json& dims) {
    Shape shape;
    for (Json d : dims.elements()) shape.push_back(d.as_int());
    const auto size = shape.checked_size();
    if (!size || static_cast<size_t>(*size) > left_.size() / sizeof(float))
      throw FormatError("a checkpoint's state is cut short");
    Tensor t(shape);
    const size_t bytes = static_cast<size_t>(*size) * sizeof(float);
    std::memcpy(t.data(), left_.data(), bytes);
    left_.remove_prefix(bytes);
    return t;
  }

 private:
  std::string_view left_;
};

RunState decode(const std::string& bytes, const std::string& path) {
  const size_t end = bytes.find('\0');
  if (end == std::string::npos)
    throw FormatError(cat(path, ": its member ", kMember, " is damaged"));
  const Json text =
      base::parse_json(std::string_view(bytes).substr(0, end), cat(path, ": ", kMember));
  NumberReader numbers(std::string_view(bytes).substr(end + 1));
  RunState state;
  state.position.seed = as_seed(text.at("seed"));
  state.position.step = text.at("trained_steps").as_int();
  state.position.shuffles = text.at("shuffles").as_int();
  state.epoch = text.at("epoch").as_int();
  state.step = text.at("step").as_int();
  state.taken = text.at("taken").as_int();
  for (Json m : text.at("metrics").elements()) {
    state.metrics.emplace_back();
    for (Json v : m.elements()) state.metrics.back().push_back(v.as_double());
  }
  state.callbacks = text.at("callbacks");
  for (Json dims : text.at("tensors").elements())
    state.callback_tensors.push_back(numbers.take(dims));
  return state;
}

}  // namespace

void save_checkpoint(const Model& model, const RunState& state, const std::string& path) {
  formats::save_keras(model, path, {{kMember, encode(state)}});
}

RunState load_checkpoint(const Model& model, Trainer& trainer, const std::string& path) {
  const std::optional<std::string> member = formats::read_member(path, kMember);
  if (!member) throw FormatError(cat(path, ": it is no checkpoint: it has no member ", kMember));
  RunState state = decode(*member, path);
  const LoadResult loaded = load(path);
  if (!model.network()->built()) {
    std::vector<Shape> inputs;
    for (const Symbol& input : loaded.model.network()->inputs()) inputs.push_back(input.shape());
    model.network()->build(inputs);
  }
  const auto& kept = loaded.model.network()->loaded_training;
  if (kept && kept->optimizer) {
    trainer.build_optimizer();
    trainer.optimizer().set_state(*kept->optimizer);
  }
  model.set_weights(loaded.model.get_weights());
  return state;
}

}  // namespace cornu::train
