#include "cornu/layers/merging.h"

#include <algorithm>

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"
#include "cornu/nn/keras_json.h"

namespace cornu {
namespace layers {
namespace {

using Binary = ops::Binary::Fn;

std::string shapes_text(const std::vector<Shape>& shapes) {
  std::string out;
  for (const Shape& s : shapes) out += base::cat(out.empty() ? "" : ", ", s);
  return base::cat("[", out, "]");
}

// At least two inputs, or one where `one_allowed`; each with a batch axis.
void check_inputs(const Where& where, const std::vector<Shape>& in, bool one_allowed) {
  if (in.size() < (one_allowed ? 1 : 2))
    throw ValueError(
        where.message("a merge layer should be called on a list of at least 2 inputs. "
                      "Received: ",
                      in.size(), " inputs, shapes ", shapes_text(in)));
  for (const Shape& s : in) check_min_rank(where, s, 1);
}

// The batch size of all; ValueError where two known ones differ.
int64_t common_batch(const Where& where, const std::vector<Shape>& in) {
  int64_t batch = Dim::kUnknown;
  for (const Shape& s : in) {
    if (!s.known(0)) continue;
    if (batch != Dim::kUnknown && batch != s[0])
      throw ValueError(where.message("cannot merge tensors with different batch sizes. Received: ",
                                     "shapes ", shapes_text(in)));
    batch = s[0];
  }
  return batch;
}

// The shape with axes of 1 put in after the batch.
Shape with_rank(Shape shape, int64_t rank) {
  while (shape.rank() < rank) shape.insert(1, 1);
  return shape;
}

enum class Merge { kAdd, kSubtract, kMultiply, kAverage, kMaximum, kMinimum };

template <Merge kMerge>
class MergeImpl final : public LayerWith<MergeImpl<kMerge>, LayerOptions, LayerImpl> {
 public:
  using Base = LayerWith<MergeImpl<kMerge>, LayerOptions, LayerImpl>;
  MergeImpl(std::string class_name, LayerOptions o, Origin origin)
      : Base(std::move(class_name), std::move(o)), one_allowed_(origin == Origin::kFile) {}

  template <class O, class V>
  static void fields(O&, V&) {}

  std::vector<Shape> output_shapes(const std::vector<Shape>& in) const override {
    check_inputs(this->where(), in, one_allowed_);
    if (kMerge == Merge::kSubtract && in.size() != 2)
      throw ValueError(this->where().message("it should be called on exactly 2 inputs. Received: ",
                                             in.size(), " inputs, shapes ", shapes_text(in)));
    const int64_t batch = common_batch(this->where(), in);
    int64_t rank = 0;
    for (const Shape& s : in) rank = std::max(rank, s.rank());
    Shape out = with_rank(in[0], rank);
    for (const Shape& s : in) {
      const Shape other = with_rank(s, rank);
      for (int64_t a = 1; a < rank; ++a) out[a] = merged(out[a], other[a], in);
    }
    out[0] = batch;
    return {out};
  }

  std::vector<graph::Value> lower(graph::Builder& g,
                                  const std::vector<graph::Value>& in) const override {
    int64_t rank = 0;
    for (graph::Value v : in) rank = std::max(rank, g.shape(v).rank());
    const auto raised = [&](graph::Value v) { return g.reshape(v, with_rank(g.shape(v), rank)); };
    graph::Value y = raised(in[0]);
    for (size_t i = 1; i < in.size(); ++i) y = g.binary(fn(), y, raised(in[i]));
    if (kMerge == Merge::kAverage && in.size() > 1)
      y = g.unary(ops::Unary::Fn::kAffine, y, 1 / static_cast<float>(in.size()));
    return {y};
  }

