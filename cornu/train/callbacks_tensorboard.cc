#include <chrono>
#include <filesystem>
#include <map>
#include <optional>

#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/text.h"
#include "cornu/model/model.h"
#include "cornu/train/callbacks.h"
#include "cornu/train/callbacks_monitor.h"
#include "cornu/train/optimizer.h"
#include "cornu/train/tensorboard_writer.h"

namespace cornu {
namespace {

using base::Json;
using train::EventWriter;
using Time = std::chrono::steady_clock::time_point;

double seconds_since(Time start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class TensorBoard final : public Callback {
 public:
  bool only_writes_files() const override { return true; }
  explicit TensorBoard(TensorBoardOptions o) : o_(std::move(o)) {
    constexpr const char* kName = "TensorBoard";
    using train::require;
    require(!o_.log_dir.empty(), kName, "log_dir", "the name of a folder", "''");
    require(o_.histogram_freq >= 0, kName, "histogram_freq", "at least 0",
            base::to_text(o_.histogram_freq));
    const bool each = o_.update_freq.word() == "batch";
    batches_ = each ? 1 : train::batches_of(o_.update_freq, kName, "update_freq");
    train_.folder = "train";
    validation_.folder = "validation";
  }

  void on_train_begin(Logs&) override {
    for (Output* output : {&train_, &validation_}) {
      output->writer.reset();
      output->file = train::new_event_file_name();
    }
    batch_ = 0;
  }
  void on_train_end(Logs&) override {
    train_.writer.reset();
    validation_.writer.reset();
  }

  void on_epoch_begin(int64_t, Logs&) override { begin_epoch(); }
  void on_train_batch_begin(int64_t, Logs&) override {
    ++batch_;
    batch_start_ = std::chrono::steady_clock::now();
  }
  void on_train_batch_end(int64_t, Logs& logs) override {
    if (batches_ == 0 || batch_ % batches_ != 0) return;
    EventWriter& writer = writer_of(&train_);
    if (o_.write_steps_per_second) {
      writer.scalar("batch_steps_per_second", 1 / seconds_since(batch_start_), batch_);
    }
    for (const auto& [name, value] : logs) writer.scalar("batch_" + name, value, batch_);
  }

  void on_epoch_end(int64_t epoch, Logs& logs) override {
    for (const auto& [name, value] : logs) {
      if (name == "learning_rate") continue;  // below, whether or not some callback logs it
      const bool validation = name.starts_with("val_");
      writer_of(validation ? &validation_ : &train_)
          .scalar("epoch_" + name.substr(validation ? 4 : 0), value, epoch);
    }
    EventWriter& writer = writer_of(&train_);
    writer.scalar("epoch_learning_rate", optimizer().learning_rate(), epoch);
    if (o_.write_steps_per_second) {
      const auto steps = static_cast<double>(optimizer().iterations() - epoch_iterations_);
      writer.scalar("epoch_steps_per_second", steps / seconds_since(epoch_start_), epoch);
    }
    if (o_.histogram_freq > 0 && epoch % o_.histogram_freq == 0) write_weights(&writer, epoch);
  }

  void on_test_end(Logs& logs) override {
    for (const auto& [name, value] : logs) {
      writer_of(&validation_)
          .scalar("evaluation_" + name + "_vs_iterations", value, optimizer().iterations());
    }
  }

  // Events of what will be run again are written again.
  Json state() const override {
    return Json::object(
        {{"batch", batch_}, {"train", state_of(train_)}, {"validation", state_of(validation_)}});
  }
  void set_state(const Json& state) override {
    batch_ = state.at("batch").as_int();
    go_on(&train_, state.at("train"));
    go_on(&validation_, state.at("validation"));
    begin_epoch();
  }

 private:
  struct Output {
    std::string folder;
    // Its name is known from the start: a run that goes on takes the file back even if it was begun
    // after the last checkpoint.
    std::string file;
    std::optional<EventWriter> writer;  // made when there is something to write
  };

  EventWriter& writer_of(Output* output) {
    if (!output->writer) {
      if (output->file.empty()) output->file = train::new_event_file_name();  // evaluate()
      output->writer.emplace(path_of(*output));
    }
    return *output->writer;
  }
  std::string path_of(const Output& output) const {
    return (std::filesystem::path(o_.log_dir) / output.folder / output.file).string();
  }
  static Json state_of(const Output& output) {
    const int64_t size = output.writer ? output.writer->size() : 0;
    return Json::object({{"file", output.file}, {"size", size}});
  }
  void go_on(Output* output, const Json& state) const {
    output->writer.reset();
    output->file = state.at("file").as_string();
    if (!base::is_plain_name(output->file)) throw FormatError("an event file has no plain name");
    const std::string path = path_of(*output);
    if (std::filesystem::exists(path)) output->writer.emplace(path, state.at("size").as_int());
  }

  void begin_epoch() {
    epoch_start_ = std::chrono::steady_clock::now();
    epoch_iterations_ = optimizer().iterations();
  }

  // Tags are layer/weight/histogram, with a number where several have that name.
  void write_weights(EventWriter* writer, int64_t epoch) {
    std::map<std::string, int> seen;
    for (const Layer& layer : model().layers()) {
      for (const Weight& weight : layer.impl()->weights()) {
        std::string name = layer.name() + "/" + weight.variable->name();
        if (const int before = seen[name]++) name += base::cat("_", before);
        const Tensor value = weight.variable->value();
        writer->histogram(name + "/histogram", value.values(), epoch);
      }
    }
  }

  TensorBoardOptions o_;
  int64_t batches_ = 0;  // every so many are written; 0: none
  Output train_, validation_;
  int64_t batch_ = 0;  // of the whole run, from 1
  int64_t epoch_iterations_ = 0;
  Time batch_start_ = {}, epoch_start_ = {};
};

}  // namespace

CallbackPtr callbacks::TensorBoard(TensorBoardOptions o) {
  return std::make_shared<cornu::TensorBoard>(std::move(o));
}

}  // namespace cornu
