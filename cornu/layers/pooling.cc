#include "cornu/layers/pooling.h"

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"
#include "cornu/layers/spatial.h"

namespace cornu {
namespace layers {
namespace {

using Kind = ops::Pool::Kind;

template <Kind kKind, size_t N>
class Pooling final : public LayerWith<Pooling<kKind, N>, PoolingOptions<N>> {
 public:
  using Base = LayerWith<Pooling<kKind, N>, PoolingOptions<N>>;

  Pooling(std::string class_name, PoolingOptions<N> given, Origin)
      : Base(std::move(class_name), std::move(given)) {
    PoolingOptions<N>& o = this->options_;
    if (!o.strides.value) o.strides.value = o.pool_size;
    check_positive(this->where(), "pool_size", o.pool_size.v);
    check_positive(this->where(), "strides", o.strides.value->v);
    o.padding = check_word(this->where(), "padding", o.padding, {"valid", "same"});
    o.data_format = check_data_format(this->where(), o.data_format);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("pool_size", o.pool_size);
    v("padding", o.padding);
    v("strides", o.strides);
    v("data_format", o.data_format);
  }

  Shape output_shape(const Shape& in) const override {
    check_rank(this->where(), in, N + 2);
    Shape out = in;
    for (size_t i = 0; i < N; ++i) {
      const int64_t a = first_spatial(data_format()) + static_cast<int64_t>(i);
      out[a] = window_length(this->where(), in, in[a], axis(i), this->options_.padding);
    }
    return out;
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const PoolingOptions<N>& o = this->options_;
    x = to_channels_last(g, x, data_format());
    ops::Pool pool{kKind, o.pool_size.vector(), o.strides.value->vector(), {}};
    for (size_t i = 0; i < N; ++i) {
      const int64_t n = g.shape(x)[static_cast<int64_t>(i) + 1];
      const Pair p = window_padding(n, axis(i), o.padding);
      pool.pad.push_back({p.before, p.after});
    }
    return from_channels_last(g, g.add(std::move(pool), {x}), data_format());
  }

 private:
  WindowAxis axis(size_t i) const {
    return {this->options_.pool_size[i], (*this->options_.strides.value)[i], 1};
  }
  const std::string& data_format() const { return *this->options_.data_format; }
};

template <Kind kKind, size_t N>
void add(Registry& r, const char* class_name, const char* other) {
  r.add<Pooling<kKind, N>>(class_name);
  r.alias(other, class_name);
}

}  // namespace

void add_pooling(Registry& r) {
  add<Kind::kMax, 1>(r, "MaxPooling1D", "MaxPool1D");
  add<Kind::kMax, 2>(r, "MaxPooling2D", "MaxPool2D");
  add<Kind::kMax, 3>(r, "MaxPooling3D", "MaxPool3D");
  add<Kind::kAverage, 1>(r, "AveragePooling1D", "AvgPool1D");
  add<Kind::kAverage, 2>(r, "AveragePooling2D", "AvgPool2D");
  add<Kind::kAverage, 3>(r, "AveragePooling3D", "AvgPool3D");
}

}  // namespace layers

using layers::Kind;
using layers::make;
using layers::Pooling;

Layer MaxPooling1D(PoolingOptions<1> o) {
  return make<Pooling<Kind::kMax, 1>>("MaxPooling1D", std::move(o));
}
Layer MaxPooling2D(PoolingOptions<2> o) {
  return make<Pooling<Kind::kMax, 2>>("MaxPooling2D", std::move(o));
}
Layer MaxPooling3D(PoolingOptions<3> o) {
  return make<Pooling<Kind::kMax, 3>>("MaxPooling3D", std::move(o));
}
Layer AveragePooling1D(PoolingOptions<1> o) {
  return make<Pooling<Kind::kAverage, 1>>("AveragePooling1D", std::move(o));
}
Layer AveragePooling2D(PoolingOptions<2> o) {
  return make<Pooling<Kind::kAverage, 2>>("AveragePooling2D", std::move(o));
}
Layer AveragePooling3D(PoolingOptions<3> o) {
  return make<Pooling<Kind::kAverage, 3>>("AveragePooling3D", std::move(o));
}

}  // namespace cornu
