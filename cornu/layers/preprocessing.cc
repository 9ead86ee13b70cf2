#include "cornu/layers/preprocessing.h"

#include <algorithm>

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"
#include "cornu/layers/spatial.h"
#include "cornu/nn/axis_groups.h"
#include "cornu/nn/keras_json.h"

namespace cornu {
namespace layers {
namespace {

using Binary = ops::Binary::Fn;
using Unary = ops::Unary::Fn;

Tensor tensor_of(const std::vector<double>& v, Shape shape) {
  const std::vector<float> values(v.begin(), v.end());
  return Tensor(std::move(shape), values);
}

class RescalingImpl final : public LayerWith<RescalingImpl, RescalingOptions> {
 public:
  RescalingImpl(std::string class_name, RescalingOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)),
        channels_first_(channels_first(image_data_format())) {
    check_numbers("scale", options_.scale.v);
    check_numbers("offset", options_.offset.v);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("scale", o.scale);
    v("offset", o.offset);
  }

  Shape output_shape(const Shape& in) const override {
    check_operand(in, "scale", options_.scale.v);
    check_operand(in, "offset", options_.offset.v);
    return in;
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const std::vector<double>&scale = options_.scale.v, &offset = options_.offset.v;
    if (scale.size() == 1 && offset.size() == 1)
      return g.unary(Unary::kAffine, x, static_cast<float>(scale[0]),
                     static_cast<float>(offset[0]));
    const graph::Value scaled = g.binary(Binary::kMultiply, x, operand(g, scale));
    return g.binary(Binary::kAdd, scaled, operand(g, offset));
  }

 private:
  void check_numbers(const char* argument, const std::vector<double>& v) const {
    if (v.empty())
      throw ValueError(where().message("`", argument, "` must be a number or a list of numbers"));
    for (double number : v) check_finite(where(), argument, number);
  }
  // A list goes along the last axis, or along the third from the end.
  void check_operand(const Shape& in, const char* argument, const std::vector<double>& v) const {
    if (v.size() == 1) return;
    const int64_t axis = channels_first_ ? -3 : -1;
    check_min_rank(where(), in, -axis);
    if (in.known(axis) && in[axis] != std::ssize(v))
      throw ValueError(where().message("`", argument, "` has ", v.size(),
                                       " numbers, which do not fit the input's axis ", axis,
                                       ". Received: input shape=", in));
  }
  graph::Value operand(graph::Builder& g, const std::vector<double>& v) const {
    Shape shape{v.size()};
    if (channels_first_ && v.size() > 1) shape = {v.size(), 1, 1};
    return g.constant(tensor_of(v, shape));
  }

  bool channels_first_;
};

class NormalizationImpl final : public LayerWith<NormalizationImpl, NormalizationOptions> {
 public:
  NormalizationImpl(std::string class_name, NormalizationOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)), least_(static_cast<float>(epsilon())) {
    if (options_.mean.v.empty() != options_.variance.v.empty())
      throw ValueError(where().message("`mean` and `variance` must be given together"));
    for (double m : options_.mean.v) check_finite(where(), "mean", m);
    for (double v : options_.variance.v) check_not_negative(where(), "variance", v);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("axis", o.axis);
    v("invert", o.invert);
    v("mean", o.mean);
    v("variance", o.variance);
  }

  Shape output_shape(const Shape& in) const override {
    check_min_rank(where(), in, 1);
    if (built()) check_rank(where(), in, built_for_.rank());
    int64_t size = 1;
    for (int64_t axis : check_axes(where(), in, options_.axis.v)) {
      if (built()) check_axis(where(), in, axis, built_for_[axis]);
      const int64_t n = built() ? built_for_[axis] : known_axis(where(), in, axis);
      size = check_length(where(), in, size * n);
    }
    check_statistics("mean", options_.mean.v, size, in);
    check_statistics("variance", options_.variance.v, size, in);
    return in;
  }

