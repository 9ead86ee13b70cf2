#include "cornu/layers/core.h"

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"

namespace cornu {
namespace layers {
namespace {

struct InputLayerOptions {
  Shape batch_shape = {};
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  Shape input_shape = {};
};

class InputLayerImpl final : public LayerWith<InputLayerImpl, InputLayerOptions, LayerImpl> {
 public:
  InputLayerImpl(std::string class_name, InputLayerOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)) {
    const Shape& shape = options_.batch_shape;
    if (shape.rank() == 0)
      throw ValueError(where().message("one of `shape` and `batch_shape` must be given"));
    for (int64_t d : shape)
      if (d != Dim::kUnknown) check_positive(where(), "shape", {&d, 1}, true);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("batch_shape", o.batch_shape);
    v.also("batch_input_shape", o.batch_shape);
    v.ignore({"optional"});
  }

  base::Json config() const override {
    const base::Json own = LayerWith::config();
    return base::Json::object({{"batch_shape", own.at("batch_shape")},
                               {"dtype", common().dtype},
                               {"sparse", false},
                               {"ragged", false},
                               {"name", name()}});
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& in) const override {
    if (!in.empty())
      throw ValueError(where().message("it takes no inputs. Received: ", in.size(), " inputs"));
    return {options_.batch_shape};
  }

  // The model makes the graph's input and hands it in.
  std::vector<graph::Value> lower(graph::Builder&,
                                  const std::vector<graph::Value>& in) const override {
    CORNU_CHECK(in.size() == 1);
    return in;
  }
};

class ActivationImpl final : public LayerWith<ActivationImpl, ActivationOptions> {
 public:
  ActivationImpl(std::string class_name, ActivationOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)) {}

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("activation", o.activation);
  }

  Shape output_shape(const Shape& in) const override {
    return options_.activation.output_shape(in);
  }
  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    return options_.activation.lower(g, x);
  }
};

class IdentityImpl final : public LayerWith<IdentityImpl, LayerOptions> {
 public:
  IdentityImpl(std::string class_name, LayerOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)) {}

  template <class O, class V>
  static void fields(O&, V&) {}

  Shape output_shape(const Shape& in) const override { return in; }
  graph::Value lower(graph::Builder&, graph::Value x) const override { return x; }
};

}  // namespace

void add_core(Registry& r) {
  r.add<InputLayerImpl>("InputLayer");
  r.add<ActivationImpl>("Activation");
  r.add<IdentityImpl>("Identity");
}

}  // namespace layers

Layer InputLayer(InputOptions o) {
  const nn::Where where{"InputLayer", o.name};
  const bool has_shape = o.shape.rank() > 0, has_batch_shape = o.batch_shape.rank() > 0;
  if (has_shape && has_batch_shape)
    throw ValueError(where.message("only one of `shape` and `batch_shape` may be given. Received: ",
                                   "shape=", o.shape, ", batch_shape=", o.batch_shape));
  if (o.batch_size && has_batch_shape)
    throw ValueError(where.message("`batch_size` cannot be given with `batch_shape`. Received: ",
                                   "batch_size=", o.batch_size->value,
                                   ", batch_shape=", o.batch_shape));
  if (o.batch_size && *o.batch_size < 0)
    throw ValueError(where.message("`batch_size` must be zero or positive. Received: batch_size=",
                                   o.batch_size->value));
  if (has_shape) {
    o.batch_shape = std::move(o.shape);
    o.batch_shape.insert(0, o.batch_size ? o.batch_size->value : Dim::kUnknown);
  }
  return layers::make<layers::InputLayerImpl>(
      "InputLayer",
      {.batch_shape = std::move(o.batch_shape), .name = std::move(o.name), .dtype = o.dtype});
}

Symbol Input(InputOptions o) { return InputLayer(std::move(o))({}); }

Layer Activation(ActivationOptions o) {
  return layers::make<layers::ActivationImpl>("Activation", std::move(o));
}
Layer Activation(ActivationFunction activation) {
  return Activation(ActivationOptions{.activation = std::move(activation)});
}

Layer Identity(LayerOptions o) {
  return layers::make<layers::IdentityImpl>("Identity", std::move(o));
}

}  // namespace cornu
