#include "cornu/layers/dropout.h"

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"

namespace cornu {
namespace layers {
namespace {

void check_share(const Where& where, const char* argument, double v) {
  if (!(v >= 0 && v <= 1))  // NaN, too
    throw ValueError(
        where.message("`", argument, "` must be in [0, 1]. Received: ", argument, "=", v));
}

// Gives what it takes. Derived checks its arguments, and maybe the rank (0: any).
template <class Derived, class Options, int64_t kRank = 0>
class PassesOn : public LayerWith<Derived, Options> {
 public:
  using Base = LayerWith<Derived, Options>;
  using Base::Base;
  Shape output_shape(const Shape& in) const override {
    if constexpr (kRank > 0) check_rank(this->where(), in, kRank);
    return in;
  }
  graph::Value lower(graph::Builder&, graph::Value x) const override { return x; }
};

// Dropout, AlphaDropout.
class DropoutImpl final : public PassesOn<DropoutImpl, DropoutOptions> {
 public:
  DropoutImpl(std::string class_name, DropoutOptions o, Origin)
      : PassesOn(std::move(class_name), std::move(o)) {
    check_share(where(), "rate", options_.rate);
  }
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("rate", o.rate);
    v("seed", o.seed);
    v("noise_shape", o.noise_shape);
  }
};

// SpatialDropout1D, GaussianDropout.
template <int64_t kRank>
class RateImpl final : public PassesOn<RateImpl<kRank>, DropoutRateOptions, kRank> {
 public:
  RateImpl(std::string class_name, DropoutRateOptions o, Origin)
      : RateImpl::PassesOn(std::move(class_name), std::move(o)) {
    check_share(this->where(), "rate", this->options_.rate);
  }
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("rate", o.rate);
    v("seed", o.seed);
  }
};

template <int64_t kRank>
class SpatialDropoutImpl final
    : public PassesOn<SpatialDropoutImpl<kRank>, SpatialDropoutOptions, kRank> {
 public:
  SpatialDropoutImpl(std::string class_name, SpatialDropoutOptions o, Origin)
      : SpatialDropoutImpl::PassesOn(std::move(class_name), std::move(o)) {
    check_share(this->where(), "rate", this->options_.rate);
    this->options_.data_format = check_data_format(this->where(), this->options_.data_format);
  }
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("rate", o.rate);
    v("seed", o.seed);
    v("data_format", o.data_format);
  }
};

class GaussianNoiseImpl final : public PassesOn<GaussianNoiseImpl, GaussianNoiseOptions> {
 public:
  // Keras 2 takes any stddev, so that files may hold one above 1.
  GaussianNoiseImpl(std::string class_name, GaussianNoiseOptions o, Origin origin)
      : PassesOn(std::move(class_name), std::move(o)) {
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
};

class ActivityRegularizationImpl final
    : public PassesOn<ActivityRegularizationImpl, ActivityRegularizationOptions> {
 public:
  ActivityRegularizationImpl(std::string class_name, ActivityRegularizationOptions o, Origin)
      : PassesOn(std::move(class_name), std::move(o)) {
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
};

}  // namespace

void add_dropout(Registry& r) {
  r.add<DropoutImpl>("Dropout");
  r.add<RateImpl<3>>("SpatialDropout1D");
  r.add<SpatialDropoutImpl<4>>("SpatialDropout2D");
  r.add<SpatialDropoutImpl<5>>("SpatialDropout3D");
  r.add<RateImpl<0>>("GaussianDropout");
  r.add<DropoutImpl>("AlphaDropout");
  r.add<GaussianNoiseImpl>("GaussianNoise");
  r.add<ActivityRegularizationImpl>("ActivityRegularization");
}

}  // namespace layers

using layers::make;

Layer Dropout(DropoutOptions o) { return make<layers::DropoutImpl>("Dropout", std::move(o)); }
Layer SpatialDropout1D(DropoutRateOptions o) {
  return make<layers::RateImpl<3>>("SpatialDropout1D", std::move(o));
}
Layer SpatialDropout2D(SpatialDropoutOptions o) {
  return make<layers::SpatialDropoutImpl<4>>("SpatialDropout2D", std::move(o));
}
Layer SpatialDropout3D(SpatialDropoutOptions o) {
  return make<layers::SpatialDropoutImpl<5>>("SpatialDropout3D", std::move(o));
}
Layer GaussianDropout(DropoutRateOptions o) {
  return make<layers::RateImpl<0>>("GaussianDropout", std::move(o));
}
Layer AlphaDropout(DropoutOptions o) {
  return make<layers::DropoutImpl>("AlphaDropout", std::move(o));
}
Layer GaussianNoise(GaussianNoiseOptions o) {
  return make<layers::GaussianNoiseImpl>("GaussianNoise", std::move(o));
}
Layer ActivityRegularization(ActivityRegularizationOptions o) {
  return make<layers::ActivityRegularizationImpl>("ActivityRegularization", std::move(o));
}

}  // namespace cornu
