// Each rule of layers.md part 12 (and Keras 3's other four) against its formula written once more,
// in double precision and in the textbooks' form.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cornu/train/optimizer.h"
#include "tests/support/compare.h"

namespace cornu {
namespace {

using Numbers = std::vector<double>;

constexpr int64_t kRows = 3, kColumns = 4, kSize = 2 * kRows * kColumns;

// What a rewritten rule sees: weight and gradient, t from 1, and whatever it wants to remember,
// zeros (or `initial`) at first.
struct Reference {
  Numbers p, g;
  double t = 0;
  std::map<std::string, Numbers> kept = {};
  Numbers& keep(const std::string& name, double initial = 0) {
    return kept.try_emplace(name, Numbers(p.size(), initial)).first->second;
  }
};
using Formula = std::function<void(Reference&)>;

// One number at a time: formula(p, g, t, a, b, c).
using Scalar = std::function<void(double&, double, double, double&, double&, double&)>;
Formula each(Scalar formula, double initial = 0) {
  return [=](Reference& r) {
    for (size_t i = 0; i < r.p.size(); ++i)
      formula(r.p[i], r.g[i], r.t, r.keep("a", initial)[i], r.keep("b")[i], r.keep("c")[i]);
  };
}

double norm(const Numbers& x) {
  double sum = 0;
  for (double v : x) sum += v * v;
  return std::sqrt(sum);
}

void adafactor(Reference& r) {
  const double beta = 1 - std::pow(r.t, -0.8), n = static_cast<double>(r.p.size());
  const double rho = std::min(0.1, 1 / std::sqrt(r.t));
  const double alpha = std::max(1e-3, norm(r.p) / std::sqrt(n)) * rho;
  Numbers u(r.p.size());
  Numbers &rows = r.keep("rows"), &columns = r.keep("columns");
  for (size_t k = 0; k < 2; ++k) {
    const size_t at = k * kRows * kColumns;
    const auto g2 = [&](size_t i, size_t j) {
      return std::pow(r.g[at + i * kColumns + j], 2) + 1e-30;
    };
    double total = 0;
    for (size_t i = 0; i < kRows; ++i) {
      double mean = 0;
      for (size_t j = 0; j < kColumns; ++j) mean += g2(i, j) / kColumns;
      rows[at + i] = beta * rows[at + i] + (1 - beta) * mean;
      total += rows[at + i] / kRows;
    }
    for (size_t j = 0; j < kColumns; ++j) {
      double mean = 0;
      for (size_t i = 0; i < kRows; ++i) mean += g2(i, j) / kRows;
      columns[at + j] = beta * columns[at + j] + (1 - beta) * mean;
      for (size_t i = 0; i < kRows; ++i)
        u[at + i * kColumns + j] =
            r.g[at + i * kColumns + j] / std::sqrt(rows[at + i] * columns[at + j] / total);
    }
  }
  const double clip = std::max(1.0, norm(u) / std::sqrt(n) / 0.5);
  for (size_t i = 0; i < u.size(); ++i) r.p[i] -= alpha * u[i] / clip;
}

void adafactor_of_a_vector(Reference& r) {
  const double beta = 1 - std::pow(r.t, -0.8), n = static_cast<double>(r.p.size());
  Numbers u(r.p.size()), &v = r.keep("v");
  const double alpha = std::max(1e-3, norm(r.p) / std::sqrt(n)) * std::min(0.1, 1 / std::sqrt(r.t));
  for (size_t i = 0; i < u.size(); ++i) {
    v[i] = beta * v[i] + (1 - beta) * (r.g[i] * r.g[i] + 1e-30);
    u[i] = r.g[i] / std::sqrt(v[i]);
  }
  for (size_t i = 0; i < u.size(); ++i)
    r.p[i] -= alpha * u[i] / std::max(1.0, norm(u) / std::sqrt(n) / 0.5);
}

void lamb(Reference& r) {
  Numbers u(r.p.size()), &m = r.keep("m"), &v = r.keep("v");
  for (size_t i = 0; i < u.size(); ++i) {
    m[i] = 0.9 * m[i] + 0.1 * r.g[i];
    v[i] = 0.999 * v[i] + 0.001 * r.g[i] * r.g[i];
    u[i] = m[i] / (1 - std::pow(0.9, r.t)) / (std::sqrt(v[i] / (1 - std::pow(0.999, r.t))) + 1e-7);
  }
  const double ratio = norm(r.p) / norm(u);
  for (size_t i = 0; i < u.size(); ++i) r.p[i] -= 0.1 * ratio * u[i];
}

Scalar rmsprop(double momentum, bool centered) {
  return [=](double& p, double g, double, double& v, double& m, double& mean) {
    v = 0.9 * v + 0.1 * g * g;
    mean = 0.9 * mean + 0.1 * g;
    const double step = 0.1 * g / std::sqrt(v - (centered ? mean * mean : 0) + 1e-3);
    m = momentum * m + step;
    p -= m;
  };
}

Scalar adam(bool amsgrad, double decay = 0) {
  return [=](double& p, double g, double t, double& m, double& v, double& highest) {
    p -= 0.1 * decay * p;
    m = 0.9 * m + 0.1 * g;
    v = 0.99 * v + 0.01 * g * g;
    highest = std::max(highest, v);
    const double correction = std::sqrt(1 - std::pow(0.99, t)) / (1 - std::pow(0.9, t));
    p -= 0.1 * correction * m / (std::sqrt(amsgrad ? highest : v) + 1e-4);
  };
}

Formula ftrl(double power, double initial, double l1, double l2, double shrinkage) {
  return each(
      [=](double& p, double g, double, double& n, double& z, double&) {
        const double before = std::pow(n, power);
        n += g * g;
        z += g + 2 * shrinkage * p - (std::pow(n, power) - before) / .1 * p;
        const double shrunk = std::abs(z) <= l1 ? 0 : z > 0 ? l1 - z : -l1 - z;
        p = shrunk / (std::pow(n, power) / .1 + 2 * l2);
      },
      initial);
}

void nadam(Reference& r) {
  const auto mu = [](double t) { return 0.9 * (1 - 0.5 * std::pow(0.96, t)); };
  double product = 1;
  for (double t = 1; t <= r.t; ++t) product *= mu(t);
  Numbers &m = r.keep("m"), &v = r.keep("v");
  for (size_t i = 0; i < r.p.size(); ++i) {
    m[i] = 0.9 * m[i] + 0.1 * r.g[i];
    v[i] = 0.999 * v[i] + 0.001 * r.g[i] * r.g[i];
    const double look_ahead =
        mu(r.t + 1) * m[i] / (1 - product * mu(r.t + 1)) + (1 - mu(r.t)) * r.g[i] / (1 - product);
    r.p[i] -= 0.1 * look_ahead / (std::sqrt(v[i] / (1 - std::pow(0.999, r.t))) + 1e-7);
  }
}

struct Case {
  Optimizer optimizer;
  Formula formula;
  Shape shape = {2, kRows, kColumns};
};

std::vector<Case> cases() {
  const auto sgd = [](double mu, bool nesterov) {
    return each([=](double& p, double g, double, double& v, double&, double&) {
      v = mu * v - 0.1 * g;
      p += nesterov ? mu * v - 0.1 * g : v;
    });
  };
  return {
      {SGD({.learning_rate = .1}), sgd(0, false)},
      {SGD({.learning_rate = .1, .momentum = .8}), sgd(.8, false)},
      {SGD({.learning_rate = .1, .momentum = .8, .nesterov = true}), sgd(.8, true)},
      {RMSprop({.learning_rate = .1, .epsilon = 1e-3}), each(rmsprop(0, false))},
      {RMSprop({.learning_rate = .1, .momentum = .5, .epsilon = 1e-3}), each(rmsprop(.5, false))},
      {RMSprop({.learning_rate = .1, .epsilon = 1e-3, .centered = true}), each(rmsprop(0, true))},
      {RMSprop({.learning_rate = .1, .momentum = .5, .epsilon = 1e-3, .centered = true}),
       each(rmsprop(.5, true))},
      {Adam({.learning_rate = .1, .beta_2 = .99, .epsilon = 1e-4}), each(adam(false))},
      {Adam({.learning_rate = .1, .beta_2 = .99, .epsilon = 1e-4, .amsgrad = true}),
       each(adam(true))},
      {AdamW({.learning_rate = .1, .weight_decay = .2, .beta_2 = .99, .epsilon = 1e-4}),
       each(adam(false, .2))},
      {Adagrad({.learning_rate = .1, .initial_accumulator_value = .3, .epsilon = 1e-3}),
       each(
           [](double& p, double g, double, double& a, double&, double&) {
             a += g * g;
             p -= .1 * g / std::sqrt(a + 1e-3);
           },
           .3)},
      {Adadelta({.learning_rate = 2, .rho = .9, .epsilon = 1e-4}),
       each([](double& p, double g, double, double& squares, double& deltas, double&) {
         squares = .9 * squares + .1 * g * g;
         const double delta = g * std::sqrt((deltas + 1e-4) / (squares + 1e-4));
         deltas = .9 * deltas + .1 * delta * delta;
         p -= 2 * delta;
       })},
      {Adamax({.learning_rate = .1, .beta_2 = .95, .epsilon = 1e-3}),
       each([](double& p, double g, double t, double& m, double& size, double&) {
         m = .9 * m + .1 * g;
         size = std::max(.95 * size, std::abs(g));
         p -= .1 / (1 - std::pow(.9, t)) * m / (size + 1e-3);
       })},
      {Nadam({.learning_rate = .1}), nadam},
      {Lion({.learning_rate = .1, .beta_2 = .9}),
       each([](double& p, double g, double, double& m, double&, double&) {
         const double direction = .9 * m + .1 * g;
         p -= direction > 0 ? .1 : direction < 0 ? -.1 : 0;
         m = .9 * m + .1 * g;
       })},
      {Ftrl({.learning_rate = .1}), ftrl(.5, .1, 0, 0, 0)},
      {Ftrl({.learning_rate = .1,
             .learning_rate_power = -.6,
             .initial_accumulator_value = .2,
             .l1_regularization_strength = .05,
             .l2_regularization_strength = .01,
             .l2_shrinkage_regularization_strength = .02,
             .beta = .1}),
       ftrl(.6, .2, .05, .01 + .1 / (2 * .1), .02)},
      {Lamb({.learning_rate = .1}), lamb},
      {Adafactor({.learning_rate = .1, .clip_threshold = .5}), adafactor},
      {Adafactor({.learning_rate = .1, .clip_threshold = .5}), adafactor_of_a_vector, {kSize}},
  };
}

TEST(OptimizerRules, FollowTheirFormulas) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.optimizer.config().dump());
    const Tensor start = testing::random_tensor(c.shape, 5);
    const std::vector<Weight> weights = {
        {std::make_shared<Variable>("kernel", start, true), None, None}};
    Reference r{.p = {start.values().begin(), start.values().end()}, .g = {}};
    Optimizer optimizer = c.optimizer;
    optimizer.build(weights);
    for (uint64_t step = 1; step <= 20; ++step) {
      Tensor gradient = testing::random_tensor(c.shape, 100 + step);
      // Large ones first, so that what keeps the largest differs from what forgets.
      for (float& g : gradient.values()) g *= step < 6 ? 3.0f : 0.5f;
      r.g.assign(gradient.values().begin(), gradient.values().end());
      r.t = static_cast<double>(step);
      c.formula(r);
      float* const pointers[] = {gradient.data()};
      optimizer.apply(weights, pointers);
      const Tensor got = weights[0].variable->value();
      for (size_t i = 0; i < r.p.size(); ++i)
        ASSERT_NEAR(double{got.values()[i]}, r.p[i], 2e-5) << "step " << step << " element " << i;
    }
    EXPECT_GT(testing::max_error(weights[0].variable->value(), start), 0.01);
    EXPECT_EQ(optimizer.iterations(), 20);
  }
}

// A gradient of zeros moves nothing, and divides nothing by zero.
TEST(OptimizerRules, ZeroGradients) {
  for (const Case& c : cases()) {
    if (c.optimizer.class_name() == "AdamW" || c.optimizer.class_name() == "Ftrl") continue;
    SCOPED_TRACE(c.optimizer.config().dump());
    const Tensor start = testing::random_tensor(c.shape, 5);
    const std::vector<Weight> weights = {
        {std::make_shared<Variable>("kernel", start, true), None, None}};
    Optimizer optimizer = c.optimizer;
    optimizer.build(weights);
    for (int step = 0; step < 3; ++step) {
      Tensor gradient(c.shape);
      float* const pointers[] = {gradient.data()};
      optimizer.apply(weights, pointers);
    }
    EXPECT_TRUE(testing::bit_equal(weights[0].variable->value(), start));
  }
}

}  // namespace
}  // namespace cornu
