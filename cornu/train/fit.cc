#include "cornu/train/fit.h"

#include <algorithm>
#include <cmath>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/model/print.h"
#include "cornu/train/callback_list.h"
#include "cornu/train/checkpoint.h"
#include "cornu/train/distribute.h"
#include "cornu/train/feed.h"
#include "cornu/train/history.h"
#include "cornu/train/progress.h"
#include "cornu/train/trainer.h"

namespace cornu {

using base::cat;
using graph::Mode;
using train::samples;
using train::Trainer;

namespace {

const nn::Where& where(const Model& model) { return model.network()->where(); }

// ---- data ---------------------------------------------------------------------------------------

// The weight of each label (Keras: class_weights_to_sample_weights). Classes without a weight
// have 1.
Tensor weights_of_classes(const Tensor& y, const std::map<int64_t, double>& class_weight) {
  const int64_t rank = y.shape().rank(), width = rank > 1 ? y.shape()[-1] : 1;
  Shape shape = y.shape();
  if (rank > 1) shape.erase(rank - 1);
  Tensor weights(shape);
  float* out = weights.data();
  for (int64_t i = 0; i < weights.size(); ++i) {
    const float* row = y.data() + i * width;
    const int64_t label = width > 1 ? std::max_element(row, row + width) - row
                                    : static_cast<int64_t>(std::lround(*row));
    const auto it = class_weight.find(label);
    out[i] = it == class_weight.end() ? 1.0f : static_cast<float>(it->second);
  }
  return weights;
}

std::vector<Tensor> sample_weights(const Model& model, const Tensors& y,
                                   const std::map<int64_t, double>& class_weight,
                                   const std::vector<Tensor>& sample_weight) {
  if (class_weight.empty()) return sample_weight;
  if (!sample_weight.empty())
    throw ValueError(where(model).message(
        "`class_weight` and `sample_weight` cannot be given at the same time"));
  if (y.size() != 1)
    throw ValueError(where(model).message(
        "`class_weight` is for models with one output. Received: `y` with ", y.size(), " arrays"));
  for (const auto& [label, weight] : class_weight)
    if (!(weight >= 0 && std::isfinite(weight)))
      throw ValueError(where(model).message(
          "`class_weight` must be finite and not negative. Received: ", label, ": ", weight));
  return {weights_of_classes(y[0], class_weight)};
}

void check_arrays(const Model& model, const Tensors& x, const Tensors& y, const char* what) {
  if (x.empty() || y.empty())
    throw ValueError(where(model).message(what, " needs `x` and `y`. Received: ", x.size(), " and ",
                                          y.size(), " arrays"));
  for (const Tensors* list : {&x, &y})
    for (const Tensor& t : *list) {
      if (t.shape().rank() == 0 || t.shape()[0] != x[0].shape()[0])
        throw ValueError(where(model).message(
            what, ": all arrays must have the same number of samples. Received: ", x[0].shape(),
            " and ", t.shape()));
      if (t.shape()[0] == 0)
        throw ValueError(
            where(model).message(what, ": there are no samples. Received: shape=", t.shape()));
    }
}

// ---- the loop -----------------------------------------------------------------------------------

struct Validation {
  std::shared_ptr<Dataset> data;
  std::optional<int64_t> steps;
  int64_t freq = 1;
  bool due(int64_t epoch) const { return data && (epoch + 1) % freq == 0; }
};

// Whether this process prints and writes files.
bool first_process() {
  const std::shared_ptr<base::Communicator> processes = communicator();
  return !processes || processes->rank() == 0;
}

// Keras's words, said once in a run.
class OutOfData {
 public:
  void warn() {
    if (!said_ && first_process())
      model::print(train::user_warning(
          "Your input ran out of data; interrupting training. Make sure that your dataset or "
          "generator can generate at least `steps_per_epoch * epochs` batches. You may need to use "
          "the `.repeat()` function when building your dataset."));
    said_ = true;
  }

