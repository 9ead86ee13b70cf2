#include "cornu/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cornu/nn/field_reader.h"

namespace cornu {

using base::Json;
using nn::FieldReader;
using nn::Where;

namespace train {

// A schedule as a value: rate, configuration, checks.
class Schedule {
 public:
  virtual ~Schedule() = default;
  virtual float at(float step) const = 0;
  virtual Json config() const = 0;
};

namespace {

// What a list of fields does. Each schedule names its arguments once, in Keras's order.
class Reader {
 public:
  Reader(FieldReader& fields) : fields_(fields) {}
  void operator()(const char* key, double& v) { fields_.read(key, v); }
  void operator()(const char* key, std::optional<double>& v) { fields_.read(key, v); }
  void operator()(const char* key, StepCount& v) { fields_.read(key, v.value); }
  void operator()(const char* key, bool& v) {
    const auto given = fields_.take(key);
    if (!given) return;
    if (!given->is_bool()) fields_.bad(key, "a boolean", *given);
    v = given->as_bool();
  }
  // Keras 2 writes null for a name that was not given.
  void operator()(const char* key, std::string& v) {
    const auto given = fields_.take(key);
    if (given && !given->is_null()) fields_.read(key, v);
  }
  template <class T>
  void operator()(const char* key, std::vector<T>& list) {
    const auto given = fields_.take(key);
    if (!given) return;
    const Json numbers = nn::unwrapped(*given);
    if (!numbers.is_array()) fields_.bad(key, "a list of numbers", *given);
    list.clear();
    for (const Json& number : numbers.elements()) {
      if (!number.is_finite()) fields_.bad(key, "a list of finite numbers", *given);
      list.push_back(number.as_double());
    }
  }

 private:
  FieldReader& fields_;
};

Json number(double v) { return v; }
// Whole numbers of steps are written as Keras's users write them.
Json number(StepCount n) {
  const bool whole = std::abs(n.value) < 1e15 && std::trunc(n.value) == n.value;
  return whole ? Json(static_cast<int64_t>(n.value)) : Json(n.value);
}

class Writer {
 public:
  template <class T>
  void operator()(const char* key, const T& v) {
    items_.emplace_back(key, v);
  }
  void operator()(const char* key, StepCount v) { items_.emplace_back(key, number(v)); }
  template <class T>
  void operator()(const char* key, const std::vector<T>& list) {
    std::vector<Json> numbers;
    for (const T& v : list) numbers.push_back(number(v));
    items_.emplace_back(key, Json::array(numbers));
  }
  Json object() const { return Json::object(items_); }

 private:
  std::vector<std::pair<std::string, Json>> items_;
};

// Every number must be finite.
class Checker {
 public:
  Checker(const Where& where) : where_(where) {}
  void operator()(const char* key, double v) {
    if (!std::isfinite(v)) bad(key, "a finite number", v);
  }
  void operator()(const char* key, const std::optional<double>& v) {
    if (v) (*this)(key, *v);
  }
  void operator()(const char* key, StepCount v) { (*this)(key, v.value); }
  void operator()(const char*, bool) {}
  void operator()(const char*, const std::string&) {}
  template <class T>
  void operator()(const char* key, const std::vector<T>& list) {
    for (const T& v : list) (*this)(key, v);
  }
  void positive(const char* key, StepCount n) {
    (*this)(key, n);
    if (!(n.value > 0)) bad(key, "positive", n.value);
  }
  template <class T>
  [[noreturn]] void bad(const char* key, const char* needed, const T& got) {
    throw ValueError(where_.message("`", key, "` must be ", needed, ". Received: ", key, "=", got));
  }

