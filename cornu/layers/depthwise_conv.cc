#include "cornu/layers/depthwise_conv.h"

#include "cornu/layers/conv_base.h"
#include "cornu/layers/registry.h"

namespace cornu {
namespace layers {
namespace {

template <size_t N>
class DepthwiseConv final : public ConvBase<DepthwiseConv<N>, DepthwiseConvOptions<N>> {
 public:
  using Options = DepthwiseConvOptions<N>;
  using Base = ConvBase<DepthwiseConv<N>, Options>;

  DepthwiseConv(std::string class_name, Options given, Origin origin)
      : Base(std::move(class_name), std::move(given)) {
    check_positive(this->where(), "depth_multiplier", this->options_.depth_multiplier);
    if (origin == Origin::kCode) check_stride_or_dilation(this->where(), this->window_);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("depth_multiplier", o.depth_multiplier);
    v("kernel_size", o.kernel_size);
    v("strides", o.strides);
    v("padding", o.padding);
    v("data_format", o.data_format);
    v("dilation_rate", o.dilation_rate);
    v("activation", o.activation);
    v("use_bias", o.use_bias);
    v("depthwise_initializer", o.depthwise_initializer);
    v("bias_initializer", o.bias_initializer);
    v("depthwise_regularizer", o.depthwise_regularizer);
    v("bias_regularizer", o.bias_regularizer);
    v("activity_regularizer", o.activity_regularizer);
    v("depthwise_constraint", o.depthwise_constraint);
    v("bias_constraint", o.bias_constraint);
    v.ignore({"rank", "kernel_initializer", "kernel_regularizer", "kernel_constraint"});
  }

 private:
  int64_t output_channels(const Shape&, int64_t channels) const override {
    return channels * this->options_.depth_multiplier;
  }

  void create_kernels(int64_t channels) override {
    const Options& o = this->options_;
    kernel_ = this->add_weight({.name = "kernel",
                                .shape = this->window_.kernel_shape(channels, o.depth_multiplier),
                                .initializer = o.depthwise_initializer,
                                .regularizer = o.depthwise_regularizer,
                                .constraint = o.depthwise_constraint});
  }

  graph::Value lower_conv(graph::Builder& g, graph::Value x) const override {
    return convolve_depthwise(g, this->operands(g, x, kernel_), this->window_);
  }

  std::shared_ptr<Variable> kernel_;
};

}  // namespace

void add_depthwise_conv(Registry& r) {
  r.add_each<DepthwiseConv<1>, DepthwiseConv<2>>("DepthwiseConv", "D");
  r.alias("DepthwiseConvolution2D", "DepthwiseConv2D");
}

}  // namespace layers

Layer DepthwiseConv1D(DepthwiseConvOptions<1> o) {
  return layers::make<layers::DepthwiseConv<1>>("DepthwiseConv1D", std::move(o));
}
Layer DepthwiseConv2D(DepthwiseConvOptions<2> o) {
  return layers::make<layers::DepthwiseConv<2>>("DepthwiseConv2D", std::move(o));
}

}  // namespace cornu