 private:
  bool said_ = false;
};

// Loss and metrics over a dataset in inference mode, in compile order. Each time from its beginning
// (Keras: EpochIterator.reset()).
void measure(Trainer& trainer, Dataset& data, std::optional<int64_t> steps,
             train::CallbackList& callbacks, Logs& logs, OutOfData& out_of_data) {
  trainer.reset_metrics();
  data.start(0);
  callbacks.on_test_begin(logs);
  int64_t step = 0;
  for (; !steps || step < *steps; ++step) {
    const Batch* batch = data.next();
    if (!batch) break;
    if (step == 0) trainer.prepare(*batch);
    callbacks.on_test_batch_begin(step, logs);
    trainer.run(Mode::kEvaluate, *batch);
    trainer.read_metrics(logs);
    callbacks.on_test_batch_end(step, logs);
  }
  if (step == 0) throw ValueError("the data to evaluate on holds no batches");
  if (steps && step < *steps) out_of_data.warn();
  callbacks.on_test_end(logs);
}

// Sets every key of `from`, in alphabetical order, with `prefix` before it.
void add_sorted(Logs& to, const Logs& from, const std::string& prefix) {
  std::vector<std::pair<std::string, double>> sorted(from.begin(), from.end());
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [key, value] : sorted) to.set(prefix + key, value);
}

// None where a print sink takes the text.
train::Terminal terminal() {
  return model::has_print_sink() ? train::Terminal{} : train::standard_output_terminal();
}

int verbose_of(const std::optional<int>& verbose) {
  if (!first_process()) return 0;
  return verbose.value_or(terminal().present ? 1 : 2);
}

train::Context context_of(Model& model, Trainer& trainer, int verbose) {
  train::Context c;
  c.model = &model;
  c.optimizer = &trainer.optimizer();
  c.verbose = verbose;
  c.columns = terminal().columns;
  c.direction = [&trainer](const std::string& name) { return trainer.direction(name); };
  c.print = [](const std::string& text) { model::print(text); };
  c.first_process = first_process();
  c.save = [&model](const std::string& path) {
    if (first_process()) model.save(path);
  };
  c.save_weights = [&model](const std::string& path) {
    if (first_process()) model.save_weights(path);
  };
  return c;
}

class Fit {
 public:
  Fit(const Model& model, Dataset& data, const FitOptions& o, Validation validation)
      : model_(model),
        trainer_(*Trainer::of(*model.network())),
        feed_(data, trainer_, o.steps_per_epoch),
        options_(o),
        validation_(std::move(validation)),
        callbacks_(o.callbacks, context()) {}

  History run() {
    trainer_.stop_requested = false;
    Logs logs;
    callbacks_.on_train_begin(logs);
    if (restored_taken_ > 0)
      feed_.go_on(restored_taken_, [this](const Batch& like) { prepare(like); });
    progress_.epoch = std::max(progress_.epoch, options_.initial_epoch);
    for (; progress_.epoch < options_.epochs && !trainer_.stop_requested; ++progress_.epoch)
      run_epoch(logs);
    if (trainer_.optimizer().built()) trainer_.optimizer().finalize();
    callbacks_.on_train_end(logs);
    return callbacks_.history();
  }

 private:
  train::Context context() {
    train::Context c = context_of(model_, trainer_, verbose_of(options_.verbose));
    c.epochs = options_.epochs;
    c.steps = feed_.steps().value_or(-1);
    c.stop = [this] { trainer_.stop_requested = true; };
    // After all callbacks have seen what the checkpoint is to hold.
    c.checkpoint = [this](const std::string& path) { pending_checkpoint_ = path; };
    c.restore = [this](const std::string& path) { restore(path); };
    return c;
  }

