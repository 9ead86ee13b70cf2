#pragma once

// The two kinds of layers that the ESRGAN upscaling models add to Keras's, written as any layer of
// your own is: a class that says its output shape and lowers to ops, and one line to make files
// know it. The cornu program knows them from here.

#include <cornu/cornu.h>

namespace esrgan {

struct MultiplyBetaOptions {
  double beta = 0.2;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  cornu::Shape input_shape = {};
};

// x * beta: the residual scaling of an RRDB block.
class MultiplyBeta final : public cornu::layers::LayerWith<MultiplyBeta, MultiplyBetaOptions> {
 public:
  MultiplyBeta(std::string class_name, MultiplyBetaOptions o, cornu::layers::Origin)
      : LayerWith(std::move(class_name), std::move(o)) {}

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("beta", o.beta);
  }
  cornu::Shape output_shape(const cornu::Shape& in) const override { return in; }
  cornu::graph::Value lower(cornu::graph::Builder& g, cornu::graph::Value x) const override {
    return g.unary(cornu::ops::Unary::Fn::kAffine, x, static_cast<float>(options_.beta), 0.0f);
  }
};

struct PixelShuffleOptions {
  cornu::Int scale = 2;
  std::string name = {};
  bool trainable = true;
  std::string dtype = "float32";
  cornu::Shape input_shape = {};
};

// Depth to space: (batch, h, w, s*s*c) becomes (batch, h*s, w*s, c), the s*s blocks of channels
// being the rows and columns of each cell.
class PixelShuffle final : public cornu::layers::LayerWith<PixelShuffle, PixelShuffleOptions> {
 public:
  PixelShuffle(std::string class_name, PixelShuffleOptions o, cornu::layers::Origin)
      : LayerWith(std::move(class_name), std::move(o)) {
    if (options_.scale < 1 || options_.scale > 64)
      throw cornu::ValueError(
          where().message("`scale` must be 1 to 64. Received: scale=", options_.scale.value));
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("scale", o.scale);
  }
  cornu::Shape output_shape(const cornu::Shape& in) const override {
    const int64_t s = options_.scale;
    if (in.rank() != 4 || !in.known(3) || in[3] % (s * s) != 0)
      throw cornu::ValueError(
          where().message("it takes (batch, height, width, channels), channels "
                          "a multiple of ",
                          s * s, ". Received: shape=", in));
    cornu::Shape out = in;
    for (int64_t axis : {1, 2})
      if (in.known(axis)) out[axis] *= s;
    out[3] /= s * s;
    return out;
  }
  cornu::graph::Value lower(cornu::graph::Builder& g, cornu::graph::Value x) const override {
    const int64_t s = options_.scale;
    const cornu::Shape in = g.shape(x), out = output_shape(in);
    x = g.reshape(x, {in[0], in[1], in[2], s, s, out[3]});
    x = g.transpose(x, {0, 1, 3, 2, 4, 5});
    return g.reshape(x, out);
  }
};

// Call once, before a model is loaded.
inline void register_layers() {
  const auto add = [](const char* class_name, auto load) {
    cornu::register_layer(class_name, [=](const cornu::base::Json& config) {
      return load(class_name, config, cornu::layers::Dialect{});
    });
  };
  add("MultiplyBeta", cornu::layers::load<MultiplyBeta>);
  for (const char* name : {"PixelShuffle2x", "PixelShuffle3x", "PixelShuffle4x", "PixelShuffle8x"})
    add(name, cornu::layers::load<PixelShuffle>);
}

}  // namespace esrgan
