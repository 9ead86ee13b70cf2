#pragma once

// What the four families of convolution layers share: the checks of their arguments, the shapes
// they give and the way they reach the channels-last ops.

#include <memory>
#include <string>
#include <vector>

#include "cornu/layers/check.h"
#include "cornu/layers/config.h"
#include "cornu/layers/spatial.h"

namespace cornu::layers {

// A window that walks over the spatial axes; one entry per axis. The words are checked ones.
struct Window {
  std::vector<int64_t> kernel, stride, dilation;
  std::string padding, data_format;

  WindowAxis axis(size_t i) const { return {kernel[i], stride[i], dilation[i]}; }
  // Cells from the first to the last one under a dilated kernel.
  int64_t extent(size_t i) const { return (kernel[i] - 1) * dilation[i] + 1; }
  // (*kernel, a, b): how Keras stores every kernel, whatever data_format says.
  Shape kernel_shape(int64_t a, int64_t b) const;
};

// Every size > 0, none of them too large; ValueError otherwise.
void check_window(const Where& where, const Window& w);
// No stride above 1 together with a dilation above 1 (layers.md D4); ValueError otherwise.
void check_stride_or_dilation(const Where& where, const Window& w);
// The channels of an input of the right rank: known, > 0 and, once the layer is built for `built`
// of them, that many. ValueError otherwise.
int64_t input_channels(const Where& where, const Window& w, const Shape& in, int64_t built);

// The convolution of (x, kernel[, bias]), x channels-last: padding words become edges for the
// length that x has.
graph::Value convolve(graph::Builder& g, std::vector<graph::Value> operands, const Window& w,
                      int64_t groups);
// The same with a kernel (*k, C, M) for each channel alone: output channel c*M + m.
graph::Value convolve_depthwise(graph::Builder& g, std::vector<graph::Value> operands,
                                const Window& w);

// A convolution layer. Derived gives the number of output channels, the kernels and the op.
template <class Derived, class Options>
class ConvBase : public LayerWith<Derived, Options> {
 public:
  using Base = LayerWith<Derived, Options>;

  // Checks the arguments that all families have. `padding` may be "causal" where `causal` says so.
  ConvBase(std::string class_name, Options given, bool causal = false)
      : Base(std::move(class_name), std::move(given)) {
    Options& o = this->options_;
    o.padding = causal
                    ? check_word(this->where(), "padding", o.padding, {"valid", "same", "causal"})
                    : check_word(this->where(), "padding", o.padding, {"valid", "same"});
    o.data_format = check_data_format(this->where(), o.data_format);
    window_ = {o.kernel_size.vector(), o.strides.vector(), o.dilation_rate.vector(), o.padding,
               *o.data_format};
    check_window(this->where(), window_);
  }

  Shape output_shape(const Shape& in) const override {
    const int64_t channels = input_channels(this->where(), window_, in, channels_);
    Shape out = in;
    out[channel_axis(window_.data_format, in.rank())] = output_channels(in, channels);
    for (size_t i = 0; i < window_.kernel.size(); ++i) {
      const int64_t a = first_spatial(window_.data_format) + static_cast<int64_t>(i);
      out[a] = check_length(this->where(), in, output_length(in, in[a], i));
    }
    return this->options_.activation.output_shape(out);
  }

  // Linear op, bias, activation (layers.md part 3). An activation that looks at axes gets the
  // layout that the user sees (4.10).
  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const ActivationFunction& activation = this->options_.activation;
    const bool looks_at_axes = activation.acts_on_axis() || activation.is_own_function();
    graph::Value y = lower_conv(g, to_channels_last(g, x, window_.data_format));
    if (!looks_at_axes) y = activation.lower(g, y);
    y = from_channels_last(g, y, window_.data_format);
    return looks_at_axes ? activation.lower(g, y) : y;
  }

 protected:
  // The checks of this family that need the number of channels are made here.
  virtual int64_t output_channels(const Shape& in, int64_t channels) const = 0;
  // Of spatial axis i, `n` long (or unknown).
  virtual int64_t output_length(const Shape& in, int64_t n, size_t i) const {
    return window_length(this->where(), in, n, window_.axis(i), window_.padding);
  }
  virtual void create_kernels(int64_t channels) = 0;
  virtual graph::Value lower_conv(graph::Builder& g, graph::Value x) const = 0;

  void create_weights(const Shape& in) override {
    const Options& o = this->options_;
    channels_ = in[channel_axis(window_.data_format, in.rank())];
    create_kernels(channels_);
    if (o.use_bias)
      bias_ = this->add_weight({.name = "bias",
                                .shape = Shape{output_channels(in, channels_)},
                                .initializer = o.bias_initializer,
                                .regularizer = o.bias_regularizer,
                                .constraint = o.bias_constraint});
  }
  // x, the kernel and, if there is one, the bias.
  std::vector<graph::Value> operands(graph::Builder& g, graph::Value x,
                                     const std::shared_ptr<Variable>& kernel) const {
    std::vector<graph::Value> all = {x, g.variable(kernel)};
    if (bias_) all.push_back(g.variable(bias_));
    return all;
  }

  Window window_;
  int64_t channels_ = 0;  // of the input; 0 before the layer is built

 private:
  std::shared_ptr<Variable> bias_;
};

}  // namespace cornu::layers
