#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "cornu/base/text.h"
#include "cornu/grad/differentiate.h"
#include "tests/support/draws.h"

namespace cornu::testing {

// Where a graph's ops may have kinks: a maximum, relu's corner.
//   kAnywhere   a result is continuous all the same
//   kOnInputs   only on inputs and what is moved of them, whose bits no kernel changes, so that
//               rounding does not decide which way a gradient goes
//   kNowhere    the graph is smooth
enum class Kinks { kAnywhere, kOnInputs, kNowhere };

// Makes small graphs of random ops that fit together, the same for the same seed: every op that
// layers lower to, odd sizes, single channels, values used several times, movement that cancels,
// inputs that are outputs.
class RandomGraph : private Draws {
 public:
  explicit RandomGraph(uint64_t seed, Kinks kinks = Kinks::kAnywhere)
      : Draws(seed), kinks_(kinks) {}

  graph::Graph make() {
    const int64_t batch = pick(0, 20) == 0 ? 0 : pick(1, 2);
    const int64_t inputs = pick(1, 2);
    for (int64_t i = 0; i < inputs; ++i)
      values_.push_back(g_.input({batch, pick(3, 9), pick(1, 9), channels()}));
    const int64_t ops = pick(1, 10);
    for (int64_t i = 0; i < ops; ++i) {
      g_.set_layer(base::cat("layer_", i));
      values_.push_back(any_op(any()));
    }
    std::vector<graph::Value> outputs = {values_.back()};
    if (pick(0, 2) == 0) outputs.push_back(any());
    if (pick(0, 8) == 0) outputs.push_back(outputs[0]);
    return std::move(g_).finish(outputs);
  }

 private:
  int64_t channels() {
    static constexpr int64_t kSome[] = {1, 2, 3, 4, 6, 8, 16, 17, 33};
    return one_of(kSome);
  }
  graph::Value any() {
    return values_[static_cast<size_t>(pick(0, static_cast<int64_t>(values_.size()) - 1))];
  }
  graph::Value weight(Shape shape, float low = -0.5f, float high = 0.5f) {
    return g_.variable(std::make_shared<Variable>("w", numbers(std::move(shape), low, high), true));
  }
  // Is every number of it a copy of an input's, a weight's, or 0 or 1?
  bool exact(graph::Value x) {
    for (auto id = static_cast<graph::NodeId>(exact_.size()); id <= x.id; ++id) {
      const graph::Node& node = g_.node({id});
      const auto* pool = std::get_if<ops::Pool>(&node.op);
      const auto* binary = std::get_if<ops::Binary>(&node.op);
      bool is = node.in.empty() || ops::moves_data_only(node.op) ||
                std::holds_alternative<ops::OneHot>(node.op) ||
                (pool && pool->kind == ops::Pool::Kind::kMax) ||
                (binary && binary->fn >= ops::Binary::Fn::kGreater);
      for (graph::NodeId in : node.in) is = is && exact_[static_cast<size_t>(in)];
      exact_.push_back(is);
    }
    return exact_[static_cast<size_t>(x.id)];
  }
  // May an op with a kink, or with a jump, be put on x?
  bool kink_fits(graph::Value x) { return kinks_ == Kinks::kAnywhere || jump_fits(x); }
  bool jump_fits(graph::Value x) { return kinks_ != Kinks::kNowhere && exact(x); }

  bool spatial(graph::Value x) const { return g_.shape(x).rank() == 4; }

  graph::Value any_op(graph::Value x) {
    switch (pick(0, 20)) {
      case 0:
      case 1:
        return conv(x);
      case 2:
        return conv_transpose(x);
      case 3:
        return pool(x);
      case 4:
        return resize(x);
      case 5:
        return pad(x);
      case 6:
      case 7:
        return unary(x);
      case 8:
        return binary(x);
      case 9:
      case 10:
        return transpose(x);
      case 11:
        return reshape(x);
      case 12:
        return concat(x);
      case 13:
        return reduce(x);
      case 14:
        return batch_norm(x);
      case 15:
        return batch_norm_of_batch(x);
      case 16:
        return spread(x);
      case 17:
        return masked(x);
      case 18:
        return dropped(x);
      case 19:
        return block(x);
      default:
        return softmax_or_matmul(x);
    }
  }

