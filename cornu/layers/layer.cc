#include "cornu/layers/layer.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace cornu {

namespace {
constexpr int64_t kMaxRank = 32;  // NumPy's; files could ask for any
}

using base::cat;
using base::quoted;

// ---- Symbol
// ---------------------------------------------------------------------------------------

const Shape& Symbol::shape() const {
  if (!call_) throw StateError("this Symbol was made by default: it stands for no tensor");
  return call_->outputs[index_];
}

// ---- Call
// -----------------------------------------------------------------------------------------

// Calls own those before them. Freeing a chain one through the other would recurse as deep as the
// model is long, so those that nobody else needs are gathered in a list.
Call::~Call() {
  std::shared_ptr<const Call> list;
  const auto let_go = [&list](std::vector<Symbol>& symbols) {
    for (Symbol& s : symbols) {
      std::shared_ptr<const Call> call = s.call();
      s = Symbol();
      if (call.use_count() != 1) continue;
      call->next_freed_ = std::move(list);
      list = std::move(call);
    }
  };
  let_go(inputs);
  while (list) {
    const std::shared_ptr<const Call> call = std::move(list);
    list = std::move(call->next_freed_);
    let_go(const_cast<Call&>(*call).inputs);
  }
}

// ---- Layer
// ----------------------------------------------------------------------------------------

Layer::Layer(const Symbol& input) {
  if (!input.call() || !input.call()->inputs.empty())
    throw ValueError("a Symbol stands for a layer only where Input() made it");
  impl_ = input.call()->layer;
}

Symbols Layer::call(const Symbols& inputs) const { return LayerImpl::call(impl_, inputs); }

Symbol Layer::operator()(const Symbols& inputs) const {
  Symbols outputs = call(inputs);
  if (outputs.size() != 1)
    throw ValueError(impl_->where().message("it has ", outputs.size(),
                                            " outputs: use call(), which returns them all"));
  return outputs[0];
}

const std::string& Layer::name() const { return impl_->name(); }
const std::string& Layer::class_name() const { return impl_->class_name(); }
bool Layer::built() const { return impl_->built(); }
bool Layer::trainable() const { return impl_->trainable(); }
void Layer::set_trainable(bool trainable) const { impl_->set_trainable(trainable); }

std::vector<Tensor> Layer::get_weights() const {
  if (!built())
    throw StateError(impl_->where().message("it has no weights yet: it has not been built"));
  std::vector<Tensor> values;
  for (const Weight& w : impl_->weights()) values.push_back(w.variable->value());
  return values;
}

void Layer::set_weights(const std::vector<Tensor>& values) const {
  const std::vector<Weight> weights = impl_->weights();
  if (!built())
    throw StateError(impl_->where().message("it has no weights yet: it has not been built"));
  if (values.size() != weights.size())
    throw ValueError(impl_->where().message("set_weights needs ", weights.size(),
                                            " arrays. Received: ", values.size()));
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i].shape() != weights[i].variable->shape())
      throw ValueError(impl_->where().message(
          "weight ", i, " (", quoted(weights[i].variable->name()), ") has shape ",
          weights[i].variable->shape(), ". Received: shape=", values[i].shape()));
  for (size_t i = 0; i < values.size(); ++i) weights[i].variable->assign(values[i]);
}

int64_t Layer::count_params() const {
  if (!built())
    throw ValueError(impl_->where().message(
        "count_params() needs a built layer. Call the layer, or build the model, first"));
  int64_t count = 0;
  for (const Weight& w : impl_->weights()) count += w.variable->shape().size();
  return count;
}

void Layer::adapt(const Tensor& data) const { impl_->adapt(data); }

namespace {

std::shared_ptr<const Call> only_call(const LayerImpl& layer, const char* what) {
  auto calls = layer.calls();
  if (calls.size() != 1)
    throw StateError(layer.where().message("`", what,
                                           "` needs a layer that was called once; it was ",
                                           "called ", calls.size(), " times"));
  return calls[0];
}

}  // namespace

Symbol Layer::input() const {
  const auto call = only_call(*impl_, "input");
  if (call->inputs.size() != 1)
    throw StateError(impl_->where().message("it has ", call->inputs.size(), " inputs"));
  return call->inputs[0];
}

Symbol Layer::output() const {
  const auto call = only_call(*impl_, "output");
  if (call->outputs.size() != 1)
    throw StateError(impl_->where().message("it has ", call->outputs.size(), " outputs"));
  return Symbol(call, 0);
}

Shape Layer::output_shape() const { return output().shape(); }

// ---- LayerImpl
// ------------------------------------------------------------------------------------

LayerImpl::LayerImpl(std::string class_name, CommonOptions common)
    : where_{std::move(class_name), ""}, common_(std::move(common)) {
  if (common_.name.find('/') != std::string::npos)
    throw ValueError(where_.message("`name` must be a string without '/'. Received: name=",
                                    quoted(common_.name)));
  if (common_.dtype != "float32")
    throw ValueError(
        where_.message("`dtype` must be 'float32'. Received: dtype=", quoted(common_.dtype)));
  where_.name = common_.name.empty() ? unique_name(where_.class_name) : common_.name;
  common_.activity_regularizer.check(where_);
}

LayerImpl::~LayerImpl() = default;

