#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cornu/base/export.h"
#include "cornu/base/json.h"
#include "cornu/base/none.h"
#include "cornu/graph/builder.h"
#include "cornu/nn/where.h"

namespace cornu {

// An activation argument: None (linear), a Keras name ("relu", "hard_silu", …: layers.md part 10),
// an object from a file, or a function of your own. Holding one checks nothing: the layer that
// takes it calls check(), so that the error can name the layer.
class CORNU_API ActivationFunction {
 public:
  // What a user's own activation does: adds ops to the graph and returns the result, of the same
  // shape.
  using Function = std::function<graph::Value(graph::Builder&, graph::Value)>;

  ActivationFunction() : ActivationFunction(None) {}
  ActivationFunction(std::nullopt_t) : ActivationFunction("linear") {}
  ActivationFunction(const char* name) : ActivationFunction(std::string(name)) {}
  ActivationFunction(std::string name);
  // The name is what files call it: register_activation() lets them be read again.
  ActivationFunction(std::string name, Function function);

  // "relu", or null, or a weightless activation layer given as activation=, such as
  // {"class_name": "LeakyReLU", "config": {"negative_slope": 0.3}, …}: ReLU, LeakyReLU, ELU,
  // ThresholdedReLU, Softmax over the last axis, Activation. ValueError for an unknown name, a
  // layer with weights, or a bad value.
  // Keras 2 files mean another hard_sigmoid (layers.md D16), which is called hard_sigmoid_keras2
  // here: `keras2` says so.
  static ActivationFunction from_config(const base::Json& config, const nn::Where& where,
                                        bool keras2);
  // What the file had, else the name. A Keras 2 hard_sigmoid keeps its own name, which Keras
  // refuses: under the plain one it would silently compute something else.
  base::Json config() const;

  // Throws ValueError for an unknown name.
  void check(const nn::Where& where) const;

  // Keras 3's name, aliases resolved ("silu" for "swish"); as typed where unknown.
  const std::string& name() const { return name_; }
  bool is_linear() const;
  // True for softmax, log_softmax, sparsemax and glu, which act on the last axis of the tensor as
  // the layer stores it, whatever data_format says (layers.md 4.10). The rest are elementwise.
  bool acts_on_axis() const;
  // A function of your own, which may look at any axis of that layout too.
  bool is_own_function() const { return static_cast<bool>(function_); }
  // `in`, but for glu, which halves the last axis; ValueError where that axis is odd.
  Shape output_shape(const Shape& in) const;
  // Adds the activation of x to the graph; linear adds nothing. check() must have passed.
  graph::Value lower(graph::Builder& g, graph::Value x) const;

 private:
  std::string name_;
  std::optional<ops::Unary> unary_;  // where the activation is one elementwise op
  Function function_;                // where it is the user's own
  base::Json config_;                // as it came from a file, for writing it back
};

// Makes a function of your own known under the name that ActivationFunction("name") and files use.
// Later registrations of a name replace earlier ones; Keras's own names cannot be replaced
// (ValueError). Not to be called while another thread makes or loads layers.
CORNU_API void register_activation(const std::string& name, ActivationFunction::Function function);

}  // namespace cornu
