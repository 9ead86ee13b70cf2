#pragma once

// One list of fields per layer: a class names its configuration once, in Keras's order, in
//
//   template <class O, class V>
//   static void fields(O& o, V& v) { v("units", o.units); v("use_bias", o.use_bias); … }
//
// and that list reads the layer from a file (ConfigReader), writes it (ConfigWriter) and lets a
// test compare the order with Keras's.

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cornu/layers/arguments.h"
#include "cornu/layers/layer.h"
#include "cornu/nn/activation.h"
#include "cornu/nn/field_reader.h"

namespace cornu::layers {

// Where a layer comes from. Files may hold what the constructor refuses (layers.md D4, D5).
enum class Origin { kCode, kFile };

// What the file's keras_version changes in the meaning of a configuration (layers.md 20.5).
struct Dialect {
  bool keras2_hard_sigmoid = false;  // clip(0.2 x + 0.5), before Keras 3
  bool legacy_bilinear = false;      // corner-origin sampling, stand-alone Keras 2.0-2.3
  // Makes what a layer of the file holds (TimeDistributed) from its {"class_name", "config", …}: it
  // may be a model, and models are made above layers, or a layer that the file has elsewhere too.
  // Empty: only layers of its own.
  std::function<Layer(const base::Json& object)> held = {};
  Origin origin = Origin::kFile;  // kCode: only what a program may make is taken
};

// Reads fields out of a layer's configuration. A missing key keeps the option's default; a value of
// the wrong type throws ValueError naming layer, argument and value.
class CORNU_API ConfigReader {
 public:
  ConfigReader(base::Json config, std::string class_name, Dialect dialect);

  template <class T>
  void operator()(const char* key, T& field) {
    seen_.insert(key);
    if (const std::optional<base::Json> value = config_.find(key))
      read(key, nn::unwrapped(*value), field);
  }
  // Another name that older writers use for a field. Never written.
  template <class T>
  void also(const char* key, T& field) {
    (*this)(key, field);
  }
  // One integer, not even a list of one: anything else throws TypeError (UpSampling1D, layers.md
  // D35).
  void only_int(const char* key, Int& field);
  // A field that is written only where it is set.
  template <class T>
  void if_set(const char* key, T& field) {
    (*this)(key, field);
  }
  // Borders that may also come as a dictionary with these keys, a missing one being 0 (layers.md
  // D8): before and after of each axis in turn.
  template <size_t N>
  void borders(const char* key, Borders<N>& field, std::initializer_list<const char*> names) {
    seen_.insert(key);
    if (const auto value = config_.find(key)) read_borders(key, *value, field.v, names);
  }
  // Keys that older writers add and that mean nothing here.
  void ignore(std::initializer_list<const char*> keys) { seen_.insert(keys.begin(), keys.end()); }

  // name, trainable, dtype, the input shape and, where the options have one, activity_regularizer.
  template <class Options>
  void common(Options& o) {
    read_common(o.name, o.dtype, o.input_shape);
    (*this)("trainable", o.trainable);
    if constexpr (requires { o.activity_regularizer; })
      (*this)("activity_regularizer", o.activity_regularizer);
  }
  // Throws ValueError for keys that nobody asked for, unless their value says nothing (null, false,
  // empty, groups = 1).
  void finish() const;

  const nn::Where& where() const { return where_; }
  const Dialect& dialect() const { return dialect_; }