 private:
  // Keras: None with anything is None.
  int64_t merged(int64_t a, int64_t b, const std::vector<Shape>& in) const {
    if (a == Dim::kUnknown || b == Dim::kUnknown) return Dim::kUnknown;
    if (a != b && a != 1 && b != 1)
      throw ValueError(this->where().message("inputs have incompatible shapes. Received: shapes ",
                                             shapes_text(in)));
    return a == 1 ? b : a;
  }

  static Binary fn() {
    switch (kMerge) {
      case Merge::kSubtract:
        return Binary::kSubtract;
      case Merge::kMultiply:
        return Binary::kMultiply;
      case Merge::kMaximum:
        return Binary::kMaximum;
      case Merge::kMinimum:
        return Binary::kMinimum;
      default:
        return Binary::kAdd;
    }
  }

  bool one_allowed_;
};

class ConcatenateImpl final : public LayerWith<ConcatenateImpl, ConcatenateOptions, LayerImpl> {
 public:
  ConcatenateImpl(std::string class_name, ConcatenateOptions o, Origin origin)
      : LayerWith(std::move(class_name), std::move(o)), one_allowed_(origin == Origin::kFile) {}

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("axis", o.axis);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& in) const override {
    check_inputs(where(), in, one_allowed_);
    const int64_t axis = check_axis_exists(where(), in[0], options_.axis);
    Shape out = in[0], known = in[0];  // `known`: what any input says of an axis
    for (size_t i = 1; i < in.size(); ++i) {
      if (in[i].rank() != out.rank()) misfit(in);
      for (int64_t a = 0; a < out.rank(); ++a) {
        if (a == axis) continue;
        if (!known.known(a)) known[a] = in[i][a];
        if (in[i].known(a) && in[i][a] != known[a]) misfit(in);
      }
      const bool sizes_known = out.known(axis) && in[i].known(axis);
      out[axis] =
          sizes_known ? check_length(where(), in[i], out[axis] + in[i][axis]) : Dim::kUnknown;
    }
    return {out};
  }

  std::vector<graph::Value> lower(graph::Builder& g,
                                  const std::vector<graph::Value>& in) const override {
    return {g.concat(in, check_axis_exists(where(), g.shape(in[0]), options_.axis))};
  }

 private:
  [[noreturn]] void misfit(const std::vector<Shape>& in) const {
    throw ValueError(
        where().message("it needs inputs with matching shapes except for the axis of "
                        "concatenation. Received: axis=",
                        options_.axis.value, ", shapes ", shapes_text(in)));
  }

  bool one_allowed_;
};

class DotImpl final : public LayerWith<DotImpl, DotOptions, LayerImpl> {
 public:
  DotImpl(std::string class_name, DotOptions o, Origin)
      : LayerWith(std::move(class_name), std::move(o)) {
    const OneOrMore<int64_t>& axes = options_.axes;
    if (axes.v.size() != (axes.list ? 2 : 1))
      throw ValueError(where().message(
          "`axes` must be an integer or a pair of them. Received: ", axes.v.size(), " numbers"));
    for (int64_t axis : axes.v)
      if (axis == 0)
        throw ValueError(where().message("`axes` cannot be the batch axis. Received: axes=0"));
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("axes", o.axes);
    v("normalize", o.normalize);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& in) const override {
    if (in.size() != 2)
      throw ValueError(where().message("it should be called on exactly 2 inputs. Received: ",
                                       in.size(), " inputs, shapes ", shapes_text(in)));
    Shape out{common_batch(where(), in)};
    for (size_t i = 0; i < 2; ++i) {
      check_min_rank(where(), in[i], 2);
      const int64_t summed = axis(in, i);
      for (int64_t a = 1; a < in[i].rank(); ++a)
        if (a != summed) out.push_back(in[i][a]);
    }
    const int64_t a = in[0][axis(in, 0)], b = in[1][axis(in, 1)];
    if (a != b && a != Dim::kUnknown && b != Dim::kUnknown)
      throw ValueError(where().message("sizes along `axes` differ: ", a, " and ", b,
                                       ". Received: axes=", tuple_text(options_.axes.v),
                                       ", shapes ", shapes_text(in)));
    if (out.rank() == 1) out.push_back(1);
    return {out};
  }

