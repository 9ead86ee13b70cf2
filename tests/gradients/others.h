#pragma once

// Families of data movement, reductions, normalization, products, and ops put together.

#include "cornu/graph/expression.h"
#include "tests/gradients/trial.h"

namespace cornu::testing {

// ---- data movement ------------------------------------------------------------------------------

inline graph::Value pad_family(Trial& t, Pick& pick) {
  const int64_t rank = pick({3, 1, 2, 4});
  Shape shape;
  std::vector<ops::Edge> edges;
  for (int64_t a = 0; a < 4; ++a) {
    const int64_t n = pick({3, 2, 1});
    // The last crops all there is and adds something else.
    ops::Edge edge = pick.of<ops::Edge>({{0, 0}, {1, 2}, {-1, 0}, {0, -1}, {2, -1}, {-1, 3}});
    if (a >= rank) continue;
    if (n == 1 && edge.before + edge.after < 0) edge = {-1, 1};
    shape.push_back(n);
    edges.push_back(edge);
  }
  return t.g.pad(t.input(shape), edges);
}

inline graph::Value transpose_family(Trial& t, Pick& pick) {
  const Shape sizes = pick.of<Shape>({{2, 3, 4, 5}, {1, 3, 1, 2}, {2, 1, 17, 1}});
  const int64_t rank = pick({4, 3, 2, 1}), reshaped = pick({0, 1});
  std::vector<int64_t> perm;
  std::vector<int64_t> left = {0, 1, 2, 3};
  for (int64_t a = 0; a < 4; ++a) {
    const int64_t place = pick.below(4);
    if (a >= rank) continue;
    const auto at = left.begin() + place % (rank - a);
    perm.push_back(*at);
    left.erase(at);
  }
  Shape shape;
  for (int64_t a = 0; a < rank; ++a) shape.push_back(sizes[a]);
  const graph::Value y = t.g.transpose(t.input(shape), perm);
  return reshaped ? t.g.reshape(y, Shape{1, shape.size(), 1}) : y;
}

inline graph::Value concat_family(Trial& t, Pick& pick) {
  const Shape shape = pick.of<Shape>({{2, 3, 4}, {1, 1, 17}, {2, 1, 3}});
  const int64_t axis = pick({0, 1, 2}), repeated = pick({0, 1});
  std::vector<graph::Value> parts;
  for (int64_t part = 0; part < 3; ++part) {
    const int64_t length = pick({1, 0, 2, 5}), there = pick({1, 0});
    Shape own = shape;
    own[axis] = part == 0 ? 2 : length;
    if (part == 0 || there) parts.push_back(t.input(own));
  }
  if (repeated) parts.push_back(parts[0]);
  return t.g.add(ops::Concat{axis}, parts);
}

inline graph::Value broadcast_family(Trial& t, Pick& pick) {
  const Shape from = pick.of<Shape>({{}, {1}, {4}, {3, 1}, {1, 4}, {2, 1, 4}, {1, 1, 1}});
  const Shape front = pick.of<Shape>({{}, {1}, {2}});
  Shape to = front;
  for (int64_t n : {2, 3, 4}) to.push_back(n);
  return t.g.add(ops::Broadcast{to}, {t.input(from)});
}

// ---- reductions, softmax ------------------------------------------------------------------------

inline graph::Value reduce_family(Trial& t, Pick& pick) {
  const auto kind = static_cast<ops::Reduce::Kind>(pick.below(4));
  const int64_t rank = pick({3, 1, 2, 4, 0}), chosen = pick.below(16);
  Shape shape;
  std::vector<int64_t> axes;
  for (int64_t a = 0; a < 4; ++a) {
    const int64_t n = pick({3, 1, 4});
    if (a >= rank) continue;
    shape.push_back(n);
    if (chosen & (1 << a)) axes.push_back(a);
  }
  return t.g.reduce(kind, t.input(t.distinct(shape)), axes);
}

// How far a row is from where sparsemax (layers.md part 10) has a kink.
inline double sparsemax_margin(std::span<const float> row) {
  std::vector<double> z(row.begin(), row.end());
  std::sort(z.begin(), z.end(), std::greater<>());
  double partial = 0, total = 0, support = 0, margin = 1;
  for (size_t i = 0; i < z.size(); ++i) {
    partial += z[i];
    const double room = 1 + static_cast<double>(i + 1) * z[i] - partial;
    margin = std::min(margin, std::fabs(room));
    if (i > 0) margin = std::min(margin, z[i - 1] - z[i]);  // equal inputs share their places
    if (room <= 0) continue;
    total += partial;
    support += 1;
  }
  for (double v : z) margin = std::min(margin, std::fabs(v - (total - 1) / support));
  return margin;
}

inline graph::Value softmax_family(Trial& t, Pick& pick) {
  const auto kind = static_cast<ops::Softmax::Kind>(pick.below(3));
  const Shape outer = pick.of<Shape>({{2}, {}, {1, 3}, {2, 2, 1}});
  const int64_t n = pick({3, 1, 2, 5, 17});
  const double spread = pick.of({1.0, 4.0});
  Shape shape = outer;
  shape.push_back(n);
  Tensor x = t.numbers(shape, -spread, spread);
  if (kind == ops::Softmax::Kind::kSparsemax) {
    // Finer steps, so that long rows need not hold equal numbers.
    for (int64_t row = 0; row < x.size(); row += n)
      for (;;) {
        const std::span<float> numbers = x.values().subspan(static_cast<size_t>(row), n);
        if (sparsemax_margin(numbers) > 0.05 / static_cast<double>(n)) break;
        const Tensor other = t.numbers(Shape{n}, -spread, spread), fine = t.numbers(Shape{n});
        for (size_t i = 0; i < numbers.size(); ++i)
          numbers[i] = other.values()[i] + fine.values()[i] / 32;
      }
  }
  return t.g.add(ops::Softmax{kind}, {t.input(std::move(x))});
}

// ---- normalization ------------------------------------------------------------------------------

inline Shape channels_at(const Shape& outer, int64_t axis, int64_t channels) {
  Shape shape = outer;
  shape.insert(axis, channels);
  return shape;
}

inline graph::Value batch_norm_family(Trial& t, Pick& pick) {
  const Shape outer = pick.of<Shape>({{4, 2}, {5}, {2, 1, 3}, {1}});
  const int64_t axis = pick({0, 1, 2, 3}) % (outer.rank() + 1), channels = pick({3, 1, 17});
  const bool of_batch = pick({0, 1}), of_weights = pick({0, 1});
  const float epsilon = pick.of({0.125f, 1e-3f, 1.0f});
  const graph::Value x = t.input(channels_at(outer, axis, channels));
  const Shape row{channels};
  const auto other = [&](double low, double high) {
    Tensor numbers = t.numbers(row, low, high);
    return of_weights ? t.input(std::move(numbers)) : t.fixed(std::move(numbers));
  };
  const graph::Value gamma = other(0.5, 2), beta = other(-1, 1);
  graph::Value mean, variance;
  if (of_batch) {
    const graph::Value moments = t.g.add(ops::Moments{axis}, {x});
    mean = t.g.reshape(t.g.slice(moments, 0, 0, 1), row);
    variance = t.g.reshape(t.g.slice(moments, 0, 1, 2), row);
  } else {
    mean = other(-1, 1);
    variance = other(0.5, 2);
  }
  return t.g.add(ops::BatchNorm{axis, epsilon, of_batch}, {x, gamma, beta, mean, variance});
}

inline graph::Value moments_family(Trial& t, Pick& pick) {
  const Shape outer = pick.of<Shape>({{4, 2}, {5}, {2, 1, 3}, {1}, {}});
  const int64_t axis = pick({0, 1, 2, 3}) % (outer.rank() + 1), channels = pick({3, 1, 17});
  return t.g.add(ops::Moments{axis}, {t.input(channels_at(outer, axis, channels))});
}

// LayerNormalization and its like: mean and variance over axes, then scale and centre.
inline graph::Value layer_norm_family(Trial& t, Pick& pick) {
  const Shape shape = pick.of<Shape>({{2, 3, 4}, {3, 5}, {2, 1, 3, 4}, {1, 17}});
  const int64_t axes = pick({1, 2}), rms = pick({0, 1});
  const double epsilon = pick.of({0.125, 1.0});
  const bool scale = pick({1, 0}), centre = pick({1, 0});
  ops::ReduceOptions over{.axis = {-1}, .keepdims = true};
  if (axes == 2) over.axis.push_back(-2);
  const Expression x(t.g, t.input(shape));
  const Expression centred = rms ? x : x - ops::mean(x, over);
  Expression y = centred * ops::rsqrt(ops::mean(ops::square(centred), over) + epsilon);
  if (scale) y = y * Expression(t.g, t.input(Shape{shape[-1]}));
  if (centre) y = y + Expression(t.g, t.input(Shape{shape[-1]}));
  return y;
}

// ---- products, and ops put together -------------------------------------------------------------

inline graph::Value matmul_family(Trial& t, Pick& pick) {
  const int64_t b = pick({1, 2, 3}), m = pick({3, 1, 5}), k = pick({2, 1, 17}), n = pick({4, 1, 3});
  const bool twice = pick({0, 1});
  const graph::Value x = t.input(Shape{b, m, k});
  const graph::Value y = twice ? t.g.transpose(x, {0, 2, 1}) : t.input(Shape{b, k, n});
  return t.g.add(ops::MatMul{}, {x, y});
}

// Embedding as a product, cross-entropy of logits with weights, dropout: what losses and layers
// are made of. Nothing flows back through labels, comparisons and random numbers.
inline graph::Value formula_family(Trial& t, Pick& pick) {
  const int64_t kind = pick.below(5), n = pick({4, 1, 7}), classes = pick({3, 2, 17});
  const double number = pick.of({0.25, 0.5, 0.75});
  const Expression x(t.g, t.input(Shape{n, classes}));
  Tensor labels(Shape{n});
  for (int64_t i = 0; i < n; ++i)
    labels.values()[static_cast<size_t>(i)] = static_cast<float>((i * 7 + 1) % classes);
  const Expression one_hot = ops::one_hot({t.g, t.fixed(labels)}, classes);
  switch (kind) {
    case 0: {  // cross-entropy with label smoothing
      const Expression target = one_hot * (1 - number) + number / static_cast<double>(classes);
      return -ops::mean(ops::sum(target * ops::log_softmax(x), {.axis = {-1}}));
    }
    case 1: {  // inverted dropout
      t.g.set_random_key(t.fixed(Tensor(Shape{6}, {1, 2, 3, 4, 5, 0})));
      const Expression u(t.g, t.g.random(ops::Random::Kind::kUniform, x.shape()));
      return x * ops::greater_equal(u, x * 0 + number) / (1 - number);
    }
    case 2: {  // rows of a table
      const Expression table(t.g, t.input(Shape{1, classes, 5}));
      return ops::matmul(ops::reshape(one_hot, {1, n, classes}), table);
    }
    case 3: {  // the same value along several ways, one of which is held
      const Expression a = ops::tanh(x), b = a * x + ops::stop_gradient(a * 0 + number);
      return ops::concatenate({b * a, ops::slice(b, 1, 0, 1), x}, 1) / (ops::sum(b * b) + 1);
    }
    default: {  // cosine similarity
      const ops::ReduceOptions last{.axis = {-1}, .keepdims = true};
      const Expression y(t.g, t.input(Shape{n, classes}));
      const auto unit = [&](Expression v) {
        return v * ops::rsqrt(ops::maximum(ops::sum(ops::square(v), last), 1e-12));
      };
      return ops::sum(unit(x) * unit(y), {.axis = {-1}}) * number;
    }
  }
}

inline std::vector<Family> other_families() {
  return {{"Pad", 2, pad_family},
          {"Transpose", 2, transpose_family},
          {"Concat", 2, concat_family},
          {"Broadcast", 2, broadcast_family},
          {"Reduce", 2, reduce_family},
          {"Softmax", 3, softmax_family},
          {"BatchNorm", 4, batch_norm_family},
          {"Moments", 2, moments_family},
          {"LayerNormalization", 4, layer_norm_family},
          {"MatMul", 4, matmul_family},
          {"Formula", 4, formula_family}};
}

}  // namespace cornu::testing