  void create_weights(const Shape& in) override {
    built_for_ = in;
    if (given()) return;
    Shape shape;
    for (int64_t axis : check_axes(where(), in, options_.axis.v)) shape.push_back(in[axis]);
    mean_ = add_weight({.name = "mean", .shape = shape, .trainable = false});
    variance_ =
        add_weight({.name = "variance", .shape = shape, .initializer = "ones", .trainable = false});
    add_weight({.name = "count", .trainable = false});  // of what the statistics were taken
  }

  // Mean and biased variance of the data over the other axes, in double.
  void adapt(const Tensor& data) override {
    if (given())
      throw ValueError(
          where().message("adapt() has nothing to set: `mean` and `variance` are given"));
    const Shape& in = data.shape();
    (void)output_shape(in);
    build({in});
    if (data.size() == 0)
      throw ValueError(where().message("adapt() needs data. Received: shape=", in));
    const std::vector<int64_t> kept = check_axes(where(), in, options_.axis.v);
    nn::AxisGroupsMemory memory;
    const nn::AxisGroups groups(
        in, [&](int64_t axis) { return std::ranges::count(kept, axis) == 0; }, memory);
    const double share = static_cast<double>(groups.count()) / static_cast<double>(data.size());
    const auto average = [&](auto&& value) {
      std::vector<double> sums(static_cast<size_t>(groups.count()), 0.0);
      groups.for_each([&](size_t i, size_t group) {
        sums[group] += value(double{data.values()[i]}, group) * share;
      });
      return sums;
    };
    const std::vector<double> mean = average([](double v, size_t) { return v; });
    const std::vector<double> variance =
        average([&](double v, size_t group) { return (v - mean[group]) * (v - mean[group]); });
    mean_->assign(tensor_of(mean, mean_->shape()));
    variance_->assign(tensor_of(variance, variance_->shape()));
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const Shape in = g.shape(x);
    Shape broadcast(std::vector<int64_t>(static_cast<size_t>(in.rank()), 1));
    for (int64_t axis : check_axes(where(), in, options_.axis.v)) broadcast[axis] = in[axis];
    const auto statistics = [&](const std::vector<double>& v, const auto& variable) {
      if (!given()) return g.reshape(read(g, variable), broadcast);
      return g.constant(v.size() == 1 ? Tensor::full(broadcast, static_cast<float>(v[0]))
                                      : tensor_of(v, broadcast));
    };
    const graph::Value mean = statistics(options_.mean.v, mean_);
    const graph::Value root = g.unary(Unary::kSqrt, statistics(options_.variance.v, variance_));
    const graph::Value deviation = g.binary(Binary::kMaximum, root, g.scalar(least_));
    if (options_.invert)
      return g.binary(Binary::kAdd, mean, g.binary(Binary::kMultiply, x, deviation));
    return g.binary(Binary::kDivide, g.binary(Binary::kSubtract, x, mean), deviation);
  }

 private:
  bool given() const { return !options_.mean.v.empty(); }
  void check_statistics(const char* argument, const std::vector<double>& v, int64_t size,
                        const Shape& in) const {
    if (v.size() > 1 && std::ssize(v) != size)
      throw ValueError(where().message(
          "`", argument, "` must hold 1 or ", size, " numbers. Received: ", v.size(),
          " numbers, axis=", tuple_text(options_.axis.v), ", input shape=", in));
  }

  float least_;  // deviation
  Shape built_for_;
  std::shared_ptr<Variable> mean_, variance_;
};

}  // namespace

void add_preprocessing(Registry& r) {
  r.add<RescalingImpl>("Rescaling");
  r.add<NormalizationImpl>("Normalization");
}

}  // namespace layers

using layers::make;

Layer Rescaling(RescalingOptions o) {
  return make<layers::RescalingImpl>("Rescaling", std::move(o));
}
Layer Normalization(NormalizationOptions o) {
  return make<layers::NormalizationImpl>("Normalization", std::move(o));
}

}  // namespace cornu
