#pragma once

// Reading the configurations of files of every generation: what the readers of initializers,
// regularizers, constraints and activations share.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/base/json.h"
#include "cornu/nn/where.h"

namespace cornu::nn {

// A configuration value in a message: as JSON, cut where it is long.
std::string shown(const base::Json& v);

// What older writers wrapped: the list in {"class_name": "__tuple__" or "TensorShape", "items":
// […]}, the numbers in {"class_name": "__numpy__", "config": {"value": …}} and {"type": "ndarray",
// "value": …}.
// Anything else as it is.
CORNU_API base::Json unwrapped(const base::Json& v);

// True for null, false and empty values: an argument that says nothing may be ignored.
bool says_nothing(const base::Json& v);

// The fields of one configuration object. A missing key leaves the field alone; a value of the
// wrong type or a number that is not finite throws ValueError naming layer, object, argument and
// value: "Conv2D 'c': initializer RandomNormal: `mean` must be a finite number. Received:
// mean=NaN".
class FieldReader {
 public:
  // `object` is "initializer RandomNormal". ValueError unless `config` is an object or null.
  FieldReader(base::Json config, std::string object, const Where& where);

  void read(const char* key, double& field);
  void read(const char* key, std::optional<double>& field);  // or null
  void read(const char* key, std::string& field);
  void read(const char* key, std::vector<int64_t>& field);  // a list, one int, null is empty
  // An int, null, or Keras 3's SeedGenerator object.
  void read_seed(const char* key, std::optional<int64_t>& field);
  // The value of a key that the caller reads by itself.
  std::optional<base::Json> take(const char* key);
  void ignore(std::initializer_list<const char*> keys) { seen_.insert(keys.begin(), keys.end()); }
  // ValueError for keys that nobody asked for, unless their value says nothing.
  void finish() const;
  [[noreturn]] void bad(const char* key, const char* needed, const base::Json& got) const;

 private:
  base::Json config_;
  std::string object_;
  const Where& where_;
  std::set<std::string, std::less<>> seen_;
};

// An object as files hold it: a name alone, or {"class_name", "config"} with or without Keras 3's
// "module" and "registered_name".
struct KerasObject {
  std::string name;     // the string, the class name, or the name of a function
  base::Json config;    // an object, or null for a name alone
  bool custom = false;  // says of itself that it does not come from Keras
};
// `kind` is "initializer". ValueError for what is neither.
KerasObject keras_object(const base::Json& v, const char* kind, const Where& where);

// {"module": "keras.initializers", "class_name": …, "config": …, "registered_name": null}.
base::Json to_config(const char* module, const char* class_name, const base::Json& config);
// How Keras 3 writes a user's own function.
base::Json function_config(const std::string& name);

// "Conv2D 'c': unknown initializer 'foo'. Received: …"
[[noreturn]] void throw_unknown(const char* kind, const std::string& name,
                                const base::Json& received, const Where& where);

// Functions of the user's own by name. Not for several threads at once.
template <class Function>
using Functions = std::map<std::string, Function, std::less<>>;

}  // namespace cornu::nn
