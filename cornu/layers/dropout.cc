#include "cornu/layers/dropout.h"

#include <cmath>

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"
#include "cornu/layers/spatial.h"

namespace cornu {
namespace layers {
namespace {

void check_share(const Where& where, const char* argument, double v) {
  if (!(v >= 0 && v <= 1))  // NaN, too
    throw ValueError(
        where.message("`", argument, "` must be in [0, 1]. Received: ", argument, "=", v));
}

using Unary = ops::Unary::Fn;
using Binary = ops::Binary::Fn;
using Draw = ops::Random::Kind;

graph::Value affine(graph::Builder& g, graph::Value x, double a, double b = 0) {
  return g.unary(Unary::kAffine, x, static_cast<float>(a), static_cast<float>(b));
}

// Gives what it takes, except in training, where it gives what Derived::noisy(g, x) makes of it.
// Derived checks its arguments, and maybe the rank (0: any).
template <class Derived, class Options, int64_t kRank = 0>
class TrainingOnly : public LayerWith<Derived, Options> {
 public:
  using Base = LayerWith<Derived, Options>;
  using Base::Base;
  Shape output_shape(const Shape& in) const override {
    if constexpr (kRank > 0) check_rank(this->where(), in, kRank);
    return in;
  }
  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    return g.training() ? static_cast<const Derived&>(*this).noisy(g, x) : x;
  }

 protected:
  // Numbers of the layer's own stream.
  graph::Value draw(graph::Builder& g, Draw kind, const Shape& shape) const {
    graph::Builder::RandomOptions random;
    if (this->options_.seed) random.seed = this->options_.seed->value;
    if constexpr (requires { this->options_.noise_shape; }) {
      const std::optional<Shape>& noise = this->options_.noise_shape;
      random.of_batch = noise && noise->known(0) && (*noise)[0] == 1;
    }
    return g.random(kind, shape, random);
  }
  // 1 where what a draw decides over is kept, with probability 1 - rate, else 0.
  graph::Value kept(graph::Builder& g, const Shape& shape) const {
    return g.binary(Binary::kGreaterEqual, draw(g, Draw::kUniform, shape),
                    g.scalar(static_cast<float>(this->options_.rate)));
  }
  // layers.md 6.5: one decision for each cell of `noise`, whose other axes have size 1.
  graph::Value dropped(graph::Builder& g, graph::Value x, const Shape& noise) const {
    const double rate = this->options_.rate;
    if (rate == 0) return x;
    if (rate == 1) return g.add(ops::Broadcast{g.shape(x)}, {g.scalar(0)});
    return g.binary(Binary::kMultiply, x, affine(g, kept(g, noise), 1 / (1 - rate)));
  }
  // At a rate of 1 noise that keeps the variance would be infinite.
  void need_rate_below_1() const {
    if (this->options_.rate == 1)
      throw ValueError(this->where().message("`rate` must be below 1 in training. Received: rate=",
                                             this->options_.rate));
  }
};

// Dropout, AlphaDropout.
template <bool kAlpha>
class DropoutImpl final : public TrainingOnly<DropoutImpl<kAlpha>, DropoutOptions> {
 public:
  DropoutImpl(std::string class_name, DropoutOptions o, Origin)
      : DropoutImpl::TrainingOnly(std::move(class_name), std::move(o)) {
    check_share(this->where(), "rate", this->options_.rate);
  }
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("rate", o.rate);
    v("seed", o.seed);
    v("noise_shape", o.noise_shape);
  }
  graph::Value noisy(graph::Builder& g, graph::Value x) const {
    const Shape noise = noise_shape(g.shape(x));
    return kAlpha ? alpha_dropped(g, x, noise) : this->dropped(g, x, noise);
  }

 private:
  Shape noise_shape(const Shape& in) const {
    if (!this->options_.noise_shape) return in;
    Shape noise = *this->options_.noise_shape;
    bool fits = noise.rank() == in.rank();
    for (int64_t i = 0; fits && i < in.rank(); ++i) {
      if (!noise.known(i)) noise[i] = in[i];
      fits = noise[i] == in[i] || noise[i] == 1;
    }
    if (!fits)
      throw ValueError(this->where().message(
          "each entry of `noise_shape` must be 1, None or the input's size. Received: noise_shape=",
          *this->options_.noise_shape, ", input shape=", in));
    return noise;
  }
  // What is dropped becomes SELU's limit; then mean and variance are restored.
  graph::Value alpha_dropped(graph::Builder& g, graph::Value x, const Shape& noise) const {
    const double rate = this->options_.rate;
    if (rate == 0) return x;
    this->need_rate_below_1();
    constexpr double kLimit = -1.7580993408473766;
    const double a = 1 / std::sqrt((1 - rate) * (1 + rate * kLimit * kLimit));
    const graph::Value kept = this->kept(g, noise);
    const graph::Value rest = affine(g, kept, -kLimit, kLimit);  // kLimit where it is dropped
    const graph::Value mixed = g.binary(Binary::kAdd, g.binary(Binary::kMultiply, x, kept), rest);
    return affine(g, mixed, a, -a * kLimit * rate);
  }
};

// SpatialDropout1D, GaussianDropout.
template <bool kSpatial>
class RateImpl final
    : public TrainingOnly<RateImpl<kSpatial>, DropoutRateOptions, kSpatial ? 3 : 0> {
 public:
  RateImpl(std::string class_name, DropoutRateOptions o, Origin)
      : RateImpl::TrainingOnly(std::move(class_name), std::move(o)) {
    check_share(this->where(), "rate", this->options_.rate);
  }
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("rate", o.rate);
    v("seed", o.seed);
  }
  graph::Value noisy(graph::Builder& g, graph::Value x) const {
    const Shape& in = g.shape(x);
    if (kSpatial) return this->dropped(g, x, Shape{in[0], 1, in[2]});
    const double rate = this->options_.rate;
    if (rate == 0) return x;
    this->need_rate_below_1();
    const graph::Value noise = this->draw(g, Draw::kNormal, in);
    return g.binary(Binary::kMultiply, x, affine(g, noise, std::sqrt(rate / (1 - rate)), 1));
  }
};

