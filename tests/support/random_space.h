#pragma once

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include "cornu/graph/builder.h"
#include "tests/support/draws.h"

namespace cornu::testing {

// Small graphs of the ops that look around them, the same for the same seed: convolutions of every
// kind, pools, borders that grow and shrink, upsampling, on 1 to 3 axes; skip connections cropped
// to what they meet; batches of none. What passes rewrite.
class RandomSpace : private Draws {
 public:
  explicit RandomSpace(uint64_t seed) : Draws(seed), axes_(pick(1, 3)) {}

  graph::Graph make() {
    Shape x{pick(0, 15) == 0 ? 0 : pick(1, 2)};
    for (int64_t a = 0; a < axes_; ++a) x.push_back(pick(2, axes_ == 3 ? 6 : 9));
    x.push_back(channels());
    values_.push_back(g_.input(x));
    for (int64_t ops = pick(2, 9); ops > 0; --ops) {
      // Mostly a chain.
      const graph::Value next = any_op(pick(0, 3) ? values_.back() : any());
      if (g_.shape(next).size() <= 20000) values_.push_back(next);
    }
    std::vector<graph::Value> outputs = {values_.back()};
    if (pick(0, 4) == 0) outputs.push_back(any());
    return std::move(g_).finish(outputs);
  }

 private:
  using Sizes = std::vector<int64_t>;

  int64_t channels() {
    static constexpr int64_t kSome[] = {1, 2, 4, 6, 17};
    return one_of(kSome);
  }
  graph::Value any() {
    return values_[static_cast<size_t>(pick(0, static_cast<int64_t>(values_.size()) - 1))];
  }
  graph::Value weight(Shape shape, float low = -0.5f, float high = 0.5f) {
    return g_.constant(numbers(std::move(shape), low, high));
  }
  template <class F>
  Sizes each(F&& size) {
    Sizes all;
    for (int64_t a = 1; a <= axes_; ++a) all.push_back(size(a));
    return all;
  }

  graph::Value any_op(graph::Value x) {
    switch (pick(0, 17)) {
      case 0:
      case 1:
      case 2:
        return conv(x, 3);
      case 3:
        return conv(x, 1);
      case 4:
        return conv_transpose(x);
      case 5:
        return pool(x);
      case 6:
      case 7:
        return border(x, -2, 1);
      case 8:
        return border(x, 0, 2);
      case 9:
      case 10:
        return resize(x);
      case 11:
        return unary(x);
      case 12:
        return scale(x);
      case 13:
      case 14:
        return meet(x);
      case 15:
        return pool(border(relu(x), 0, 1));
      default:
        return relu(x);
    }
  }

  graph::Value conv(graph::Value x, int64_t widest) {
    const Shape s = g_.shape(x);
    ops::Conv op;
    Shape kernel;
    const bool plain = pick(0, 1), padded = pick(0, 1);
    for (int64_t a = 1; a <= axes_; ++a) {
      const int64_t k = pick(1, widest), d = plain ? 1 : pick(1, 2);
      kernel.push_back(k);
      op.stride.push_back(plain ? 1 : pick(1, 3));
      op.dilation.push_back(d);
      const int64_t missing = std::max<int64_t>(0, (k - 1) * d + 1 - s[a]);
      const int64_t most = padded && widest > 1 ? 2 : 0;
      op.pad.push_back({pick(0, most) + missing, pick(0, most)});
    }
    const int64_t c = s[-1];
    op.groups = pick(0, 3) == 0 ? c : (c % 2 == 0 && pick(0, 3) == 0 ? 2 : 1);
    const int64_t filters = op.groups == 1 ? channels() : op.groups * pick(1, 2);
    kernel.push_back(c / op.groups);
    kernel.push_back(filters);
    std::vector<graph::Value> in = {x, weight(kernel)};
    if (pick(0, 1)) in.push_back(weight({filters}));
    return g_.add(std::move(op), std::move(in));
  }

  graph::Value conv_transpose(graph::Value x) {
    const Shape s = g_.shape(x);
    ops::ConvTranspose op;
    Shape kernel;
    for (int64_t a = 1; a <= axes_; ++a) {
      const int64_t k = pick(1, 4), stride = pick(1, 3), d = stride == 1 ? pick(1, 2) : 1;
      kernel.push_back(k);
      op.stride.push_back(stride);
      op.dilation.push_back(d);
      const int64_t full = (s[a] - 1) * stride + (k - 1) * d + 1;
      op.crop.push_back(pick(0, std::min<int64_t>(3, full - 1)));
      op.length.push_back(std::max<int64_t>(1, full - op.crop.back() + pick(-2, 2)));
    }
    op.groups = s[-1] % 2 == 0 && pick(0, 3) == 0 ? 2 : 1;
    kernel.push_back(pick(1, 4));
    kernel.push_back(s[-1]);
    std::vector<graph::Value> in = {x, weight(kernel)};
    if (pick(0, 1)) in.push_back(weight({kernel[-2] * op.groups}));
    return g_.add(std::move(op), std::move(in));
  }

