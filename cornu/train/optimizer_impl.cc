#include "cornu/train/optimizer_impl.h"

#include <algorithm>
#include <cmath>

#include "cornu/nn/field_reader.h"

namespace cornu::train {

namespace {

constexpr int64_t kBlock = 8192;  // floats; a block of a weight with all its slots stays in cache

// A number that is set and not 0, as Keras takes the clipping arguments.
bool on(const std::optional<double>& v) { return v && *v > 0; }

void clamp(float* g, int64_t begin, int64_t end, float limit) {
  for (int64_t i = begin; i < end; ++i) {
    const float v = g[i] < -limit ? -limit : g[i];  // NaN stays
    g[i] = v > limit ? limit : v;
  }
}

void decay(float* w, int64_t begin, int64_t end, float rate, float learning_rate) {
  for (int64_t i = begin; i < end; ++i) w[i] -= w[i] * rate * learning_rate;
}

void average(float* w, float* mean, int64_t begin, int64_t end, float momentum, bool overwrite) {
  for (int64_t i = begin; i < end; ++i) mean[i] = momentum * mean[i] + (1 - momentum) * w[i];
  if (overwrite) std::copy(mean + begin, mean + end, w + begin);
}

std::regex expression(const std::string& text, const nn::Where& where) {
  try {
    return std::regex(text);
  } catch (const std::regex_error&) {
    throw ValueError(where.message(
        "exclude_from_weight_decay: `var_names` must be regular expressions. Received: ",
        base::quoted(text)));
  }
}

}  // namespace

template <class F>
void OptimizerImpl::blocks(int64_t size, const F& work) {
  pool_->parallel_for((size + kBlock - 1) / kBlock, [&](int64_t block) {
    work(block * kBlock, std::min(size, (block + 1) * kBlock));
  });
}

OptimizerImpl::OptimizerImpl(Recipe recipe) {
  if (recipe.common.name.empty()) recipe.common.name = base::snake_case(recipe.class_name);
  check_arguments(recipe);
  where_ = train::where(recipe);
  common_ = std::move(recipe.common);
  rule_ = std::move(recipe.rule);
  accumulation_ = common_.gradient_accumulation_steps.value_or(1);
}

base::Json OptimizerImpl::config() const {
  return nn::to_config("keras.optimizers", where_.class_name.c_str(),
                       written_arguments(common_, *rule_));
}

double OptimizerImpl::learning_rate() const { return common_.learning_rate.at(iteration_); }

void OptimizerImpl::set_learning_rate(double value) {
  if (common_.learning_rate.is_schedule())
    throw StateError(where_.message(
        "the learning rate is given by a schedule or a function and cannot be set; make the "
        "optimizer with a number as its `learning_rate`. Received: learning_rate=",
        value));
  const LearningRate rate(value);
  rate.check(where_);
  common_.learning_rate = rate;
}

void OptimizerImpl::exclude_from_weight_decay(Optimizer::Exclude exclude) {
  if (built_)
    throw StateError(
        where_.message("exclude_from_weight_decay() must come before the optimizer is built"));
  std::vector<std::regex> names;
  for (const std::string& text : exclude.var_names) names.push_back(expression(text, where_));
  not_decayed_ = std::move(exclude.var_list);
  names_not_decayed_ = std::move(names);
}

bool OptimizerImpl::excluded(const Variable& v) const {
  const auto in_name = [&](const std::regex& text) { return std::regex_search(v.name(), text); };
  const auto same = [&](const std::shared_ptr<Variable>& other) { return other.get() == &v; };
  return std::any_of(not_decayed_.begin(), not_decayed_.end(), same) ||
         std::any_of(names_not_decayed_.begin(), names_not_decayed_.end(), in_name);
}

// ---- what is kept -------------------------------------------------------------------------------

void OptimizerImpl::build(const std::vector<Weight>& trainable) {
  if (built_) return;
  specs_ = rule_->slots();
  int64_t largest = 0;
  for (const Weight& weight : trainable) {
    const std::shared_ptr<Variable>& v = weight.variable;
    const std::string& layer = weight.where.name;
    const std::string path = base::cat(layer, layer.empty() ? "" : "/", v->name());
    Entry e{v, {"weight", path}, path, !excluded(*v)};
    std::replace(e.path.begin(), e.path.end(), '/', '_');
    largest = std::max(largest, v->shape().size());
    entries_.push_back(std::move(e));
  }
  sums_.resize(static_cast<size_t>((largest + kBlock - 1) / kBlock));
  reset();
  built_ = true;
}

void OptimizerImpl::reset() {
  iteration_ = 0;
  rule_->set_updates(0);
  for (Entry& e : entries_) {
    const Shape& shape = e.variable->shape();
    if (common_.use_ema) e.average = Tensor(shape);
    if (accumulation_ > 1) e.accumulated = Tensor(shape);
    e.slots.clear();
    for (size_t k = 0; k < specs_.size(); ++k)
      e.slots.push_back(Tensor::full(rule_->slot_shape(k, shape), specs_[k].initial));
  }
}

// Visits all slots in the order of files: visit(name, tensor).
template <class Entries, class F>
static void each_slot(Entries& entries, const std::vector<SlotSpec>& specs, const F& visit) {
  for (auto& e : entries)
    if (e.average) visit(e.path + "_average", *e.average);
  for (auto& e : entries)
    if (e.accumulated) visit(e.path + "_gradient_accumulator", *e.accumulated);
  int groups = 0;
  for (const SlotSpec& spec : specs) groups = std::max(groups, spec.group + 1);
  for (int group = 0; group < groups; ++group)
    for (auto& e : entries)
      for (size_t k = 0; k < specs.size(); ++k)
        if (specs[k].group == group) visit(base::cat(e.path, "_", specs[k].name), e.slots[k]);
}

model::OptimizerState OptimizerImpl::state() const {
  model::OptimizerState state{.iteration = iteration_};
  if (!common_.learning_rate.is_schedule()) state.learning_rate = f(learning_rate());
  each_slot(entries_, specs_, [&](std::string name, const Tensor& value) {
    state.slots.push_back({std::move(name), value});
  });
  return state;
}

// The slots of a state, checked against those here.
std::vector<Tensor*> OptimizerImpl::matching_slots(const model::OptimizerState& state) {
  std::vector<Tensor*> slots;
  each_slot(entries_, specs_, [&](const std::string&, Tensor& value) { slots.push_back(&value); });
  const size_t count = state.slots.size(), wanted = slots.size();
  if (count != wanted && !(rule_->has_number() && count == wanted + 1))
    throw ValueError(
        where_.message("its state has ", wanted, " slots. Received: a state with ", count));
  for (size_t i = 0; i < count; ++i) {
    const Shape shape = i < slots.size() ? slots[i]->shape() : Shape{};
    if (state.slots[i].value.shape() != shape)
      throw ValueError(where_.message("slot ", i, " ", base::quoted(state.slots[i].name),
                                      " of its state has shape ", shape,
                                      ". Received: shape=", state.slots[i].value.shape()));
  }
  return slots;
}

void OptimizerImpl::set_state(const model::OptimizerState& state) {
  if (!built_)
    throw StateError(where_.message("its state can be set only after the optimizer is built"));
  if (state.iteration < 0)
    throw ValueError(where_.message("`iteration` must be zero or positive. Received: iteration=",
                                    state.iteration));
  // Keras writes none for a model that is compiled and not yet trained.
  const bool fresh = state.iteration == 0 && state.slots.empty();
  const std::vector<Tensor*> slots = fresh ? std::vector<Tensor*>() : matching_slots(state);
  if (!common_.learning_rate.is_schedule() && state.learning_rate)
    set_learning_rate(*state.learning_rate);
  if (fresh) return reset();
  iteration_ = state.iteration;
  for (size_t i = 0; i < slots.size(); ++i) *slots[i] = state.slots[i].value;
  rule_->set_updates(iterations());
}

int64_t OptimizerImpl::params() const {
  if (!built_) return 0;
  int64_t count = 1 + (common_.learning_rate.is_schedule() ? 0 : 1);
  each_slot(entries_, specs_, [&](const std::string&, const Tensor& t) { count += t.size(); });
  return count;
}

// ---- a step -------------------------------------------------------------------------------------

void OptimizerImpl::check_weights(const std::vector<Weight>& weights,
                                  std::span<float* const> gradients) const {
  if (!built_) throw StateError(where_.message("apply() needs an optimizer that is built"));
  if (weights.size() != entries_.size() || gradients.size() != entries_.size())
    throw ValueError(where_.message("was built for ", entries_.size(),
                                    " weights. Received: ", weights.size(), " weights and ",
                                    gradients.size(), " gradients"));
  for (size_t i = 0; i < weights.size(); ++i)
    if (weights[i].variable != entries_[i].variable)
      throw ValueError(where_.message("weight ", i, " is not the one it was built for, ",
                                      base::quoted(entries_[i].path),
                                      ". Received: ", base::quoted(weights[i].variable->name()),
                                      "; make a new optimizer for other weights"));
  if (std::all_of(gradients.begin(), gradients.end(), [](float* g) { return !g; }))
    throw ValueError(where_.message("no weight has a gradient. Received: ", gradients.size(),
                                    " weights that the loss does not depend on"));
}

// layers.md part 12. EMA and constraints also follow the calls that only gather gradients, as in
// Keras.
void OptimizerImpl::apply(const std::vector<Weight>& weights, std::span<float* const> gradients,
                          base::ThreadPool* pool) {
  check_weights(weights, gradients);
  pool_ = pool ? pool : &own_pool_;
  const bool updates = (iteration_ + 1) % accumulation_ == 0;
  for (size_t i = 0; i < entries_.size(); ++i)
    if (gradients[i]) gather(entries_[i], gradients[i], updates);
  const Step step = begin_step();
  if (updates) {
    clip_norms(gradients);
    rule_->begin({.learning_rate = step.learning_rate, .t = static_cast<float>(iterations() + 1)});
  }
  for (size_t i = 0; i < entries_.size(); ++i)
    update(entries_[i], updates ? gradients[i] : nullptr, step);
  for (size_t i = 0; i < entries_.size(); ++i)
    if (gradients[i] && weights[i].constraint) constrain(entries_[i], weights[i].constraint);
  ++iteration_;
}

OptimizerImpl::Step OptimizerImpl::begin_step() const {
  Step step{.learning_rate = f(learning_rate())};
  if (common_.weight_decay) step.decay = f(*common_.weight_decay);
  if (on(common_.clipvalue)) step.limit = f(*common_.clipvalue);
  if (iterations() > 0) step.average_momentum = f(common_.ema_momentum);
  if (common_.ema_overwrite_frequency)
    step.overwrite = (iterations() + 1) % *common_.ema_overwrite_frequency == 0;
  return step;
}

// The loss scale and the gradients of earlier calls. The mean of them is left in `gradient` at an
// update, their sum in the entry otherwise.
void OptimizerImpl::gather(Entry& e, float* gradient, bool updates) {
  if (!common_.loss_scale_factor && !e.accumulated) return;
  const float scale = f(loss_scale()), steps = static_cast<float>(accumulation_);
  float* sum = e.accumulated ? e.accumulated->data() : nullptr;
  blocks(e.variable->shape().size(), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float g = gradient[i] / scale;
      if (sum && updates) {
        gradient[i] = (g + sum[i]) / steps;
        sum[i] = 0;
      } else if (sum) {
        sum[i] += g;
      } else {
        gradient[i] = g;
      }
    }
  });
}

