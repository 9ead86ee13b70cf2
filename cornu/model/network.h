#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "cornu/layers/layer.h"
#include "cornu/model/training.h"

namespace cornu::model {

// A model from inside: calls of layers between input and output symbols. It is a layer itself, so
// models nest. Functional and Sequential (below) are its two kinds.
class Network : public LayerImpl {
 public:
  using LayerImpl::LayerImpl;

  // Keras's model.layers: in Keras's order, a Sequential's without its InputLayer.
  virtual std::vector<Layer> layers() const = 0;
  virtual const std::vector<Symbol>& inputs() const = 0;
  virtual const std::vector<Symbol>& outputs() const = 0;
  // The calls between inputs and outputs, each after those it needs.
  virtual const std::vector<std::shared_ptr<const Call>>& steps() const = 0;

  std::vector<Layer> inner_layers() const override { return layers(); }
  std::vector<Weight> weights() const override;
  void set_trainable(bool trainable) override;
  // The whole "config" of the model in Keras 3's files: layers, their calls, inputs and outputs.
  base::Json config() const override;

  // Set by Model::compile(); null before. Replaces what a file said.
  std::shared_ptr<Training> training;
  // What the file the model came from said of its training, until it is trained here.
  std::optional<TrainingState> loaded_training;
};

// Calls of layers, made by hand (Keras: Functional).
class Functional final : public Network {
 public:
  // Throws ValueError for symbols that the inputs do not lead to, and for two layers of one name.
  // `class_name` is what errors call it.
  Functional(std::string name, std::vector<Symbol> inputs, std::vector<Symbol> outputs,
             const char* class_name = "Functional");

  std::vector<Layer> layers() const override { return layers_; }
  const std::vector<Symbol>& inputs() const override { return inputs_; }
  const std::vector<Symbol>& outputs() const override { return outputs_; }
  const std::vector<std::shared_ptr<const Call>>& steps() const override { return steps_; }

  std::vector<Shape> output_shapes(const std::vector<Shape>& in) const override;
  std::vector<graph::Value> lower(graph::Builder& g,
                                  const std::vector<graph::Value>& in) const override;

 private:
  void check_inputs(const std::vector<Shape>& in) const;

  std::vector<Symbol> inputs_, outputs_;
  std::vector<std::shared_ptr<const Call>> steps_;
  std::vector<Layer> layers_;
};

// A chain of layers with one input and one output each. Its shapes are known once its first layer
// says them, or at its first call.
class Sequential final : public Network {
 public:
  explicit Sequential(std::string name);
  // Throws ValueError for a name that is there already, and for a second Input.
  void add(Layer layer);
  void pop();  // ValueError when empty
  void build_for(const Shape& batch_input_shape);

  std::vector<Layer> layers() const override { return layers_; }
  const std::vector<Symbol>& inputs() const override;   // StateError before it is built
  const std::vector<Symbol>& outputs() const override;  // StateError before it is built
  const std::vector<std::shared_ptr<const Call>>& steps() const override;

  std::vector<Shape> output_shapes(const std::vector<Shape>& in) const override;
  std::vector<graph::Value> lower(graph::Builder& g,
                                  const std::vector<graph::Value>& in) const override;
  bool has_shapes() const { return !chain_.empty(); }

 protected:
  void create_weights(const std::vector<Shape>& in) override;

 private:
  void start(Symbol input);
  void extend();
  const Functional& chain() const;

  std::vector<Layer> layers_;
  std::unordered_set<std::string> names_;
  std::optional<Layer> input_layer_;
  std::vector<Symbol> chain_;  // the input and each layer's result
  mutable std::mutex making_;
  mutable std::shared_ptr<const Functional> functional_;  // made when first needed
};

// The model as an object of Keras 3's files: {"module", "class_name", "config", …}.
base::Json model_object(const Network& network);

}  // namespace cornu::model
