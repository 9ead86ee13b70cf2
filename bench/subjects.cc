#include "bench/subjects.h"

#include <cmath>
#include <filesystem>

#include "bench/models.h"

namespace cornu::bench {
namespace {

using base::Json;

Json list_of(const Shape& shape) {
  return Json::list(std::vector<int64_t>(shape.begin(), shape.end()));
}

// Of the layers as they are, whatever is made of them.
double flops_of(const Model& model, const Shape& input) {
  return model.program({.input_shapes = {input}, .precision = "strict"}).flops();
}

class CornuModel : public LocalContestant {
 public:
  CornuModel(const Model& model, const Shape& input, int threads)
      : workspace_(model.program({.input_shapes = {input}}), threads),
        x_(numbers(input, kX)),
        y_(workspace_.program().output_shape()) {
    name_ = "Cornu";
    out_ = y_.values();
  }
  void run() override { workspace_.run(std::as_const(x_).values(), out_); }
  Tensor output() override { return Tensor(y_.shape(), std::as_const(y_).values()); }

 private:
  Workspace workspace_;
  Tensor x_, y_;
  std::span<float> out_;
};

// Says in `json` where the layers-model is, or why there is none.
void export_for_tfjs(const Model& model, const std::string& folder, Json& json) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  const std::string path = folder + "/model.json";
  try {
    export_tfjs(model, path);
    json.set("tfjs", path);
  } catch (const ValueError& e) {
    json.set("tfjs_lacks", e.what());
  }
}

Opened open_model(const ModelCase& c, int threads, const std::string& folder) {
  const std::optional<Model> model = c.make();
  if (!model) return {};
  const std::string path = folder + "/model.onnx";
  Shape input = c.input;
  if (c.channels_first) {
    const Shape& last = c.input;
    input = {last[0], last[-1]};
    for (int64_t i = 1; i < last.rank() - 1; ++i) input.push_back(last[i]);
  }
  export_onnx(c.channels_first ? c.channels_first() : *model, path, {.input_shapes = {input}});
  auto cornu = std::make_unique<CornuModel>(*model, c.input, threads);
  const auto numbers_moved = static_cast<double>(c.input.size() + cornu->output().size());
  Json json = Json::object({{"name", c.name},
                            {"goal", c.goal},
                            {"kind", "model"},
                            {"onnx", path},
                            {"input", list_of(c.input)},
                            {"channels_first", c.channels_first != nullptr},
                            {"bytes", 4 * numbers_moved},
                            {"flops", flops_of(*model, c.input)}});
  export_for_tfjs(*model, folder + "/tfjs", json);
  Opened opened{std::move(json), std::move(cornu)};
  if (!c.upsampling.empty()) opened.others.push_back(make_onednn_upsampling(c.input, c.upsampling));
  return opened;
}

// Steps on one batch; its result is the losses of the first two: they tell whether gradients and
// optimizer are right.
class CornuStep : public LocalContestant {
 public:
  CornuStep(const TrainingCase& c, const Model& model, const Shape& output)
      : model_(model), x_(numbers(c.input, kX)) {
    name_ = "Cornu";
    Shape labels = output;
    labels.erase(labels.rank() - 1);
    y_ = numbers(labels, kGradient);
    const auto classes = static_cast<float>(c.classes);
    for (float& v : y_.values()) v = std::min(std::floor((v + 1) / 2 * classes), classes - 1);
    const double rate = c.learning_rate;
    model_.compile({.optimizer = c.optimizer == "adam"
                                     ? Adam({.learning_rate = rate})
                                     : SGD({.learning_rate = rate, .momentum = 0.9}),
                    .loss = losses::SparseCategoricalCrossentropy({.from_logits = true})});
  }
  void run() override {
    const Logs logs = model_.train_on_batch(x_, y_);
    if (losses_.size() < 2) losses_.push_back(static_cast<float>(*logs.find("loss")));
  }
  Tensor output() override { return Tensor(Shape{2}, losses_); }

 private:
  Model model_;
  Tensor x_, y_;
  std::vector<float> losses_;
};

Opened open_step(const TrainingCase& c, int threads, const std::string& folder) {
  set_num_threads(threads);
  const Model model = c.make();
  set_weights(model);
  const std::string path = folder + "/model.onnx";
  export_onnx(model, path, {.input_shapes = {c.input}});
  const Program program = model.program({.input_shapes = {c.input}});
  Json json = Json::object({{"name", c.name},
                            {"goal", c.goal},
                            {"kind", "step"},
                            {"onnx", path},
                            {"input", list_of(c.input)},
                            {"output", list_of(program.output_shape())},
                            {"optimizer", c.optimizer},
                            {"learning_rate", c.learning_rate},
                            {"flops", 3 * flops_of(model, c.input)}});
  return {std::move(json), std::make_unique<CornuStep>(c, model, program.output_shape())};
}

}  // namespace

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  for (const Workload& w : workloads())
    all.push_back({w.name, "operations", [&w](int threads, const std::string&) {
                     return Opened{w.json(), make_cornu(w, threads), make_onednn(w)};
                   }});
  for (const ModelCase& c : model_cases())
    all.push_back({c.name, "models", [&c](int threads, const std::string& folder) {
                     return open_model(c, threads, folder);
                   }});
  for (const TrainingCase& c : training_cases())
    all.push_back({c.name, "steps", [&c](int threads, const std::string& folder) {
                     return open_step(c, threads, folder);
                   }});
  return all;
}

}  // namespace cornu::bench
