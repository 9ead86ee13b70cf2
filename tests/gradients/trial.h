#pragma once

// Gradients held against difference quotients in double precision.

#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "cornu/base/text.h"
#include "cornu/grad/differentiate.h"
#include "cornu/graph/interpret.h"
#include "tests/support/pairwise.h"

namespace cornu::testing {

// The arguments of one configuration: each call takes the next factor of a pairwise covering set.
// A configuration must ask for the same factors, in the same order, whatever it is given.
class Pick {
 public:
  Pick() = default;  // every factor's first level
  explicit Pick(Choice choice) : choice_(std::move(choice)) {}

  template <class T>
  T of(std::initializer_list<T> levels) {
    const size_t factor = levels_.size();
    levels_.push_back(levels.size());
    return levels.begin()[factor < choice_.size() ? choice_[factor] : 0];
  }
  int64_t operator()(std::initializer_list<int64_t> levels) { return of(levels); }
  // A number in [0, count).
  int64_t below(int64_t count) {
    const size_t factor = levels_.size();
    levels_.push_back(static_cast<size_t>(count));
    return factor < choice_.size() ? static_cast<int64_t>(choice_[factor]) : 0;
  }
  // How many levels each factor had.
  const std::vector<size_t>& levels() const { return levels_; }

 private:
  Choice choice_;
  std::vector<size_t> levels_;
};

// A graph being built, with the numbers at which its gradient is taken.
class Trial {
 public:
  explicit Trial(uint64_t seed) : rng_(seed) {}
  // At these inputs of a graph, rounded to what steps keep exact.
  Trial(graph::Graph graph, const std::vector<Tensor>& inputs, uint64_t seed)
      : g(std::move(graph), graph::Mode::kPredict), rng_(seed) {
    for (const Tensor& x : inputs) {
      wrt_.push_back(inputs_.size());
      inputs_.push_back(filled(
          x.shape(), [&](size_t i) { return std::round(x.values()[i] * 0x1p12f) * 0x1p-12f; }));
    }
  }

  graph::Builder g;

  // Odd multiples of 1/32 in [low, high]: away from kinks at multiples of 1/16.
  Tensor numbers(Shape shape, double low = -2, double high = 2) {
    const auto steps = static_cast<uint64_t>((high - low) * 16);
    return filled(std::move(shape),
                  [&](size_t) { return low + (2 * static_cast<double>(rng_() % steps) + 1) / 32; });
  }
  // No two equal, none nearer to another than 1/32: where a maximum is unique, also after a step.
  Tensor distinct(Shape shape) {
    const auto n = static_cast<size_t>(shape.size());
    std::vector<size_t> order(n);
    std::iota(order.begin(), order.end(), size_t{0});
    std::shuffle(order.begin(), order.end(), rng_);
    return filled(std::move(shape), [&](size_t i) {
      return (static_cast<double>(order[i]) - static_cast<double>(n) / 2) / 32;
    });
  }

  // An input that the gradient is asked for.
  graph::Value input(Tensor value) {
    wrt_.push_back(inputs_.size());
    return fixed(std::move(value));
  }
  graph::Value input(Shape shape, double low = -2, double high = 2) {
    return input(numbers(std::move(shape), low, high));
  }
  // One that it is not asked for.
  graph::Value fixed(Tensor value) {
    const graph::Value v = g.input(value.shape());
    inputs_.push_back(std::move(value));
    return v;
  }

  // Which of the inputs to differentiate by; the others become fixed.
  enum class Wanted { kAll, kFirst, kLast };

  // What is wrong with the gradient of `y`, weighted by random numbers, in the direction of random
  // steps of each input alone; nothing if all is well.
  std::optional<std::string> fault(graph::Value y, Wanted wanted = Wanted::kAll) &&;

 private:
  template <class F>
  Tensor filled(Shape shape, F&& f) {
    Tensor t(std::move(shape));
    size_t i = 0;
    for (float& v : t.values()) v = static_cast<float>(f(i++));
    return t;
  }
  // Multiples of 1/4 in [-1, 1] without 0: steps by them are exact in float.
  Tensor direction(Shape shape) {
    return filled(std::move(shape), [&](size_t) {
      const double size = static_cast<double>(1 + rng_() % 4) / 4;
      return rng_() % 2 ? size : -size;
    });
  }

