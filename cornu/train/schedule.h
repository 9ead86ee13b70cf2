#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/base/json.h"
#include "cornu/base/none.h"
#include "cornu/nn/where.h"

namespace cornu {

namespace train {
class Schedule;
}

// A learning_rate argument: a number, one of the schedules below, or a function of your own from
// the number of steps made so far to the rate. Computed in float32, as in Keras.
class CORNU_API LearningRate {
 public:
  using Function = std::function<double(int64_t step)>;

  LearningRate(double value);
  // The name is what files call it: register_learning_rate() lets them be read again.
  LearningRate(std::string name, Function function);
  template <class F>
  requires(std::is_invocable_r_v<double, F, int64_t> && !std::same_as<F, LearningRate>)
      LearningRate(F function)
      : LearningRate("<lambda>", Function(std::move(function))) {}
  LearningRate(std::shared_ptr<const train::Schedule> schedule);

  // A number, or an object as files of any Keras write it. ValueError naming `where`.
  static LearningRate from_config(const base::Json& config, const nn::Where& where);
  // As Keras 3 writes it: a number is float32 widened.
  base::Json config() const;
  // ValueError unless a number is finite.
  void check(const nn::Where& where) const;

  // The rate of the step that follows `step` others, counting from 0.
  double at(int64_t step) const;
  // True for a schedule and for a function: the rate is then not to be set from outside.
  bool is_schedule() const { return schedule_ || function_; }

 private:
  float value_ = 0;
  std::shared_ptr<const train::Schedule> schedule_;
  std::string name_;
  Function function_;
};

// Makes a function of your own known under the name that files use. Later registrations of a name
// replace earlier ones. Not to be called while another thread loads a model.
CORNU_API void register_learning_rate(const std::string& name, LearningRate::Function function);

// A number of steps; Keras takes any number.
struct StepCount {
  double value = 0;
  constexpr StepCount() = default;
  template <class T>
  requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>) constexpr StepCount(T n)
      : value(static_cast<double>(n)) {}
};

struct ExponentialDecayOptions {
  double initial_learning_rate = 0;
  StepCount decay_steps = {};
  double decay_rate = 0;
  bool staircase = false;
  std::string name = "ExponentialDecay";
};
struct InverseTimeDecayOptions {
  double initial_learning_rate = 0;
  StepCount decay_steps = {};
  double decay_rate = 0;
  bool staircase = false;
  std::string name = "InverseTimeDecay";
};
struct PolynomialDecayOptions {
  double initial_learning_rate = 0;
  StepCount decay_steps = {};
  double end_learning_rate = 0.0001;
  double power = 1.0;
  bool cycle = false;
  std::string name = "PolynomialDecay";
};
struct PiecewiseConstantDecayOptions {
  std::vector<StepCount> boundaries = {};
  std::vector<double> values = {};
  std::string name = "PiecewiseConstant";
};
struct CosineDecayOptions {
  double initial_learning_rate = 0;
  StepCount decay_steps = {};
  double alpha = 0.0;
  std::string name = "CosineDecay";
  std::optional<double> warmup_target = None;
  StepCount warmup_steps = 0;
};
struct CosineDecayRestartsOptions {
  double initial_learning_rate = 0;
  StepCount first_decay_steps = {};
  double t_mul = 2.0;
  double m_mul = 1.0;
  double alpha = 0.0;
  std::string name = "SGDRDecay";
};

// layers.md part 15, https://keras.io/api/optimizers/learning_rate_schedules/. ValueError for a
// number of steps that is not positive, for numbers that are not finite, and for boundaries that do
// not increase or are not one fewer than the values.
namespace schedules {
// initial_learning_rate * decay_rate ^ (step / decay_steps); staircase: the quotient rounded down.
CORNU_API LearningRate ExponentialDecay(ExponentialDecayOptions o);
// initial_learning_rate / (1 + decay_rate * step / decay_steps).
CORNU_API LearningRate InverseTimeDecay(InverseTimeDecayOptions o);
// From initial to end over decay_steps along (1 - step / decay_steps) ^ power; cycle: starts anew
// from where a longer decay would be.
CORNU_API LearningRate PolynomialDecay(PolynomialDecayOptions o);
// values[i] up to and with step boundaries[i], the last one from there on.
CORNU_API LearningRate PiecewiseConstantDecay(PiecewiseConstantDecayOptions o);
// Half a cosine down to alpha * initial_learning_rate; with a warmup_target first a straight line
// up to it over warmup_steps, and the cosine starts there.
CORNU_API LearningRate CosineDecay(CosineDecayOptions o);
// The same again and again, each time t_mul times as long and m_mul times as high.
CORNU_API LearningRate CosineDecayRestarts(CosineDecayRestartsOptions o);
}  // namespace schedules

}  // namespace cornu