  graph::Value conv(graph::Value x) {
    if (!spatial(x)) return unary(x);
    const Shape s = g_.shape(x);
    ops::Conv op;
    Shape kernel;
    for (int64_t axis = 1; axis <= 2; ++axis) {
      const int64_t k = pick(1, 3), d = pick(1, 2);
      kernel.push_back(k);
      op.stride.push_back(pick(1, 3));
      op.dilation.push_back(d);
      const int64_t missing = std::max<int64_t>(0, (k - 1) * d + 1 - s[axis]);
      op.pad.push_back({pick(0, 2) + missing, pick(0, 2)});
    }
    const int64_t c = s[3];
    op.groups = pick(0, 3) == 0 ? c : (c % 2 == 0 && pick(0, 2) == 0 ? 2 : 1);
    const int64_t filters = op.groups * pick(1, op.groups == 1 ? 20 : 3);
    kernel.push_back(c / op.groups);
    kernel.push_back(filters);
    std::vector<graph::Value> in = {x, weight(kernel)};
    if (pick(0, 1)) in.push_back(weight({filters}));
    return g_.add(std::move(op), std::move(in));
  }

  graph::Value conv_transpose(graph::Value x) {
    if (!spatial(x)) return unary(x);
    const Shape s = g_.shape(x);
    ops::ConvTranspose op;
    Shape kernel;
    for (int64_t axis = 1; axis <= 2; ++axis) {
      const int64_t k = pick(1, 4), stride = pick(1, 3), d = stride == 1 ? pick(1, 2) : 1;
      kernel.push_back(k);
      op.stride.push_back(stride);
      op.dilation.push_back(d);
      const int64_t full = (s[axis] - 1) * stride + (k - 1) * d + 1;
      op.crop.push_back(pick(0, std::min<int64_t>(2, full - 1)));
      op.length.push_back(std::max<int64_t>(1, full - op.crop.back() + pick(-2, 2)));
    }
    const int64_t filters = pick(1, 9);
    kernel.push_back(filters);
    kernel.push_back(s[3]);
    std::vector<graph::Value> in = {x, weight(kernel)};
    if (pick(0, 1)) in.push_back(weight({filters}));
    return g_.add(std::move(op), std::move(in));
  }

  // Upsampling, convolution and normalization, as layers follow each other: what passes look for.
  graph::Value block(graph::Value x) {
    if (!spatial(x)) return unary(x);
    const Shape s = g_.shape(x);
    if (pick(0, 1) && s[1] < 9 && s[2] < 9) {
      const std::vector<int64_t> size = {s[1] * pick(1, 3), s[2] * pick(1, 2)};
      x = g_.add(ops::Resize{ops::Resize::Mode::kNearest, size}, {x});
    }
    const int64_t k = pick(2, 3), filters = pick(1, 9);
    x = g_.add(ops::Conv{{1, 1}, {1, 1}, {{1, 1}, {k - 2, 1}}}, {x, weight({2, k, s[3], filters})});
    if (pick(0, 1)) return x;
    const Shape c{filters};
    return g_.add(ops::BatchNorm{3, 1e-3f},
                  {x, weight(c), weight(c), weight(c), weight(c, 0.5f, 2.0f)});
  }

  graph::Value pool(graph::Value x) {
    if (!spatial(x)) return unary(x);
    ops::Pool op;
    const bool max = pick(0, 1) && kink_fits(x);
    op.kind = max ? ops::Pool::Kind::kMax : ops::Pool::Kind::kAverage;
    for (int64_t axis = 1; axis <= 2; ++axis) {
      const int64_t k = std::min<int64_t>(pick(1, 3), g_.shape(x)[axis]);
      op.window.push_back(k);
      op.stride.push_back(pick(1, 3));
      op.pad.push_back({pick(0, k - 1), pick(0, k - 1)});
    }
    return g_.add(std::move(op), {x});
  }

  graph::Value resize(graph::Value x) {
    if (!spatial(x)) return unary(x);
    ops::Resize op;
    op.mode = static_cast<ops::Resize::Mode>(pick(0, 5));
    const bool nearest = pick(0, 1);
    if (nearest) op.mode = ops::Resize::Mode::kNearest;
    for (int64_t axis = 1; axis <= 2; ++axis)
      op.size.push_back(std::min<int64_t>(24, g_.shape(x)[axis] * pick(1, 3)));
    return g_.add(std::move(op), {x});
  }