 private:
  const Where& where_;
};

float f(double v) { return static_cast<float>(v); }

// ---- the formulas of layers.md part 15, one class each ------------------------------------------

// steps / length, in whole lengths for a staircase.
float lengths(float step, StepCount length, bool staircase) {
  const float p = step / f(length.value);
  return staircase ? std::floor(p) : p;
}

float half_cosine(float done) { return 0.5f * (1.0f + std::cos(std::numbers::pi_v<float> * done)); }

struct Exponential {
  static constexpr const char* kName = "ExponentialDecay";
  using Options = ExponentialDecayOptions;
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("initial_learning_rate", o.initial_learning_rate);
    v("decay_steps", o.decay_steps);
    v("decay_rate", o.decay_rate);
    v("staircase", o.staircase);
    v("name", o.name);
  }
  static void check(const Options& o, Checker& c) { c.positive("decay_steps", o.decay_steps); }
  static float at(const Options& o, float step) {
    return f(o.initial_learning_rate) *
           std::pow(f(o.decay_rate), lengths(step, o.decay_steps, o.staircase));
  }
};

struct InverseTime {
  static constexpr const char* kName = "InverseTimeDecay";
  using Options = InverseTimeDecayOptions;
  template <class O, class V>
  static void fields(O& o, V& v) {
    Exponential::fields(o, v);
  }
  static void check(const Options& o, Checker& c) { c.positive("decay_steps", o.decay_steps); }
  static float at(const Options& o, float step) {
    return f(o.initial_learning_rate) /
           (1.0f + f(o.decay_rate) * lengths(step, o.decay_steps, o.staircase));
  }
};

struct Polynomial {
  static constexpr const char* kName = "PolynomialDecay";
  using Options = PolynomialDecayOptions;
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("initial_learning_rate", o.initial_learning_rate);
    v("decay_steps", o.decay_steps);
    v("end_learning_rate", o.end_learning_rate);
    v("power", o.power);
    v("cycle", o.cycle);
    v("name", o.name);
  }
  static void check(const Options& o, Checker& c) { c.positive("decay_steps", o.decay_steps); }
  static float at(const Options& o, float step) {
    float steps = f(o.decay_steps.value);
    if (o.cycle)
      steps *= step == 0 ? 1.0f : std::ceil(step / steps);
    else
      step = std::min(step, steps);
    const float end = f(o.end_learning_rate);
    return (f(o.initial_learning_rate) - end) * std::pow(1.0f - step / steps, f(o.power)) + end;
  }
};

struct Piecewise {
  static constexpr const char* kName = "PiecewiseConstantDecay";
  using Options = PiecewiseConstantDecayOptions;
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("boundaries", o.boundaries);
    v("values", o.values);
    v("name", o.name);
  }
  static void check(const Options& o, Checker& c) {
    const auto increasing = [](StepCount a, StepCount b) { return a.value >= b.value; };
    if (o.boundaries.empty() || o.boundaries.size() + 1 != o.values.size())
      c.bad("boundaries", "one fewer than `values`, and one at least",
            base::cat("a list of ", o.boundaries.size(), ", values=a list of ", o.values.size()));
    if (std::adjacent_find(o.boundaries.begin(), o.boundaries.end(), increasing) !=
        o.boundaries.end())
      c.bad("boundaries", "strictly increasing", Json::array(written(o.boundaries)).dump());
  }
  static std::vector<Json> written(const std::vector<StepCount>& list) {
    std::vector<Json> numbers;
    for (const StepCount n : list) numbers.push_back(number(n));
    return numbers;
  }
  static float at(const Options& o, float step) {
    size_t i = 0;
    while (i < o.boundaries.size() && double{step} > o.boundaries[i].value) ++i;
    return f(o.values[i]);
  }
};

struct Cosine {
  static constexpr const char* kName = "CosineDecay";
  using Options = CosineDecayOptions;
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("initial_learning_rate", o.initial_learning_rate);
    v("decay_steps", o.decay_steps);
    v("alpha", o.alpha);
    v("name", o.name);
    v("warmup_target", o.warmup_target);
    v("warmup_steps", o.warmup_steps);
  }
  static void check(const Options& o, Checker& c) {
    c.positive("decay_steps", o.decay_steps);
    if (o.warmup_steps.value < 0) c.bad("warmup_steps", "zero or positive", o.warmup_steps.value);
  }
  static float at(const Options& o, float step) {
    const float length = f(o.decay_steps.value), start = f(o.initial_learning_rate);
    const float warmup = o.warmup_target ? f(o.warmup_steps.value) : 0.0f;
    const float top = o.warmup_target ? f(*o.warmup_target) : start;
    step = std::min(step, length + warmup);
    if (step < warmup) return (top - start) * (step / warmup) + start;
    return top * (f(1 - o.alpha) * half_cosine((step - warmup) / length) + f(o.alpha));
  }
};

struct CosineRestarts {
  static constexpr const char* kName = "CosineDecayRestarts";
  using Options = CosineDecayRestartsOptions;
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("initial_learning_rate", o.initial_learning_rate);
    v("first_decay_steps", o.first_decay_steps);
    v("t_mul", o.t_mul);
    v("m_mul", o.m_mul);
    v("alpha", o.alpha);
    v("name", o.name);
  }
  static void check(const Options& o, Checker& c) {
    c.positive("first_decay_steps", o.first_decay_steps);
    if (!(o.t_mul > 0)) c.bad("t_mul", "positive", o.t_mul);
  }
  static float at(const Options& o, float step) {
    const float t_mul = f(o.t_mul), alpha = f(o.alpha);
    float done = step / f(o.first_decay_steps.value), restarts;
    if (t_mul == 1) {
      restarts = std::floor(done);
      done -= restarts;
    } else {
      restarts = std::floor(std::log(1.0f - done * (1.0f - t_mul)) / std::log(t_mul));
      const float length = std::pow(t_mul, restarts);
      done = (done - (1.0f - length) / (1.0f - t_mul)) / length;
    }
    const float height = std::pow(f(o.m_mul), restarts);
    return f(o.initial_learning_rate) * ((1.0f - alpha) * (height * half_cosine(done)) + alpha);
  }
};

