#include "cornu/layers/conv.h"

#include "cornu/layers/conv_base.h"
#include "cornu/layers/registry.h"

namespace cornu {
namespace layers {
namespace {

template <size_t N>
class Conv final : public ConvBase<Conv<N>, ConvOptions<N>> {
 public:
  using Base = ConvBase<Conv<N>, ConvOptions<N>>;

  Conv(std::string class_name, ConvOptions<N> given, Origin)
      : Base(std::move(class_name), std::move(given), N == 1) {
    const ConvOptions<N>& o = this->options_;
    check_positive(this->where(), "filters", o.filters);
    check_positive(this->where(), "groups", o.groups);
    if (o.filters % o.groups != 0)
      throw ValueError(this->where().message(
          "`filters` must be a multiple of `groups`. Received: ", "filters=", o.filters.value,
          ", groups=", o.groups.value));
    check_stride_or_dilation(this->where(), this->window_);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("filters", o.filters);
    v("kernel_size", o.kernel_size);
    v("strides", o.strides);
    v("padding", o.padding);
    v("data_format", o.data_format);
    v("dilation_rate", o.dilation_rate);
    v("groups", o.groups);
    kernel_and_bias_fields(o, v);
    v.ignore({"rank"});
  }

 private:
  int64_t output_channels(const Shape& in, int64_t channels) const override {
    const ConvOptions<N>& o = this->options_;
    if (channels % o.groups != 0)
      throw ValueError(this->where().message(
          "the number of input channels must be a multiple of `groups`. Received: groups=",
          o.groups.value, ", input channels=", channels, ", input shape=", in));
    return o.filters;
  }

  void create_kernels(int64_t channels) override {
    const ConvOptions<N>& o = this->options_;
    kernel_ = this->add_weight({.name = "kernel",
                                .shape = this->window_.kernel_shape(channels / o.groups, o.filters),
                                .initializer = o.kernel_initializer,
                                .regularizer = o.kernel_regularizer,
                                .constraint = o.kernel_constraint});
  }

  graph::Value lower_conv(graph::Builder& g, graph::Value x) const override {
    return convolve(g, this->operands(g, x, kernel_), this->window_, this->options_.groups);
  }

  std::shared_ptr<Variable> kernel_;
};

}  // namespace

void add_conv(Registry& r) {
  r.add_each<Conv<1>, Conv<2>, Conv<3>>("Conv", "D");
  r.alias("Convolution1D", "Conv1D");
  r.alias("Convolution2D", "Conv2D");
  r.alias("Convolution3D", "Conv3D");
}

}  // namespace layers

Layer Conv1D(ConvOptions<1> o) { return layers::make<layers::Conv<1>>("Conv1D", std::move(o)); }
Layer Conv2D(ConvOptions<2> o) { return layers::make<layers::Conv<2>>("Conv2D", std::move(o)); }
Layer Conv3D(ConvOptions<3> o) { return layers::make<layers::Conv<3>>("Conv3D", std::move(o)); }

}  // namespace cornu
