#include "cornu/layers/separable_conv.h"

#include "cornu/layers/conv_base.h"
#include "cornu/layers/registry.h"

namespace cornu {
namespace layers {
namespace {

template <size_t N>
class SeparableConv final : public ConvBase<SeparableConv<N>, SeparableConvOptions<N>> {
 public:
  using Options = SeparableConvOptions<N>;
  using Base = ConvBase<SeparableConv<N>, Options>;

  SeparableConv(std::string class_name, Options given, Origin origin)
      : Base(std::move(class_name), std::move(given), N == 1 && origin == Origin::kFile) {
    const Options& o = this->options_;
    check_positive(this->where(), "filters", o.filters);
    check_positive(this->where(), "depth_multiplier", o.depth_multiplier);
    if (origin == Origin::kCode) check_stride_or_dilation(this->where(), this->window_);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("depth_multiplier", o.depth_multiplier);
    v("filters", o.filters);
    v("kernel_size", o.kernel_size);
    v("strides", o.strides);
    v("padding", o.padding);
    v("data_format", o.data_format);
    v("dilation_rate", o.dilation_rate);
    v("activation", o.activation);
    v("use_bias", o.use_bias);
    v("depthwise_initializer", o.depthwise_initializer);
    v("pointwise_initializer", o.pointwise_initializer);
    v("bias_initializer", o.bias_initializer);
    v("depthwise_regularizer", o.depthwise_regularizer);
    v("pointwise_regularizer", o.pointwise_regularizer);
    v("bias_regularizer", o.bias_regularizer);
    v("activity_regularizer", o.activity_regularizer);
    v("depthwise_constraint", o.depthwise_constraint);
    v("pointwise_constraint", o.pointwise_constraint);
    v("bias_constraint", o.bias_constraint);
    v.ignore({"rank", "kernel_initializer", "kernel_regularizer", "kernel_constraint"});
  }

 private:
  int64_t output_channels(const Shape&, int64_t) const override { return this->options_.filters; }

  void create_kernels(int64_t channels) override {
    const Options& o = this->options_;
    depthwise_ =
        this->add_weight({.name = "depthwise_kernel",
                          .shape = this->window_.kernel_shape(channels, o.depth_multiplier),
                          .initializer = o.depthwise_initializer,
                          .regularizer = o.depthwise_regularizer,
                          .constraint = o.depthwise_constraint});
    pointwise_ = this->add_weight(
        {.name = "pointwise_kernel",
         .shape = one_cell().kernel_shape(channels * o.depth_multiplier, o.filters),
         .initializer = o.pointwise_initializer,
         .regularizer = o.pointwise_regularizer,
         .constraint = o.pointwise_constraint});
  }

  graph::Value lower_conv(graph::Builder& g, graph::Value x) const override {
    const graph::Value z = convolve_depthwise(g, {x, g.variable(depthwise_)}, this->window_);
    return convolve(g, this->operands(g, z, pointwise_), one_cell(), 1);
  }

  static Window one_cell() {
    const std::vector<int64_t> ones(N, 1);
    return {ones, ones, ones, "valid", "channels_last"};
  }

  std::shared_ptr<Variable> depthwise_, pointwise_;
};

}  // namespace

void add_separable_conv(Registry& r) {
  r.add_each<SeparableConv<1>, SeparableConv<2>>("SeparableConv", "D");
  r.alias("SeparableConvolution1D", "SeparableConv1D");
  r.alias("SeparableConvolution2D", "SeparableConv2D");
}

}  // namespace layers

Layer SeparableConv1D(SeparableConvOptions<1> o) {
  return layers::make<layers::SeparableConv<1>>("SeparableConv1D", std::move(o));
}
Layer SeparableConv2D(SeparableConvOptions<2> o) {
  return layers::make<layers::SeparableConv<2>>("SeparableConv2D", std::move(o));
}

}  // namespace cornu