 private:
  void read(const char* key, const base::Json& v, bool& field) const;
  void read(const char* key, const base::Json& v, Int& field) const;
  void read(const char* key, const base::Json& v, int64_t& field) const;
  void read(const char* key, const base::Json& v, double& field) const;
  void read(const char* key, const base::Json& v, std::string& field) const;
  void read(const char* key, const base::Json& v, std::vector<int64_t>& field) const;  // or one int
  void read(const char* key, const base::Json& v, Shape& field) const;  // null is unknown
  void read(const char* key, const base::Json& v, ActivationFunction& field) const;
  void read(const char* key, const base::Json& v, Initializer& field) const;
  void read(const char* key, const base::Json& v, Regularizer& field) const;
  void read(const char* key, const base::Json& v, Constraint& field) const;
  void read(const char* key, const base::Json& v, std::vector<double>& field) const;
  template <class T>
  void read(const char* key, const base::Json& v, std::optional<T>& field) const {
    field.reset();
    if (!v.is_null()) read(key, v, field.emplace());
  }
  template <class T>
  void read(const char* key, const base::Json& v, OneOrMore<T>& field) const {
    field = {};
    if (v.is_null()) return;
    field.list = v.is_array();
    read(key, v, field.v);
  }
  template <size_t N>
  void read(const char* key, const base::Json& v, Ints<N>& field) const {
    read_ints(key, v, field.v);
  }
  template <size_t N>
  void read(const char* key, const base::Json& v, OptionalInts<N>& field) const {
    field.value.reset();
    if (!v.is_null()) read(key, v, field.value.emplace(0));
  }
  template <size_t N>
  void read(const char* key, const base::Json& v, Borders<N>& field) const {
    read_borders(key, v, field.v, {});
  }
  void read_ints(const char* key, const base::Json& v, std::span<int64_t> field) const;
  void read_borders(const char* key, const base::Json& v, std::span<Pair> field,
                    std::initializer_list<const char*> names) const;
  void read_common(std::string& name, std::string& dtype, Shape& input_shape);
  [[noreturn]] void bad(const char* key, const std::string& needed, const base::Json& got) const;

  base::Json config_;
  nn::Where where_;
  Dialect dialect_;
  std::set<std::string, std::less<>> seen_;
};

// Writes fields as Keras does.
class CORNU_API ConfigWriter {
 public:
  template <class T>
  void operator()(const char* key, const T& field) {
    items_.emplace_back(key, json(field));
    places_.push_back(reinterpret_cast<uintptr_t>(&field));
  }
  template <class T>
  void also(const char*, const T&) {}
  void only_int(const char* key, const Int& field) { (*this)(key, field); }
  template <class T>
  void if_set(const char* key, const T& field) {
    if (field) (*this)(key, field);
  }
  template <size_t N>
  void borders(const char* key, const Borders<N>& field, std::initializer_list<const char*>) {
    (*this)(key, field);
  }
  void ignore(std::initializer_list<const char*>) {}
  base::Json take() { return base::Json::object(items_); }
  // The fields of one struct in the order of its members, each once.
  base::Json as_declared() const;

 private:
  static base::Json json(bool v) { return v; }
  static base::Json json(const Int& v) { return v.value; }
  static base::Json json(int64_t v) { return v; }
  static base::Json json(double v) { return v; }
  static base::Json json(const std::string& v) { return v; }
  static base::Json json(std::span<const int64_t> v);
  static base::Json json(const std::vector<int64_t>& v) { return json(std::span(v)); }
  static base::Json json(const std::vector<double>& v);
  static base::Json json(const Shape& v);
  static base::Json json(const ActivationFunction& v) { return v.config(); }
  static base::Json json(const Initializer& v) { return v.config(); }
  static base::Json json(const Regularizer& v) { return v.config(); }
  static base::Json json(const Constraint& v) { return v.config(); }
  static base::Json json_borders(std::span<const Pair> v);
  template <class T>
  static base::Json json(const std::optional<T>& v) {
    return v ? json(*v) : base::Json();
  }
  template <class T>
  static base::Json json(const OneOrMore<T>& v) {
    if (v.empty()) return {};
    return v.list ? json(v.v) : json(v.v[0]);
  }
  template <size_t N>
  static base::Json json(const Ints<N>& v) {
    return json(std::span<const int64_t>(v.v));
  }
  template <size_t N>
  static base::Json json(const OptionalInts<N>& v) {
    return v.value ? json(*v.value) : base::Json();
  }
  template <size_t N>
  static base::Json json(const Borders<N>& v) {
    return json_borders(v.v);
  }

