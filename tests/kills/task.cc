#include "tests/kills/task.h"

#include <filesystem>
#include <fstream>

#include "cornu/base/crc32c.h"
#include "cornu/base/text.h"
#include "cornu/cornu.h"
#include "cornu/formats/save.h"
#include "cornu/model/network.h"

namespace cornu::kills {
namespace {

using base::cat;

Tensor numbers(const Shape& shape, int64_t values, float scale) {
  Tensor t(shape);
  uint64_t state = 1;
  for (float& v : t.values()) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    v = scale * static_cast<float>((state >> 33) % static_cast<uint64_t>(values));
  }
  return t;
}

class Sayer final : public Callback {
 public:
  explicit Sayer(const std::string& path) : out_(path, std::ios::app) {}
  void on_epoch_begin(int64_t epoch, Logs&) override { epoch_ = epoch; }
  void on_train_batch_begin(int64_t batch, Logs&) override {
    if (first_) out_ << "from " << epoch_ * kSteps + batch + 1 << std::endl;
    first_ = false;
  }
  void on_train_batch_end(int64_t batch, Logs&) override {
    out_ << "done " << epoch_ * kSteps + batch + 1 << std::endl;
  }
  base::Json state() const override { return epoch_; }
  void set_state(const base::Json& state) override { epoch_ = state.as_int(); }

 private:
  std::ofstream out_;
  int64_t epoch_ = 0;
  bool first_ = true;
};

void fit(const Model& model, const Settings& s, const std::vector<CallbackPtr>& callbacks) {
  Tensor x, y;
  for (const auto& [name, tensor] : load_npz(s.task + "/data.npz")) (name == "x" ? x : y) = tensor;
  Model(model).fit(x, y,
                   {.batch_size = kBatch, .epochs = kEpochs, .verbose = 0, .callbacks = callbacks});
}

// With the random numbers that the program uses.
Model start_model(const Settings& s) {
  set_random_seed(0);
  return load_model(s.task + "/start.keras");
}

}  // namespace

void write_task(const std::string& folder) {
  set_random_seed(3);
  Sequential model({Conv2D({.filters = 16, .kernel_size = 3, .input_shape = {10, 10, 3}}),
                    BatchNormalization(), ReLU(), Flatten(), Dropout({.rate = 0.2}),
                    Dense({.units = 500, .activation = "relu"}),
                    Dense({.units = 10, .activation = "softmax"})});
  model.compile(
      {.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  model.save(folder + "/start.keras");
  constexpr int64_t kSamples = kSteps * kBatch;
  save_npz(folder + "/data.npz", {{"x", numbers({kSamples, 10, 10, 3}, 256, 1.0f / 255)},
                                  {"y", numbers({kSamples}, 10, 1)}});
}

void train(const Settings& s) {
  const auto in_folder = [&](const char* name) { return cat(s.folder, "/", name); };
  BackupAndRestoreOptions backup{.backup_dir = in_folder("backup"), .double_checkpoint = s.twice};
  if (s.interval > 0) backup.save_freq = s.interval;
  const Model model = start_model(s);
  const std::string output = in_folder("output.keras");
  fit(model, s,
      {std::make_shared<Sayer>(in_folder("said")), callbacks::BackupAndRestore(backup),
       callbacks::ModelCheckpoint(
           {.filepath = in_folder(kEachBatch.name), .save_freq = kEachBatch.every}),
       callbacks::ModelCheckpoint({.filepath = in_folder(kWeights.name),
                                   .save_weights_only = true,
                                   .save_freq = kWeights.every}),
       callbacks::ModelCheckpoint(
           {.filepath = in_folder(kNumbered.name), .save_freq = kNumbered.every}),
       callbacks::ModelCheckpoint(
           {.filepath = in_folder("best.keras"), .monitor = "loss", .save_best_only = true}),
       callbacks::CSVLogger({.filename = in_folder("log.csv")}),
       callbacks::LambdaCallback({.on_train_end = [&](Logs&) { model.save(output); }})});
}

std::vector<uint32_t> train_undisturbed(const Settings& s) {
  const std::string file = s.folder + "/step.keras";
  std::vector<uint32_t> numbers = {seen_in(s.task + "/start.keras", s).numbers};
  const Model model = start_model(s);
  fit(model, s,
      {callbacks::CSVLogger({.filename = s.folder + "/log.csv"}),
       callbacks::LambdaCallback({.on_train_batch_end = [&](int64_t, Logs&) {
         model.save(file);
         numbers.push_back(seen_in(file, s).numbers);
       }})});
  return numbers;
}

Seen seen_in(const std::string& path, const Settings& s) {
  const bool weights = path.find(".weights.h5") != path.npos;
  const Model model = load_model(weights ? s.task + "/start.keras" : path);
  if (weights) model.load_weights(path);
  const auto& training = model.network()->loaded_training;
  const bool trained = training && training->optimizer;
  return {trained ? training->optimizer->iteration : 0,
          base::crc32c(formats::keras_archive(model).text())};
}

}  // namespace cornu::kills
