#pragma once

// What the tests of losses share: running formulas, and every loss beside a formula of one sample
// written out in double.

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "cornu/exec/interpreter.h"
#include "cornu/train/loss.h"
#include "tests/support/compare.h"

namespace cornu::loss_test {

using testing::random_integers;
using testing::random_tensor;

using Row = std::vector<double>;
using Formula = std::function<Expression(std::vector<Expression>)>;

// eps as the graph has it, in float.
inline const double kEps = 1e-7f, kOneLess = static_cast<float>(1 - 1e-7);

// The graph of a formula of inputs of these shapes.
inline graph::Graph graph_of(const std::vector<Tensor>& in, const Formula& formula) {
  graph::Builder g;
  std::vector<Expression> x;
  for (const Tensor& t : in) x.emplace_back(g, g.input(t.shape()));
  const Expression y = formula(x);
  return std::move(g).finish({y});
}

// What it gives, in T arithmetic.
template <class T = double>
std::vector<T> run(const std::vector<Tensor>& in, const Formula& formula) {
  return exec::interpret<T>(graph_of(in, formula), in)[0];
}

inline Tensor softmaxed(const Tensor& z) {
  return Tensor(z.shape(), run<float>({z}, [](auto x) { return ops::softmax(x[0]); }));
}

struct Case {
  Loss loss;
  std::function<double(const Row& y, const Row& p)> value;  // of one sample
  enum { kReal, kProbability, kOneHot, kLabel, kSigns } target = kReal;
  enum { kAny, kPositive, kUnit, kSum1 } prediction = kAny;
};

inline double mean(const Row& y, const Row& p, const std::function<double(double, double)>& f) {
  double sum = 0;
  for (size_t i = 0; i < y.size(); ++i) sum += f(y[i], p[i]);
  return sum / static_cast<double>(y.size());
}
inline double sum(const Row& y, const Row& p, const std::function<double(double, double)>& f) {
  return mean(y, p, f) * static_cast<double>(y.size());
}
inline double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }
inline double bce(double y, double p) {
  const double q = std::clamp(p, kEps, kOneLess);
  return -(y * std::log(q) + (1 - y) * std::log(1 - q));
}
inline Row softmax(const Row& z) {
  Row p;
  double total = 0;
  for (double v : z) total += p.emplace_back(std::exp(v));
  for (double& v : p) v /= total;
  return p;
}
inline Row normalized(const Row& p) {
  const double total = sum(p, p, [](double v, double) { return v; });
  Row q;
  for (double v : p) q.push_back(std::clamp(v / total, kEps, kOneLess));
  return q;
}
inline double cce(const Row& y, const Row& p) {
  return sum(y, p, [](double t, double q) { return -t * std::log(q); });
}
inline Row one_hot(double label, size_t classes) {
  Row y(classes, 0);
  y.at(static_cast<size_t>(label)) = 1;
  return y;
}
inline double norm(const Row& x) {
  return std::sqrt(sum(x, x, [](double a, double b) { return a * b; }));
}

