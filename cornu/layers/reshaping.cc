#include "cornu/layers/reshaping.h"

#include <algorithm>

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"
#include "cornu/layers/spatial.h"

namespace cornu {
namespace layers {
namespace {

// The numbers of one sample; unknown where one of its axes is.
int64_t sample_size(const Where& where, const Shape& in) {
  int64_t size = 1;
  for (int64_t i = 1; i < in.rank(); ++i) {
    if (!in.known(i)) return Dim::kUnknown;
    size = check_length(where, in, size * in[i]);
  }
  return size;
}

class FlattenImpl final : public LayerWith<FlattenImpl, FlattenOptions> {
 public:
  FlattenImpl(std::string class_name, FlattenOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)) {
    options_.data_format = check_data_format(where(), options_.data_format);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("data_format", o.data_format);
  }

  Shape output_shape(const Shape& in) const override {
    check_min_rank(where(), in, 1);
    return Shape(std::vector<int64_t>{in[0], sample_size(where(), in)});
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const Shape out = output_shape(g.shape(x));
    const bool move = channels_first(*options_.data_format) && g.shape(x).rank() > 1;
    return g.reshape(move ? g.move_axis(x, 1, -1) : x, out);
  }
};

class ReshapeImpl final : public LayerWith<ReshapeImpl, ReshapeOptions> {
 public:
  ReshapeImpl(std::string class_name, ReshapeOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)) {
    const std::vector<int64_t>& target = options_.target_shape;
    if (std::count(target.begin(), target.end(), -1) > 1)
      throw ValueError(where().message("`target_shape` may hold -1 once. Received: target_shape=",
                                       tuple_text(target)));
    if (std::any_of(target.begin(), target.end(), [](int64_t d) { return d < -1; }))
      throw ValueError(
          where().message("`target_shape` must hold sizes, or -1 once. Received: "
                          "target_shape=",
                          tuple_text(target)));
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("target_shape", o.target_shape);
  }

  Shape output_shape(const Shape& in) const override {
    check_min_rank(where(), in, 1);
    Shape out{in[0]};
    int64_t rest = 0, known = 1;  // which axis is -1; the product of the others
    for (int64_t d : options_.target_shape) {
      out.push_back(d);
      if (d == -1)
        rest = out.rank() - 1;
      else if (__builtin_mul_overflow(known, d, &known))
        misfit(in);
    }
    const int64_t size = sample_size(where(), in);
    if (size == Dim::kUnknown) return out;
    if (rest == 0) {
      if (known != size) misfit(in);
      return out;
    }
    if (known == 0 ? size != 0 : size % known != 0) misfit(in);
    out[rest] = known == 0 ? 0 : size / known;
    return out;
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    return g.reshape(x, output_shape(g.shape(x)));
  }

 private:
  [[noreturn]] void misfit(const Shape& in) const {
    throw ValueError(where().message(
        "the total size of the tensor must be unchanged. Received: input shape=", in,
        ", target_shape=", tuple_text(options_.target_shape)));
  }
};

class PermuteImpl final : public LayerWith<PermuteImpl, PermuteOptions> {
 public:
  PermuteImpl(std::string class_name, PermuteOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)) {
    std::vector<int64_t> sorted = options_.dims;
    std::sort(sorted.begin(), sorted.end());
    for (size_t i = 0; i < sorted.size(); ++i)
      if (sorted[i] != static_cast<int64_t>(i) + 1)
        throw ValueError(where().message(
            "`dims` must be a permutation of consecutive axes from 1 on. Received: dims=",
            tuple_text(options_.dims)));
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("dims", o.dims);
  }

  Shape output_shape(const Shape& in) const override {
    check_rank(where(), in, std::ssize(options_.dims) + 1);
    Shape out{in[0]};
    for (int64_t d : options_.dims) out.push_back(in[d]);
    return out;
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    std::vector<int64_t> perm = {0};
    perm.insert(perm.end(), options_.dims.begin(), options_.dims.end());
    return g.transpose(x, std::move(perm));
  }
};

class RepeatVectorImpl final : public LayerWith<RepeatVectorImpl, RepeatVectorOptions> {
 public:
  RepeatVectorImpl(std::string class_name, RepeatVectorOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)) {
    check_positive(where(), "n", options_.n);
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("n", o.n);
  }

  Shape output_shape(const Shape& in) const override {
    check_rank(where(), in, 2);
    Shape out = in;
    out.insert(1, options_.n);
    return out;
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const Shape in = g.shape(x);
    return g.add(ops::Resize{ops::Resize::Mode::kNearest, {options_.n}},
                 {g.reshape(x, {in[0], 1, in[1]})});
  }
};

}  // namespace

void add_reshaping(Registry& r) {
  r.add<FlattenImpl>("Flatten");
  r.add<ReshapeImpl>("Reshape");
  r.add<PermuteImpl>("Permute");
  r.add<RepeatVectorImpl>("RepeatVector");
}

}  // namespace layers

Layer Flatten(FlattenOptions o) {
  return layers::make<layers::FlattenImpl>("Flatten", std::move(o));
}
Layer Reshape(ReshapeOptions o) {
  return layers::make<layers::ReshapeImpl>("Reshape", std::move(o));
}
Layer Permute(PermuteOptions o) {
  return layers::make<layers::PermuteImpl>("Permute", std::move(o));
}
Layer RepeatVector(RepeatVectorOptions o) {
  return layers::make<layers::RepeatVectorImpl>("RepeatVector", std::move(o));
}

}  // namespace cornu
