#include "cornu/layers/zero_padding.h"

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"
#include "cornu/layers/spatial.h"

namespace cornu {
namespace layers {
namespace {

template <size_t N, class Options>
class ZeroPadding final : public LayerWith<ZeroPadding<N, Options>, Options> {
 public:
  using Base = LayerWith<ZeroPadding<N, Options>, Options>;

  ZeroPadding(std::string class_name, Options o, Origin)
      : Base(std::move(class_name), std::move(o)) {
    this->options_.data_format = check_data_format(this->where(), this->options_.data_format);
    check_borders(this->where(), "padding", this->options_.padding.v);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    if constexpr (N == 1)
      v.borders("padding", o.padding, {"left_pad", "right_pad"});
    else if constexpr (N == 2)
      v.borders("padding", o.padding, {"top_pad", "bottom_pad", "left_pad", "right_pad"});
    else
      v("padding", o.padding);
    v("data_format", o.data_format);
  }

  Shape output_shape(const Shape& in) const override {
    check_rank(this->where(), in, N + 2);
    const Shape out = bordered_shape(in, this->options_.padding.v, data_format(), 1);
    for (int64_t n : out) check_length(this->where(), in, n);
    return out;
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    return bordered(g, x, this->options_.padding.v, data_format(), 1);
  }

 private:
  const std::string& data_format() const { return *this->options_.data_format; }
};

using ZeroPadding1 = ZeroPadding<1, ZeroPadding1DOptions>;
using ZeroPadding2 = ZeroPadding<2, ZeroPaddingOptions<2>>;
using ZeroPadding3 = ZeroPadding<3, ZeroPaddingOptions<3>>;

}  // namespace

void add_zero_padding(Registry& r) {
  r.add_each<ZeroPadding1, ZeroPadding2, ZeroPadding3>("ZeroPadding", "D");
}

}  // namespace layers

Layer ZeroPadding1D(ZeroPadding1DOptions o) {
  return layers::make<layers::ZeroPadding1>("ZeroPadding1D", std::move(o));
}
Layer ZeroPadding2D(ZeroPaddingOptions<2> o) {
  return layers::make<layers::ZeroPadding2>("ZeroPadding2D", std::move(o));
}
Layer ZeroPadding3D(ZeroPaddingOptions<3> o) {
  return layers::make<layers::ZeroPadding3>("ZeroPadding3D", std::move(o));
}

}  // namespace cornu
