#include "cornu/layers/cropping.h"

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"
#include "cornu/layers/spatial.h"

namespace cornu {
namespace layers {
namespace {

template <size_t N, class Options>
class Cropping final : public LayerWith<Cropping<N, Options>, Options> {
 public:
  using Base = LayerWith<Cropping<N, Options>, Options>;

  Cropping(std::string class_name, Options given, Origin)
      : Base(std::move(class_name), std::move(given)) {
    Options& o = this->options_;
    if constexpr (N > 1) o.data_format = check_data_format(this->where(), o.data_format);
    check_borders(this->where(), "cropping", o.cropping.v);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("cropping", o.cropping);
    if constexpr (N > 1) v("data_format", o.data_format);
  }

  Shape output_shape(const Shape& in) const override {
    check_rank(this->where(), in, N + 2);
    for (size_t i = 0; i < N; ++i) {
      const int64_t axis = first_spatial(data_format()) + static_cast<int64_t>(i);
      const Pair p = this->options_.cropping[i];
      if (in.known(axis) && p.before + p.after >= in[axis])
        throw ValueError(this->where().message("`cropping` must leave something of axis ", axis,
                                               ". Received: cropping=(", p.before, ", ", p.after,
                                               ") on that axis, input shape=", in));
    }
    return bordered_shape(in, this->options_.cropping.v, data_format(), -1);
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    return bordered(g, x, this->options_.cropping.v, data_format(), -1);
  }

 private:
  std::string data_format() const { return data_format_of(this->options_); }
};

using Cropping1 = Cropping<1, Cropping1DOptions>;
using Cropping2 = Cropping<2, CroppingOptions<2>>;
using Cropping3 = Cropping<3, CroppingOptions<3>>;

}  // namespace

void add_cropping(Registry& r) { r.add_each<Cropping1, Cropping2, Cropping3>("Cropping", "D"); }

}  // namespace layers

Layer Cropping1D(Cropping1DOptions o) {
  return layers::make<layers::Cropping1>("Cropping1D", std::move(o));
}
Layer Cropping2D(CroppingOptions<2> o) {
  return layers::make<layers::Cropping2>("Cropping2D", std::move(o));
}
Layer Cropping3D(CroppingOptions<3> o) {
  return layers::make<layers::Cropping3>("Cropping3D", std::move(o));
}

}  // namespace cornu
