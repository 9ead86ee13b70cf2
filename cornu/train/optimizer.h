#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/base/json.h"
#include "cornu/layers/layer.h"
#include "cornu/model/training.h"
#include "cornu/train/optimizer_options.h"

namespace cornu {

namespace base {
class ThreadPool;
}
namespace train {
class OptimizerImpl;
}

// How weights follow their gradients (layers.md part 12). A handle: copies are the same optimizer
// and share its state. Not to be used by several threads at once.
class CORNU_API Optimizer {
 public:
  // "adam", "SGD", …: with its default arguments, in any case. ValueError for an unknown name.
  Optimizer(const char* name) : Optimizer(std::string(name)) {}
  Optimizer(std::string name);
  explicit Optimizer(std::shared_ptr<train::OptimizerImpl> impl) : impl_(std::move(impl)) {}
  // A name, or an object as files of any Keras write it; what an older Keras meant and this one
  // does not do is said in `warnings`. ValueError for an unknown name or argument and for a value
  // that is wrong.
  static Optimizer from_config(const base::Json& config,
                               std::vector<std::string>* warnings = nullptr);
  base::Json config() const;  // as Keras 3 writes it

  const std::string& class_name() const;  // "Adam"
  const std::string& name() const;        // "adam"
  // The rate of the next step. Setting it where a schedule or a function gives it: StateError.
  double learning_rate() const;
  void set_learning_rate(double value);
  // Updates made so far: the calls of apply() divided by gradient_accumulation_steps, rounded
  // down. A schedule counts the calls.
  int64_t iterations() const;

  // Weights that weight_decay leaves alone: these, and all in whose name one of these regular
  // expressions is found, as in Keras: in "kernel", "bias", "gamma", …, without the layer's.
  // Replaces what was set before. StateError once built, ValueError for what is no expression.
  struct Exclude {
    std::vector<std::shared_ptr<Variable>> var_list = {};
    std::vector<std::string> var_names = {};
  };
  void exclude_from_weight_decay(Exclude exclude);

  // Makes the numbers it keeps for each weight; a second call does nothing.
  void build(const std::vector<Weight>& trainable);
  bool built() const;
  // One step over all weights it was built with, in the same order (ValueError for others):
  // gradients are divided by the loss scale, accumulated and clipped; weights decay, follow the
  // rule, are averaged (EMA), then constrained; the step is counted. gradients[i] belongs to
  // weights[i] and may be changed; null where nothing depends on the weight, which is then left
  // alone. Works in place; from the second call on it
  // allocates nothing, a user's own constraints apart. Every number of threads gives
  // the same bits; without a pool the caller's thread does all.
  void apply(const std::vector<Weight>& weights, std::span<float* const> gradients,
             base::ThreadPool* pool = nullptr);
  // What gradients come multiplied by: the trainer multiplies the loss by it. 1 by default.
  double loss_scale() const;
  // With use_ema, makes the weights their averages: the end of fit. Does nothing otherwise.
  void finalize();

  // The state in the order of Keras's files: averages, accumulated gradients, then what the rule
  // keeps (formats.md 3.8). set_state needs a built optimizer (StateError), and the same number
  // and shapes of slots (ValueError; nothing is changed then).
  model::OptimizerState state() const;
  void set_state(const model::OptimizerState& state);
  // How many numbers it keeps, the iteration and the learning rate included, as Keras's summary
  // counts them; 0 before build().
  int64_t params() const;

 private:
  std::shared_ptr<train::OptimizerImpl> impl_;
};

// https://keras.io/api/optimizers/; the rules are those of layers.md part 12, and Keras 3's for the
// last four. ValueError naming
// optimizer, argument and value.
CORNU_API Optimizer SGD(SGDOptions o = {});
CORNU_API Optimizer RMSprop(RMSpropOptions o = {});
CORNU_API Optimizer Adam(AdamOptions o = {});
CORNU_API Optimizer AdamW(AdamWOptions o = {});
CORNU_API Optimizer Adagrad(AdagradOptions o = {});
CORNU_API Optimizer Adadelta(AdadeltaOptions o = {});
CORNU_API Optimizer Adamax(AdamaxOptions o = {});
CORNU_API Optimizer Nadam(NadamOptions o = {});
CORNU_API Optimizer Lion(LionOptions o = {});
CORNU_API Optimizer Adafactor(AdafactorOptions o = {});
CORNU_API Optimizer Ftrl(FtrlOptions o = {});
CORNU_API Optimizer Lamb(LambOptions o = {});

}  // namespace cornu
