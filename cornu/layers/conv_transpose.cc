#include "cornu/layers/conv_transpose.h"

#include <algorithm>

#include "cornu/layers/conv_base.h"
#include "cornu/layers/registry.h"

namespace cornu {
namespace layers {
namespace {

template <size_t N>
class ConvTranspose final : public ConvBase<ConvTranspose<N>, ConvTransposeOptions<N>> {
 public:
  using Options = ConvTransposeOptions<N>;
  using Base = ConvBase<ConvTranspose<N>, Options>;

  ConvTranspose(std::string class_name, Options given, Origin)
      : Base(std::move(class_name), std::move(given)) {
    const Options& o = this->options_;
    check_positive(this->where(), "filters", o.filters);
    check_stride_or_dilation(this->where(), this->window_);
    if (!o.output_padding.value) return;
    const Ints<N>& extra = *o.output_padding.value;
    check_positive(this->where(), "output_padding", extra.v, true);
    for (size_t i = 0; i < N; ++i)
      if (extra[i] >= o.strides[i])
        throw ValueError(this->where().message(
            "`output_padding` must be less than `strides` on every axis. Received: output_padding=",
            tuple_text(extra.v), ", strides=", tuple_text(o.strides.v)));
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("filters", o.filters);
    v("kernel_size", o.kernel_size);
    v("strides", o.strides);
    v("padding", o.padding);
    v("output_padding", o.output_padding);
    v("data_format", o.data_format);
    v("dilation_rate", o.dilation_rate);
    kernel_and_bias_fields(o, v);
    v.ignore({"rank"});
  }

 private:
  int64_t output_channels(const Shape&, int64_t) const override { return this->options_.filters; }

  // layers.md 4.11, deconv_len.
  int64_t output_length(const Shape& in, int64_t n, size_t i) const override {
    if (n == Dim::kUnknown) return n;
    const Window& w = this->window_;
    const int64_t length = n > 0 ? this->length(n, i) : 0;
    if (length <= 0)
      throw ValueError(this->where().message(
          "computed output size would be zero or negative. Received: input shape=", in,
          ", kernel size=", w.kernel[i], ", dilation=", w.dilation[i], ", strides=", w.stride[i],
          ", padding=", base::quoted(w.padding), ", output_padding=", output_padding_text(i)));
    return length;
  }

  int64_t length(int64_t n, size_t i) const {
    const Window& w = this->window_;
    const int64_t s = w.stride[i], extent = w.extent(i);
    const bool valid = w.padding == "valid";
    const auto& extra = this->options_.output_padding.value;
    if (!extra) return n * s + (valid ? std::max<int64_t>(extent - s, 0) : 0);
    return (n - 1) * s + (valid ? extent : extent % 2) + (*extra)[i];
  }

  std::string output_padding_text(size_t i) const {
    const auto& extra = this->options_.output_padding.value;
    return extra ? base::cat((*extra)[i]) : "None";
  }

  void create_kernels(int64_t channels) override {
    const Options& o = this->options_;
    kernel_ = this->add_weight({.name = "kernel",
                                .shape = this->window_.kernel_shape(o.filters, channels),
                                .initializer = o.kernel_initializer,
                                .regularizer = o.kernel_regularizer,
                                .constraint = o.kernel_constraint});
  }

  // layers.md 4.11, deconv_crop: "same" drops half of what is too long at the start.
  graph::Value lower_conv(graph::Builder& g, graph::Value x) const override {
    const Window& w = this->window_;
    ops::ConvTranspose op{.stride = w.stride, .dilation = w.dilation, .crop = {}, .length = {}};
    for (size_t i = 0; i < N; ++i) {
      const int64_t n = g.shape(x)[static_cast<int64_t>(i) + 1];
      const int64_t full = (n - 1) * w.stride[i] + w.extent(i), out = length(n, i);
      op.length.push_back(out);
      op.crop.push_back(w.padding == "valid" ? 0 : std::max<int64_t>(full - out, 0) / 2);
    }
    return g.add(std::move(op), this->operands(g, x, kernel_));
  }

  std::shared_ptr<Variable> kernel_;
};

}  // namespace

void add_conv_transpose(Registry& r) {
  r.add_each<ConvTranspose<1>, ConvTranspose<2>, ConvTranspose<3>>("Conv", "DTranspose");
  r.alias("Convolution1DTranspose", "Conv1DTranspose");
  r.alias("Convolution2DTranspose", "Conv2DTranspose");
  r.alias("Convolution3DTranspose", "Conv3DTranspose");
  r.alias("Deconvolution2D", "Conv2DTranspose");
  r.alias("Deconvolution3D", "Conv3DTranspose");
}

}  // namespace layers

Layer Conv1DTranspose(ConvTransposeOptions<1> o) {
  return layers::make<layers::ConvTranspose<1>>("Conv1DTranspose", std::move(o));
}
Layer Conv2DTranspose(ConvTransposeOptions<2> o) {
  return layers::make<layers::ConvTranspose<2>>("Conv2DTranspose", std::move(o));
}
Layer Conv3DTranspose(ConvTransposeOptions<3> o) {
  return layers::make<layers::ConvTranspose<3>>("Conv3DTranspose", std::move(o));
}

}  // namespace cornu
