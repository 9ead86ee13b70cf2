#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/formats/keras_weights.h"

namespace cornu::formats {

// "model/conv2d/kernel" -> "conv2d/kernel": the layer and its weight, whatever it is in.
inline std::string_view last_two_parts(std::string_view path) {
  const size_t last = path.rfind('/');
  if (last == path.npos || last == 0) return path;
  const size_t before = path.rfind('/', last - 1);
  return before == path.npos ? path : path.substr(before + 1);
}

// Keras 2 let names of layers have slashes ("conv1/conv" in its DenseNet), which Keras 3 refuses:
// such a layer's name here.
inline std::string own_name(std::string_view stored) {
  std::string name(stored);
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

// What readers of weights have in common: nothing is assigned before all has been read, and what
// does not fit is an error or, with skip_mismatch, a warning.
class WeightReader {
 public:
  WeightReader(const LoadWeightsOptions& o, const std::string& label,
               std::vector<std::string>& warnings)
      : options_(o), label_(label), warnings_(warnings) {}
  // Assigns what was read.
  void finish() {
    for (auto& [variable, value] : read_) variable->assign(std::move(value));
  }

 protected:
  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(base::cat(label_, ": ", what));
  }
  void mismatch(const std::string& what) {
    if (!options_.skip_mismatch) fail(what);
    warnings_.push_back(base::cat(label_, ": ", what, "; these weights are left as they are"));
  }
  // Weights that a model of Keras has beside those of its layers. Keras makes a model of its
  // configuration without them, and so does this library.
  void leave_out(size_t own_weights, const std::string& model) {
    if (own_weights > 0)
      warnings_.push_back(base::cat(label_, ": the model ", base::quoted(model), " has ",
                                    own_weights, " weights of its own, which are of no layer; ",
                                    "they are left out"));
  }
  void add(const std::shared_ptr<Variable>& variable, Tensor value, const std::string& what) {
    warn_if_not_finite(value, base::cat(label_, ": ", what), warnings_);
    read_.emplace_back(variable, std::move(value));
  }

  const LoadWeightsOptions& options_;
  const std::string& label_;
  std::vector<std::string>& warnings_;

 private:
  std::vector<std::pair<std::shared_ptr<Variable>, Tensor>> read_;
};

}  // namespace cornu::formats
