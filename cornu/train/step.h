#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "cornu/exec/program.h"
#include "cornu/model/network.h"
#include "cornu/train/data.h"
#include "cornu/train/loss.h"

namespace cornu::train {

// What a step computes besides the model's outputs.
struct Objective {
  std::vector<std::optional<Loss>> losses;  // per output; none: that output is not trained
  std::vector<double> loss_weights;
  bool keep_outputs = true;  // somebody reads them: metrics
  bool strict = false;
  double loss_scale = 1;  // what the gradients come multiplied by
};

// One step of training or evaluation for batches of one shape, compiled: the traced model, its loss
// and penalties and, when training, the gradients of its trainable weights and the new values of
// what it updates by itself. Runs without allocating.
class Step {
 public:
  // `gradients` are shared by all steps of a model: where run() leaves them, one per trainable
  // weight. ValueError for shapes that the model or a loss cannot take.
  Step(const model::Network& network, graph::Mode mode, const Batch& like,
       const Objective& objective, const std::vector<Weight>& trainable,
       const std::vector<float*>& gradients);

  bool fits(graph::Mode mode, const Batch& batch) const;
  // `key` is ops::Random's operand; used when training. `replicas`: Workspace::share_with.
  void run(const Batch& batch, const float (&key)[6], base::Replicas* replicas);
  // The new values of the variables that the model updates by itself, and giving them to these.
  std::vector<Tensor>& updates() { return updates_; }
  void apply_updates();

  float loss() const { return loss_; }
  float output_loss(size_t i) const { return output_losses_[i]; }
  const Tensor& output(size_t i) const { return outputs_[i]; }
  int64_t samples() const { return samples_; }
  int64_t bytes() const { return bytes_; }

 private:
  graph::Mode mode_;
  std::vector<Shape> x_, y_, w_;
  int64_t samples_ = 0, bytes_ = 0;
  std::vector<std::shared_ptr<Variable>> variables_;
  std::vector<std::shared_ptr<const float>> held_;  // their numbers, during a run
  std::vector<std::shared_ptr<Variable>> updated_;
  std::vector<Tensor> updates_, outputs_;
  float loss_ = 0;
  std::vector<float> output_losses_;
  std::optional<Workspace> workspace_;
  std::vector<std::span<const float>> in_;
  std::vector<std::span<float>> out_;
};

}  // namespace cornu::train
