#include "cornu/layers/activation_layers.h"

#include <algorithm>
#include <limits>

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"

namespace cornu {
namespace layers {
namespace {

using Fn = ops::Unary::Fn;

// A layer that is one elementwise op. Derived has op().
template <class Derived, class Options>
class Elementwise : public LayerWith<Derived, Options> {
 public:
  using Base = LayerWith<Derived, Options>;
  using Base::Base;
  Shape output_shape(const Shape& in) const override { return in; }
  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    return g.add(static_cast<const Derived&>(*this).op(), {x});
  }
};

class ReLUImpl final : public Elementwise<ReLUImpl, ReLUOptions> {
 public:
  ReLUImpl(std::string class_name, ReLUOptions o, Origin)
      : Elementwise(std::move(class_name), std::move(o)) {
    if (options_.max_value) check_not_negative(where(), "max_value", *options_.max_value);
    check_not_negative(where(), "negative_slope", options_.negative_slope);
    check_not_negative(where(), "threshold", options_.threshold);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("max_value", o.max_value);
    v("negative_slope", o.negative_slope);
    v.also("alpha", o.negative_slope);
    v("threshold", o.threshold);
  }

  ops::Unary op() const {
    const auto max_value =
        static_cast<float>(options_.max_value.value_or(std::numeric_limits<float>::infinity()));
    return {Fn::kRelu, static_cast<float>(options_.negative_slope), max_value,
            static_cast<float>(options_.threshold)};
  }
};

class LeakyReLUImpl final : public Elementwise<LeakyReLUImpl, LeakyReLUOptions> {
 public:
  LeakyReLUImpl(std::string class_name, LeakyReLUOptions o, Origin)
      : Elementwise(std::move(class_name), std::move(o)) {
    check_not_negative(where(), "negative_slope", options_.negative_slope);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("negative_slope", o.negative_slope);
    v.also("alpha", o.negative_slope);
  }

  ops::Unary op() const {
    return {Fn::kRelu, static_cast<float>(options_.negative_slope),
            std::numeric_limits<float>::infinity(), 0};
  }
};

class ELUImpl final : public Elementwise<ELUImpl, ELUOptions> {
 public:
  ELUImpl(std::string class_name, ELUOptions o, Origin)
      : Elementwise(std::move(class_name), std::move(o)) {
    check_finite(where(), "alpha", options_.alpha);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("alpha", o.alpha);
  }

  ops::Unary op() const { return {Fn::kElu, static_cast<float>(options_.alpha)}; }
};

class ThresholdedReLUImpl final : public Elementwise<ThresholdedReLUImpl, ThresholdedReLUOptions> {
 public:
  ThresholdedReLUImpl(std::string class_name, ThresholdedReLUOptions o, Origin)
      : Elementwise(std::move(class_name), std::move(o)) {
    check_not_negative(where(), "theta", options_.theta);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("theta", o.theta);
  }

  ops::Unary op() const { return {Fn::kThreshold, static_cast<float>(options_.theta)}; }
};

class PReLUImpl final : public LayerWith<PReLUImpl, PReLUOptions> {
 public:
  PReLUImpl(std::string class_name, PReLUOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)) {
    for (int64_t axis : options_.shared_axes.v) check_positive(where(), "shared_axes", axis);
    options_.shared_axes.list = !options_.shared_axes.v.empty();  // as Keras writes one axis
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("alpha_initializer", o.alpha_initializer);
    v("alpha_regularizer", o.alpha_regularizer);
    v("alpha_constraint", o.alpha_constraint);
    v("shared_axes", o.shared_axes);
  }

  Shape output_shape(const Shape& in) const override {
    if (!built()) {
      check_min_rank(where(), in, 1);
      for (int64_t axis : options_.shared_axes.v)
        if (axis >= in.rank())
          throw ValueError(where().message("`shared_axes` must be axes of the input. Received: ",
                                           "shared_axes=", axis, ", input shape=", in));
      for (int64_t i = 1; i < in.rank(); ++i)
        if (!shared(i)) known_axis(where(), in, i);
      return in;
    }
    check_rank(where(), in, alpha_->shape().rank() + 1);
    for (int64_t i = 1; i < in.rank(); ++i)
      if (!shared(i)) check_axis(where(), in, i, alpha_->shape()[i - 1]);
    return in;
  }