template <int64_t kRank>
class SpatialDropoutImpl final
    : public TrainingOnly<SpatialDropoutImpl<kRank>, SpatialDropoutOptions, kRank> {
 public:
  SpatialDropoutImpl(std::string class_name, SpatialDropoutOptions o, Origin)
      : SpatialDropoutImpl::TrainingOnly(std::move(class_name), std::move(o)) {
    check_share(this->where(), "rate", this->options_.rate);
    this->options_.data_format = check_data_format(this->where(), this->options_.data_format);
  }
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("rate", o.rate);
    v("seed", o.seed);
    v("data_format", o.data_format);
  }
  graph::Value noisy(graph::Builder& g, graph::Value x) const {
    Shape noise = g.shape(x);
    for (int64_t i = 0; i < kRank - 2; ++i)
      noise[first_spatial(*this->options_.data_format) + i] = 1;
    return this->dropped(g, x, noise);
  }
};

class GaussianNoiseImpl final : public TrainingOnly<GaussianNoiseImpl, GaussianNoiseOptions> {
 public:
  // Keras 2 takes any stddev, so that files may hold one above 1.
  GaussianNoiseImpl(std::string class_name, GaussianNoiseOptions o, Origin origin)
      : TrainingOnly(std::move(class_name), std::move(o)) {
    if (origin == Origin::kFile)
      check_not_negative(where(), "stddev", options_.stddev);
    else
      check_share(where(), "stddev", options_.stddev);
  }
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("stddev", o.stddev);
    v("seed", o.seed);
  }
  graph::Value noisy(graph::Builder& g, graph::Value x) const {
    if (options_.stddev == 0) return x;
    const graph::Value noise = draw(g, Draw::kNormal, g.shape(x));
    return g.binary(Binary::kAdd, x, affine(g, noise, options_.stddev));
  }
};

class ActivityRegularizationImpl final
    : public LayerWith<ActivityRegularizationImpl, ActivityRegularizationOptions> {
 public:
  ActivityRegularizationImpl(std::string class_name, ActivityRegularizationOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)) {
    check_not_negative(where(), "l1", options_.l1);
    check_not_negative(where(), "l2", options_.l2);
  }
  Regularizer activity_regularizer() const override {
    return regularizers::L1L2({.l1 = options_.l1, .l2 = options_.l2});
  }
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("l1", o.l1);
    v("l2", o.l2);
  }
  Shape output_shape(const Shape& in) const override { return in; }
  graph::Value lower(graph::Builder&, graph::Value x) const override { return x; }
};

}  // namespace

void add_dropout(Registry& r) {
  r.add<DropoutImpl<false>>("Dropout");
  r.add<RateImpl<true>>("SpatialDropout1D");
  r.add<SpatialDropoutImpl<4>>("SpatialDropout2D");
  r.add<SpatialDropoutImpl<5>>("SpatialDropout3D");
  r.add<RateImpl<false>>("GaussianDropout");
  r.add<DropoutImpl<true>>("AlphaDropout");
  r.add<GaussianNoiseImpl>("GaussianNoise");
  r.add<ActivityRegularizationImpl>("ActivityRegularization");
}

}  // namespace layers

using layers::make;

Layer Dropout(DropoutOptions o) {
  return make<layers::DropoutImpl<false>>("Dropout", std::move(o));
}
Layer SpatialDropout1D(DropoutRateOptions o) {
  return make<layers::RateImpl<true>>("SpatialDropout1D", std::move(o));
}
Layer SpatialDropout2D(SpatialDropoutOptions o) {
  return make<layers::SpatialDropoutImpl<4>>("SpatialDropout2D", std::move(o));
}
Layer SpatialDropout3D(SpatialDropoutOptions o) {
  return make<layers::SpatialDropoutImpl<5>>("SpatialDropout3D", std::move(o));
}
Layer GaussianDropout(DropoutRateOptions o) {
  return make<layers::RateImpl<false>>("GaussianDropout", std::move(o));
}
Layer AlphaDropout(DropoutOptions o) {
  return make<layers::DropoutImpl<true>>("AlphaDropout", std::move(o));
}
Layer GaussianNoise(GaussianNoiseOptions o) {
  return make<layers::GaussianNoiseImpl>("GaussianNoise", std::move(o));
}
Layer ActivityRegularization(ActivityRegularizationOptions o) {
  return make<layers::ActivityRegularizationImpl>("ActivityRegularization", std::move(o));
}

}  // namespace cornu
