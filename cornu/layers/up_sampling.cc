#include "cornu/layers/up_sampling.h"

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"
#include "cornu/layers/spatial.h"

namespace cornu {
namespace layers {
namespace {

using Mode = ops::Resize::Mode;

// UpSampling1D has neither data_format nor interpolation, UpSampling3D no interpolation.
template <size_t N, class Options>
class UpSampling final : public LayerWith<UpSampling<N, Options>, Options> {
 public:
  using Base = LayerWith<UpSampling<N, Options>, Options>;

  UpSampling(std::string class_name, Options given, Origin)
      : Base(std::move(class_name), std::move(given)) {
    Options& o = this->options_;
    check_positive(this->where(), "size", Ints<N>(o.size).v);
    if constexpr (N > 1) o.data_format = check_data_format(this->where(), o.data_format);
    if constexpr (N == 2) {
      o.interpolation = check_word(this->where(), "interpolation", o.interpolation,
                                   {"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"});
      if (o.legacy_bilinear && o.interpolation != "bilinear")
        throw ValueError(this->where().message(
            "`legacy_bilinear` is for interpolation='bilinear'. Received: interpolation=",
            base::quoted(o.interpolation)));
    }
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    if constexpr (N == 1)
      v.only_int("size", o.size);
    else
      v("size", o.size);
    if constexpr (N > 1) v("data_format", o.data_format);
    if constexpr (N == 2) {
      v("interpolation", o.interpolation);
      if constexpr (requires { v.dialect(); })
        o.legacy_bilinear =
            v.dialect().legacy_bilinear && base::lower(o.interpolation) == "bilinear";
      v.if_set("legacy_bilinear", o.legacy_bilinear);
    }
  }

  Shape output_shape(const Shape& in) const override {
    check_rank(this->where(), in, N + 2);
    const Ints<N> size(this->options_.size);
    Shape out = in;
    for (size_t i = 0; i < N; ++i) {
      const int64_t axis = first_spatial(data_format()) + static_cast<int64_t>(i);
      if (in.known(axis)) out[axis] = check_length(this->where(), in, in[axis] * size[i]);
    }
    return out;
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    x = to_channels_last(g, x, data_format());
    const Ints<N> size(this->options_.size);
    ops::Resize op{.mode = mode(), .size = {}};
    for (size_t i = 0; i < N; ++i)
      op.size.push_back(g.shape(x)[static_cast<int64_t>(i) + 1] * size[i]);
    return from_channels_last(g, g.add(std::move(op), {x}), data_format());
  }

 private:
  std::string data_format() const { return data_format_of(this->options_); }

  Mode mode() const {
    if constexpr (N == 2) {
      if (this->options_.legacy_bilinear) return Mode::kBilinearLegacy;
      return resize_mode(this->options_.interpolation);
    }
    return Mode::kNearest;
  }
};

using UpSampling1 = UpSampling<1, UpSampling1DOptions>;
using UpSampling2 = UpSampling<2, UpSampling2DOptions>;
using UpSampling3 = UpSampling<3, UpSampling3DOptions>;

}  // namespace

void add_up_sampling(Registry& r) {
  r.add_each<UpSampling1, UpSampling2, UpSampling3>("UpSampling", "D");
}

}  // namespace layers

Layer UpSampling1D(UpSampling1DOptions o) {
  return layers::make<layers::UpSampling1>("UpSampling1D", std::move(o));
}
Layer UpSampling2D(UpSampling2DOptions o) {
  return layers::make<layers::UpSampling2>("UpSampling2D", std::move(o));
}
Layer UpSampling3D(UpSampling3DOptions o) {
  return layers::make<layers::UpSampling3>("UpSampling3D", std::move(o));
}

}  // namespace cornu