  graph::Value pad(graph::Value x) {
    std::vector<ops::Edge> edges;
    const Shape s = g_.shape(x);
    for (int64_t axis = 0; axis < s.rank(); ++axis) {
      const bool inner = axis > 0 && (axis + 1 < s.rank() || pick(0, 3) == 0);
      const int64_t low = s[axis] > 2 ? -1 : 0;
      edges.push_back(inner ? ops::Edge{pick(low, 2), pick(low, 2)} : ops::Edge{});
    }
    return g_.pad(x, std::move(edges));
  }

  graph::Value unary(graph::Value x) {
    using Fn = ops::Unary::Fn;
    switch (pick(0, kink_fits(x) ? 7 : 4)) {
      case 0:
        return g_.unary(Fn::kSigmoid, x);
      case 1:
        return g_.unary(Fn::kTanh, x);
      case 2:
        return g_.unary(Fn::kGelu, x);
      case 3:
        return g_.unary(Fn::kAffine, x, 0.5f, 0.25f);
      case 4:
        return g_.unary(Fn::kSoftplus, x);
      case 5:
        return g_.unary(Fn::kHardSilu, x);
      case 6:
        return g_.unary(Fn::kRelu, x, 0.1f, 2.0f, 0.0f);
      default:
        return g_.unary(Fn::kRelu, x, 0, std::numeric_limits<float>::infinity());
    }
  }

  graph::Value binary(graph::Value x) {
    const bool kink = pick(0, 2) == 0 && kink_fits(x);
    const auto fn = static_cast<ops::Binary::Fn>(kink ? pick(4, 5) : pick(0, 2));
    const Shape s = g_.shape(x);
    switch (pick(0, 3)) {
      case 0:
        return g_.binary(fn, x, g_.scalar(0.75f));
      case 1:
        return g_.binary(fn, weight({s[-1]}), x);
      case 2:
        for (graph::Value other : values_)
          if (g_.shape(other) == s && pick(0, 1) && (!kink || kink_fits(other)))
            return g_.binary(fn, x, other);
        return g_.binary(fn, x, x);
      default: {
        Shape one = s;
        for (int64_t axis = 1; axis < s.rank(); ++axis)
          if (pick(0, 1)) one[axis] = 1;
        one[0] = 1;
        return g_.binary(fn, x, weight(one));
      }
    }
  }

