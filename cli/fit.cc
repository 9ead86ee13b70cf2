#include <fmt/core.h>

#include <atomic>
#include <csignal>

#include "options.h"
#include "training_data.h"

namespace cli {
namespace {

using cornu::Model;
using cornu::base::cat;

struct Options {
  std::string model, data, output, history, plot, backup, csv, tensorboard;
  int64_t epochs = 1, batch_size = 32;
  double validation_split = 0;
  bool no_shuffle = false;
  uint64_t seed = 0;
  int64_t backup_every = 0;
  Training training;
  Common common;
};

// ---- Ctrl-C -------------------------------------------------------------------------------------

// The first ends the run after its present batch, with all files written; a second one ends the
// program at once.
std::atomic<bool> interrupted{false};

void on_interrupt(int signal) {
  interrupted = true;
  std::signal(signal, SIG_DFL);
}

class StopWhenInterrupted final : public cornu::Callback {
 public:
  void on_train_batch_end(int64_t, cornu::Logs&) override {
    if (interrupted) request_stop();
  }
};

// ---- the verb -----------------------------------------------------------------------------------

std::vector<cornu::CallbackPtr> callbacks_of(const Options& o) {
  std::vector<cornu::CallbackPtr> all = {std::make_shared<StopWhenInterrupted>()};
  if (!o.csv.empty()) all.push_back(cornu::callbacks::CSVLogger({.filename = o.csv}));
  if (!o.tensorboard.empty())
    all.push_back(cornu::callbacks::TensorBoard({.log_dir = o.tensorboard}));
  if (!o.backup.empty()) {
    // It is needed until the trained model is on the disk.
    cornu::BackupAndRestoreOptions options{.backup_dir = o.backup, .delete_checkpoint = false};
    if (o.backup_every > 0) options.save_freq = o.backup_every;
    all.push_back(cornu::callbacks::BackupAndRestore(options));
  }
  return all;
}

void run(const Options& o) {
  o.common.apply();
  cornu::set_random_seed(o.seed);
  const Model model = open_model(o.model, o.common);
  o.training.apply(model, o.model, o.common);
  TrainingData data = read_training_data(o.data, model);
  const bool first = !cornu::communicator() || cornu::communicator()->rank() == 0;
  if (first && !o.common.json && !o.common.quiet) fmt::print("seed: {}\n", o.seed);

  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  const cornu::History history =
      model.fit(data.train.x, data.train.y,
                {.batch_size = o.batch_size,
                 .epochs = o.epochs,
                 .verbose = bar_or_lines(o.common),
                 .callbacks = callbacks_of(o),
                 .validation_split = o.validation_split,
                 .validation_data = {.x = data.validation.x,
                                     .y = data.validation.y,
                                     .sample_weight = data.validation.sample_weight},
                 .shuffle = !o.no_shuffle,
                 .sample_weight = data.train.sample_weight});
  // Of several processes that trained together, one writes.
  if (!first) return;
  model.save(o.output);
  if (!o.history.empty()) cornu::base::write_file_atomic(o.history, history.json() + "\n");
  if (!o.plot.empty()) {
    const std::string svg = cornu::plot_history_svg(history, {.title = model.name()});
    cornu::base::write_file_atomic(o.plot, svg);
  }
  if (!o.backup.empty()) cornu::remove_backup(o.backup);
  if (o.common.json) fmt::print("{}\n", history.json());
  if (interrupted)
    throw cornu::StateError(cat("interrupted: ", o.output, " holds what was trained until then"));
}

}  // namespace

void add_fit(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("fit", "Trains a model on arrays");
  verb->footer(
      "\nExamples:\n"
      "  cornu fit model.keras --data train.npz --epochs 10 --output trained.keras\n"
      "  cornu fit model.keras --data train.npz --epochs 10 --validation-split 0.1 \\\n"
      "      --optimizer adam --learning-rate 1e-3 --loss sparse_categorical_crossentropy \\\n"
      "      --metrics accuracy --history history.json --output trained.keras\n\n"
      "Ctrl-C ends the run after the present batch and writes the model as it is then.");
  verb->add_option("model", options->model, "The model's file")->required()->type_name("MODEL");
  add_data_option(*verb, options->data);
  verb->add_option("--output", options->output, "Where the trained model goes: a .keras file")
      ->required()
      ->type_name("M");
  verb->add_option("--epochs", options->epochs, "How many times to go through the data")
      ->check(between(int64_t{1}, int64_t{1} << 30))
      ->capture_default_str()
      ->type_name("N");
  verb->add_option("--batch-size", options->batch_size, "Samples per step")
      ->check(between(int64_t{1}, int64_t{1} << 30))
      ->capture_default_str()
      ->type_name("N");
  verb->add_option("--validation-split", options->validation_split,
                   wrapped("The share of the samples, the last ones, to measure on after each "
                           "epoch instead of training on them"))
      ->capture_default_str()
      ->type_name("S");
  verb->add_flag("--no-shuffle", options->no_shuffle, "Take the samples in their order");
  verb->add_option("--seed", options->seed, "What shuffling and dropout depend on")
      ->capture_default_str()
      ->type_name("N");
  options->training.add_to(*verb, true);
  verb->add_option("--history", options->history, "Write loss and metrics of each epoch as JSON")
      ->type_name("H.json");
  verb->add_option("--plot", options->plot, "Draw loss and metrics of each epoch as a picture")
      ->type_name("P.svg");
  verb->add_option("--csv", options->csv, "Write a line per epoch, as CSVLogger does")
      ->type_name("L.csv");
  verb->add_option("--tensorboard", options->tensorboard, "Write event files for TensorBoard")
      ->type_name("FOLDER");
  verb->add_option("--backup", options->backup,
                   wrapped("Keep a checkpoint here; a run that finds one goes on from it, with the "
                           "same result as if it had never been interrupted"))
      ->type_name("FOLDER");
  verb->add_option("--backup-every", options->backup_every,
                   "Batches between two checkpoints. Default: one per epoch")
      ->check(between(int64_t{1}, int64_t{1} << 30))
      ->type_name("N");
  options->common.add_to(*verb);
  verb->callback([options] { run(*options); });
}

}  // namespace cli