  std::mt19937_64 rng_;
  std::vector<Tensor> inputs_;
  std::vector<size_t> wrt_;
};

namespace internal {

inline double weighted_sum(const std::vector<double>& y, const Tensor& weights) {
  double sum = 0;
  for (size_t i = 0; i < y.size(); ++i) sum += y[i] * weights.values()[i];
  return sum;
}

// The derivative of `s` at 0 to fourth order in the step, which keeps every number exact in float.
inline double slope(const std::function<double(double)>& s) {
  constexpr double kStep = 0x1p-9;
  return (8 * (s(kStep) - s(-kStep)) - (s(2 * kStep) - s(-2 * kStep))) / (12 * kStep);
}

}  // namespace internal

inline std::optional<std::string> Trial::fault(graph::Value y, Wanted wanted) && {
  if (wanted == Wanted::kFirst) wrt_ = {wrt_.front()};
  if (wanted == Wanted::kLast) wrt_ = {wrt_.back()};
  const Tensor weights = direction(g.shape(y));
  const graph::Graph forward = std::move(g).finish({y});

  graph::Builder b(forward, graph::Mode::kPredict);
  std::vector<graph::Value> wrt;
  for (size_t i : wrt_) wrt.push_back({forward.inputs[i]});
  const graph::Value cotangent = b.input(weights.shape());
  const graph::Graph backward =
      std::move(b).finish(grad::differentiate(b, b.outputs(), {cotangent}, wrt));
  graph::verify(backward);
  std::vector<Tensor> with_cotangent = inputs_;
  with_cotangent.push_back(weights);
  const auto gradients = graph::interpret<double>(backward, with_cotangent);

  for (size_t k = 0; k < wrt_.size(); ++k) {
    const Tensor at = inputs_[wrt_[k]], towards = direction(at.shape());
    if (backward[backward.outputs[k]].shape != at.shape())
      return base::cat("gradient ", k, " has another shape than its input");
    double size = 0;  // of the terms that are summed
    for (size_t i = 0; i < gradients[k].size(); ++i)
      size += std::fabs(gradients[k][i] * towards.values()[i]);
    double value_size = 0;
    const double numeric = internal::slope([&](double step) {
      std::vector<Tensor> moved = inputs_;
      Tensor& x = moved[wrt_[k]];
      for (size_t i = 0; i < x.values().size(); ++i)
        x.values()[i] =
            static_cast<float>(at.values()[i] + step * static_cast<double>(towards.values()[i]));
      const std::vector<double> result = graph::interpret<double>(forward, moved)[0];
      for (size_t i = 0; i < result.size(); ++i)
        value_size = std::max(value_size, std::fabs(result[i]));
      return internal::weighted_sum(result, weights);
    });
    const double exact = internal::weighted_sum(gradients[k], towards);
    // Constants in the graph are float; a quotient of large values is no better than they are.
    const double tolerance = 1e-5 * std::fabs(numeric) + 2e-7 * size +
                             1e-11 * (1 + value_size * static_cast<double>(weights.size()));
    if (!(std::fabs(exact - numeric) <= tolerance))
      return base::cat("input ", wrt_[k], ": gradient ", exact, ", difference quotient ", numeric,
                       "\n", graph::print(backward));
  }
  return std::nullopt;
}

// Configurations of one kind: what a pairwise covering set of its arguments makes.
struct Family {
  const char* name;
  int rounds;  // covering sets, each from a seed of its own
  std::function<graph::Value(Trial&, Pick&)> build;
};

// The arguments of all configurations of a family. One more factor is put in front: which inputs
// are wanted.
inline std::vector<Choice> choices_of(const Family& family) {
  Trial trial(0);
  Pick first;
  family.build(trial, first);
  std::vector<size_t> levels = {3};
  levels.insert(levels.end(), first.levels().begin(), first.levels().end());
  std::vector<Choice> all;
  for (int round = 0; round < family.rounds; ++round)
    for (Choice& c : Pairwise(levels, static_cast<uint64_t>(round)).choices())
      all.push_back(std::move(c));
  return all;
}

}  // namespace cornu::testing