  void run_epoch(Logs& last) {
    const int64_t epoch = progress_.epoch;
    Logs logs;
    if (progress_.step == 0) {
      feed_.start_epoch();
      restored_metrics_.reset();  // those of the epoch before
      trainer_.reset_metrics();
      callbacks_.on_epoch_begin(epoch, logs);
    } else {
      callbacks_.on_epoch_resume(epoch, logs);
    }
    Logs batch_logs;
    while (const Batch* batch = feed_.next(progress_.step)) {
      train_on(*batch, batch_logs);
      if (stops()) break;
    }
    if (progress_.step == 0)
      throw ValueError(where(model_).message("fit: the data holds no batches"));
    if (feed_.cut_short(progress_.step) && !trainer_.stop_requested) out_of_data_.warn();
    Logs unsorted;
    trainer_.read_metrics(unsorted);
    add_sorted(logs, unsorted, "");
    if (validation_.due(epoch)) {
      const auto kept = trainer_.metric_state();
      Logs measured;
      measure(trainer_, *validation_.data, validation_.steps, callbacks_, measured, out_of_data_);
      trainer_.set_metric_state(kept);
      add_sorted(logs, measured, "val_");
    }
    progress_ = {epoch, 0};
    callbacks_.on_epoch_end(epoch, logs);
    last = logs;
    ++progress_.epoch;  // where a checkpoint taken now goes on
    write_pending_checkpoint();
    --progress_.epoch;
  }

  // All processes stop where one of them is asked to.
  bool stops() {
    if (const std::shared_ptr<base::Communicator> processes = communicator()) {
      double asked = trainer_.stop_requested ? 1 : 0;
      processes->sum({&asked, 1});
      trainer_.stop_requested = asked > 0;
    }
    return trainer_.stop_requested;
  }

  void prepare(const Batch& like) {
    trainer_.prepare(like);
    prepared_ = true;
    if (restored_metrics_) trainer_.set_metric_state(*restored_metrics_);
  }

  void train_on(const Batch& batch, Logs& logs) {
    if (!prepared_) prepare(batch);
    callbacks_.on_train_batch_begin(progress_.step, logs);
    trainer_.run(Mode::kTrain, batch);
    if (logs.empty()) {  // the names, in the order that they keep
      Logs unsorted;
      trainer_.read_metrics(unsorted);
      add_sorted(logs, unsorted, "");
    } else {
      trainer_.read_metrics(logs);
    }
    callbacks_.on_train_batch_end(progress_.step, logs);
    ++progress_.step;
    write_pending_checkpoint();
  }

  void write_pending_checkpoint() {
    if (pending_checkpoint_.empty()) return;
    const std::string path = std::move(pending_checkpoint_);
    pending_checkpoint_.clear();
    const train::RunState state{trainer_.position(),
                                progress_.epoch,
                                progress_.step,
                                feed_.taken(),
                                trainer_.metric_state_of_all(),
                                callbacks_.state(),
                                callbacks_.state_tensors()};
    if (first_process()) train::save_checkpoint(model_, state, path);
  }

  void restore(const std::string& path) {
    const train::RunState state = train::load_checkpoint(model_, trainer_, path);
    trainer_.position() = state.position;
    progress_ = {state.epoch, state.step};
    restored_metrics_ = state.metrics;
    if (!first_process())  // the first one has the sums of all
      for (std::vector<double>& one : *restored_metrics_) std::fill(one.begin(), one.end(), 0.0);
    callbacks_.set_state(state.callbacks, state.callback_tensors);
    restored_taken_ = state.taken;
  }

  struct Progress {
    int64_t epoch = 0, step = 0;
  };