void LayerImpl::build(const std::vector<Shape>& in) {
  if (built_) return;
  create_weights(in);
  built_for_ = in;
  built_ = true;
}

std::vector<Weight> LayerImpl::weights() const {
  std::vector<Weight> all;
  for (bool trainable : {true, false})
    for (const Weight& w : weights_)
      if (w.variable->trainable() == trainable) {
        all.push_back(w);
        all.back().trainable = trainable && this->trainable();
      }
  return all;
}

// layers.md 3.4, D13.
std::vector<graph::Value> LayerImpl::trace(graph::Builder& g,
                                           const std::vector<graph::Value>& in) const {
  std::vector<graph::Value> out = lower(g, in);
  const Regularizer regularizer = activity_regularizer();
  if (!regularizer || g.mode() == graph::Mode::kPredict) return out;
  for (graph::Value v : out) {
    const Shape& shape = g.shape(v);
    const auto batch = static_cast<double>(shape.rank() > 0 ? std::max<int64_t>(shape[0], 1) : 1);
    g.add_loss(regularizer.penalty(Expression(g, v), where_) / batch);
  }
  return out;
}

void add_weight_penalties(graph::Builder& g, const std::vector<Weight>& weights) {
  if (g.mode() == graph::Mode::kPredict) return;
  for (const Weight& w : weights)
    if (w.trainable && w.regularizer)
      g.add_loss(w.regularizer.penalty(Expression(g, g.variable(w.variable)), w.where));
}

void LayerImpl::create_weights(const std::vector<Shape>&) {}

void LayerImpl::adapt(const Tensor&) {
  throw ValueError(where_.message("there is nothing that adapt() could set"));
}

std::shared_ptr<Variable> LayerImpl::add_weight(WeightOptions o) {
  if (!o.shape.fully_known())
    throw ValueError(
        where_.message("weight ", quoted(o.name), " needs a known shape. Received: ", o.shape));
  // So that sums over all weights of any model fit an int64_t.
  constexpr int64_t kMost = int64_t{1} << 40;
  if (const auto size = o.shape.checked_size(); !size || *size > kMost)
    throw ValueError(where_.message("weight ", quoted(o.name), " has more than ", kMost,
                                    " elements. Received: shape=", o.shape));
  auto variable = std::make_shared<Variable>(o.name, o.shape,
                                             o.initializer.prepare(o.shape, where_), o.trainable);
  weights_.push_back(
      {variable, std::move(o.regularizer), std::move(o.constraint), o.trainable, where_});
  return variable;
}

std::vector<std::shared_ptr<const Call>> LayerImpl::calls() const {
  std::vector<std::shared_ptr<const Call>> alive;
  for (const auto& weak : calls_)
    if (auto call = weak.lock()) alive.push_back(std::move(call));
  return alive;
}

// Calls that are gone are dropped whenever half of the list is new, not at each call.
void LayerImpl::remember(const std::shared_ptr<const Call>& call) {
  if (calls_.size() == calls_.capacity()) {
    std::erase_if(calls_, [](const auto& weak) { return weak.expired(); });
    calls_.reserve(2 * calls_.size() + 1);
  }
  calls_.push_back(call);
}

Symbols LayerImpl::call(const std::shared_ptr<LayerImpl>& layer, const Symbols& inputs) {
  if (!layer) throw ValueError("this Layer holds no layer");
  std::vector<Shape> shapes;
  for (const Symbol& s : inputs) {
    if (!s.call()) throw ValueError(layer->where().message("an input is a Symbol made by default"));
    shapes.push_back(s.shape());
  }
  std::vector<Shape> out = layer->output_shapes(shapes);
  for (const Shape& shape : out)
    if (shape.rank() > kMaxRank)
      throw ValueError(layer->where().message("its result has ", shape.rank(), " axes; at most ",
                                              kMaxRank, " are possible"));
  layer->build(shapes);
  const std::shared_ptr<const Call> made = std::make_shared<Call>(layer, inputs, std::move(out));
  layer->remember(made);
  Symbols outputs;
  for (size_t i = 0; i < made->outputs.size(); ++i) outputs.emplace_back(made, i);
  return outputs;
}

// ---- OneToOneLayer
// --------------------------------------------------------------------------------

std::vector<Shape> OneToOneLayer::output_shapes(const std::vector<Shape>& in) const {
  if (in.size() != 1)
    throw ValueError(where().message("it takes one input. Received: ", in.size(), " inputs"));
  return {output_shape(in[0])};
}

std::vector<graph::Value> OneToOneLayer::lower(graph::Builder& g,
                                               const std::vector<graph::Value>& in) const {
  return {lower(g, in[0])};
}

// ---- names
// ----------------------------------------------------------------------------------------

namespace {
std::mutex names_mutex;
std::map<std::string, int64_t>& names_given() {
  static std::map<std::string, int64_t> given;
  return given;
}
}  // namespace

std::string unique_name(const std::string& class_name) {
  const std::string snake = base::snake_case(class_name);
  std::lock_guard lock(names_mutex);
  const int64_t n = names_given()[snake]++;
  return n == 0 ? snake : cat(snake, "_", n);
}

void clear_session() {
  std::lock_guard lock(names_mutex);
  names_given().clear();
}

}  // namespace cornu
