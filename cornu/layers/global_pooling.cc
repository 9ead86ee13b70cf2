#include "cornu/layers/global_pooling.h"

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"
#include "cornu/layers/spatial.h"

namespace cornu {
namespace layers {
namespace {

using Kind = ops::Reduce::Kind;

template <Kind kKind, int64_t kAxes>
class GlobalPooling final : public LayerWith<GlobalPooling<kKind, kAxes>, GlobalPoolingOptions> {
 public:
  using Base = LayerWith<GlobalPooling<kKind, kAxes>, GlobalPoolingOptions>;

  GlobalPooling(std::string class_name, GlobalPoolingOptions o, Origin)
      : Base(std::move(class_name), std::move(o)) {
    this->options_.data_format = check_data_format(this->where(), this->options_.data_format);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("data_format", o.data_format);
    v("keepdims", o.keepdims);
  }

  Shape output_shape(const Shape& in) const override {
    check_rank(this->where(), in, kAxes + 2);
    Shape out = in;
    for (int64_t i = kAxes; i-- > 0;) {
      const int64_t axis = first() + i;
      if (in[axis] == 0)
        throw ValueError(this->where().message(
            "there is nothing to pool along an axis of size 0. Received: input shape=", in));
      if (this->options_.keepdims)
        out[axis] = 1;
      else
        out.erase(axis);
    }
    return out;
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    std::vector<int64_t> axes;
    for (int64_t i = 0; i < kAxes; ++i) axes.push_back(first() + i);
    return g.reshape(g.reduce(kKind, x, std::move(axes)), output_shape(g.shape(x)));
  }

 private:
  int64_t first() const { return first_spatial(*this->options_.data_format); }
};

template <Kind kKind, int64_t kAxes>
void add(Registry& r, const char* class_name, const char* other) {
  r.add<GlobalPooling<kKind, kAxes>>(class_name);
  r.alias(other, class_name);
}

}  // namespace

void add_global_pooling(Registry& r) {
  add<Kind::kMean, 1>(r, "GlobalAveragePooling1D", "GlobalAvgPool1D");
  add<Kind::kMean, 2>(r, "GlobalAveragePooling2D", "GlobalAvgPool2D");
  add<Kind::kMean, 3>(r, "GlobalAveragePooling3D", "GlobalAvgPool3D");
  add<Kind::kMax, 1>(r, "GlobalMaxPooling1D", "GlobalMaxPool1D");
  add<Kind::kMax, 2>(r, "GlobalMaxPooling2D", "GlobalMaxPool2D");
  add<Kind::kMax, 3>(r, "GlobalMaxPooling3D", "GlobalMaxPool3D");
}

}  // namespace layers

using layers::GlobalPooling;
using layers::Kind;
using layers::make;

Layer GlobalAveragePooling1D(GlobalPoolingOptions o) {
  return make<GlobalPooling<Kind::kMean, 1>>("GlobalAveragePooling1D", std::move(o));
}
Layer GlobalAveragePooling2D(GlobalPoolingOptions o) {
  return make<GlobalPooling<Kind::kMean, 2>>("GlobalAveragePooling2D", std::move(o));
}
Layer GlobalAveragePooling3D(GlobalPoolingOptions o) {
  return make<GlobalPooling<Kind::kMean, 3>>("GlobalAveragePooling3D", std::move(o));
}
Layer GlobalMaxPooling1D(GlobalPoolingOptions o) {
  return make<GlobalPooling<Kind::kMax, 1>>("GlobalMaxPooling1D", std::move(o));
}
Layer GlobalMaxPooling2D(GlobalPoolingOptions o) {
  return make<GlobalPooling<Kind::kMax, 2>>("GlobalMaxPooling2D", std::move(o));
}
Layer GlobalMaxPooling3D(GlobalPoolingOptions o) {
  return make<GlobalPooling<Kind::kMax, 3>>("GlobalMaxPooling3D", std::move(o));
}

}  // namespace cornu