void OptimizerImpl::clip_norms(std::span<float* const> gradients) {
  const bool each = on(common_.clipnorm), all = on(common_.global_clipnorm);
  if (!each && !all) return;
  double total = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!gradients[i]) continue;
    const int64_t size = entries_[i].variable->shape().size();
    const double sum = sum_of_squares(gradients[i], size);
    const float norm = f(std::sqrt(sum)), most = f(common_.clipnorm.value_or(0));
    total += sum;
    if (each) scale(gradients[i], size, most, norm < most ? most : norm);
  }
  if (!all) return;
  const float norm = f(std::sqrt(total)), most = f(*common_.global_clipnorm);
  // NaN and infinity make all NaN, as in Keras.
  const float by = most * std::min(1 / norm, 1 / most) + (norm - norm);
  for (size_t i = 0; i < entries_.size(); ++i)
    if (gradients[i]) scale(gradients[i], entries_[i].variable->shape().size(), by, 1);
}

double OptimizerImpl::sum_of_squares(const float* x, int64_t size) {
  std::fill(sums_.begin(), sums_.end(), 0.0);
  blocks(size, [&](int64_t begin, int64_t end) {
    constexpr int64_t kLanes = 8;  // so that the loop can be vectorized
    double lanes[kLanes] = {};
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes)
      for (int64_t k = 0; k < kLanes; ++k) lanes[k] += double{x[i + k]} * double{x[i + k]};
    for (; i < end; ++i) lanes[0] += double{x[i]} * double{x[i]};
    for (const double lane : lanes) sums_[static_cast<size_t>(begin / kBlock)] += lane;
  });
  double sum = 0;
  for (const double block : sums_) sum += block;
  return sum;
}