  Model model_;
  Trainer& trainer_;
  train::Feed feed_;
  const FitOptions& options_;
  Validation validation_;
  train::CallbackList callbacks_;
  Progress progress_;
  bool prepared_ = false;
  int64_t restored_taken_ = 0;
  std::optional<std::vector<std::vector<double>>> restored_metrics_;
  std::string pending_checkpoint_;
  OutOfData out_of_data_;
};

void check_options(const Model& model, const FitOptions& o) {
  const auto bad = [&](const char* name, const char* needed, auto value) {
    throw ValueError(where(model).message("fit: `", name, "` must be ", needed,
                                          ". Received: ", name, "=", value));
  };
  if (o.batch_size < 1) bad("batch_size", "positive", o.batch_size);
  if (o.epochs < 0) bad("epochs", "zero or more", o.epochs);
  if (o.verbose && (*o.verbose < 0 || *o.verbose > 2)) bad("verbose", "0, 1 or 2", *o.verbose);
  if (!(o.validation_split >= 0 && o.validation_split < 1))
    bad("validation_split", "in [0, 1)", o.validation_split);
  if (o.initial_epoch < 0) bad("initial_epoch", "zero or more", o.initial_epoch);
  if (o.steps_per_epoch && *o.steps_per_epoch < 1)
    bad("steps_per_epoch", "positive", *o.steps_per_epoch);
  if (o.validation_steps && *o.validation_steps < 1)
    bad("validation_steps", "positive", *o.validation_steps);
  if (o.validation_batch_size && *o.validation_batch_size < 1)
    bad("validation_batch_size", "positive", *o.validation_batch_size);
  if (o.validation_freq < 1) bad("validation_freq", "positive", o.validation_freq);
}

Validation validation_of(const Model& model, const FitOptions& o, Trainer& trainer,
                         std::optional<Batch> held_out) {
  Validation v{o.validation_data.dataset, o.validation_steps, o.validation_freq};
  if (v.data) return v;
  if (!o.validation_data.x.empty()) {
    check_arrays(model, o.validation_data.x, o.validation_data.y, "fit: validation_data");
    held_out = Batch{o.validation_data.x, o.validation_data.y, o.validation_data.sample_weight};
  }
  if (!held_out) return v;
  trainer.check_targets(held_out->y);
  v.data = array_dataset(std::move(held_out->x), std::move(held_out->y),
                         {.sample_weight = std::move(held_out->sample_weight),
                          .batch_size = o.validation_batch_size.value_or(o.batch_size)});
  return v;
}

// Cuts the last part off for validation; nothing where none is asked for.
std::optional<Batch> hold_out(const Model& model, const FitOptions& o, Batch& all) {
  if (o.validation_split == 0 || !o.validation_data.empty()) return {};
  const int64_t total = all.x[0].shape()[0];
  const auto cut =
      static_cast<int64_t>(std::floor(static_cast<double>(total) * (1 - o.validation_split)));
  if (cut == 0 || cut == total)
    throw ValueError(where(model).message(
        "fit: `validation_split` leaves no samples for ", cut == 0 ? "training" : "validation",
        ". Received: validation_split=", o.validation_split, " of ", total, " samples"));
  Batch held{samples(all.x, cut, total), samples(all.y, cut, total),
             samples(all.sample_weight, cut, total)};
  all = {samples(all.x, 0, cut), samples(all.y, 0, cut), samples(all.sample_weight, 0, cut)};
  return held;
}

History run_fit(const Model& model, std::shared_ptr<Dataset> data, const FitOptions& o,
                Validation validation) {
  Trainer::of(*model.network())->join(communicator());
  data = train::shared_dataset(std::move(data), communicator());
  if (validation.data)
    validation.data = train::shared_dataset(std::move(validation.data), communicator());
  Fit fit(model, *data, o, std::move(validation));
  return fit.run();
}

// One sample of each array, to make a model ready before data is looked at.
Batch sample_of(const Batch& all) {
  return {samples(all.x, 0, 1), samples(all.y, 0, 1), samples(all.sample_weight, 0, 1)};
}

}  // namespace

// ---- Model --------------------------------------------------------------------------------------

void Model::compile(const CompileOptions& o) const {
  network_->training = std::make_shared<Trainer>(*network_, o);
  network_->loaded_training.reset();
}

CompileOptions compile_options(const Model& model) {
  return Trainer::of(*model.network())->options();
}

std::vector<std::string> compile_warnings(const Model& model) {
  return Trainer::of(*model.network())->warnings();
}

bool Model::compiled() const {
  const auto& loaded = network_->loaded_training;
  return network_->training || (loaded && !loaded->compile_config.empty());
}

Optimizer Model::optimizer() const { return Trainer::of(*network_)->optimizer(); }

void Model::stop_training() const {
  if (network_->training) Trainer::of(*network_)->stop_requested = true;
}