  graph::Value transpose(graph::Value x) {
    std::vector<int64_t> perm(static_cast<size_t>(g_.shape(x).rank()));
    for (size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<int64_t>(i);
    std::shuffle(perm.begin() + 1, perm.end(), rng_);
    const graph::Value y = g_.transpose(x, perm);
    if (pick(0, 1)) return y;
    std::vector<int64_t> back(perm.size());
    for (size_t i = 0; i < perm.size(); ++i)
      back[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
    values_.push_back(y);
    return g_.transpose(pick(0, 1) ? unary(y) : y, back);
  }

  graph::Value reshape(graph::Value x) {
    const Shape s = g_.shape(x);
    if (s.rank() == 4) return g_.reshape(x, {s[0], s[1] * s[2], s[3]});
    if (s.rank() == 3) return g_.reshape(x, {s[0], 1, s[1], s[2]});
    return x;
  }

  graph::Value concat(graph::Value x) {
    std::vector<graph::Value> parts = {x};
    for (graph::Value other : values_) {
      Shape a = g_.shape(x), b = g_.shape(other);
      if (a.rank() != b.rank()) continue;
      a[-1] = b[-1] = 0;
      if (a == b && parts.size() < 4) parts.push_back(other);
    }
    return g_.concat(parts, g_.shape(x).rank() - 1);
  }

  graph::Value reduce(graph::Value x) {
    const Shape s = g_.shape(x);
    std::vector<int64_t> axes;
    for (int64_t axis = 1; axis < s.rank(); ++axis)
      if (s[axis] > 0 && pick(0, 1)) axes.push_back(axis);
    if (axes.empty()) axes.push_back(s.rank() - 1);
    return g_.reduce(static_cast<ops::Reduce::Kind>(pick(0, kink_fits(x) ? 3 : 1)), x, axes);
  }

  graph::Value batch_norm(graph::Value x) {
    const Shape s = g_.shape(x);
    const int64_t axis = pick(1, s.rank() - 1);
    const Shape c{s[axis]};
    return g_.add(ops::BatchNorm{axis, 1e-3f},
                  {x, weight(c), weight(c), weight(c), weight(c, 0.5f, 2.0f)});
  }

  graph::Value batch_norm_of_batch(graph::Value x) {
    const Shape s = g_.shape(x);
    const int64_t axis = pick(1, s.rank() - 1);
    const Shape c{s[axis]};
    const graph::Value moments = g_.add(ops::Moments{axis}, {x});
    return g_.add(ops::BatchNorm{axis, 0.1f, true},
                  {x, weight(c), weight(c), g_.reshape(g_.slice(moments, 0, 0, 1), c),
                   g_.reshape(g_.slice(moments, 0, 1, 2), c)});
  }

  // What is reduced, back over the axes it had.
  graph::Value spread(graph::Value x) {
    const graph::Value reduced = reduce(x);
    values_.push_back(reduced);
    return g_.add(ops::Broadcast{g_.shape(x)}, {reduced});
  }

  // x where a comparison holds, or a comparison one-hot.
  graph::Value masked(graph::Value x) {
    if (!jump_fits(x)) return unary(x);
    const auto fn = static_cast<ops::Binary::Fn>(pick(7, 9));
    const graph::Value mask = g_.binary(fn, x, weight({g_.shape(x)[-1]}));
    if (g_.shape(x).rank() < 4 && pick(0, 1)) return g_.add(ops::OneHot{3}, {mask});
    return g_.binary(ops::Binary::Fn::kMultiply, x, mask);
  }

  graph::Value dropped(graph::Value x) {
    g_.set_random_key(g_.constant(random_integers({6}, seed_, 0, 65535)));
    const graph::Value noise = g_.random(static_cast<ops::Random::Kind>(pick(0, 1)), g_.shape(x));
    const graph::Value kept = g_.binary(ops::Binary::Fn::kGreater, noise, g_.scalar(0.25f));
    return g_.binary(ops::Binary::Fn::kMultiply, x, pick(0, 1) ? kept : noise);
  }

  graph::Value softmax_or_matmul(graph::Value x) {
    const Shape s = g_.shape(x);
    if (s.rank() != 3)
      return g_.add(ops::Softmax{static_cast<ops::Softmax::Kind>(pick(0, kink_fits(x) ? 2 : 1))},
                    {x});
    return g_.add(ops::MatMul{}, {x, g_.transpose(x, {0, 2, 1})});
  }

  const Kinks kinks_;
  std::vector<bool> exact_;
  graph::Builder g_;
  std::vector<graph::Value> values_;
};

// The graph's outputs and their gradients in all its inputs and variables; what flows into the
// outputs are further inputs.
inline graph::Graph with_gradients(graph::Graph g) {
  std::vector<graph::Value> wrt;
  for (graph::NodeId id : g.inputs) wrt.push_back({id});
  const auto variables = g.variables;
  graph::Builder b(std::move(g), graph::Mode::kPredict);
  for (const auto& v : variables) wrt.push_back(b.variable(v));
  std::vector<graph::Value> results = b.outputs(), cotangents;
  for (graph::Value y : results) cotangents.push_back(b.input(b.shape(y)));
  for (graph::Value dx : grad::differentiate(b, results, cotangents, wrt)) results.push_back(dx);
  return std::move(b).finish(results);
}

// Numbers for the graph's inputs; for odd seeds few different ones, many of them 0, so that maxima
// and comparisons meet equal numbers.
inline std::vector<Tensor> random_inputs(const graph::Graph& g, uint64_t seed) {
  std::vector<Tensor> inputs;
  for (graph::NodeId id : g.inputs) {
    const uint64_t own = seed * 31 + inputs.size();
    inputs.push_back(seed % 2 ? random_integers(g[id].shape, own, -2, 2)
                              : random_tensor(g[id].shape, own));
  }
  return inputs;
}

}  // namespace cornu::testing
