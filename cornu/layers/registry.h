#pragma once

#include <functional>
#include <map>
#include <string>

#include "cornu/base/text.h"
#include "cornu/layers/config.h"

namespace cornu {

// Makes a layer from the "config" object of a file. Throws ValueError for bad values.
using LayerFactory = std::function<Layer(const base::Json& config)>;

// Makes a class of your own known to the readers of files, under the class name (or
// "package>Name") that the file uses. Later registrations of a name replace earlier ones; Keras's
// own names cannot be replaced (ValueError). Not to be called while another thread loads.
CORNU_API void register_layer(const std::string& class_name, LayerFactory factory);

namespace layers {

// Class name -> how to make it. An explicit list on purpose (registry.cc): a static object per
// layer would be dropped by the linker of a static library.
class Registry {
 public:
  using Load = Layer (*)(const std::string& class_name, const base::Json& config,
                         const Dialect& dialect);
  template <class Derived>
  void add(const std::string& class_name) {
    rows_[class_name] = &load<Derived>;
  }
  void add(const std::string& class_name, Load how) { rows_[class_name] = how; }
  // The classes for 1, 2, … spatial axes: add_each<A, B>("Conv", "D") names them Conv1D and Conv2D.
  template <class... Derived>
  void add_each(const char* stem, const char* end) {
    int axes = 0;
    (add<Derived>(base::cat(stem, ++axes, end)), ...);
  }
  // Another name for a class that is there already ("Convolution2D").
  void alias(const char* other, const char* class_name) { aliases_[other] = class_name; }

  // The row and the class name it is for, aliases resolved; null for an unknown class.
  Load find(const std::string& class_name, std::string* canonical) const;
  std::vector<std::string> class_names() const;  // without the aliases, sorted
  const auto& aliases() const { return aliases_; }

 private:
  std::map<std::string, Load, std::less<>> rows_;
  std::map<std::string, std::string, std::less<>> aliases_;
};

const Registry& registry();

// A layer from a file: Keras's classes, then the user's own. ValueError naming the class when
// nobody knows it; a class that is refused by decision (Lambda) says why.
CORNU_API Layer layer_from_config(const std::string& class_name, const base::Json& config,
                                  const Dialect& dialect);

// True for an object whose "module" is there and is none of Keras's: a class of the writer's own,
// even where it bears the name of one of Keras's.
bool is_foreign(const base::Json& object);

// What an object of a file ({"class_name", "config", …}) is registered as. A class of Keras's own
// goes by its class name alone, anything else by its registered_name ("package>Name"): its module
// is looked at, never imported (formats.md 4.2). ValueError for an object without a class_name.
std::string registered_class(const base::Json& object);
// The classes that are models: "Sequential", "Functional", and "Model" of Keras 2.
bool is_network_class(std::string_view class_name);
// A layer from such an object; also a model, where the dialect can build them. ValueError, beside
// layer_from_config's, for a foreign class that bears the name of one of Keras's: its numbers would
// be others.
Layer layer_from_object(const base::Json& object, const Dialect& dialect);
// That object as Keras 3 writes it: module, class_name, config, registered_name. `config`: what to
// write instead of full_config().
base::Json layer_object(const LayerImpl& layer);
base::Json layer_object(const LayerImpl& layer, const base::Json& config);

template <class Derived>
Layer make(const char* class_name, typename Derived::Options o) {
  return Layer(std::make_shared<Derived>(class_name, std::move(o), Origin::kCode));
}

}  // namespace layers
}  // namespace cornu