template <class Formula>
class Concrete : public Schedule {
 public:
  using Options = typename Formula::Options;
  explicit Concrete(Options o) : o_(std::move(o)) {
    const Where where{Formula::kName, o_.name == Formula::kName ? "" : o_.name};
    Checker checker(where);
    Formula::fields(o_, checker);
    Formula::check(o_, checker);
  }
  float at(float step) const override { return Formula::at(o_, step); }
  Json config() const override {
    Writer writer;
    Formula::fields(o_, writer);
    return nn::to_config("keras.optimizers.schedules", Formula::kName, writer.object());
  }
  static std::shared_ptr<const Schedule> read(FieldReader& fields) {
    Options o;
    Reader reader(fields);
    Formula::fields(o, reader);
    fields.finish();
    return std::make_shared<Concrete>(std::move(o));
  }

 private:
  Options o_;
};

struct Row {
  const char* name;
  std::shared_ptr<const Schedule> (*read)(FieldReader&);
};
template <class Formula>
constexpr Row row() {
  return {Formula::kName, &Concrete<Formula>::read};
}
constexpr Row kRows[] = {row<Exponential>(), row<InverseTime>(), row<Polynomial>(),
                         row<Piecewise>(),   row<Cosine>(),      row<CosineRestarts>()};

nn::Functions<LearningRate::Function>& own_functions() {
  static nn::Functions<LearningRate::Function> functions;
  return functions;
}

}  // namespace
}  // namespace train

LearningRate::LearningRate(double value) : value_(static_cast<float>(value)) {}

LearningRate::LearningRate(std::string name, Function function)
    : name_(std::move(name)), function_(std::move(function)) {
  if (!function_)
    throw ValueError(base::cat("`learning_rate` must be a number, a schedule or a function. ",
                               "Received: an empty function ", base::quoted(name_)));
}

LearningRate::LearningRate(std::shared_ptr<const train::Schedule> schedule)
    : schedule_(std::move(schedule)) {}

LearningRate LearningRate::from_config(const Json& config, const Where& where) {
  constexpr const char* kWhat = "learning rate schedule";
  const Json value = nn::unwrapped(config);
  if (value.is_number()) {
    const LearningRate rate(value.as_double());
    rate.check(where);
    return rate;
  }
  const nn::KerasObject object = nn::keras_object(value, kWhat, where);
  const auto& own = train::own_functions();
  if (const auto it = own.find(object.name); it != own.end()) return {it->first, it->second};
  for (const train::Row& row : train::kRows)
    if (!object.custom && object.name == row.name) {
      FieldReader fields(object.config, row.name, where);
      return row.read(fields);
    }
  nn::throw_unknown(kWhat, object.name, config, where);
}

Json LearningRate::config() const {
  if (schedule_) return schedule_->config();
  if (function_) return nn::function_config(name_);
  return double{value_};
}

void LearningRate::check(const Where& where) const {
  if (!is_schedule() && !std::isfinite(value_))
    throw ValueError(
        where.message("`learning_rate` must be a finite number. Received: learning_rate=", value_));
}

double LearningRate::at(int64_t step) const {
  if (schedule_) return schedule_->at(static_cast<float>(step));
  if (function_) return static_cast<float>(function_(step));
  return value_;
}

void register_learning_rate(const std::string& name, LearningRate::Function function) {
  train::own_functions()[name] = std::move(function);
}

namespace schedules {

template <class Formula>
static LearningRate make(typename Formula::Options o) {
  std::shared_ptr<const train::Schedule> schedule =
      std::make_shared<train::Concrete<Formula>>(std::move(o));
  return schedule;
}

LearningRate ExponentialDecay(ExponentialDecayOptions o) {
  return make<train::Exponential>(std::move(o));
}
LearningRate InverseTimeDecay(InverseTimeDecayOptions o) {
  return make<train::InverseTime>(std::move(o));
}
LearningRate PolynomialDecay(PolynomialDecayOptions o) {
  return make<train::Polynomial>(std::move(o));
}
LearningRate PiecewiseConstantDecay(PiecewiseConstantDecayOptions o) {
  return make<train::Piecewise>(std::move(o));
}
LearningRate CosineDecay(CosineDecayOptions o) { return make<train::Cosine>(std::move(o)); }
LearningRate CosineDecayRestarts(CosineDecayRestartsOptions o) {
  return make<train::CosineRestarts>(std::move(o));
}

}  // namespace schedules
}  // namespace cornu
