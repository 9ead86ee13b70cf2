#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/base/json.h"
#include "cornu/graph/builder.h"
#include "cornu/nn/constraint.h"
#include "cornu/nn/initializer.h"
#include "cornu/nn/regularizer.h"
#include "cornu/nn/where.h"
#include "cornu/tensor/variable.h"

namespace cornu {

class LayerImpl;
struct Call;

// A tensor that is not computed yet: the result of calling a layer while a model is being built
// (Keras: KerasTensor). Its shape has None where data will tell.
class CORNU_API Symbol {
 public:
  Symbol() = default;
  Symbol(std::shared_ptr<const Call> call, size_t index) : call_(std::move(call)), index_(index) {}
  const Shape& shape() const;
  const std::shared_ptr<const Call>& call() const { return call_; }  // null: made by default
  size_t index() const { return index_; }                            // which output of that call
  friend bool operator==(const Symbol&, const Symbol&) = default;

 private:
  std::shared_ptr<const Call> call_;
  size_t index_ = 0;
};

// One symbol, or a list of them.
class CORNU_API Symbols : public std::vector<Symbol> {
 public:
  Symbols() = default;
  Symbols(Symbol one) : std::vector<Symbol>{std::move(one)} {}
  Symbols(std::initializer_list<Symbol> list) : std::vector<Symbol>(list) {}
  explicit Symbols(std::vector<Symbol> list) : std::vector<Symbol>(std::move(list)) {}
};

// One use of a layer (Keras: Node).
struct CORNU_API Call {
  Call(std::shared_ptr<LayerImpl> l, std::vector<Symbol> in, std::vector<Shape> out)
      : layer(std::move(l)), inputs(std::move(in)), outputs(std::move(out)) {}
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  std::shared_ptr<LayerImpl> layer;
  std::vector<Symbol> inputs;
  std::vector<Shape> outputs;

 private:
  mutable std::shared_ptr<const Call> next_freed_;  // see ~Call
};

// A layer. A handle: copies are the same layer and share its weights, as in Keras.
class CORNU_API Layer {
 public:
  Layer(std::shared_ptr<LayerImpl> impl) : impl_(std::move(impl)) {}
  // The InputLayer behind what Input() returned, so that a Sequential's list may start with it.
  // ValueError for any other symbol.
  Layer(const Symbol& input);

  // Calls the layer on one symbol or a list, building it the first time. Throws ValueError for a
  // shape the layer cannot take. operator() is for layers with one output, call() for any.
  Symbol operator()(const Symbols& inputs) const;
  Symbols call(const Symbols& inputs) const;

  const std::string& name() const;
  const std::string& class_name() const;
  bool built() const;
  bool trainable() const;
  void set_trainable(bool trainable) const;
  // Keras's order (layers.md 3.6). StateError before the layer is built.
  std::vector<Tensor> get_weights() const;
  // ValueError for a wrong count or shape; nothing is changed then.
  void set_weights(const std::vector<Tensor>& weights) const;
  int64_t count_params() const;  // ValueError before the layer is built
  // Sets what a preprocessing layer (Normalization) learns from data rather than in training,
  // building it if need be. ValueError for any other layer.
  void adapt(const Tensor& data) const;
  // What its only call took and gave; StateError unless it was called exactly once.
  Symbol input() const;
  Symbol output() const;
  Shape output_shape() const;

  const std::shared_ptr<LayerImpl>& impl() const { return impl_; }
  friend bool operator==(const Layer&, const Layer&) = default;

 private:
  std::shared_ptr<LayerImpl> impl_;
};

// A weight with what training does to it.
struct Weight {
  std::shared_ptr<Variable> variable;
  Regularizer regularizer;
  Constraint constraint;
  bool trainable = true;  // the variable is, and no layer around it is frozen
  nn::Where where = {};   // the layer that made it, for messages
};

// What training adds to the loss for the weights themselves (layers.md 3.5, part 8): one penalty
// for each that is trainable and has a regularizer. Nothing when predicting. ValueError naming the
// layer where a regularizer cannot take the weight.
CORNU_API void add_weight_penalties(graph::Builder& g, const std::vector<Weight>& weights);

struct WeightOptions {
  std::string name = {};
  Shape shape = {};
  Initializer initializer = "zeros";
  Regularizer regularizer = {};
  Constraint constraint = {};
  bool trainable = true;
};

// The options that every layer has. `dtype` must be "float32".
struct CommonOptions {
  std::string name = {};  // empty: an automatic one
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};  // without the batch; rank 0: not given
  Regularizer activity_regularizer = {};
};

