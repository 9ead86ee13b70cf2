#include "cornu/layers/conv_base.h"

namespace cornu::layers {

Shape Window::kernel_shape(int64_t a, int64_t b) const {
  Shape shape(kernel);
  shape.push_back(a);
  shape.push_back(b);
  return shape;
}

void check_window(const Where& where, const Window& w) {
  check_positive(where, "kernel_size", w.kernel);
  check_positive(where, "strides", w.stride);
  check_positive(where, "dilation_rate", w.dilation);
  for (size_t i = 0; i < w.kernel.size(); ++i)
    if (w.extent(i) > kMaxSize)
      throw ValueError(where.message("the dilated kernel must cover at most ", kMaxSize,
                                     " cells. Received: kernel_size=", tuple_text(w.kernel),
                                     ", dilation_rate=", tuple_text(w.dilation)));
}

void check_stride_or_dilation(const Where& where, const Window& w) {
  const auto above_one = [](const std::vector<int64_t>& v) {
    for (int64_t x : v)
      if (x > 1) return true;
    return false;
  };
  if (above_one(w.stride) && above_one(w.dilation))
    throw ValueError(where.message(
        "`strides` above 1 cannot be combined with `dilation_rate` above 1. Received: strides=",
        tuple_text(w.stride), ", dilation_rate=", tuple_text(w.dilation)));
}

int64_t input_channels(const Where& where, const Window& w, const Shape& in, int64_t built) {
  check_rank(where, in, static_cast<int64_t>(w.kernel.size()) + 2);
  const int64_t axis = channel_axis(w.data_format, in.rank());
  if (built > 0) {
    check_axis(where, in, axis, built);
    return built;
  }
  const int64_t channels = known_axis(where, in, axis);
  if (channels == 0)
    throw ValueError(where.message("the input has no channels. Received: input shape=", in));
  return channels;
}

graph::Value convolve(graph::Builder& g, std::vector<graph::Value> operands, const Window& w,
                      int64_t groups) {
  ops::Conv conv{.stride = w.stride, .dilation = w.dilation, .pad = {}, .groups = groups};
  for (size_t i = 0; i < w.kernel.size(); ++i) {
    const int64_t n = g.shape(operands[0])[static_cast<int64_t>(i) + 1];
    const Pair p = window_padding(n, w.axis(i), w.padding);
    conv.pad.push_back({p.before, p.after});
  }
  return g.add(std::move(conv), std::move(operands));
}

graph::Value convolve_depthwise(graph::Builder& g, std::vector<graph::Value> operands,
                                const Window& w) {
  const Shape kernel = g.shape(operands[1]);
  const int64_t channels = kernel[-2];
  operands[1] = g.reshape(operands[1], w.kernel_shape(1, channels * kernel[-1]));
  return convolve(g, std::move(operands), w, channels);
}

}  // namespace cornu::layers