  std::vector<std::pair<std::string, base::Json>> items_;
  std::vector<uintptr_t> places_;  // of the fields
};

// Checks the arguments that know how: activations, initializers, regularizers, constraints.
class ArgumentChecker {
 public:
  explicit ArgumentChecker(const nn::Where& where) : where_(where) {}
  template <class T>
  void operator()(const char*, const T& field) {
    if constexpr (requires { field.check(where_); }) field.check(where_);
  }
  template <size_t N>
  void borders(const char*, const Borders<N>&, std::initializer_list<const char*>) {}
  template <class T>
  void also(const char*, const T&) {}
  void only_int(const char*, const Int&) {}
  template <class T>
  void if_set(const char* key, const T& field) {
    (*this)(key, field);
  }
  void ignore(std::initializer_list<const char*>) {}

 private:
  const nn::Where& where_;
};

// The fields that end the list of a layer with a kernel and a bias. The activity_regularizer of
// some is one of the common fields instead.
template <class O, class V>
void kernel_and_bias_fields(O& o, V& v, bool with_activity_regularizer = true) {
  v("activation", o.activation);
  v("use_bias", o.use_bias);
  v("kernel_initializer", o.kernel_initializer);
  v("bias_initializer", o.bias_initializer);
  v("kernel_regularizer", o.kernel_regularizer);
  v("bias_regularizer", o.bias_regularizer);
  if (with_activity_regularizer) v("activity_regularizer", o.activity_regularizer);
  v("kernel_constraint", o.kernel_constraint);
  v("bias_constraint", o.bias_constraint);
}

template <class Options>
CommonOptions common_of(const Options& o) {
  CommonOptions common{o.name, o.trainable, o.dtype, o.input_shape};
  if constexpr (requires { o.activity_regularizer; })
    common.activity_regularizer = o.activity_regularizer;
  return common;
}

// A layer made of its options struct. Derived has the static fields() above; its constructor is
// Derived(std::string class_name, Options, Origin) and checks what ArgumentChecker does not.
template <class Derived, class OptionsType, class Base = OneToOneLayer>
class LayerWith : public Base {
 public:
  using Options = OptionsType;
  LayerWith(std::string class_name, Options o)
      : Base(std::move(class_name), common_of(o)), options_(std::move(o)) {
    ArgumentChecker checker(this->where());
    Derived::fields(std::as_const(options_), checker);
  }

  base::Json config() const override {
    ConfigWriter writer;
    Derived::fields(options_, writer);
    return writer.take();
  }
  base::Json declared_config() const override {
    ConfigWriter writer;
    Derived::fields(options_, writer);
    if constexpr (requires { options_.activity_regularizer; })
      writer("activity_regularizer", options_.activity_regularizer);
    return writer.as_declared();
  }
  const Options& options() const { return options_; }

 protected:
  Options options_;
};

// The whole configuration as Keras writes it: name, trainable, dtype, activity_regularizer where
// one is set, then the layer's own fields.
base::Json full_config(const LayerImpl& layer);
// The same around these own fields instead of layer.config().
base::Json full_config(const LayerImpl& layer, const base::Json& own);
// The "dtype" of that.
base::Json dtype_json(const LayerImpl& layer);

// How a class named in a file is made: one row of the registry.
template <class Derived>
Layer load(const std::string& class_name, const base::Json& config, const Dialect& dialect) {
  typename Derived::Options o;
  ConfigReader reader(config, class_name, dialect);
  reader.common(o);
  Derived::fields(o, reader);
  reader.finish();
  return Layer(std::make_shared<Derived>(class_name, std::move(o), dialect.origin));
}

}  // namespace cornu::layers
