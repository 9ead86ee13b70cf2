#include <algorithm>

#include "cornu/layers/core.h"
#include "cornu/model/network.h"

namespace cornu::model {

using base::quoted;

Sequential::Sequential(std::string name) : Network("Sequential", {std::move(name)}) {}

void Sequential::start(Symbol input) {
  chain_ = {std::move(input)};
  extend();
}

// Calls the layers that have not been called yet.
void Sequential::extend() {
  while (chain_.size() <= layers_.size())
    chain_.push_back(layers_[chain_.size() - 1](chain_.back()));
  functional_ = nullptr;
  if (!layers_.empty()) build({});
}

void Sequential::add(Layer layer) {
  if (names_.contains(layer.name()))
    throw ValueError(where().message("all layers should have unique names. Received: a second ",
                                     "layer named ", quoted(layer.name())));
  if (layer.class_name() == "InputLayer") {
    if (input_layer_ || !layers_.empty())
      throw ValueError(where().message("an InputLayer must come first, and only once. Received: ",
                                       quoted(layer.name())));
    input_layer_ = layer;
    start(layer({}));
    return;
  }
  if (layers_.empty() && chain_.empty() && layer.impl()->common().input_shape.rank() > 0)
    start(Input({.shape = layer.impl()->common().input_shape}));
  if (chain_.empty() && layers_.empty()) {
    // A model that is built knows its input: it starts the chain as an Input would.
    const auto* inner = dynamic_cast<const Network*>(layer.impl().get());
    if (inner && inner->built() && inner->inputs().size() == 1) {
      Shape shape = inner->inputs()[0].shape();
      shape.erase(0);
      start(Input({.shape = shape}));
    }
  }
  names_.insert(layer.name());
  try {
    layers_.push_back(layer);
    if (!chain_.empty()) extend();
  } catch (...) {  // unchanged on failure
    if (!layers_.empty() && layers_.back() == layer) layers_.pop_back();
    names_.erase(layer.name());
    throw;
  }
}

void Sequential::pop() {
  if (layers_.empty()) throw ValueError(where().message("there are no layers to pop"));
  names_.erase(layers_.back().name());
  layers_.pop_back();
  functional_ = nullptr;
  if (!chain_.empty()) chain_.pop_back();
}

void Sequential::build_for(const Shape& batch_input_shape) {
  if (!chain_.empty()) return;
  start(Input({.batch_shape = batch_input_shape}));
}

void Sequential::create_weights(const std::vector<Shape>& in) {
  if (chain_.empty() && in.size() == 1) {
    // Only the sizes of one sample belong to the model; the batch may change.
    Shape shape = in[0];
    if (shape.rank() > 0) shape[0] = Dim::kUnknown;
    build_for(shape);
  }
}

const Functional& Sequential::chain() const {
  if (chain_.empty())
    throw StateError(where().message(
        "it has no shapes yet. Give its first layer an input_shape, add an Input first, call it, "
        "or build() it"));
  std::lock_guard lock(making_);  // predict() may be called from several threads
  if (!functional_)
    functional_ =
        std::make_shared<const Functional>(name(), std::vector<Symbol>{chain_.front()},
                                           std::vector<Symbol>{chain_.back()}, "Sequential");
  return *functional_;
}

const std::vector<Symbol>& Sequential::inputs() const { return chain().inputs(); }
const std::vector<Symbol>& Sequential::outputs() const { return chain().outputs(); }
const std::vector<std::shared_ptr<const Call>>& Sequential::steps() const {
  return chain().steps();
}

std::vector<Shape> Sequential::output_shapes(const std::vector<Shape>& in) const {
  if (!chain_.empty()) return chain().output_shapes(in);
  std::vector<Shape> shapes = in;
  for (const Layer& layer : layers_) shapes = layer.impl()->output_shapes(shapes);
  return shapes;
}

std::vector<graph::Value> Sequential::lower(graph::Builder& g,
                                            const std::vector<graph::Value>& in) const {
  return chain().lower(g, in);
}

}  // namespace cornu::model