History Model::fit(const Tensors& x, const Tensors& y, const FitOptions& o) const {
  check_options(*this, o);
  check_arrays(*this, x, y, "fit");
  const std::shared_ptr<Trainer> trainer = Trainer::of(*network_);
  Batch all{x, y, sample_weights(*this, y, o.class_weight, o.sample_weight)};
  trainer->prepare(sample_of(all));
  trainer->check_targets(y);
  std::optional<Batch> held = hold_out(*this, o, all);
  const auto data = array_dataset(std::move(all.x), std::move(all.y),
                                  {.sample_weight = std::move(all.sample_weight),
                                   .batch_size = o.batch_size,
                                   .shuffle = o.shuffle});
  return run_fit(*this, data, o, validation_of(*this, o, *trainer, std::move(held)));
}

History Model::fit(const std::shared_ptr<Dataset>& data, const FitOptions& o) const {
  check_options(*this, o);
  if (o.validation_split != 0 || !o.class_weight.empty() || !o.sample_weight.empty())
    throw ValueError(where(*this).message(
        "fit: `validation_split`, `class_weight` and `sample_weight` are for arrays: a dataset's "
        "batches hold their own weights"));
  const std::shared_ptr<Trainer> trainer = Trainer::of(*network_);
  return run_fit(*this, data, o, validation_of(*this, o, *trainer, {}));
}

Logs Model::evaluate(const std::shared_ptr<Dataset>& data, const EvaluateOptions& o) const {
  const std::shared_ptr<Trainer> trainer = Trainer::of(*network_);
  const int verbose = verbose_of(o.verbose);
  Model self = *this;
  train::Context context = context_of(self, *trainer, verbose);
  context.steps = o.steps ? *o.steps : data->steps().value_or(-1);
  Logs logs;
  train::CallbackList callbacks(o.callbacks, context);
  trainer->join(communicator());
  OutOfData out_of_data;
  measure(*trainer, *train::shared_dataset(data, communicator()), o.steps, callbacks, logs,
          out_of_data);
  return logs;
}

Logs Model::evaluate(const Tensors& x, const Tensors& y, const EvaluateOptions& o) const {
  check_arrays(*this, x, y, "evaluate");
  if (o.batch_size < 1)
    throw ValueError(where(*this).message(
        "evaluate: `batch_size` must be positive. Received: batch_size=", o.batch_size));
  const std::shared_ptr<Trainer> trainer = Trainer::of(*network_);
  trainer->prepare(sample_of({x, y, o.sample_weight}));
  trainer->check_targets(y);
  return evaluate(
      array_dataset(x, y, {.sample_weight = o.sample_weight, .batch_size = o.batch_size}), o);
}

namespace {

Logs one_batch(const Model& model, Mode mode, const Tensors& x, const Tensors& y,
               const BatchOptions& o) {
  check_arrays(model, x, y, mode == Mode::kTrain ? "train_on_batch" : "test_on_batch");
  const std::shared_ptr<Trainer> trainer = Trainer::of(*model.network());
  const Batch batch{x, y, sample_weights(model, y, o.class_weight, o.sample_weight)};
  trainer->prepare(batch);
  trainer->check_targets(y);
  trainer->reset_metrics();
  trainer->run(mode, batch);
  Logs logs;
  trainer->read_metrics(logs);
  return logs;
}

}  // namespace

Logs Model::train_on_batch(const Tensors& x, const Tensors& y, const BatchOptions& o) const {
  return one_batch(*this, Mode::kTrain, x, y, o);
}
Logs Model::test_on_batch(const Tensors& x, const Tensors& y, const BatchOptions& o) const {
  return one_batch(*this, Mode::kEvaluate, x, y, o);
}

History Model::fit(const Tensors& x, const Tensors& y) const { return fit(x, y, FitOptions{}); }
History Model::fit(const std::shared_ptr<Dataset>& data) const { return fit(data, FitOptions{}); }
Logs Model::evaluate(const Tensors& x, const Tensors& y) const {
  return evaluate(x, y, EvaluateOptions{});
}
Logs Model::evaluate(const std::shared_ptr<Dataset>& data) const {
  return evaluate(data, EvaluateOptions{});
}
Logs Model::train_on_batch(const Tensors& x, const Tensors& y) const {
  return train_on_batch(x, y, BatchOptions{});
}
Logs Model::test_on_batch(const Tensors& x, const Tensors& y) const {
  return test_on_batch(x, y, BatchOptions{});
}

}  // namespace cornu
