#include "cornu/layers/check.h"
#include "cornu/layers/normalization.h"
#include "cornu/layers/registry.h"

namespace cornu {
namespace layers {
namespace {

class BatchNormalizationImpl final
    : public LayerWith<BatchNormalizationImpl, BatchNormalizationOptions> {
 public:
  BatchNormalizationImpl(std::string class_name, BatchNormalizationOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)) {
    if (options_.axis.v.size() != 1)
      throw ValueError(where().message(
          "`axis` must be one integer. Received: ", options_.axis.v.size(), " of them"));
    options_.axis.list = false;
    check_not_negative(where(), "epsilon", options_.epsilon);
    check_finite(where(), "momentum", options_.momentum);
    if (options_.renorm)
      throw ValueError(
          where().message("batch renormalization is not supported. Received: ", "renorm=True"));
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("axis", o.axis);
    v("momentum", o.momentum);
    v("epsilon", o.epsilon);
    v("center", o.center);
    v("scale", o.scale);
    v("beta_initializer", o.beta_initializer);
    v("gamma_initializer", o.gamma_initializer);
    v("moving_mean_initializer", o.moving_mean_initializer);
    v("moving_variance_initializer", o.moving_variance_initializer);
    v("beta_regularizer", o.beta_regularizer);
    v("gamma_regularizer", o.gamma_regularizer);
    v("beta_constraint", o.beta_constraint);
    v("gamma_constraint", o.gamma_constraint);
    v("synchronized", o.synchronized);
    v.also("renorm", o.renorm);  // Keras before 3.15 does not know these three
    v.ignore({"renorm_clipping", "renorm_momentum"});
  }

  Shape output_shape(const Shape& in) const override {
    if (built()) check_rank(where(), in, rank_);
    const int64_t axis = check_axis_exists(where(), in, options_.axis.v[0]);
    if (built())
      check_axis(where(), in, axis, mean_->shape()[0]);
    else
      known_axis(where(), in, axis);
    return in;
  }

  void create_weights(const Shape& in) override {
    rank_ = in.rank();
    const Shape shape{in[options_.axis.v[0]]};
    const BatchNormalizationOptions& o = options_;
    if (o.scale)
      gamma_ = add_weight(
          {"gamma", shape, o.gamma_initializer, o.gamma_regularizer, o.gamma_constraint});
    if (o.center)
      beta_ =
          add_weight({"beta", shape, o.beta_initializer, o.beta_regularizer, o.beta_constraint});
    mean_ = add_weight({.name = "moving_mean",
                        .shape = shape,
                        .initializer = o.moving_mean_initializer,
                        .trainable = false});
    variance_ = add_weight({.name = "moving_variance",
                            .shape = shape,
                            .initializer = o.moving_variance_initializer,
                            .trainable = false});
  }

  // layers.md 6.4. Frozen, it stays in inference mode when training (D37).
  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const Shape& channels = mean_->shape();
    const graph::Value gamma = gamma_ ? read(g, gamma_) : g.constant(Tensor::full(channels, 1));
    const graph::Value beta = beta_ ? read(g, beta_) : g.constant(Tensor(channels));
    const int64_t axis = check_axis_exists(where(), g.shape(x), options_.axis.v[0]);
    ops::BatchNorm op{axis, static_cast<float>(options_.epsilon)};
    if (!g.training() || !trainable())
      return g.add(op, {x, gamma, beta, read(g, mean_), read(g, variance_)});
    op.of_batch = true;
    op.synchronized = options_.synchronized;
    const graph::Value moments = g.add(ops::Moments{axis}, {x});
    const auto row = [&](int64_t i) { return g.reshape(g.slice(moments, 0, i, i + 1), channels); };
    graph::Value mean = row(0), variance = row(1);
    if (op.synchronized) {
      const graph::Value own = mean;
      mean = g.add(ops::ReplicaMean{}, {own});
      variance = g.add(ops::ReplicaMean{}, {around(g, variance, own, mean)});
    }
    follow(g, mean_, mean);
    follow(g, variance_, variance);
    return g.add(op, {x, gamma, beta, mean, variance});
  }

 private:
  // The mean square distance from `centre`, given the variance around `mean`.
  static graph::Value around(graph::Builder& g, graph::Value variance, graph::Value mean,
                             graph::Value centre) {
    const graph::Value off = g.binary(ops::Binary::Fn::kSubtract, mean, centre);
    return g.binary(ops::Binary::Fn::kAdd, variance,
                    g.binary(ops::Binary::Fn::kMultiply, off, off));
  }

  // The moving average after one more batch.
  void follow(graph::Builder& g, const std::shared_ptr<Variable>& moving,
              graph::Value batch) const {
    const auto part = [&](graph::Value v, double share) {
      return g.unary(ops::Unary::Fn::kAffine, v, static_cast<float>(share));
    };
    g.assign(moving, g.binary(ops::Binary::Fn::kAdd, part(read(g, moving), options_.momentum),
                              part(batch, 1 - options_.momentum)));
  }

  std::shared_ptr<Variable> gamma_, beta_, mean_, variance_;
  int64_t rank_ = 0;  // of the input it was built for
};

}  // namespace

void add_batch_normalization(Registry& r) { r.add<BatchNormalizationImpl>("BatchNormalization"); }

}  // namespace layers

Layer BatchNormalization(BatchNormalizationOptions o) {
  return layers::make<layers::BatchNormalizationImpl>("BatchNormalization", std::move(o));
}

}  // namespace cornu
