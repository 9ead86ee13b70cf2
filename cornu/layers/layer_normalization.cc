#include <algorithm>

#include "cornu/layers/check.h"
#include "cornu/layers/normalization.h"
#include "cornu/layers/registry.h"

// Layers that normalize by the mean and variance of what they are given.

namespace cornu {
namespace layers {
namespace {

using Binary = ops::Binary::Fn;
using Unary = ops::Unary::Fn;

// What both layers do. Derived has its own axis handling.
template <class Derived, class Options>
class MomentsLayer : public LayerWith<Derived, Options> {
 public:
  using Base = LayerWith<Derived, Options>;
  MomentsLayer(std::string class_name, Options given)
      : Base(std::move(class_name), std::move(given)) {
    check_not_negative(this->where(), "epsilon", this->options_.epsilon);
  }

 protected:
  template <class O, class V>
  static void shared_fields(O& o, V& v) {
    v("epsilon", o.epsilon);
    v("center", o.center);
    v("scale", o.scale);
    v("beta_initializer", o.beta_initializer);
    v("gamma_initializer", o.gamma_initializer);
    v("beta_regularizer", o.beta_regularizer);
    v("gamma_regularizer", o.gamma_regularizer);
    v("beta_constraint", o.beta_constraint);
    v("gamma_constraint", o.gamma_constraint);
  }

  void add_weights(const Shape& shape) {
    const Options& o = this->options_;
    if (o.scale)
      gamma_ = this->add_weight(
          {"gamma", shape, o.gamma_initializer, o.gamma_regularizer, o.gamma_constraint});
    if (o.center)
      beta_ = this->add_weight(
          {"beta", shape, o.beta_initializer, o.beta_regularizer, o.beta_constraint});
  }

  // (x - mean) / sqrt(variance + epsilon) over the axes, which are sorted.
  graph::Value normalized(graph::Builder& g, graph::Value x,
                          const std::vector<int64_t>& axes) const {
    const graph::Value mean = g.reduce(ops::Reduce::Kind::kMean, x, axes);
    const graph::Value centred = g.binary(Binary::kSubtract, x, mean);
    const graph::Value variance =
        g.reduce(ops::Reduce::Kind::kMean, g.unary(Unary::kSquare, centred), axes);
    const auto epsilon = static_cast<float>(this->options_.epsilon);
    const graph::Value inverse =
        g.unary(Unary::kRsqrt, g.unary(Unary::kAffine, variance, 1, epsilon));
    return g.binary(Binary::kMultiply, centred, inverse);
  }

  // x * gamma + beta, both seen with the shape `broadcast`.
  graph::Value scaled(graph::Builder& g, graph::Value x, const Shape& broadcast) const {
    if (gamma_) x = g.binary(Binary::kMultiply, x, g.reshape(this->read(g, gamma_), broadcast));
    if (beta_) x = g.binary(Binary::kAdd, x, g.reshape(this->read(g, beta_), broadcast));
    return x;
  }

  std::shared_ptr<Variable> gamma_, beta_;
};

class LayerNormalizationImpl final
    : public MomentsLayer<LayerNormalizationImpl, LayerNormalizationOptions> {
 public:
  LayerNormalizationImpl(std::string class_name, LayerNormalizationOptions o, Origin)
      : MomentsLayer(std::move(class_name), std::move(o)) {
    if (options_.axis.v.empty())
      throw ValueError(where().message("`axis` must be an integer or a list of them"));
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("axis", o.axis);
    shared_fields(o, v);
  }

  Shape output_shape(const Shape& in) const override {
    if (built()) check_rank(where(), in, built_for_.rank());
    for (int64_t axis : check_axes(where(), in, options_.axis.v)) {
      if (built())
        check_axis(where(), in, axis, built_for_[axis]);
      else
        known_axis(where(), in, axis);
    }
    return in;
  }

  void create_weights(const Shape& in) override {
    built_for_ = in;
    Shape shape;
    for (int64_t axis : options_.axis.v) shape.push_back(in[axis]);
    add_weights(shape);
  }

  // As in Keras, gamma's numbers are taken in their order even where `axis` is not in order.
  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const Shape in = g.shape(x);
    const std::vector<int64_t> axes = check_axes(where(), in, options_.axis.v);
    Shape broadcast(std::vector<int64_t>(static_cast<size_t>(in.rank()), 1));
    for (int64_t axis : axes) broadcast[axis] = in[axis];
    return scaled(g, normalized(g, x, axes), broadcast);
  }

 private:
  Shape built_for_;
};

class GroupNormalizationImpl final
    : public MomentsLayer<GroupNormalizationImpl, GroupNormalizationOptions> {
 public:
  GroupNormalizationImpl(std::string class_name, GroupNormalizationOptions o, Origin)
      : MomentsLayer(std::move(class_name), std::move(o)) {
    if (options_.groups != -1) check_positive(where(), "groups", options_.groups);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("groups", o.groups);
    v("axis", o.axis);
    shared_fields(o, v);
  }

  Shape output_shape(const Shape& in) const override {
    if (built()) check_rank(where(), in, rank_);
    check_min_rank(where(), in, 2);
    const int64_t axis = check_axis_exists(where(), in, options_.axis);
    if (built()) {
      check_axis(where(), in, axis, channels_);
      return in;
    }
    const int64_t channels = known_axis(where(), in, axis);
    if (axis == 0 || channels % groups(channels) != 0)
      throw ValueError(where().message(
          "`groups` must divide the channels, which are not the batch. Received: groups=",
          options_.groups.value, ", axis=", axis, ", input shape=", in));
    return in;
  }

  void create_weights(const Shape& in) override {
    rank_ = in.rank();
    channels_ = in[options_.axis];
    add_weights({channels_});
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const graph::Value last = g.move_axis(x, options_.axis, -1);
    const Shape shape = g.shape(last);
    int64_t cells = 1;
    for (int64_t i = 1; i + 1 < shape.rank(); ++i) cells *= shape[i];
    const int64_t n = groups(channels_);
    const graph::Value grouped = g.reshape(last, {shape[0], cells, n, channels_ / n});
    const graph::Value y = g.reshape(normalized(g, grouped, {1, 3}), shape);
    return g.move_axis(scaled(g, y, {channels_}), -1, options_.axis);
  }

 private:
  int64_t groups(int64_t channels) const {
    return options_.groups == -1 ? std::max<int64_t>(channels, 1) : options_.groups.value;
  }

  int64_t rank_ = 0, channels_ = 0;  // of the input it was built for
};

}  // namespace

void add_layer_normalization(Registry& r) {
  r.add<LayerNormalizationImpl>("LayerNormalization");
  r.add<GroupNormalizationImpl>("GroupNormalization");
}

}  // namespace layers

Layer LayerNormalization(LayerNormalizationOptions o) {
  return layers::make<layers::LayerNormalizationImpl>("LayerNormalization", std::move(o));
}
Layer GroupNormalization(GroupNormalizationOptions o) {
  return layers::make<layers::GroupNormalizationImpl>("GroupNormalization", std::move(o));
}

}  // namespace cornu
