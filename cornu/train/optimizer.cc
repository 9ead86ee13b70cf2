#include "cornu/train/optimizer.h"

#include "cornu/nn/field_reader.h"
#include "cornu/train/optimizer_impl.h"

namespace cornu {

using train::OptimizerImpl;
using train::Recipe;

namespace train {

Optimizer make_optimizer(Recipe recipe) {
  return Optimizer(std::make_shared<OptimizerImpl>(std::move(recipe)));
}

}  // namespace train

namespace {

const nn::Where kNobody{"optimizer", ""};

Recipe known_recipe(const std::string& class_name, const base::Json& received) {
  std::optional<Recipe> recipe = train::find_recipe(class_name);
  if (!recipe) nn::throw_unknown("name", class_name, received, kNobody);
  return std::move(*recipe);
}

}  // namespace

Optimizer::Optimizer(std::string name)
    : impl_(std::make_shared<OptimizerImpl>(known_recipe(name, name))) {}

Optimizer Optimizer::from_config(const base::Json& config, std::vector<std::string>* warnings) {
  const nn::KerasObject object = nn::keras_object(config, "optimizer", kNobody);
  if (object.custom) nn::throw_unknown("name", object.name, config, kNobody);
  Recipe recipe = known_recipe(object.name, config);
  train::read_arguments(object.config, recipe, warnings);
  return train::make_optimizer(std::move(recipe));
}

base::Json Optimizer::config() const { return impl_->config(); }
const std::string& Optimizer::class_name() const { return impl_->where().class_name; }
const std::string& Optimizer::name() const { return impl_->where().name; }
double Optimizer::learning_rate() const { return impl_->learning_rate(); }
void Optimizer::set_learning_rate(double value) { impl_->set_learning_rate(value); }
int64_t Optimizer::iterations() const { return impl_->iterations(); }
void Optimizer::exclude_from_weight_decay(Exclude exclude) {
  impl_->exclude_from_weight_decay(std::move(exclude));
}
void Optimizer::build(const std::vector<Weight>& trainable) { impl_->build(trainable); }
bool Optimizer::built() const { return impl_->built(); }
void Optimizer::apply(const std::vector<Weight>& weights, std::span<float* const> gradients,
                      base::ThreadPool* pool) {
  impl_->apply(weights, gradients, pool);
}
double Optimizer::loss_scale() const { return impl_->loss_scale(); }
void Optimizer::finalize() { impl_->finalize(); }
model::OptimizerState Optimizer::state() const { return impl_->state(); }
void Optimizer::set_state(const model::OptimizerState& state) { impl_->set_state(state); }
int64_t Optimizer::params() const { return impl_->params(); }

}  // namespace cornu
