#pragma once

#include <memory>
#include <regex>
#include <span>
#include <string>
#include <vector>

#include "cornu/base/thread_pool.h"
#include "cornu/train/optimizer_rule.h"

namespace cornu::train {

// What all optimizers do around their rule: see Optimizer, whose methods these are.
class OptimizerImpl {
 public:
  explicit OptimizerImpl(Recipe recipe);

  base::Json config() const;
  const nn::Where& where() const { return where_; }
  double learning_rate() const;
  void set_learning_rate(double value);
  int64_t iterations() const { return iteration_ / accumulation_; }
  void exclude_from_weight_decay(Optimizer::Exclude exclude);
  double loss_scale() const { return common_.loss_scale_factor.value_or(1.0); }

  void build(const std::vector<Weight>& trainable);
  bool built() const { return built_; }
  void apply(const std::vector<Weight>& weights, std::span<float* const> gradients,
             base::ThreadPool* pool);
  void finalize();

  model::OptimizerState state() const;
  void set_state(const model::OptimizerState& state);
  int64_t params() const;

 private:
  // A weight with all that is kept for it.
  struct Entry {
    std::shared_ptr<Variable> variable;
    nn::Where where;   // for messages: "conv2d/kernel"
    std::string path;  // with '_' for '/', as in the names of slots
    bool decays = true;
    std::optional<Tensor> average = {}, accumulated = {};
    std::vector<Tensor> slots = {};
  };
  // Options of the step that is being made, in float32.
  struct Step {
    std::optional<float> decay = {}, limit = {};
    float learning_rate = 0;
    float average_momentum = 0;
    bool overwrite = false;
  };

  void reset();  // all slots as they are before the first step
  std::vector<Tensor*> matching_slots(const model::OptimizerState& state);
  void check_weights(const std::vector<Weight>& weights, std::span<float* const> gradients) const;
  bool excluded(const Variable& v) const;
  Step begin_step() const;
  void gather(Entry& e, float* gradient, bool updates);
  void clip_norms(std::span<float* const> gradients);
  double sum_of_squares(const float* x, int64_t size);
  void scale(float* x, int64_t size, float by, float divided_by);
  void update(Entry& e, float* gradient, const Step& step);
  void constrain(Entry& e, const Constraint& constraint);
  // work(begin, end) on blocks of [0, size) of fixed borders, whatever the number of threads.
  template <class F>
  void blocks(int64_t size, const F& work);

  CommonOptions common_;
  nn::Where where_;
  std::unique_ptr<Rule> rule_;
  int64_t accumulation_ = 1;
  std::vector<std::shared_ptr<Variable>> not_decayed_;
  std::vector<std::regex> names_not_decayed_;

  bool built_ = false;
  int64_t iteration_ = 0;  // calls of apply()
  std::vector<Entry> entries_;
  std::vector<SlotSpec> specs_;
  std::vector<double> sums_;  // one per block of the largest weight
  Constraint::Scratch scratch_;
  base::ThreadPool own_pool_{1};
  base::ThreadPool* pool_ = nullptr;  // while apply() runs
};

}  // namespace cornu::train
