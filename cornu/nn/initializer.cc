#include "cornu/nn/initializer.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "cornu/nn/field_reader.h"
#include "cornu/nn/fill.h"

namespace cornu {
namespace {

using base::Json;
using nn::FieldReader;
using nn::Where;

enum class Kind {
  kConstant,
  kUniform,
  kNormal,
  kTruncated,
  kScaling,
  kOrthogonal,
  kIdentity,
};

// One initializer of layers.md 7.2. a and b are its numbers with their defaults, a_key and b_key
// what configurations call them (null: fixed).
struct Row {
  const char* name;
  const char* class_name;
  Kind kind;
  const char* a_key;
  double a;
  const char* b_key = nullptr;
  double b = 0;
  const char* mode = "";
  const char* distribution = "";

  bool random() const { return kind != Kind::kConstant && kind != Kind::kIdentity; }
  bool free_scaling() const { return kind == Kind::kScaling && a_key; }
};

constexpr const char* kTruncatedNormal = "truncated_normal";

constexpr Row kRows[] = {
    {"zeros", "Zeros", Kind::kConstant, nullptr, 0},
    {"ones", "Ones", Kind::kConstant, nullptr, 1},
    {"constant", "Constant", Kind::kConstant, "value", 0},
    {"random_uniform", "RandomUniform", Kind::kUniform, "minval", -0.05, "maxval", 0.05},
    {"random_normal", "RandomNormal", Kind::kNormal, "mean", 0, "stddev", 0.05},
    {"truncated_normal", "TruncatedNormal", Kind::kTruncated, "mean", 0, "stddev", 0.05},
    {"variance_scaling", "VarianceScaling", Kind::kScaling, "scale", 1, nullptr, 0, "fan_in",
     kTruncatedNormal},
    {"glorot_uniform", "GlorotUniform", Kind::kScaling, nullptr, 1, nullptr, 0, "fan_avg",
     "uniform"},
    {"glorot_normal", "GlorotNormal", Kind::kScaling, nullptr, 1, nullptr, 0, "fan_avg",
     kTruncatedNormal},
    {"he_uniform", "HeUniform", Kind::kScaling, nullptr, 2, nullptr, 0, "fan_in", "uniform"},
    {"he_normal", "HeNormal", Kind::kScaling, nullptr, 2, nullptr, 0, "fan_in", kTruncatedNormal},
    {"lecun_uniform", "LecunUniform", Kind::kScaling, nullptr, 1, nullptr, 0, "fan_in", "uniform"},
    {"lecun_normal", "LecunNormal", Kind::kScaling, nullptr, 1, nullptr, 0, "fan_in",
     kTruncatedNormal},
    {"orthogonal", "Orthogonal", Kind::kOrthogonal, "gain", 1},
    {"identity", "Identity", Kind::kIdentity, "gain", 1},
};

struct Alias {
  const char* name;
  const char* other;
};
constexpr Alias kAliases[] = {
    {"zeros", "zero"},
    {"ones", "one"},
    {"random_uniform", "uniform"},
    {"random_normal", "normal"},
    // What Keras 3.0 and later call these two classes.
    {"orthogonal", "OrthogonalInitializer"},
    {"orthogonal", "orthogonal_initializer"},
    {"identity", "IdentityInitializer"},
    {"identity", "identity_initializer"},
};

const Row* find_row(std::string_view name) {
  for (const Alias& alias : kAliases)
    if (name == alias.other) name = alias.name;
  for (const Row& row : kRows)
    if (name == row.name || name == row.class_name) return &row;
  return nullptr;
}

nn::Functions<Initializer::Function>& own_functions() {
  static nn::Functions<Initializer::Function> functions;
  return functions;
}

// ---- numbers ------------------------------------------------------------------------------------

struct Scaling {
  double scale;
  const std::string& mode;
  const std::string& distribution;
};

void fill_scaled(Tensor* t, uint64_t key, const Scaling& s) {
  const nn::Fans fans = nn::fans(t->shape());
  const double fan = s.mode == "fan_in"    ? fans.in
                     : s.mode == "fan_out" ? fans.out
                                           : (fans.in + fans.out) / 2;
  const double variance = s.scale / std::max(1.0, fan);
  // Truncation to two deviations leaves this much of a standard deviation.
  constexpr double kTruncatedStddev = 0.87962566103423978;
  if (s.distribution == "uniform") {
    const double limit = std::sqrt(3 * variance);
    nn::fill_uniform(t, key, -limit, limit);
  } else if (s.distribution == kTruncatedNormal) {
    nn::fill_truncated(t, key, 0, std::sqrt(variance) / kTruncatedStddev);
  } else {
    nn::fill_normal(t, key, 0, std::sqrt(variance));
  }
}

// ---- reading ------------------------------------------------------------------------------------

// Nested lists of numbers, as NumPy writes an array: the shape is what the first elements say.
Tensor tensor_of(const FieldReader& fields, const Json& lists, const Json& received) {
  constexpr const char* kNeeded = "a finite number or nested lists of them";
  Shape shape;
  for (Json v = lists; v.is_array(); v = v.empty() ? Json() : v[0])
    shape.push_back(static_cast<int64_t>(v.size()));
  std::vector<float> values;
  // Depth first; each open list with how deep it is.
  std::vector<std::pair<Json, int64_t>> open = {{lists, 0}};
  while (!open.empty()) {
    const auto [v, depth] = open.back();
    open.pop_back();
    if (v.is_array()) {
      if (depth >= shape.rank() || static_cast<int64_t>(v.size()) != shape[depth])
        fields.bad("value", kNeeded, received);
      for (size_t i = v.size(); i-- > 0;) open.emplace_back(v[i], depth + 1);
    } else {
      if (!v.is_finite() || depth != shape.rank()) fields.bad("value", kNeeded, received);
      values.push_back(static_cast<float>(v.as_double()));
    }
  }
  return Tensor(shape, values);
}

Json lists_of(const Tensor& t) {
  std::vector<Json> level(t.values().begin(), t.values().end());
  for (int64_t axis = t.shape().rank(); axis-- > 0;) {
    std::vector<Json> outer;
    const auto length = static_cast<size_t>(t.shape()[axis]);
    int64_t count = 1;
    for (int64_t i = 0; i < axis; ++i) count *= t.shape()[i];
    for (size_t i = 0; i < static_cast<size_t>(count); ++i)
      outer.push_back(Json::array(std::span(level).subspan(i * length, length)));
    level = std::move(outer);
  }
  return level.empty() ? Json::array({}) : level[0];
}

void check_finite(const Where& where, const Row& row, const char* key, double value) {
  if (key && !std::isfinite(value))
    throw ValueError(where.message("initializer ", row.class_name, ": `", key,
                                   "` must be a finite number. Received: ", key, "=", value));
}

void check_one_of(const Where& where, const Row& row, const char* key, const std::string& value,
                  std::initializer_list<const char*> allowed) {
  std::string list;
  for (const char* word : allowed) {
    if (value == word) return;
    list += base::cat(list.empty() ? "" : ", ", base::quoted(word));
  }
  throw ValueError(where.message("initializer ", row.class_name, ": `", key, "` must be one of ",
                                 list, ". Received: ", key, "=", base::quoted(value)));
}

}  // namespace

// ---- the class ----------------------------------------------------------------------------------

// Makes initializers of a row with other numbers than its defaults.
struct InitializerAccess {
  static Initializer make(const char* name, double a, double b = 0,
                          std::optional<int64_t> seed = {}) {
    Initializer i(name);
    i.a_ = a;
    i.b_ = b;
    i.seed_ = seed;
    return i;
  }
  static Initializer seeded(const char* name, const SeedOptions& o) {
    Initializer i(name);
    i.seed_ = o.seed;
    return i;
  }
  static void set_scaling(Initializer* i, std::string mode, const std::string& distribution) {
    i->mode_ = std::move(mode);
    i->distribution_ = base::lower(distribution);
    // What Keras 2.0-2.2 calls it.
    if (i->distribution_ == "normal") i->distribution_ = kTruncatedNormal;
  }
  static Initializer read(const Row& row, const Json& config, const Where& where);
};

Initializer InitializerAccess::read(const Row& row, const Json& config, const Where& where) {
  Initializer i(row.name);
  FieldReader fields(config, base::cat("initializer ", row.class_name), where);
  fields.ignore({"dtype"});
  if (row.kind == Kind::kConstant && row.a_key) {
    if (const auto v = fields.take(row.a_key)) {
      const Json value = nn::unwrapped(*v);
      if (value.is_array())
        i = Initializer(tensor_of(fields, value, *v));
      else
        fields.read(row.a_key, i.a_);
    }
  } else {
    if (row.a_key) fields.read(row.a_key, i.a_);
    if (row.b_key) fields.read(row.b_key, i.b_);
  }
  if (row.free_scaling()) {
    fields.read("mode", i.mode_);
    fields.read("distribution", i.distribution_);
    set_scaling(&i, i.mode_, i.distribution_);
  }
  if (row.random()) fields.read_seed("seed", i.seed_);
  fields.finish();
  i.check(where);
  return i;
}

Initializer::Initializer(std::string name) : name_(std::move(name)) {
  if (const Row* row = find_row(name_)) {
    name_ = row->name;
    a_ = row->a;
    b_ = row->b;
    mode_ = row->mode;
    distribution_ = row->distribution;
  } else if (const auto own = own_functions().find(name_); own != own_functions().end()) {
    function_ = own->second;
  }
}

Initializer::Initializer(Tensor values) : name_("constant"), values_(std::move(values)) {}

Initializer::Initializer(std::string name, Function function)
    : name_(std::move(name)), function_(std::move(function)) {}

Initializer Initializer::from_config(const Json& config, const Where& where) {
  const nn::KerasObject object = nn::keras_object(config, "initializer", where);
  if (!object.custom)
    if (const Row* row = find_row(object.name))
      return InitializerAccess::read(*row, object.config, where);
  const auto own = own_functions().find(object.name);
  if (own == own_functions().end()) nn::throw_unknown("initializer", object.name, config, where);
  return Initializer(object.name, own->second);
}

Json Initializer::config() const {
  if (values_) {
    const Json array = Json::object(
        {{"class_name", "__numpy__"},
         {"config", Json::object({{"value", lists_of(*values_)}, {"dtype", "float32"}})}});
    return nn::to_config("keras.initializers", "Constant", Json::object({{"value", array}}));
  }
  const Row* row = function_ ? nullptr : find_row(name_);
  if (!row) return nn::function_config(name_);
  std::vector<std::pair<std::string, Json>> items;
  if (row->random()) items.emplace_back("seed", seed_);
  if (row->a_key) items.emplace_back(row->a_key, a_);
  if (row->b_key) items.emplace_back(row->b_key, b_);
  if (row->free_scaling()) {
    items.emplace_back("mode", mode_);
    items.emplace_back("distribution", distribution_);
  }
  return nn::to_config("keras.initializers", row->class_name, Json::object(items));
}

void Initializer::check(const Where& where) const {
  if (function_ || values_) return;
  const Row* row = find_row(name_);
  if (!row) nn::throw_unknown("initializer", name_, name_, where);
  check_finite(where, *row, row->a_key, a_);
  check_finite(where, *row, row->b_key, b_);
  if (!row->free_scaling()) return;
  if (a_ <= 0)
    throw ValueError(
        where.message("initializer VarianceScaling: `scale` must be positive. "
                      "Received: scale=",
                      a_));
  check_one_of(where, *row, "mode", mode_, {"fan_in", "fan_out", "fan_avg"});
  check_one_of(where, *row, "distribution", distribution_,
               {kTruncatedNormal, "untruncated_normal", "uniform"});
}

Tensor Initializer::make(const Shape& shape, const Where& where) const {
  return prepare(shape, where)();
}

std::function<Tensor()> Initializer::prepare(const Shape& shape, const Where& where) const {
  if (values_ || function_) {
    Tensor t = values_ ? *values_ : function_(shape);
    if (t.shape() != shape)
      throw ValueError(where.message("initializer ", base::quoted(name_), " gives shape ",
                                     t.shape(), ", but the weight has shape ", shape));
    return [t = std::move(t)] { return t; };
  }
  check(where);
  const Row& row = *find_row(name_);
  const auto need = [&](bool fits, const char* ranks) {
    if (!fits)
      throw ValueError(where.message("initializer ", row.class_name, " needs a weight of rank ",
                                     ranks, ". Received: shape=", shape));
  };
  need(row.kind != Kind::kIdentity || shape.rank() == 2, "2");
  need(row.kind != Kind::kOrthogonal || shape.rank() >= 2, "2 or more");
  const uint64_t key = !row.random() ? 0
                       : seed_       ? static_cast<uint64_t>(*seed_)
                                     : base::next_seed();
  return [self = *this, shape, key] { return self.fill(shape, key); };
}

Tensor Initializer::fill(const Shape& shape, uint64_t key) const {
  const Row& row = *find_row(name_);
  Tensor t(shape);
  switch (row.kind) {
    case Kind::kConstant:
      std::fill(t.values().begin(), t.values().end(), static_cast<float>(a_));
      break;
    case Kind::kUniform:
      nn::fill_uniform(&t, key, a_, b_);
      break;
    case Kind::kNormal:
      nn::fill_normal(&t, key, a_, b_);
      break;
    case Kind::kTruncated:
      nn::fill_truncated(&t, key, a_, b_);
      break;
    case Kind::kScaling:
      fill_scaled(&t, key, {a_, mode_, distribution_});
      break;
    case Kind::kOrthogonal:
      nn::fill_orthogonal(&t, key, a_);
      break;
    case Kind::kIdentity:
      for (int64_t i = 0; i < std::min(shape[0], shape[1]); ++i)
        t.data()[i * shape[1] + i] = static_cast<float>(a_);
      break;
  }
  return t;
}

void register_initializer(const std::string& name, Initializer::Function function) {
  if (find_row(name))
    throw ValueError(base::cat("register_initializer: ", base::quoted(name),
                               " is an initializer of Keras and cannot be replaced"));
  own_functions()[name] = std::move(function);
}

namespace initializers {

using Access = InitializerAccess;

Initializer Zeros() { return "zeros"; }
Initializer Ones() { return "ones"; }
Initializer Constant(ConstantOptions o) { return Access::make("constant", o.value); }
Initializer RandomUniform(RandomUniformOptions o) {
  return Access::make("random_uniform", o.minval, o.maxval, o.seed);
}
Initializer RandomNormal(RandomNormalOptions o) {
  return Access::make("random_normal", o.mean, o.stddev, o.seed);
}
Initializer TruncatedNormal(RandomNormalOptions o) {
  return Access::make("truncated_normal", o.mean, o.stddev, o.seed);
}
Initializer VarianceScaling(VarianceScalingOptions o) {
  Initializer i = Access::make("variance_scaling", o.scale, 0, o.seed);
  Access::set_scaling(&i, o.mode, o.distribution);
  return i;
}
Initializer GlorotUniform(SeedOptions o) { return Access::seeded("glorot_uniform", o); }
Initializer GlorotNormal(SeedOptions o) { return Access::seeded("glorot_normal", o); }
Initializer HeUniform(SeedOptions o) { return Access::seeded("he_uniform", o); }
Initializer HeNormal(SeedOptions o) { return Access::seeded("he_normal", o); }
Initializer LecunUniform(SeedOptions o) { return Access::seeded("lecun_uniform", o); }
Initializer LecunNormal(SeedOptions o) { return Access::seeded("lecun_normal", o); }
Initializer Orthogonal(OrthogonalOptions o) {
  return Access::make("orthogonal", o.gain, 0, o.seed);
}
Initializer Identity(IdentityOptions o) { return Access::make("identity", o.gain); }

}  // namespace initializers
}  // namespace cornu