  void create_weights(const Shape& in) override {
    Shape shape;
    for (int64_t i = 1; i < in.rank(); ++i) shape.push_back(shared(i) ? 1 : in[i]);
    alpha_ = add_weight({"alpha", shape, options_.alpha_initializer, options_.alpha_regularizer,
                         options_.alpha_constraint});
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const auto relu = [&](graph::Value v) {
      return g.unary(Fn::kRelu, v, 0, std::numeric_limits<float>::infinity());
    };
    const graph::Value negative = relu(g.unary(Fn::kNegate, x));
    return g.binary(ops::Binary::Fn::kSubtract, relu(x),
                    g.binary(ops::Binary::Fn::kMultiply, negative, read(g, alpha_)));
  }

 private:
  bool shared(int64_t axis) const {
    const std::vector<int64_t>& axes = options_.shared_axes.v;
    return std::find(axes.begin(), axes.end(), axis) != axes.end();
  }

  std::shared_ptr<Variable> alpha_;
};

class SoftmaxImpl final : public LayerWith<SoftmaxImpl, SoftmaxOptions> {
 public:
  SoftmaxImpl(std::string class_name, SoftmaxOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)) {
    if (options_.axis.v.empty())
      throw ValueError(where().message("`axis` must be an integer or a list of them"));
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("axis", o.axis);
  }

  Shape output_shape(const Shape& in) const override {
    check_axes(where(), in, options_.axis.v);
    return in;
  }

  // The axes move to the end, where they are one.
  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const Shape in = g.shape(x);
    const std::vector<int64_t> axes = check_axes(where(), in, options_.axis.v);
    std::vector<int64_t> perm;
    Shape rows;
    int64_t together = 1;
    for (int64_t i = 0; i < in.rank(); ++i) {
      if (std::binary_search(axes.begin(), axes.end(), i)) {
        together *= in[i];
      } else {
        perm.push_back(i);
        rows.push_back(in[i]);
      }
    }
    perm.insert(perm.end(), axes.begin(), axes.end());
    rows.push_back(together);
    std::vector<int64_t> back(perm.size());
    for (size_t i = 0; i < perm.size(); ++i)
      back[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);

    const graph::Value moved = g.transpose(x, perm);
    const graph::Value y = g.add(ops::Softmax{}, {g.reshape(moved, rows)});
    return g.transpose(g.reshape(y, g.shape(moved)), back);
  }
};

}  // namespace

void add_activation_layers(Registry& r) {
  r.add<ReLUImpl>("ReLU");
  r.add<LeakyReLUImpl>("LeakyReLU");
  r.add<PReLUImpl>("PReLU");
  r.add<ELUImpl>("ELU");
  r.add<SoftmaxImpl>("Softmax");
  r.add<ThresholdedReLUImpl>("ThresholdedReLU");
}

}  // namespace layers

Layer ReLU(ReLUOptions o) { return layers::make<layers::ReLUImpl>("ReLU", std::move(o)); }
Layer LeakyReLU(LeakyReLUOptions o) {
  return layers::make<layers::LeakyReLUImpl>("LeakyReLU", std::move(o));
}
Layer PReLU(PReLUOptions o) { return layers::make<layers::PReLUImpl>("PReLU", std::move(o)); }
Layer ELU(ELUOptions o) { return layers::make<layers::ELUImpl>("ELU", std::move(o)); }
Layer Softmax(SoftmaxOptions o) {
  return layers::make<layers::SoftmaxImpl>("Softmax", std::move(o));
}
Layer ThresholdedReLU(ThresholdedReLUOptions o) {
  return layers::make<layers::ThresholdedReLUImpl>("ThresholdedReLU", std::move(o));
}

}  // namespace cornu