  std::vector<graph::Value> lower(graph::Builder& g,
                                  const std::vector<graph::Value>& in) const override {
    const std::vector<Shape> shapes = {g.shape(in[0]), g.shape(in[1])};
    const int64_t batch = shapes[0][0], n = shapes[0][axis(shapes, 0)];
    const auto prepared = [&](size_t i, int64_t place) {
      const int64_t a = axis(shapes, i);
      const graph::Value v = options_.normalize ? normalized(g, in[i], a) : in[i];
      return g.move_axis(v, a, place);
    };
    const auto rest = [&](size_t i) {
      int64_t size = 1;
      for (int64_t a = 1; a < shapes[i].rank(); ++a)
        if (a != axis(shapes, i)) size *= shapes[i][a];
      return size;
    };
    const graph::Value a = g.reshape(prepared(0, -1), {batch, rest(0), n});
    const graph::Value b = g.reshape(prepared(1, 1), {batch, n, rest(1)});
    return {g.reshape(g.add(ops::MatMul{}, {a, b}), output_shapes(shapes)[0])};
  }

 private:
  int64_t axis(const std::vector<Shape>& in, size_t i) const {
    const int64_t axis =
        check_axis_exists(where(), in[i], options_.axes.v[options_.axes.list ? i : 0]);
    if (axis == 0)
      throw ValueError(where().message("`axes` cannot be the batch axis. Received: axes=",
                                       tuple_text(options_.axes.v), ", shapes ", shapes_text(in)));
    return axis;
  }

  static graph::Value normalized(graph::Builder& g, graph::Value x, int64_t axis) {
    const graph::Value squares = g.unary(ops::Unary::Fn::kSquare, x);
    const graph::Value norm =
        g.unary(ops::Unary::Fn::kSqrt, g.reduce(ops::Reduce::Kind::kSum, squares, {axis}));
    const graph::Value least = g.scalar(static_cast<float>(epsilon()));
    return g.binary(Binary::kDivide, x, g.binary(Binary::kMaximum, norm, least));
  }
};

}  // namespace

void add_merging(Registry& r) {
  r.add<MergeImpl<Merge::kAdd>>("Add");
  r.add<MergeImpl<Merge::kSubtract>>("Subtract");
  r.add<MergeImpl<Merge::kMultiply>>("Multiply");
  r.add<MergeImpl<Merge::kAverage>>("Average");
  r.add<MergeImpl<Merge::kMaximum>>("Maximum");
  r.add<MergeImpl<Merge::kMinimum>>("Minimum");
  r.add<ConcatenateImpl>("Concatenate");
  r.add<DotImpl>("Dot");
}

}  // namespace layers

using layers::make;
using layers::Merge;
using layers::MergeImpl;

Layer Add(LayerOptions o) { return make<MergeImpl<Merge::kAdd>>("Add", std::move(o)); }
Layer Subtract(LayerOptions o) {
  return make<MergeImpl<Merge::kSubtract>>("Subtract", std::move(o));
}
Layer Multiply(LayerOptions o) {
  return make<MergeImpl<Merge::kMultiply>>("Multiply", std::move(o));
}
Layer Average(LayerOptions o) { return make<MergeImpl<Merge::kAverage>>("Average", std::move(o)); }
Layer Maximum(LayerOptions o) { return make<MergeImpl<Merge::kMaximum>>("Maximum", std::move(o)); }
Layer Minimum(LayerOptions o) { return make<MergeImpl<Merge::kMinimum>>("Minimum", std::move(o)); }
Layer Concatenate(ConcatenateOptions o) {
  return make<layers::ConcatenateImpl>("Concatenate", std::move(o));
}
Layer Dot(DotOptions o) { return make<layers::DotImpl>("Dot", std::move(o)); }

}  // namespace cornu