inline std::vector<Case> cases() {
  using C = Case;
  const auto each = [](auto f) {
    return [f](const Row& y, const Row& p) { return mean(y, p, f); };
  };
  const auto focal = [](double alpha, double gamma, double smoothing) {
    return [=](double y, double p) {
      const double t = y * (1 - smoothing) + smoothing / 2;
      const double pt = t * p + (1 - t) * (1 - p);
      const double weight = alpha < 0 ? 1 : t * alpha + (1 - t) * (1 - alpha);
      return weight * std::pow(1 - pt, gamma) * bce(t, p);
    };
  };
  const auto categorical_focal = [](double alpha, double gamma) {
    return [=](const Row& y, const Row& p) {
      return sum(y, normalized(p), [=](double t, double q) {
        return -alpha * std::pow(1 - q, gamma) * t * std::log(q);
      });
    };
  };
  const auto categorical_hinge = [](const Row& y, const Row& p) {
    double neg = -INFINITY;
    for (size_t i = 0; i < y.size(); ++i) neg = std::max(neg, (1 - y[i]) * p[i]);
    return std::max(neg - sum(y, p, [](double t, double q) { return t * q; }) + 1, 0.);
  };
  return {
      {"mse", each([](double y, double p) { return (y - p) * (y - p); })},
      {"mae", each([](double y, double p) { return std::abs(y - p); })},
      {"mape", each([](double y, double p) {
         return 100 * std::abs(y - p) / std::max(std::abs(y), kEps);
       })},
      {"msle", each([](double y, double p) {
         return std::pow(std::log(std::max(p, kEps) + 1) - std::log(std::max(y, kEps) + 1), 2);
       })},
      {"cosine_similarity",
       [](const Row& y, const Row& p) {
         return -sum(y, p, [](double a, double b) { return a * b; }) / (norm(y) * norm(p));
       }},
      {losses::Huber({.delta = .75}), each([](double y, double p) {
         const double e = std::abs(y - p);
         return e <= .75 ? e * e / 2 : .75 * e - .75 * .75 / 2;
       })},
      {"log_cosh", each([](double y, double p) { return std::log(std::cosh(p - y)); })},
      {"hinge", each([](double y, double p) { return std::max(1 - y * p, 0.); }), C::kSigns},
      {"squared_hinge",
       each([](double y, double p) { return std::pow(std::max(1 - y * p, 0.), 2); }), C::kReal},
      {"squared_hinge",
       each([](double y, double p) { return std::pow(std::max(1 - (2 * y - 1) * p, 0.), 2); }),
       C::kOneHot},
      {"categorical_hinge", categorical_hinge, C::kOneHot},
      {"kld",
       [](const Row& y, const Row& p) {
         return sum(y, p, [](double t, double q) {
           t = std::clamp(t, kEps, 1.), q = std::clamp(q, kEps, 1.);
           return t * std::log(t / q);
         });
       },
       C::kProbability, C::kSum1},
      {"poisson", each([](double y, double p) { return p - y * std::log(p + kEps); }),
       C::kProbability, C::kPositive},
      {"bce", each([](double y, double p) { return bce(y, p); }), C::kProbability, C::kUnit},
      {losses::BinaryCrossentropy({.label_smoothing = .3}),
       each([](double y, double p) { return bce(y * .7 + .15, p); }), C::kOneHot, C::kUnit},
      {losses::BinaryCrossentropy({.from_logits = true, .label_smoothing = .3}),
       each([](double y, double p) { return bce(y * .7 + .15, sigmoid(p)); }), C::kOneHot},
      {"categorical_crossentropy", [](const Row& y, const Row& p) { return cce(y, normalized(p)); },
       C::kProbability, C::kUnit},
      {losses::CategoricalCrossentropy({.from_logits = true, .label_smoothing = .2}),
       [](const Row& y, const Row& p) {
         Row t = y;
         for (double& v : t) v = v * .8 + .2 / static_cast<double>(y.size());
         return cce(t, softmax(p));
       },
       C::kOneHot},
      {"sparse_categorical_crossentropy",
       [](const Row& y, const Row& p) { return cce(one_hot(y[0], p.size()), normalized(p)); },
       C::kLabel, C::kUnit},
      {losses::SparseCategoricalCrossentropy({.from_logits = true}),
       [](const Row& y, const Row& p) { return cce(one_hot(y[0], p.size()), softmax(p)); },
       C::kLabel},
      {"binary_focal_crossentropy", each(focal(-1, 2, 0)), C::kOneHot, C::kUnit},
      {losses::BinaryFocalCrossentropy(
           {.apply_class_balancing = true, .alpha = .3, .gamma = 1.5, .label_smoothing = .1}),
       each(focal(.3, 1.5, .1)), C::kOneHot, C::kUnit},
      {losses::BinaryFocalCrossentropy({.gamma = 3, .from_logits = true}),
       each([focal](double y, double p) { return focal(-1, 3, 0)(y, sigmoid(p)); }), C::kOneHot},
      {"categorical_focal_crossentropy", categorical_focal(.25, 2), C::kOneHot, C::kUnit},
      {losses::CategoricalFocalCrossentropy({.alpha = .5, .gamma = .5, .from_logits = true}),
       [categorical_focal](const Row& y, const Row& p) {
         return categorical_focal(.5, .5)(y, softmax(p));
       },
       C::kOneHot},
  };
}

struct Data {
  Tensor y, p;
  std::vector<Row> y_rows, p_rows;
};

// Random targets and predictions of that shape, (…, classes).
inline Data data_for(const Case& c, const Shape& shape, uint64_t seed) {
  const int64_t classes = shape[-1], rows = shape.size() / classes;
  Tensor p = random_tensor(shape, seed, c.prediction == Case::kAny ? -2.f : .05f,
                           c.prediction == Case::kPositive ? 3.f : (c.prediction ? .95f : 2.f));
  if (c.prediction == Case::kSum1) p = softmaxed(p);
  Tensor y = random_tensor(shape, seed + 1, c.target == Case::kProbability ? .05f : -2.f,
                           c.target == Case::kProbability ? .95f : 2.f);
  const Tensor labels = random_integers(Shape{rows}, seed + 2, 0, static_cast<int>(classes) - 1);
  if (c.target == Case::kSigns)
    for (float& v : y.values()) v = v > 0 ? 1.f : -1.f;
  if (c.target == Case::kOneHot)
    for (int64_t i = 0; i < y.size(); ++i)
      y.data()[i] = i % classes == static_cast<int64_t>(labels.data()[i / classes]) ? 1.f : 0.f;
  if (c.target == Case::kLabel) {
    Shape without = shape;
    without.erase(shape.rank() - 1);
    y = labels.reshaped(without);
  }
  const int64_t width = y.size() / rows;
  Data d{y, p, {}, {}};
  for (int64_t r = 0; r < rows; ++r) {
    d.y_rows.emplace_back(y.data() + r * width, y.data() + (r + 1) * width);
    d.p_rows.emplace_back(p.data() + r * classes, p.data() + (r + 1) * classes);
  }
  return d;
}

}  // namespace cornu::loss_test
