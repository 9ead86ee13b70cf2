#include "cornu/layers/dense.h"

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"

namespace cornu {
namespace layers {
namespace {

class DenseImpl final : public LayerWith<DenseImpl, DenseOptions> {
 public:
  DenseImpl(std::string class_name, DenseOptions o, Origin)
      : LayerWith(std::move(class_name), with_input_shape(std::move(o))) {
    check_positive(where(), "units", options_.units);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("units", o.units);
    kernel_and_bias_fields(o, v, false);
    v.ignore({"input_dim"});
  }

  Shape output_shape(const Shape& in) const override {
    check_min_rank(where(), in, 2);
    if (built())
      check_axis(where(), in, -1, kernel_->shape()[0]);
    else
      known_axis(where(), in, -1);
    return options_.activation.output_shape(linear_shape(in));
  }

  void create_weights(const Shape& in) override {
    kernel_ = add_weight({"kernel",
                          {in[-1], options_.units.value},
                          options_.kernel_initializer,
                          options_.kernel_regularizer,
                          options_.kernel_constraint});
    if (options_.use_bias)
      bias_ = add_weight({"bias",
                          {options_.units.value},
                          options_.bias_initializer,
                          options_.bias_regularizer,
                          options_.bias_constraint});
  }

  // A convolution without spatial axes on the rows of x.
  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const Shape shape = g.shape(x);
    int64_t rows = 1;
    for (int64_t i = 0; i + 1 < shape.rank(); ++i) rows *= shape[i];
    std::vector<graph::Value> operands = {g.reshape(x, {rows, shape[-1]}), read(g, kernel_)};
    if (bias_) operands.push_back(read(g, bias_));
    const graph::Value y = g.add(ops::Conv{}, std::move(operands));
    return options_.activation.lower(g, g.reshape(y, linear_shape(shape)));
  }

 private:
  static DenseOptions with_input_shape(DenseOptions o) {
    if (o.input_dim) o.input_shape = {o.input_dim->value};
    return o;
  }
  Shape linear_shape(Shape shape) const {
    shape[-1] = options_.units;
    return shape;
  }

  std::shared_ptr<Variable> kernel_, bias_;
};

}  // namespace

void add_dense(Registry& r) { r.add<DenseImpl>("Dense"); }

}  // namespace layers

Layer Dense(DenseOptions o) { return layers::make<layers::DenseImpl>("Dense", std::move(o)); }

}  // namespace cornu
