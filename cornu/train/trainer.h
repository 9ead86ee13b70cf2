#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cornu/base/communicator.h"
#include "cornu/base/thread_pool.h"
#include "cornu/model/network.h"
#include "cornu/train/compile.h"
#include "cornu/train/data.h"
#include "cornu/train/logs.h"
#include "cornu/train/step.h"

namespace cornu::train {

// A compiled model: loss, metrics and optimizer, the programs of its steps, and all that a run that
// was interrupted needs to go on. fit() and evaluate() are loops around run().
class Trainer final : public model::Training {
 public:
  // ValueError for options that do not fit one another, as far as they can be checked before the
  // model is built.
  Trainer(model::Network& network, CompileOptions options);
  // The trainer of a model, made from its file's compile configuration where it was not compiled
  // here. StateError where there is neither.
  static std::shared_ptr<Trainer> of(model::Network& network);
  // The same for an optimizer, loss and metrics as Keras writes them ("compile_config"), with what
  // is odd about it. ValueError names what is wrong.
  static CompileOptions options_from_config(const base::Json& compile_config,
                                            std::vector<std::string>* warnings);

  // Makes the model ready for batches like this one, building it if need be: called once at the
  // start of a fit or an evaluation. Layers may have been frozen since the last one.
  void prepare(const Batch& like);
  // Checks targets before anything is trained on them: shapes, labels out of range.
  void check_targets(const std::vector<Tensor>& y) const;

  // Takes part in the training of several processes (distribute.h): weights and seed become those
  // of rank 0. Null: works alone. Called before each fit and evaluation.
  void join(std::shared_ptr<base::Communicator> communicator);

  // One step. In Mode::kTrain it updates the weights. The loss and the metrics are gathered until
  // reset_metrics().
  void run(graph::Mode mode, const Batch& batch);
  void reset_metrics();
  // "loss", the outputs' losses where there are several outputs, then the metrics as compiled.
  void read_metrics(Logs& logs);

  const CompileOptions& options() const { return options_; }
  // What is odd about the file that they came from.
  const std::vector<std::string>& warnings() const { return warnings_; }
  Optimizer& optimizer() { return options_.optimizer; }
  // Makes the optimizer's slots, which the first step does otherwise. The model must be built.
  void build_optimizer();
  // +1 where more is better, -1 where less is, 0 where that is not known; without "val_".
  int direction(const std::string& log_name) const;

  // Where the random numbers of training stand.
  struct Position {
    uint64_t seed = 0;     // of everything below
    int64_t step = 0;      // batches trained on
    int64_t shuffles = 0;  // epochs begun
  };
  Position& position() { return position_; }
  uint64_t next_shuffle_seed();
  // The running means of loss and metrics, of this process and of all, for going on within an
  // epoch.
  std::vector<std::vector<double>> metric_state() const;
  std::vector<std::vector<double>> metric_state_of_all() const;
  void set_metric_state(const std::vector<std::vector<double>>& state);

  std::atomic<bool> stop_requested{false};

  model::TrainingState state() const override;
  int64_t optimizer_params() const override;
  int64_t step_bytes() const override;

 private:
  struct OutputMetric {
    size_t output;
    bool weighted;
    std::string name;  // in the logs
    Metric metric;
  };
  void read_own_metrics(Logs& logs) const;
  void resolve_outputs(const std::vector<Shape>& y);
  void add_metrics(const MetricsArgument& argument, bool weighted, const char* what);
  std::vector<Weight> trainable() const;
  Step& step_for(graph::Mode mode, const Batch& batch);
  void sum_over_processes(Step& step, double share);
  void gather(const Step& step, const Batch& batch);

  model::Network& network_;
  CompileOptions options_;
  std::vector<std::string> warnings_;
  bool resolved_ = false;
  std::vector<std::string> output_names_, loss_names_;
  std::vector<std::optional<Loss>> losses_;  // per output; none: not trained
  std::vector<double> loss_weights_;
  std::vector<OutputMetric> metrics_;
  struct Mean {
    double sum = 0, count = 0;
    double value() const { return count == 0 ? 0 : sum / count; }
  };
  Mean loss_;
  std::vector<Mean> output_losses_;
  std::vector<Weight> weights_;  // the trainable ones
  std::list<Step> steps_;        // most recently used first
  std::vector<Tensor> gradients_;
  std::vector<float*> gradient_data_;
  Position position_;
  std::shared_ptr<base::ThreadPool> pool_;
  std::shared_ptr<base::Communicator> processes_;
};

}  // namespace cornu::train
