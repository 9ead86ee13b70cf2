#pragma once

#include <functional>
#include <memory>
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
  ActivationFunction(std::string name, Function function);

  // "relu", or {"class_name": "LeakyReLU", "config": {"negative_slope": 0.3}, …} (a weightless
  // activation layer given as activation=), or null. Keras 2 files mean another hard_sigmoid
  // (layers.md D16): `keras2` says so.
  static ActivationFunction from_config(const base::Json& config, const nn::Where& where,
                                        bool keras2);
  base::Json config() const;

  // Throws ValueError for an unknown name.
  void check(const nn::Where& where) const;

  const std::string& name() const { return name_; }
  bool is_linear() const;
  // True for softmax, log_softmax, sparsemax and glu, which act on the last axis of the tensor as
  // the layer stores it, whatever data_format says (layers.md 4.10). The rest are elementwise.
  bool acts_on_axis() const;
  Shape output_shape(const Shape& in) const;  // in, but for glu
  graph::Value lower(graph::Builder& g, graph::Value x) const;

 private:
  std::string name_;
  std::optional<ops::Unary> unary_;  // where the activation is one elementwise op
  Function function_;
  base::Json config_;  // as it came from a file, for writing it back
};

}  // namespace cornu