void OptimizerImpl::scale(float* x, int64_t size, float by, float divided_by) {
  blocks(size, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) x[i] = x[i] * by / divided_by;
  });
}

void OptimizerImpl::update(Entry& e, float* gradient, const Step& step) {
  if (!gradient && !e.average) return;
  float* mean = e.average ? e.average->data() : nullptr;
  Update u{.shape = &e.variable->shape(), .size = e.variable->shape().size(), .gradient = gradient};
  for (size_t k = 0; k < e.slots.size(); ++k) u.slots[k] = e.slots[k].data();
  const auto before = [&](int64_t begin, int64_t end) {
    if (step.limit) clamp(gradient, begin, end, *step.limit);
    if (step.decay && e.decays) decay(u.weight, begin, end, *step.decay, step.learning_rate);
  };
  const auto after = [&](int64_t begin, int64_t end) {
    if (gradient) rule_->update(u, begin, end);
    if (mean) average(u.weight, mean, begin, end, step.average_momentum, step.overwrite);
  };
  e.variable->modify([&](float* weight) {
    u.weight = weight;
    if (gradient && rule_->needs_whole()) {
      blocks(u.size, before);
      rule_->prepare(u);
      blocks(u.size, after);
    } else {
      blocks(u.size, [&](int64_t begin, int64_t end) {
        if (gradient) before(begin, end);
        after(begin, end);
      });
    }
  });
}

void OptimizerImpl::constrain(Entry& e, const Constraint& constraint) {
  const Shape& shape = e.variable->shape();
  e.variable->modify([&](float* w) {
    constraint.apply_in_place({w, static_cast<size_t>(shape.size())}, shape, scratch_, e.where);
  });
}

void OptimizerImpl::finalize() {
  if (iteration_ == 0) return;  // no average is there yet
  for (Entry& e : entries_)
    if (e.average)
      e.variable->modify([&](float* weight) {
        std::copy(e.average->values().begin(), e.average->values().end(), weight);
      });
}

}  // namespace cornu::train
