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
    v("padding", o.padding);
    v("data_format", o.data_format);
  }

  Shape output_shape(const Shape& in) const override {
    check_rank(this->where(), in, N + 2);
    Shape out = in;
    for (size_t i = 0; i < N; ++i) {
      const int64_t axis = first() + static_cast<int64_t>(i);
      const Pair p = this->options_.padding[i];
      if (out.known(axis)) out[axis] += p.before + p.after;
    }
    return out;
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    std::vector<ops::Edge> edges(N + 2);
    for (size_t i = 0; i < N; ++i) {
      const Pair p = this->options_.padding[i];
      edges[static_cast<size_t>(first()) + i] = {p.before, p.after};
    }
    return g.pad(x, std::move(edges));
  }

 private:
  int64_t first() const { return first_spatial(*this->options_.data_format); }
};

using ZeroPadding1 = ZeroPadding<1, ZeroPadding1DOptions>;
using ZeroPadding2 = ZeroPadding<2, ZeroPaddingOptions<2>>;
using ZeroPadding3 = ZeroPadding<3, ZeroPaddingOptions<3>>;

}  // namespace

void add_zero_padding(Registry& r) {
  r.add<ZeroPadding1>("ZeroPadding1D");
  r.add<ZeroPadding2>("ZeroPadding2D");
  r.add<ZeroPadding3>("ZeroPadding3D");
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