// What a layer is inside. A class of your own derives from it, or from OneToOneLayer below, and is
// made known to files with register_layer (registry.h).
class CORNU_API LayerImpl {
 public:
  // Throws ValueError for a bad name or dtype.
  LayerImpl(std::string class_name, CommonOptions common);
  virtual ~LayerImpl();
  LayerImpl(const LayerImpl&) = delete;
  LayerImpl& operator=(const LayerImpl&) = delete;

  const std::string& class_name() const { return where_.class_name; }
  const std::string& name() const { return where_.name; }
  // For messages: "Conv2D 'conv2d_3'".
  const nn::Where& where() const { return where_; }
  const CommonOptions& common() const { return common_; }

  // The shapes a call gives for these input shapes, None allowed; every check of layers.md that
  // needs shapes is made here and throws ValueError. Called for symbolic and for real shapes.
  virtual std::vector<Shape> output_shapes(const std::vector<Shape>& in) const = 0;
  // Adds the layer's ops to the graph. Shapes are known and have passed output_shapes().
  virtual std::vector<graph::Value> lower(graph::Builder& g,
                                          const std::vector<graph::Value>& in) const = 0;
  // One call of the layer: lower() and, unless predicting, what its activity regularizer takes for
  // the outputs. How models and wrappers call layers.
  std::vector<graph::Value> trace(graph::Builder& g, const std::vector<graph::Value>& in) const;
  // The layer's own fields of Keras's configuration, as an object.
  virtual base::Json config() const = 0;
  // The same in the order of the options struct's members, activity_regularizer among them: the
  // arguments of the function that makes the layer.
  virtual base::Json declared_config() const { return config(); }

  // Creates the weights the first time. Later calls check nothing and do nothing.
  void build(const std::vector<Shape>& in);
  bool built() const { return built_; }
  // The shapes that first build() was given; empty before.
  const std::vector<Shape>& built_for() const { return built_for_; }
  virtual bool trainable() const { return common_.trainable; }
  virtual void set_trainable(bool trainable) { common_.trainable = trainable; }
  // What each of its outputs is penalized by, divided by the batch size (layers.md 3.4).
  virtual Regularizer activity_regularizer() const { return common_.activity_regularizer; }
  // See Layer::adapt.
  virtual void adapt(const Tensor& data);
  // All weights, those of inner layers too: trainable-made then non-trainable-made per layer.
  virtual std::vector<Weight> weights() const;
  // The layers it holds (a nested model, TimeDistributed), outermost first; none for most.
  virtual std::vector<Layer> inner_layers() const { return {}; }

  // The calls made so far that are still in use by something, oldest first.
  std::vector<std::shared_ptr<const Call>> calls() const;
  static Symbols call(const std::shared_ptr<LayerImpl>& layer, const Symbols& inputs);

 protected:
  // Called once with the first input shapes, after output_shapes() accepted them.
  virtual void create_weights(const std::vector<Shape>& in);
  std::shared_ptr<Variable> add_weight(WeightOptions options);
  // "kernel" of this layer as a value of the graph.
  static graph::Value read(graph::Builder& g, const std::shared_ptr<Variable>& v) {
    return g.variable(v);
  }

 private:
  void remember(const std::shared_ptr<const Call>& call);

  nn::Where where_;
  CommonOptions common_;
  bool built_ = false;
  std::vector<Shape> built_for_;
  std::vector<Weight> weights_;
  std::vector<std::weak_ptr<const Call>> calls_;
};

// A layer with one input and one output: most of them.
class CORNU_API OneToOneLayer : public LayerImpl {
 public:
  using LayerImpl::LayerImpl;
  virtual Shape output_shape(const Shape& in) const = 0;
  virtual graph::Value lower(graph::Builder& g, graph::Value x) const = 0;

  std::vector<Shape> output_shapes(const std::vector<Shape>& in) const final;
  std::vector<graph::Value> lower(graph::Builder& g,
                                  const std::vector<graph::Value>& in) const final;

 protected:
  virtual void create_weights(const Shape&) {}
  void create_weights(const std::vector<Shape>& in) final { create_weights(in[0]); }
};

// The next automatic name for a class: "conv2d", then "conv2d_1", … per process (layers.md 3.1).
CORNU_API std::string unique_name(const std::string& class_name);
// Forgets the automatic names given so far (Keras: clear_session).
CORNU_API void clear_session();

}  // namespace cornu