  graph::Value pool(graph::Value x) {
    ops::Pool op;
    op.kind = pick(0, 2) ? ops::Pool::Kind::kMax : ops::Pool::Kind::kAverage;
    for (int64_t a = 1; a <= axes_; ++a) {
      const int64_t k = std::min<int64_t>(pick(1, 3), g_.shape(x)[a]);
      op.window.push_back(k);
      op.stride.push_back(pick(1, 3));
      op.pad.push_back({pick(0, k - 1), pick(0, k - 1)});
    }
    return g_.add(std::move(op), {x});
  }

  graph::Value border(graph::Value x, int64_t low, int64_t high) {
    const Shape s = g_.shape(x);
    std::vector<ops::Edge> edges(static_cast<size_t>(axes_ + 2));
    for (int64_t a = 1; a <= axes_; ++a)
      edges[static_cast<size_t>(a)] = {pick(s[a] > -2 * low ? low : 0, high),
                                       pick(s[a] > -2 * low ? low : 0, high)};
    if (pick(0, 9) == 0) edges.front().after = pick(0, 1);
    if (pick(0, 9) == 0) edges.back() = {pick(s[-1] > 1 ? -1 : 0, 1), pick(0, 1)};
    return g_.pad(x, std::move(edges));
  }

  graph::Value resize(graph::Value x) {
    ops::Resize op;
    if (pick(0, 4) == 0) op.mode = static_cast<ops::Resize::Mode>(pick(0, 5));
    op.size = each([&](int64_t a) { return g_.shape(x)[a] * pick(1, axes_ == 1 ? 4 : 2); });
    if (pick(0, 5) == 0) ++op.size.back();
    return g_.add(std::move(op), {x});
  }

  graph::Value relu(graph::Value x) {
    return g_.unary(ops::Unary::Fn::kRelu, x, 0, std::numeric_limits<float>::infinity());
  }

  graph::Value unary(graph::Value x) {
    using Fn = ops::Unary::Fn;
    switch (pick(0, 4)) {
      case 0:
        return g_.unary(Fn::kSigmoid, x);
      case 1:
        return g_.unary(Fn::kTanh, x);
      case 2:
        return g_.unary(Fn::kAffine, x, 0.5f, pick(0, 1) ? 0.25f : 0.0f);
      case 3:
        return g_.unary(Fn::kSilu, x);
      default:
        return g_.unary(Fn::kRelu, x, 0.1f, 2.0f, 0.0f);
    }
  }

  // Batch normalization, or a number per channel.
  graph::Value scale(graph::Value x) {
    const Shape c{g_.shape(x)[-1]};
    if (pick(0, 1))
      return g_.add(ops::BatchNorm{axes_ + 1, 1e-3f},
                    {x, weight(c), weight(c), weight(c), weight(c, 0.5f, 2.0f)});
    const auto fn = static_cast<ops::Binary::Fn>(pick(0, 2));
    const graph::Value number = pick(0, 1) ? weight(c) : g_.scalar(0.75f);
    return pick(0, 1) ? g_.binary(fn, x, number) : g_.binary(fn, number, x);
  }

  // x and an earlier value, both cropped to what they have in common, side by side or added.
  graph::Value meet(graph::Value x) {
    graph::Value other = any();
    const Shape a = g_.shape(x), b = g_.shape(other);
    if (a[0] != b[0]) return relu(x);
    const auto cropped = [&](graph::Value v, const Shape& own, const Shape& its) {
      std::vector<ops::Edge> edges(static_cast<size_t>(axes_ + 2));
      for (int64_t axis = 1; axis <= axes_; ++axis) {
        const int64_t less = std::max<int64_t>(0, own[axis] - its[axis]), before = pick(0, less);
        edges[static_cast<size_t>(axis)] = {-before, before - less};
      }
      return g_.pad(v, std::move(edges));
    };
    x = cropped(x, a, b);
    other = cropped(other, b, a);
    if (g_.shape(x) == g_.shape(other) && pick(0, 1))
      return g_.binary(ops::Binary::Fn::kAdd, x, other);
    return g_.concat(pick(0, 1) ? std::vector{x, other} : std::vector{other, x}, axes_ + 1);
  }

  int64_t axes_;
  graph::Builder g_;
  std::vector<graph::Value> values_;
};

}  // namespace cornu::testing
